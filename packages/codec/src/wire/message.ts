/**
 * nlmsghdr, the header of every netlink message (uapi/linux/netlink.h, RFC 3549 section 2.3.2). All fields are in host
 * byte order. Messages in a datagram start at multiples of four; the last may end without padding.
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------------------------------------------------------+
 *  |                       length (with header)                    |
 *  +-------------------------------+-------------------------------+
 *  |             type              |             flags             |
 *  +-------------------------------+-------------------------------+
 *  |                            sequence                           |
 *  +---------------------------------------------------------------+
 *  |                            port id                            |
 *  +---------------------------------------------------------------+
 */
import type { DecodeErrorCode } from '../errors.ts'
import { DecodeError } from '../errors.ts'
import { checkInteger } from '../value.ts'
import { align4, checkAligned, checkRegion, checkSpace, Memory } from './memory.ts'

const LENGTH = 0
const TYPE = LENGTH + 4
const FLAGS = TYPE + 2
const SEQUENCE = FLAGS + 2
const PORT_ID = SEQUENCE + 4
/** Length of the header in bytes (`NLMSG_HDRLEN`). */
export const MESSAGE_HEADER_LENGTH = 16
const EMPTY = new Memory(MESSAGE_HEADER_LENGTH)

/** Flags of any message. */
export const MessageFlag = {
  /** NLM_F_REQUEST: a request to the kernel */
  Request: 0x1,
  /** NLM_F_MULTI: one of several, ended by a Done message */
  Multipart: 0x2,
  /** NLM_F_ACK: answer with an Error message, with errno 0 on success */
  Acknowledge: 0x4,
  /** NLM_F_ECHO: send the resulting notification back to the requester */
  Echo: 0x8,
  /** NLM_F_DUMP_INTR: the data changed while it was dumped */
  DumpInterrupted: 0x10,
  /** NLM_F_DUMP_FILTERED: the dump was filtered as requested */
  DumpFiltered: 0x20,
} as const
export type MessageFlag = (typeof MessageFlag)[keyof typeof MessageFlag]

/** Flags of requests that read. */
export const GetFlag = {
  /** NLM_F_ROOT: the whole table */
  Root: 0x100,
  /** NLM_F_MATCH: all entries that match */
  Match: 0x200,
  /** NLM_F_ATOMIC: a snapshot */
  Atomic: 0x400,
  /** NLM_F_DUMP: Root and Match */
  Dump: 0x300,
} as const
export type GetFlag = (typeof GetFlag)[keyof typeof GetFlag]

/** Flags of requests that create. */
export const NewFlag = {
  /** NLM_F_REPLACE: replace an existing object */
  Replace: 0x100,
  /** NLM_F_EXCL: fail if it exists */
  Exclusive: 0x200,
  /** NLM_F_CREATE: create it if it does not exist */
  Create: 0x400,
  /** NLM_F_APPEND: add at the end */
  Append: 0x800,
} as const
export type NewFlag = (typeof NewFlag)[keyof typeof NewFlag]

/** Flags of requests that delete. */
export const DeleteFlag = {
  /** NLM_F_NONREC: do not delete recursively */
  NonRecursive: 0x100,
  /** NLM_F_BULK: several objects */
  Bulk: 0x200,
} as const
export type DeleteFlag = (typeof DeleteFlag)[keyof typeof DeleteFlag]

/** Flags of Error and Done messages. */
export const AcknowledgeFlag = {
  /** NLM_F_CAPPED: only the header of the request is repeated */
  Capped: 0x100,
  /** NLM_F_ACK_TLVS: extended-ack attributes follow */
  Attributes: 0x200,
} as const
export type AcknowledgeFlag = (typeof AcknowledgeFlag)[keyof typeof AcknowledgeFlag]

/** Message types below 0x10 (NLMSG_MIN_TYPE), which have the same meaning in every protocol. */
export const ControlType = {
  /** NLMSG_NOOP: ignore it */
  Noop: 0x1,
  /** NLMSG_ERROR: an error, or an acknowledgement */
  Error: 0x2,
  /** NLMSG_DONE: the end of a dump or batch */
  Done: 0x3,
  /** NLMSG_OVERRUN: data lost */
  Overrun: 0x4,
} as const
export type ControlType = (typeof ControlType)[keyof typeof ControlType]
/** The first type that a protocol may use itself (`NLMSG_MIN_TYPE`). */
export const MINIMUM_MESSAGE_TYPE = 0x10

