/**
 * A tuple: one direction of a connection (CTA_TUPLE_*, uapi/linux/netfilter/nfnetlink_conntrack.h). Numbers are in
 * network order.
 *
 *  CTA_TUPLE_ORIG { CTA_TUPLE_IP { source, destination } | CTA_TUPLE_PROTO { number, ports or ICMP's } | CTA_TUPLE_ZONE
 *  }
 */
import { be16, bytes, nested, u8, u32 } from '../../schema/describe.ts'
import { attributeSet } from '../../schema/format.ts'

/** CTA_IP_*. */
export const tupleAddressAttributes = attributeSet('CTA_IP', {
  ipv4Source: bytes(1, 'CTA_IP_V4_SRC', 4, 4),
  ipv4Destination: bytes(2, 'CTA_IP_V4_DST', 4, 4),
  ipv6Source: bytes(3, 'CTA_IP_V6_SRC', 16, 16),
  ipv6Destination: bytes(4, 'CTA_IP_V6_DST', 16, 16),
})

/** CTA_PROTO_*. */
export const tupleProtocolAttributes = attributeSet('CTA_PROTO', {
  number: u8(1, 'CTA_PROTO_NUM'),
  sourcePort: be16(2, 'CTA_PROTO_SRC_PORT'),
  destinationPort: be16(3, 'CTA_PROTO_DST_PORT'),
  icmpId: be16(4, 'CTA_PROTO_ICMP_ID'),
  icmpType: u8(5, 'CTA_PROTO_ICMP_TYPE'),
  icmpCode: u8(6, 'CTA_PROTO_ICMP_CODE'),
  icmpv6Id: be16(7, 'CTA_PROTO_ICMPV6_ID'),
  icmpv6Type: u8(8, 'CTA_PROTO_ICMPV6_TYPE'),
  icmpv6Code: u8(9, 'CTA_PROTO_ICMPV6_CODE'),
})

/** CTA_TUPLE_*: one direction of a connection. */
export const tupleAttributes = attributeSet('CTA_TUPLE', {
  address: nested(1, 'CTA_TUPLE_IP', tupleAddressAttributes),
  protocol: nested(2, 'CTA_TUPLE_PROTO', tupleProtocolAttributes),
  zone: be16(3, 'CTA_TUPLE_ZONE'),
})

/**
 * Members of a tuple that a filter compares: bits of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS (nf_internals.h).
 */
export const TupleFilterFlag = {
  /** CTA_FILTER_F_CTA_IP_SRC */
  Source: 0x001,
  /** CTA_FILTER_F_CTA_IP_DST */
  Destination: 0x002,
  /** CTA_FILTER_F_CTA_TUPLE_ZONE */
  Zone: 0x004,
  /** CTA_FILTER_F_CTA_PROTO_NUM */
  Protocol: 0x008,
  /** CTA_FILTER_F_CTA_PROTO_SRC_PORT */
  SourcePort: 0x010,
  /** CTA_FILTER_F_CTA_PROTO_DST_PORT */
  DestinationPort: 0x020,
  /** CTA_FILTER_F_CTA_PROTO_ICMP_TYPE */
  IcmpType: 0x040,
  /** CTA_FILTER_F_CTA_PROTO_ICMP_CODE */
  IcmpCode: 0x080,
  /** CTA_FILTER_F_CTA_PROTO_ICMP_ID */
  IcmpId: 0x100,
  /** CTA_FILTER_F_CTA_PROTO_ICMPV6_TYPE */
  Icmpv6Type: 0x200,
  /** CTA_FILTER_F_CTA_PROTO_ICMPV6_CODE */
  Icmpv6Code: 0x400,
  /** CTA_FILTER_F_CTA_PROTO_ICMPV6_ID */
  Icmpv6Id: 0x800,
} as const
export type TupleFilterFlag = (typeof TupleFilterFlag)[keyof typeof TupleFilterFlag]

/** CTA_FILTER: which members of CTA_TUPLE_ORIG and CTA_TUPLE_REPLY a dump is filtered by; Linux 5.8. */
export const tupleFilterAttributes = attributeSet('CTA_FILTER', {
  /** bits of `TupleFilterFlag`, in host order */
  originalFlags: u32(1, 'CTA_FILTER_ORIG_FLAGS'),
  /** bits of `TupleFilterFlag`, in host order */
  replyFlags: u32(2, 'CTA_FILTER_REPLY_FLAGS'),
})
