/**
 * Converts between netlink messages and packets of their link types.
 *
 *  LINKTYPE_NETLINK: packet type (2) | ARPHRD_NETLINK (2) | unused (10) | netlink protocol (2) | nlmsghdr …
 *                    the cooked header is big endian, the message in the order of the machine
 *  LINKTYPE_NFLOG:   family (1) | version (1) | group (2, big endian) | attributes
 *                    length and type of an attribute are in the order of the machine: what follows nlmsghdr in a
 *                    message
 *
 * (tcpdump.org/linktypes/LINKTYPE_NETLINK.html, LINKTYPE_NFLOG.html; drivers/net/nlmon.c and net/netlink/af_netlink.c
 * fill the former.)
 */
import { LogMessage, MESSAGE_HEADER_LENGTH, Protocol, QueueMessage } from '@ringlink/codec'
import { DecodeError } from '@ringlink/codec/errors'
import { align4, type Memory } from '@ringlink/codec/memory'
import type { Direction, PacketBlock } from './block.ts'
import { HOST_BYTE_ORDER } from './encoder.ts'
import { LinkType, linkTypeName } from './link-type.ts'
import type { PacketRecord } from './sink.ts'

/** Bytes of the header of LINKTYPE_NETLINK. */
export const NETLINK_COOKED_LENGTH = 16
/** ARPHRD_NETLINK (uapi/linux/if_arp.h) */
const ARPHRD_NETLINK = 824
/** PACKET_USER and PACKET_KERNEL (uapi/linux/if_packet.h): the receiver of the message */
const TO_USER = 6
const TO_KERNEL = 7
const PROTOCOL_OFFSET = 14
const NFGENMSG_LENGTH = 4
const ATTRIBUTE_HEADER = 4
const HOST_IS_LITTLE = HOST_BYTE_ORDER === 'little'
const NESTED_BIT = 0x8000
/** Maximum depth of nests that are byte-swapped; the kernel's are at most five deep. */
const MAXIMUM_DEPTH = 16

/** Bytes, or a region of memory: a message view, a frame. */
export type MessageSource = Uint8Array | { readonly memory: Memory; readonly offset: number; readonly length: number }

/** Optional properties of a packet. */
export interface RecordDetails {
  readonly fullLength?: number | undefined
  readonly comment?: string | undefined
  readonly dropCount?: bigint | undefined
  readonly direction?: Direction | undefined
}

/**
 * A record of an unchanged packet: an IP packet for LINKTYPE_RAW, LINKTYPE_IPV4 and LINKTYPE_IPV6, a frame for
 * LINKTYPE_ETHERNET.
 */
export function packetRecord(
  number: number,
  at: bigint,
  packet: Uint8Array,
  details: RecordDetails = {},
): PacketRecord {
  return { ...details, interface: number, at, bytes: packet }
}

/**
 * A record of a message of the packet log (NFULNL_MSG_PACKET, or a view of one), for LINKTYPE_NFLOG. Throws code
 * `SHORT_HEADER`.
 */
export function nflogRecord(
  number: number,
  at: bigint,
  message: MessageSource,
  details: RecordDetails = {},
): PacketRecord {
  const bytes = bytesOf(message)
  const need = MESSAGE_HEADER_LENGTH + NFGENMSG_LENGTH
  if (bytes.length < need) throw new DecodeError('SHORT_HEADER', 'log message', { offset: 0, need, have: bytes.length })
  const fullLength = details.fullLength === undefined ? undefined : details.fullLength - MESSAGE_HEADER_LENGTH
  return { ...details, interface: number, at, bytes: bytes.subarray(MESSAGE_HEADER_LENGTH), fullLength }
}

/**
 * A record of one datagram of a netlink socket, with one or several messages, for LINKTYPE_NETLINK. `protocol` is the
 * netlink protocol, default netfilter.
 */
export function netlinkRecord(
  number: number,
  at: bigint,
  messages: MessageSource,
  details: RecordDetails & { readonly protocol?: number | undefined } = {},
): PacketRecord {
  const { protocol = Protocol.Netfilter, fullLength, comment, dropCount, direction } = details
  const header = cookedHeader(protocol, direction)
  return { interface: number, at, header, bytes: bytesOf(messages), fullLength, comment, dropCount, direction }
}

/** The messages of a packet of LINKTYPE_NETLINK, and the netlink protocol that they belong to. */
export interface NetlinkPacket {
  readonly protocol: number
  /** a window on the packet, in its `byteOrder` */
  readonly messages: Uint8Array
  readonly fullLength: number
}

/**
 * Removes the cooked header. Throws code `MESSAGE_TYPE` for another link type, `SHORT_HEADER` if the header is
 * incomplete.
 */
export function netlinkPacket(packet: PacketBlock): NetlinkPacket {
  checkLinkType(packet, LinkType.Netlink)
  const { bytes, fullLength } = packet
  checkHeader('cooked header', bytes, NETLINK_COOKED_LENGTH)
  return {
    protocol: ((bytes[PROTOCOL_OFFSET] as number) << 8) | (bytes[PROTOCOL_OFFSET + 1] as number),
    messages: bytes.subarray(NETLINK_COOKED_LENGTH),
    fullLength: fullLength - NETLINK_COOKED_LENGTH,
  }
}

/**
 * Converts a packet of LINKTYPE_NFLOG back to a message of the packet log, with a new netlink header, for the codec's
 * views. A copy in the byte order of this machine. If the packet was cut when it was captured, its last attribute,
 * usually the payload, ends where the packet does. Throws code `MESSAGE_TYPE` for another link type, `SHORT_HEADER`,
 * and, for attributes that cannot be byte-swapped, `ATTRIBUTE_LENGTH` and `NESTED_DEPTH`.
 */