/** Netlink protocols: the third argument of `socket()`. */
export const Protocol = {
  /** NETLINK_ROUTE */
  Route: 0,
  /** NETLINK_UNUSED */
  Unused: 1,
  /** NETLINK_USERSOCK */
  UserSocket: 2,
  /** NETLINK_FIREWALL: ip_queue, before Linux 3.5 */
  Firewall: 3,
  /** NETLINK_SOCK_DIAG, earlier NETLINK_INET_DIAG */
  SocketDiagnostics: 4,
  /** NETLINK_NFLOG: ULOG, before Linux 3.17 */
  NetfilterLog: 5,
  /** NETLINK_XFRM */
  Xfrm: 6,
  /** NETLINK_SELINUX */
  Selinux: 7,
  /** NETLINK_ISCSI */
  Iscsi: 8,
  /** NETLINK_AUDIT */
  Audit: 9,
  /** NETLINK_FIB_LOOKUP */
  FibLookup: 10,
  /** NETLINK_CONNECTOR */
  Connector: 11,
  /** NETLINK_NETFILTER */
  Netfilter: 12,
  /** NETLINK_IP6_FW: ip6_queue, before Linux 3.5 */
  FirewallIpv6: 13,
  /** NETLINK_DNRTMSG: DECnet, before Linux 6.1 */
  Decnet: 14,
  /** NETLINK_KOBJECT_UEVENT */
  KernelObjectEvent: 15,
  /** NETLINK_GENERIC */
  Generic: 16,
  /** NETLINK_SCSITRANSPORT */
  ScsiTransport: 18,
  /** NETLINK_ECRYPTFS: before Linux 2.6.33 */
  Ecryptfs: 19,
  /** NETLINK_RDMA */
  Rdma: 20,
  /** NETLINK_CRYPTO */
  Crypto: 21,
  /** NETLINK_SMC: before Linux 5.11 */
  Smc: 22,
} as const
export type Protocol = (typeof Protocol)[keyof typeof Protocol]

/**
 * A message in place. After {@link wrap} has accepted it, no getter can fail or read outside it, until the memory is
 * released or overwritten.
 */
export class MessageView {
  memory: Memory = EMPTY
  offset = 0

  /** Aims at the message at `offset`, where `available` bytes are left. Throws `DecodeError`. */
  wrap(memory: Memory, offset: number, available: number): this {
    checkRegion(memory, offset, available, 'message')
    const problem = messageProblem(memory, offset, available)
    if (problem !== undefined) throw messageError(problem, memory, offset, available)
    this.memory = memory
    this.offset = offset
    return this
  }

  /** `nlmsg_len`: bytes of header and payload */
  get length(): number {
    return this.memory.u32[(this.offset + LENGTH) >> 2] as number
  }

  /** `nlmsg_type` */
  get type(): number {
    return this.memory.u16[(this.offset + TYPE) >> 1] as number
  }

  /** `nlmsg_flags` */
  get flags(): number {
    return this.memory.u16[(this.offset + FLAGS) >> 1] as number
  }

  /** `nlmsg_seq`: the sequence number of the request */
  get sequence(): number {
    return this.memory.u32[(this.offset + SEQUENCE) >> 2] as number
  }

  /** `nlmsg_pid`: the port id that the sender wrote; the frame has the sender's true one */
  get portId(): number {
    return this.memory.u32[(this.offset + PORT_ID) >> 2] as number
  }

  get payloadOffset(): number {
    return this.offset + MESSAGE_HEADER_LENGTH
  }

  get payloadLength(): number {
    return this.length - MESSAGE_HEADER_LENGTH
  }

  /** The message as an owned copy. */
  copy(): Message {
    return new Message(this.memory.copy(this.offset, this.length))
  }
}

/**
 * Walks the messages of a frame with one view that it re-aims: read a message before the next step. A malformed
 * tail ends the walk; {@link problem} then says why.
 */
