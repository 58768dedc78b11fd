import { Errno, errnoName } from './errno.ts'
import { escapeText, jsonText, quoteText } from './text.ts'

export { Errno, errnoName, escapeText, jsonText, quoteText }

/**
 * Why the codec, or a check of options, refused its input. Codes are the interface: they are stable, messages are not.
 * Each package documents its own codes (`TransportErrorCode`, `ClientErrorCode`, ...); the README lists all of them.
 */
export type CodecErrorCode = DecodeErrorCode | EncodeErrorCode | KernelErrorCode | OptionErrorCode

/** Malformed bytes. */
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
  /** a required attribute is missing */
  | 'ATTRIBUTE_MISSING'
  /** a message of another type than the view reads */
  | 'MESSAGE_TYPE'
  /** an offset that is not a multiple of four */
  | 'UNALIGNED'
  /** a packet's header is invalid: wrong version, or a length below its own */
  | 'PACKET_HEADER'

/** A value that cannot be encoded. */
export type EncodeErrorCode =
  /** the message does not fit into the memory below the limit */
  | 'NO_SPACE'
  /** a value outside the bounds of its attribute, which is refused instead of being cut */
  | 'VALUE_RANGE'
  /** a name that is not in the attribute set */
  | 'ATTRIBUTE_UNKNOWN'

/** The kernel's own refusal. */
export type KernelErrorCode =
  /** the kernel refused a request; `errno`, its own text, and the attribute at fault where it gives them */
  'KERNEL'

/** An invalid argument, refused before anything was done. */
export type OptionErrorCode =
  /**
   * an argument, option or rule of the wrong shape: an unknown key, a wrong type, a member that is missing, members
   * that do not go together; `path` says which (`rules[2].match.not.destinationPort`), and nothing is opened
   */
  | 'ARGUMENT'
  /** an argument, option or rule of the right shape that is out of bounds; `path` says which, and nothing is opened */
  | 'VALUE_RANGE'

/**
 * The brand of every error of ringlink, from any package and any copy of it: the symbol is the same in the whole
 * process. Packages that do not import this one set the brand themselves.
 */
export const errorBrand: unique symbol = Symbol.for('ringlink.error') as never

/**
 * The base class of nearly every error of ringlink. Recognise errors by `code` ({@link isNetlinkError}), not by class:
 * two copies of a package have two classes.
 */
export class NetlinkError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NetlinkError'
    this.code = code
  }
}
// On the prototype, so that it is not listed among the members of each error.
Object.defineProperty(NetlinkError.prototype, errorBrand, { value: true })

/** An invalid argument, refused before anything was opened, installed or sent. */
export class OptionError extends NetlinkError {
  declare readonly code: OptionErrorCode
  /** path of the refused value, from the argument on: `rules[2].match.not.destinationPort` */
  readonly path: string

  constructor(code: OptionErrorCode, path: string, message: string) {
    super(code, message)
    this.name = 'OptionError'
    this.path = path
  }
}

/**
 * Malformed bytes: at `offset` of the memory `need` bytes (or levels, or attributes) were needed or allowed, and `have`
 * were there.
 */
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
        ? `not the expected type, at offset ${offset}`
        : `missing in the message at offset ${offset}`
    case 'PACKET_HEADER':
      return `expected ${need} at offset ${offset}, got ${have}`
    case 'UNALIGNED':
      return `offset ${offset} is not`
    default:
      return `${need} bytes needed at offset ${offset}, got ${have}`
  }
}

/** A value that cannot be encoded. Nothing was sent. */
export class EncodeError extends NetlinkError {
  declare readonly code: EncodeErrorCode

  constructor(code: EncodeErrorCode, message: string) {
    super(code, message)
    this.name = 'EncodeError'
  }
}

/** The extended ack: what the kernel reports in addition to the errno (`NLMSGERR_ATTR_*`). */
export interface KernelErrorDetails {
  /** the kernel's message (`NLMSGERR_ATTR_MSG`) */
  extendedMessage?: string | undefined
  /** offset in bytes of the refused attribute, from the start of the request (`NLMSGERR_ATTR_OFFS`) */
  offset?: number | undefined
  /** kernel names of that attribute and of the nests around it, outermost first, joined by ` > ` */
  attribute?: string | undefined
  /** kernel name of a missing attribute (`NLMSGERR_ATTR_MISS_TYPE`), `attribute <number>` if no table has it */
  missing?: string | undefined
  /** what the kernel accepts for the refused attribute (`NLMSGERR_ATTR_POLICY`): `u32 from 1 to 255` */
  policy?: string | undefined
  /** the errno's name where the family has its own: `IPSET_ERR_BUSY` */
  errnoName?: string | undefined
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
  /** what the kernel accepts there, as text */
  readonly policy: string | undefined
  readonly sequence: number

  constructor(what: string, errno: number, details: KernelErrorDetails) {
    const { extendedMessage, attribute, missing, policy } = details
    const parts = [
      `${what}: ${details.errnoName ?? errnoName(errno)}`,
      extendedMessage,
      attribute === undefined ? undefined : `at ${attribute}`,
      missing === undefined ? undefined : `missing ${missing}`,
      policy === undefined ? undefined : `expected ${policy}`,
    ]
    // Names in the request and the kernel's message may hold any characters.
    super('KERNEL', escapeText(parts.filter((part) => part !== undefined).join(', ')))
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

/** True for every error of ringlink, of any package and any copy of it; with `code`, for that code only. */
export function isNetlinkError<Code extends string = string>(
  value: unknown,
  code?: Code,
): value is NetlinkError & { readonly code: Code } {
  if (!(value instanceof Error) || !(errorBrand in value) || !('code' in value)) return false
  return code === undefined ? typeof value.code === 'string' : value.code === code
}