export function nflogMessage(packet: PacketBlock): Uint8Array<ArrayBuffer> {
  checkLinkType(packet, LinkType.Nflog)
  const { bytes, fullLength, byteOrder } = packet
  checkHeader('log message', bytes, NFGENMSG_LENGTH)
  const whole = new Uint8Array(MESSAGE_HEADER_LENGTH + bytes.length)
  const view = new DataView(whole.buffer)
  const start = MESSAGE_HEADER_LENGTH + NFGENMSG_LENGTH
  whole.set(bytes, MESSAGE_HEADER_LENGTH)
  const isCut = fullLength > bytes.length
  const message = isCut ? whole.subarray(0, endAttribute(view, start, whole.length, byteOrder === 'little')) : whole
  view.setUint32(0, message.length, HOST_IS_LITTLE)
  view.setUint16(4, LogMessage.Packet, HOST_IS_LITTLE)
  if (byteOrder !== HOST_BYTE_ORDER) turnAttributes(view, start, message.length, 0)
  return message
}

/** Ends the attribute that reaches beyond `end` there. Returns where the attributes end. */
function endAttribute(view: DataView, start: number, end: number, little: boolean): number {
  for (let at = start; at < end; ) {
    const have = end - at
    if (have < ATTRIBUTE_HEADER) return at
    const length = view.getUint16(at, little)
    if (length > have) view.setUint16(at, have, little)
    if (length < ATTRIBUTE_HEADER || length >= have) return end
    at += align4(length)
  }
  return end
}

/** nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq, nlmsg_pid: offset and bytes of each */
const MESSAGE_FIELDS = [
  [0, 4],
  [4, 2],
  [6, 2],
  [8, 4],
  [12, 4],
] as const
/** Messages whose values are in network order, so that only the headers of their attributes are swapped. */
const PACKET_MESSAGES: ReadonlySet<number> = new Set([LogMessage.Packet, QueueMessage.Packet])

/**
 * A copy of netlink messages, with their headers in the byte order of this machine, and the attributes of packets of
 * queues and logs too: what the codec's views read. Bytes after a malformed message stay as they are. Throws, for
 * attributes that cannot be byte-swapped, `ATTRIBUTE_LENGTH` and `NESTED_DEPTH`.
 */
export function messagesInHostOrder(
  messages: Uint8Array,
  byteOrder: PacketBlock['byteOrder'],
): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(messages)
  if (byteOrder === HOST_BYTE_ORDER) return copy
  const view = new DataView(copy.buffer)
  for (let at = 0; at + MESSAGE_HEADER_LENGTH <= copy.length; ) {
    for (const [offset, size] of MESSAGE_FIELDS) copy.subarray(at + offset, at + offset + size).reverse()
    const length = view.getUint32(at, HOST_IS_LITTLE)
    if (length < MESSAGE_HEADER_LENGTH || length > copy.length - at) break
    const start = at + MESSAGE_HEADER_LENGTH + NFGENMSG_LENGTH
    if (PACKET_MESSAGES.has(view.getUint16(at + 4, HOST_IS_LITTLE)) && start <= at + length) {
      turnAttributes(view, start, at + length, 0)
    }
    at += align4(length)
  }
  return copy
}

/** Swaps the bytes of length and type of attributes, nested ones too; their values are in network order. */
function turnAttributes(view: DataView, start: number, end: number, depth: number): void {
  if (depth > MAXIMUM_DEPTH) {
    throw new DecodeError('NESTED_DEPTH', 'log message', { offset: start, need: MAXIMUM_DEPTH, have: depth })
  }
  for (let at = start; at + ATTRIBUTE_HEADER <= end; ) {
    const length = view.getUint16(at, !HOST_IS_LITTLE)
    const type = view.getUint16(at + 2, !HOST_IS_LITTLE)
    const have = end - at
    if (length < ATTRIBUTE_HEADER || length > have) {
      throw new DecodeError('ATTRIBUTE_LENGTH', 'log message', { offset: at, need: length, have })
    }
    view.setUint16(at, length, HOST_IS_LITTLE)
    view.setUint16(at + 2, type, HOST_IS_LITTLE)
    if ((type & NESTED_BIT) !== 0) turnAttributes(view, at + ATTRIBUTE_HEADER, at + length, depth + 1)
    at += align4(length)
  }
}

const cookedHeaders = new Map<number, Uint8Array>()

/** The header is the same for all packets of a protocol and direction, so it is made once. */
function cookedHeader(protocol: number, direction: Direction | undefined): Uint8Array {
  const packetType = direction === 'outbound' ? TO_KERNEL : TO_USER
  const key = packetType * 0x10000 + protocol
  let header = cookedHeaders.get(key)
  if (header === undefined) {
    header = new Uint8Array(NETLINK_COOKED_LENGTH)
    const view = new DataView(header.buffer)
    view.setUint16(0, packetType)
    view.setUint16(2, ARPHRD_NETLINK)
    view.setUint16(PROTOCOL_OFFSET, protocol)
    cookedHeaders.set(key, header)
  }
  return header
}

function bytesOf(source: MessageSource): Uint8Array {
  if (source instanceof Uint8Array) return source
  return source.memory.u8.subarray(source.offset, source.offset + source.length)
}

function checkLinkType({ linkType }: PacketBlock, expected: number): void {
  if (linkType === expected) return
  throw new DecodeError('MESSAGE_TYPE', `packet of ${linkTypeName(linkType)}, expected ${linkTypeName(expected)}`, {
    offset: 0,
    need: 0,
    have: 0,
  })
}

function checkHeader(what: string, bytes: Uint8Array, need: number): void {
  if (bytes.length >= need) return
  throw new DecodeError('SHORT_HEADER', what, { offset: 0, need, have: bytes.length })
}
