import { Errno, errnoName } from './errno.ts'

export { Errno, errnoName }

/**
 * Why an operation of ringlink failed. Codes are the interface: they are stable, the texts are not.
 * Each class documents its own; all of them are listed in the README.
 */
export type ErrorCode = DecodeErrorCode | EncodeErrorCode | KernelErrorCode | TransportErrorCode | ClientErrorCode

/** Bytes that are not what they claim to be. */
export type DecodeErrorCode =
  /** the memory ends inside a header */
  | 'SHORT_HEADER'
  /** `nlmsg_len` is below its header's 16 bytes or beyond the memory */
  | 'MESSAGE_LENGTH'
  /** `nla_len` is below its header's 4 bytes or beyond what encloses it */
  | 'ATTRIBUTE_LENGTH'
  /** an attribute's payload is shorter or longer than its type allows */
  | 'ATTRIBUTE_SIZE'
  /** attributes nested deeper than the limit */
  | 'NESTED_DEPTH'
  /** more attributes in one message than the limit */
  | 'ATTRIBUTE_COUNT'
  /** an attribute that the message cannot do without is not there */
  | 'ATTRIBUTE_MISSING'
  /** a message of another type than the view reads */
  | 'MESSAGE_TYPE'
  /** an offset that is not a multiple of four */
  | 'UNALIGNED'
  /** a packet's header says something that its kind does not allow: another version, a length below its own */
  | 'PACKET_HEADER'

/** A value that cannot be written. */
export type EncodeErrorCode =
  /** the message does not fit into the memory it was to be written to */
  | 'NO_SPACE'
  /** a value outside the bounds of its attribute */
  | 'VALUE_RANGE'
  /** a name that the attribute set does not have */
  | 'ATTRIBUTE_UNKNOWN'

/** The kernel's own refusal. */
export type KernelErrorCode = 'KERNEL'

/** A transport's refusal or failure. */
export type TransportErrorCode =
  /** a system call failed; `errno` says how */
  | 'SYSTEM'
  /** the transport is closed */
  | 'CLOSED'
  /** somebody else is receiving from it already */
  | 'BUSY'
  /** all frames are in live batches or held */
  | 'NO_FREE_FRAMES'
  /** the outbox has no room for the message; flush it */
  | 'OUTBOX_FULL'
  /** a reservation without commit, or a commit without reservation */
  | 'OUTBOX_STATE'
  /** a batch, lease or view used after its release */
  | 'RELEASED'
  /** an argument outside its bounds */
  | 'ARGUMENT'
  /** this platform, kernel or transport cannot do it */
  | 'UNSUPPORTED'
  /** no memory-mapped ring can be had here; `probes` says what was tried, and how each failed */
  | 'RING_UNSUPPORTED'

/** The client's refusal or failure. */
export type ClientErrorCode =
  /** no answer within the time allowed */
  | 'TIMEOUT'
  /** the data changed while the kernel dumped it; the rows are in the error */
  | 'DUMP_INTERRUPTED'
  /** the packet has had its verdict */
  | 'VERDICT_GIVEN'
  /** the kernel has no NFQUEUE (nfnetlink_queue is not there) */
  | 'QUEUE_UNSUPPORTED'
  /** another socket owns the queue, or CAP_NET_ADMIN is missing */
  | 'QUEUE_REFUSED'
  /** the kernel has no NFLOG (nfnetlink_log is not there), or not an option of it */
  | 'LOG_UNSUPPORTED'
  /** another socket owns the log group, or CAP_NET_ADMIN is missing */
  | 'LOG_REFUSED'
  /** the kernel has no nf_tables, or not an expression that the rules need */
  | 'RULES_UNSUPPORTED'
  /** the kernel refused the rules: `rule` and `expression` say which part; nothing of them is installed */
  | 'RULES_REFUSED'
  /** a Worker of a fan-out failed or ended early */
  | 'WORKER_FAILED'

/** What every error of ringlink is. Recognise it by `code` ({@link isNetlinkError}), not by class: two copies of a package have two classes. */
export class NetlinkError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NetlinkError'
    this.code = code
  }
}

/** Bytes refused: `need` bytes (levels, attributes) were needed or allowed at `offset` of the memory, `have` were there. */
export class DecodeError extends NetlinkError {
  declare readonly code: DecodeErrorCode
  readonly offset: number
  readonly need: number
  readonly have: number

  constructor(code: DecodeErrorCode, what: string, at: { offset: number; need: number; have: number }) {
    super(code, `${what}: ${decodeText(code, at)}`)
    this.name = 'DecodeError'
    this.offset = at.offset
    this.need = at.need
    this.have = at.have
  }
}

