import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  align4,
  beginMessage,
  EncodeError,
  type ErrorNames,
  finishMessage,
  Memory,
  MessageFlag,
  MessageView,
  writeAttributes,
} from '@ringlink/codec'
import { stampMessage } from '@ringlink/codec/internal'
import type { Outbox } from '@ringlink/transport'

/** The members that all requests have. */
interface RequestPurpose {
  /** what the request is for: error messages begin with it */
  readonly what: string
  /**
   * the kernel answers with messages that may come after its acknowledgement, so the request waits for both; default
   * false: the acknowledgement ends it. Audit answers so
   */
  readonly answered?: boolean | undefined
  /**
   * the request may be sent again when the kernel has dropped messages, perhaps its acknowledgement among them: carried
   * out twice it has the same effect, or the kernel refuses it with `doneErrno`. Default: it is sent once
   */
  readonly repeat?: { readonly doneErrno?: number | undefined } | undefined
  /** names of the errors that only this kind of request has, for the error message */
  readonly errors?: ErrorNames | undefined
}

/** A request as data: the session encodes it, with its flags and sequence number. */
export interface RequestData<Set extends AttributeSet = AttributeSet> extends RequestPurpose {
  /** `nlmsg_type` */
  readonly type: number
  /** `nlmsg_flags` besides those of the session (`NLM_F_REQUEST`, `NLM_F_ACK` or `NLM_F_DUMP`); default 0 */
  readonly flags?: number | undefined
  /**
   * the fixed header of the family that follows the netlink header, as it is on the wire; see `nfnetlinkHeader`.
   * Default none
   */
  readonly header?: Uint8Array | undefined
  /** the table of the attributes */
  readonly set?: Set | undefined
  readonly attributes?: AttributeValues<Set> | undefined
}

/** A request that is written by hand, for messages without an attribute table. */
export interface RequestWriter extends RequestPurpose {
  /**
   * writes one whole message and returns its length in bytes; the session adds its flags and sets the sequence number
   */
  readonly write: (memory: Memory, offset: number, limit: number) => number
  /**
   * initial size of the buffer in bytes; a message that does not fit is written again into a buffer of twice the size.
   * Default 1024
   */
  readonly size?: number | undefined
}

/** The table of a request's attributes, and the bytes of the header before them. */
export function tableOf(request: Request): { set: AttributeSet; headerLength: number } | undefined {
  if ('write' in request || request.set === undefined) return undefined
  return { set: request.set, headerLength: request.header?.length ?? 0 }
}

/** A request to the kernel. */
export type Request<Set extends AttributeSet = AttributeSet> = RequestData<Set> | RequestWriter

/** Messages encoded for one datagram. */
export interface EncodedRequests {
  readonly bytes: Uint8Array
  /** the bytes of each */
  readonly messages: readonly Uint8Array[]
}

/** The sequence number of a request, and the flags that the session adds. */
export interface RequestNumber {
  readonly flags: number
  readonly sequence: number
}

const INITIAL_SIZE = 1024
const LARGEST_SIZE = 64 * 1024 * 1024

/** Encodes consecutive requests. Throws `EncodeError` for values that no message can carry. */
export function encodeRequests(requests: readonly Request[], numbers: readonly RequestNumber[]): EncodedRequests {
  for (let size = initialSize(requests); ; size *= 2) {
    try {
      return encodeWithin(size, requests, numbers)
    } catch (error) {
      if (!(error instanceof EncodeError) || error.code !== 'NO_SPACE' || size >= LARGEST_SIZE) throw error
    }
  }
}

/** Room for all that say how much they need: a large batch is written once. */
function initialSize(requests: readonly Request[]): number {
  const known = requests.reduce((sum, request) => sum + ('write' in request ? (request.size ?? 0) : 0), 0)
  return Math.min(INITIAL_SIZE + known, LARGEST_SIZE)
}

function encodeWithin(size: number, requests: readonly Request[], numbers: readonly RequestNumber[]): EncodedRequests {
  const memory = new Memory(align4(size))
  const messages: Uint8Array[] = []
  let offset = 0
  for (const [index, request] of requests.entries()) {
    const length = encodeRequest(memory, offset, request, numbers[index] as RequestNumber)
    messages.push(memory.copy(offset, length))
    offset += align4(length)
  }
  return { bytes: memory.copy(0, Math.min(offset, memory.byteLength)), messages }
}

function encodeRequest(memory: Memory, offset: number, request: Request, { flags, sequence }: RequestNumber): number {
  const limit = memory.byteLength
  if ('write' in request) {
    const length = request.write(memory, offset, limit)
    stampMessage(new MessageView().wrap(memory, offset, length), flags, sequence)
    return length
  }
  const { type, header = NO_HEADER, set, attributes } = request
  let end = beginMessage(memory, offset, limit, { type, flags: (request.flags ?? 0) | flags, sequence })
  if (end + align4(header.length) > limit) throw new EncodeError('NO_SPACE', `${request.what}: no room for the header`)
  memory.u8.set(header, end)
  end += align4(header.length)
  if (set === undefined || attributes === undefined) return finishMessage(memory, offset, end)
  const writer = new AttributeWriter().wrap(memory, end, limit)
  writeAttributes(writer, set, attributes)
  return finishMessage(memory, offset, writer.end)
}

const NO_HEADER = new Uint8Array(0)

/**
 * The flags that are added to the messages of a batch. If none asks for an acknowledgement, the last one does, because
 * the kernel processes a datagram in order. The end of a transaction is not acknowledged; there it is the message
 * before it.
 */
export function batchFlags(requests: readonly Request[], isTransaction: boolean): number[] {
  const flags = requests.map((request): number =>
    'write' in request ? 0 : (request.flags ?? 0) & MessageFlag.Acknowledge,
  )
  if (!flags.some((flag) => flag !== 0))
    flags[Math.max(0, flags.length - (isTransaction ? 2 : 1))] = MessageFlag.Acknowledge
  return flags
}

/** Puts encoded messages into the outbox; `alone`: in a datagram of their own. */
export function commitMessages(outbox: Outbox, bytes: Uint8Array, alone: boolean): void {
  if (outbox.pending > 0 && (alone || bytes.length > outbox.available)) outbox.flush()
  const offset = outbox.reserve(bytes.length)
  outbox.memory.u8.set(bytes, offset)
  outbox.commit(bytes.length)
}