export class MessageIterator {
  readonly view: MessageView = new MessageView()
  /** why the walk ended before the end of the frame; `undefined` when it did not */
  problem: DecodeErrorCode | undefined
  #memory: Memory = EMPTY
  #next = 0
  #end = 0

  /** Aims at a frame of `length` bytes. Throws `DecodeError` if the region is not inside the memory. */
  wrap(memory: Memory, offset: number, length: number): this {
    checkRegion(memory, offset, length, 'frame')
    this.#memory = memory
    this.#next = offset
    this.#end = offset + length
    this.problem = undefined
    return this
  }

  /** The position of the walk: the offset of the next message, or of the malformed tail. */
  get position(): number {
    return this.#next
  }

  /** Steps to the next message; false when there is none. */
  next(): boolean {
    const available = this.#end - this.#next
    if (available <= 0 || this.problem !== undefined) return false
    this.problem = messageProblem(this.#memory, this.#next, available)
    if (this.problem !== undefined) return false
    this.view.memory = this.#memory
    this.view.offset = this.#next
    this.#next += align4(this.view.length)
    return true
  }
}

function messageProblem(memory: Memory, offset: number, available: number): DecodeErrorCode | undefined {
  if (available < MESSAGE_HEADER_LENGTH) return 'SHORT_HEADER'
  const length = memory.u32[(offset + LENGTH) >> 2] as number
  return length < MESSAGE_HEADER_LENGTH || length > available ? 'MESSAGE_LENGTH' : undefined
}

function messageError(code: DecodeErrorCode, memory: Memory, offset: number, have: number): DecodeError {
  if (code === 'SHORT_HEADER')
    return new DecodeError(code, 'message header', { offset, need: MESSAGE_HEADER_LENGTH, have })
  return new DecodeError(code, 'message', { offset, need: memory.u32[offset >> 2] as number, have })
}

/** The fields of a message header to write. */
export interface MessageHeader {
  type: number
  flags: number
  sequence: number
  /** default 0, which the kernel reads as "from this socket" */
  portId?: number
}

/**
 * Writes the header at `offset`, with the length of the header alone, and returns the offset of its end. {@link
 * finishMessage} sets the final length. Throws `EncodeError` when it does not fit below `limit`, and for a number that
 * does not fit its field.
 */
export function beginMessage(memory: Memory, offset: number, limit: number, header: MessageHeader): number {
  checkAligned(offset, 'message')
  checkSpace(offset, MESSAGE_HEADER_LENGTH, Math.min(limit, memory.byteLength), 'message header')
  checkInteger('message type', header.type, 0, 0xffff)
  checkInteger('message flags', header.flags, 0, 0xffff)
  checkInteger('message sequence', header.sequence, 0, 0xffff_ffff)
  checkInteger('message port id', header.portId ?? 0, 0, 0xffff_ffff)
  memory.u32[(offset + LENGTH) >> 2] = MESSAGE_HEADER_LENGTH
  memory.u16[(offset + TYPE) >> 1] = header.type
  memory.u16[(offset + FLAGS) >> 1] = header.flags
  memory.u32[(offset + SEQUENCE) >> 2] = header.sequence
  memory.u32[(offset + PORT_ID) >> 2] = header.portId ?? 0
  return offset + MESSAGE_HEADER_LENGTH
}

/** Sets the length of the message at `offset` that ends at `end`, and returns it. */
export function finishMessage(memory: Memory, offset: number, end: number): number {
  memory.u32[(offset + LENGTH) >> 2] = end - offset
  return end - offset
}

/** Adds `flags` to those of an already written message, and sets its sequence number. */
export function stampMessage({ memory, offset, flags }: MessageView, more: number, sequence: number): void {
  memory.u16[(offset + FLAGS) >> 1] = flags | more
  memory.u32[(offset + SEQUENCE) >> 2] = sequence
}

/** A message that owns its bytes, to keep after the frame is released. */
export class Message {
  readonly bytes: Uint8Array
  readonly view: MessageView

  /** @param bytes one whole message, header first, which is copied. Throws `DecodeError`. */
  constructor(bytes: Uint8Array) {
    const memory = Memory.from(bytes)
    this.view = new MessageView().wrap(memory, 0, bytes.length)
    this.bytes = memory.u8.subarray(0, this.view.length)
  }
}
