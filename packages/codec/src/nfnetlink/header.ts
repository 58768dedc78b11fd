/**
 * nfgenmsg, the header that follows the netlink header in every netfilter message (uapi/linux/netfilter/nfnetlink.h).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------+---------------+-------------------------------+
 *  |    family     |  version (0)  |   resource id (big endian)    |
 *  +---------------+---------------+-------------------------------+
 */

import { DecodeError } from '../errors.ts'
import type { AttributeSet, AttributeValues } from '../schema/format.ts'
import { readAttributes } from '../schema/read.ts'
import { writeAttributes } from '../schema/write.ts'
import { checkInteger } from '../value.ts'
import { AttributeWriter } from '../wire/attribute.ts'
import { networkOrder16 } from '../wire/endian.ts'
import { checkAligned, checkSpace, Memory } from '../wire/memory.ts'
import {
  beginMessage,
  finishMessage,
  MESSAGE_HEADER_LENGTH,
  type MessageHeader,
  type MessageView,
} from '../wire/message.ts'

const FAMILY = MESSAGE_HEADER_LENGTH
const VERSION = FAMILY + 1
const RESOURCE_ID = VERSION + 1
/** Length of the header in bytes. */
export const NFNETLINK_HEADER_LENGTH = 4
/** Offset of the attributes in a netfilter message, in bytes from its start. */
export const NFNETLINK_ATTRIBUTES = MESSAGE_HEADER_LENGTH + NFNETLINK_HEADER_LENGTH

/** The upper byte of `nlmsg_type` in netfilter messages. */
export const Subsystem = {
  /** NFNL_SUBSYS_CTNETLINK */
  Conntrack: 1,
  /** NFNL_SUBSYS_CTNETLINK_EXP */
  ConntrackExpectation: 2,
  /** NFNL_SUBSYS_QUEUE */
  Queue: 3,
  /** NFNL_SUBSYS_ULOG */
  Log: 4,
  /** NFNL_SUBSYS_OSF */
  OperatingSystemFingerprint: 5,
  /** NFNL_SUBSYS_IPSET */
  IpSet: 6,
  /** NFNL_SUBSYS_ACCT */
  Accounting: 7,
  /** NFNL_SUBSYS_CTNETLINK_TIMEOUT */
  ConntrackTimeout: 8,
  /** NFNL_SUBSYS_CTHELPER */
  ConntrackHelper: 9,
  /** NFNL_SUBSYS_NFTABLES */
  NfTables: 10,
  /** NFNL_SUBSYS_NFT_COMPAT */
  NfTablesCompat: 11,
  /** NFNL_SUBSYS_HOOK */
  Hook: 12,
} as const
export type Subsystem = (typeof Subsystem)[keyof typeof Subsystem]

/** Protocol families of netfilter (NFPROTO_*). A message may carry others, which are passed on as numbers. */
export const Family = {
  /** NFPROTO_UNSPEC */
  Unspecified: 0,
  /** NFPROTO_INET: IPv4 and IPv6 */
  Inet: 1,
  /** NFPROTO_IPV4 */
  Ipv4: 2,
  /** NFPROTO_ARP */
  Arp: 3,
  /** NFPROTO_NETDEV */
  NetworkDevice: 5,
  /** NFPROTO_BRIDGE */
  Bridge: 7,
  /** NFPROTO_IPV6 */
  Ipv6: 10,
} as const
export type Family = (typeof Family)[keyof typeof Family]

/** The hook at which a packet was caught, in the families ip, ip6, inet and bridge. */
export const Hook = {
  /** NF_INET_PRE_ROUTING */
  Prerouting: 0,
  /** NF_INET_LOCAL_IN */
  Input: 1,
  /** NF_INET_FORWARD */
  Forward: 2,
  /** NF_INET_LOCAL_OUT */
  Output: 3,
  /** NF_INET_POST_ROUTING */
  Postrouting: 4,
  /** NF_INET_INGRESS */
  Ingress: 5,
} as const
export type Hook = (typeof Hook)[keyof typeof Hook]

/** `nfgen_family` of the netfilter message at `offset`. */
export function messageFamily(memory: Memory, offset: number): number {
  return memory.u8[offset + FAMILY] as number
}

/** `res_id` of the netfilter message at `offset`: the number of the queue or log group. */
export function messageResourceId(memory: Memory, offset: number): number {
  return networkOrder16(memory.u16[(offset + RESOURCE_ID) >> 1] as number)
}

/**
 * Writes the header at `offset`, after the netlink header, and returns the offset of its end. Throws `EncodeError` when
 * it does not fit below `limit`, and for a family or resource id that does not fit its field.
 */
export function writeNfnetlinkHeader(
  memory: Memory,
  offset: number,
  limit: number,
  family: number,
  resourceId: number,
): number {
  checkAligned(offset, 'netfilter header')
  checkSpace(offset, NFNETLINK_HEADER_LENGTH, Math.min(limit, memory.byteLength), 'netfilter header')
  checkInteger('protocol family', family, 0, 0xff)
  checkInteger('queue or group number', resourceId, 0, 0xffff)
  memory.u8[offset] = family
  memory.u8[offset + 1] = 0
  memory.u16[(offset + 2) >> 1] = networkOrder16(resourceId)
  return offset + NFNETLINK_HEADER_LENGTH
}

/** The header as bytes. Throws as {@link writeNfnetlinkHeader}. */
export function nfnetlinkHeader(family: number, resourceId: number): Uint8Array {
  const memory = new Memory(NFNETLINK_HEADER_LENGTH)
  writeNfnetlinkHeader(memory, 0, NFNETLINK_HEADER_LENGTH, family, resourceId)
  return memory.u8
}

/** The parts of a netfilter message to write. */
export interface NfnetlinkMessage<Set extends AttributeSet> extends MessageHeader {
  family?: number
  /** queue or group number */
  resourceId: number
  attributes: AttributeValues<Set>
}

/**
 * Writes a whole message at `offset` from its table and returns its length in bytes, padded to a multiple of four
 * unless the limit cuts the padding off. For rare messages. Throws `EncodeError`; the memory then holds no valid
 * message.
 */
export function writeNfnetlinkMessage<Set extends AttributeSet>(
  memory: Memory,
  offset: number,
  limit: number,
  set: Set,
  message: NfnetlinkMessage<Set>,
): number {
  let end = beginMessage(memory, offset, limit, message)
  end = writeNfnetlinkHeader(memory, end, limit, message.family ?? Family.Unspecified, message.resourceId)
  const writer = new AttributeWriter().wrap(memory, end, limit)
  writeAttributes(writer, set, message.attributes)
  return finishMessage(memory, offset, writer.end)
}

/** Reads the attributes of a netfilter message into owned values. Throws `DecodeError`. */
export function readNfnetlinkAttributes<Set extends AttributeSet>(
  message: MessageView,
  set: Set,
): AttributeValues<Set> {
  const { memory, offset, length } = message
  if (length < NFNETLINK_ATTRIBUTES) {
    throw new DecodeError('SHORT_HEADER', 'netfilter header', { offset, need: NFNETLINK_ATTRIBUTES, have: length })
  }
  return readAttributes(set, memory, offset + NFNETLINK_ATTRIBUTES, length - NFNETLINK_ATTRIBUTES)
}