function decodeText(
  code: DecodeErrorCode,
  { offset, need, have }: { offset: number; need: number; have: number },
): string {
  switch (code) {
    case 'NESTED_DEPTH':
      return `nested more than ${need} levels deep at offset ${offset}`
    case 'ATTRIBUTE_COUNT':
      return `more than ${need} at offset ${offset}`
    case 'ATTRIBUTE_MISSING':
    case 'MESSAGE_TYPE':
      return code === 'MESSAGE_TYPE'
        ? `not the type to be read, at offset ${offset}`
        : `not there, in the message at offset ${offset}`
    case 'PACKET_HEADER':
      return `expected ${need} at offset ${offset}, got ${have}`
    case 'UNALIGNED':
      return `offset ${offset} is not`
    default:
      return `${need} bytes needed at offset ${offset}, ${have} there`
  }
}

/** A value refused before a byte of it was sent. */
export class EncodeError extends NetlinkError {
  declare readonly code: EncodeErrorCode

  constructor(code: EncodeErrorCode, message: string) {
    super(code, message)
    this.name = 'EncodeError'
  }
}

/** What the kernel said beside the number (`NLMSGERR_ATTR_*`). */
export interface KernelErrorDetails {
  /** the kernel's own words (`NLMSGERR_ATTR_MSG`) */
  extendedMessage?: string | undefined
  /** bytes from the start of the request to the attribute refused (`NLMSGERR_ATTR_OFFS`) */
  offset?: number | undefined
  /** kernel names of that attribute and of those around it, outermost first, joined by ` > ` */
  attribute?: string | undefined
  /** kernel name of an attribute that is missing (`NLMSGERR_ATTR_MISS_TYPE`), `attribute <number>` where no table knows it */
  missing?: string | undefined
  /** what the kernel accepts for the attribute that it refused (`NLMSGERR_ATTR_POLICY`): `u32 from 1 to 255` */
  policy?: string | undefined
  /** `nlmsg_seq` of the request */
  sequence: number
}

/** A request that the kernel refused with `errno`. */
export class KernelError extends NetlinkError {
  declare readonly code: KernelErrorCode
  /** positive, as in `errno.h` */
  readonly errno: number
  readonly extendedMessage: string | undefined
  readonly offset: number | undefined
  readonly attribute: string | undefined
  readonly missing: string | undefined
  /** what the kernel accepts there, in words */
  readonly policy: string | undefined
  readonly sequence: number

  constructor(what: string, errno: number, details: KernelErrorDetails) {
    const { extendedMessage, attribute, missing, policy } = details
    const parts = [
      `${what}: ${errnoName(errno)}`,
      extendedMessage,
      attribute === undefined ? undefined : `at ${attribute}`,
      missing === undefined ? undefined : `missing ${missing}`,
      policy === undefined ? undefined : `expected ${policy}`,
    ]
    super('KERNEL', parts.filter((part) => part !== undefined).join(', '))
    this.name = 'KernelError'
    this.errno = errno
    this.extendedMessage = extendedMessage
    this.offset = details.offset
    this.attribute = attribute
    this.missing = missing
    this.policy = policy
    this.sequence = details.sequence
  }
}

/** True for every error of ringlink, of whatever copy of the package; with `code`, for that code only. */
export function isNetlinkError(value: unknown, code?: ErrorCode): value is NetlinkError {
  if (!(value instanceof Error) || !('code' in value) || typeof value.code !== 'string') return false
  return code === undefined ? codes.has(value.code) : value.code === code
}

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  'SHORT_HEADER',
  'MESSAGE_LENGTH',
  'ATTRIBUTE_LENGTH',
  'ATTRIBUTE_SIZE',
  'NESTED_DEPTH',
  'ATTRIBUTE_COUNT',
  'ATTRIBUTE_MISSING',
  'MESSAGE_TYPE',
  'UNALIGNED',
  'PACKET_HEADER',
  'NO_SPACE',
  'VALUE_RANGE',
  'ATTRIBUTE_UNKNOWN',
  'KERNEL',
  'SYSTEM',
  'CLOSED',
  'BUSY',
  'NO_FREE_FRAMES',
  'OUTBOX_FULL',
  'OUTBOX_STATE',
  'RELEASED',
  'ARGUMENT',
  'UNSUPPORTED',
  'RING_UNSUPPORTED',
  'TIMEOUT',
  'DUMP_INTERRUPTED',
  'VERDICT_GIVEN',
  'QUEUE_UNSUPPORTED',
  'QUEUE_REFUSED',
  'LOG_UNSUPPORTED',
  'LOG_REFUSED',
  'RULES_UNSUPPORTED',
  'RULES_REFUSED',
  'WORKER_FAILED',
])
