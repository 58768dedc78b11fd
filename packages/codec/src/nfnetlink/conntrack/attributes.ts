/**
 * The attributes of connection tracking (uapi/linux/netfilter/nfnetlink_conntrack.h) as far as other families carry them:
 * queue and log messages hold a connection in their CT attribute. Numbers are in network order.
 */
import { be16, be32, be64, bytes, nested, struct, text, u8 } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'

/** `nlmsg_type` of connection tracking's messages: NFNL_SUBSYS_CTNETLINK in the upper byte. */
export const ConntrackMessage = {
  /** IPCTNL_MSG_CT_NEW: a connection, new or as it is */
  New: 0x0100,
  /** IPCTNL_MSG_CT_GET */
  Get: 0x0101,
  /** IPCTNL_MSG_CT_DELETE */
  Delete: 0x0102,
  /** IPCTNL_MSG_CT_GET_CTRZERO: as Get, and its counters start again from 0 */
  GetAndZeroCounters: 0x0103,
} as const
export type ConntrackMessage = (typeof ConntrackMessage)[keyof typeof ConntrackMessage]

/** `nlmsg_type` of the messages on expected connections: NFNL_SUBSYS_CTNETLINK_EXP in the upper byte. */
export const ExpectationMessage = {
  /** IPCTNL_MSG_EXP_NEW */
  New: 0x0200,
  /** IPCTNL_MSG_EXP_GET */
  Get: 0x0201,
  /** IPCTNL_MSG_EXP_DELETE */
  Delete: 0x0202,
} as const
export type ExpectationMessage = (typeof ExpectationMessage)[keyof typeof ExpectationMessage]

const tupleAddress = attributeSet('CTA_IP', {
  ipv4Source: bytes(1, 'CTA_IP_V4_SRC', 4, 4),
  ipv4Destination: bytes(2, 'CTA_IP_V4_DST', 4, 4),
  ipv6Source: bytes(3, 'CTA_IP_V6_SRC', 16, 16),
  ipv6Destination: bytes(4, 'CTA_IP_V6_DST', 16, 16),
})

const tupleProtocol = attributeSet('CTA_PROTO', {
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
  address: nested(1, 'CTA_TUPLE_IP', tupleAddress),
  protocol: nested(2, 'CTA_TUPLE_PROTO', tupleProtocol),
  zone: be16(3, 'CTA_TUPLE_ZONE'),
})

const tcpFlags = { flags: 'u8', mask: 'u8' } as const

const protocolInformation = attributeSet('CTA_PROTOINFO', {
  tcp: nested(
    1,
    'CTA_PROTOINFO_TCP',
    attributeSet('CTA_PROTOINFO_TCP', {
      state: u8(1, 'CTA_PROTOINFO_TCP_STATE'),
      windowScaleOriginal: u8(2, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL'),
      windowScaleReply: u8(3, 'CTA_PROTOINFO_TCP_WSCALE_REPLY'),
      flagsOriginal: struct(4, 'CTA_PROTOINFO_TCP_FLAGS_ORIGINAL', tcpFlags),
      flagsReply: struct(5, 'CTA_PROTOINFO_TCP_FLAGS_REPLY', tcpFlags),
    }),
  ),
  dccp: nested(
    2,
    'CTA_PROTOINFO_DCCP',
    attributeSet('CTA_PROTOINFO_DCCP', {
      state: u8(1, 'CTA_PROTOINFO_DCCP_STATE'),
      role: u8(2, 'CTA_PROTOINFO_DCCP_ROLE'),
      handshakeSequence: be64(3, 'CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ'),
      padding: bytes(4, 'CTA_PROTOINFO_DCCP_PAD'),
    }),
  ),
  sctp: nested(
    3,
    'CTA_PROTOINFO_SCTP',
    attributeSet('CTA_PROTOINFO_SCTP', {
      state: u8(1, 'CTA_PROTOINFO_SCTP_STATE'),
      tagOriginal: be32(2, 'CTA_PROTOINFO_SCTP_VTAG_ORIGINAL'),
      tagReply: be32(3, 'CTA_PROTOINFO_SCTP_VTAG_REPLY'),
    }),
  ),
})

const counters = attributeSet('CTA_COUNTERS', {
  packets: be64(1, 'CTA_COUNTERS_PACKETS'),
  bytes: be64(2, 'CTA_COUNTERS_BYTES'),
  packets32: be32(3, 'CTA_COUNTERS32_PACKETS'),
  bytes32: be32(4, 'CTA_COUNTERS32_BYTES'),
  padding: bytes(5, 'CTA_COUNTERS_PAD'),
})

const timestamps = attributeSet('CTA_TIMESTAMP', {
  start: be64(1, 'CTA_TIMESTAMP_START'),
  stop: be64(2, 'CTA_TIMESTAMP_STOP'),
  padding: bytes(3, 'CTA_TIMESTAMP_PAD'),
})

const natRange = attributeSet('CTA_NAT', {
  ipv4Minimum: bytes(1, 'CTA_NAT_V4_MINIP', 4, 4),
  ipv4Maximum: bytes(2, 'CTA_NAT_V4_MAXIP', 4, 4),
  protocol: nested(
    3,
    'CTA_NAT_PROTO',
    attributeSet('CTA_PROTONAT', {
      portMinimum: be16(1, 'CTA_PROTONAT_PORT_MIN'),
      portMaximum: be16(2, 'CTA_PROTONAT_PORT_MAX'),
    }),
  ),
  ipv6Minimum: bytes(4, 'CTA_NAT_V6_MINIP', 16, 16),
  ipv6Maximum: bytes(5, 'CTA_NAT_V6_MAXIP', 16, 16),
})

const sequenceAdjustment = attributeSet('CTA_SEQADJ', {
  correctionPosition: be32(1, 'CTA_SEQADJ_CORRECTION_POS'),
  offsetBefore: be32(2, 'CTA_SEQADJ_OFFSET_BEFORE'),
  offsetAfter: be32(3, 'CTA_SEQADJ_OFFSET_AFTER'),
})

/** CTA_*: a connection. */
export const conntrackAttributes = attributeSet('CTA', {
  original: nested(1, 'CTA_TUPLE_ORIG', tupleAttributes),
  reply: nested(2, 'CTA_TUPLE_REPLY', tupleAttributes),
  status: be32(3, 'CTA_STATUS'),
  protocolInformation: nested(4, 'CTA_PROTOINFO', protocolInformation),
  helper: nested(
    5,
    'CTA_HELP',
    attributeSet('CTA_HELP', { name: text(1, 'CTA_HELP_NAME', 15), information: bytes(2, 'CTA_HELP_INFO') }),
  ),
  natSource: nested(6, 'CTA_NAT_SRC', natRange),
  /** seconds */
  timeout: be32(7, 'CTA_TIMEOUT'),
  mark: be32(8, 'CTA_MARK'),
  countersOriginal: nested(9, 'CTA_COUNTERS_ORIG', counters),
  countersReply: nested(10, 'CTA_COUNTERS_REPLY', counters),
  use: be32(11, 'CTA_USE'),
  id: be32(12, 'CTA_ID'),
  natDestination: nested(13, 'CTA_NAT_DST', natRange),
  master: nested(14, 'CTA_TUPLE_MASTER', tupleAttributes),
  sequenceAdjustmentOriginal: nested(15, 'CTA_SEQ_ADJ_ORIG', sequenceAdjustment),
  sequenceAdjustmentReply: nested(16, 'CTA_SEQ_ADJ_REPLY', sequenceAdjustment),
  securityMark: be32(17, 'CTA_SECMARK'),
  zone: be16(18, 'CTA_ZONE'),
  securityContext: nested(19, 'CTA_SECCTX', attributeSet('CTA_SECCTX', { name: text(1, 'CTA_SECCTX_NAME', 4096) })),
  /** nanoseconds since 1970 */
  timestamp: nested(20, 'CTA_TIMESTAMP', timestamps),
  markMask: be32(21, 'CTA_MARK_MASK'),
  labels: bytes(22, 'CTA_LABELS', 0, 16),
  labelsMask: bytes(23, 'CTA_LABELS_MASK', 0, 16),
  synproxy: nested(
    24,
    'CTA_SYNPROXY',
    attributeSet('CTA_SYNPROXY', {
      initialSequence: be32(1, 'CTA_SYNPROXY_ISN'),
      initialTimestamp: be32(2, 'CTA_SYNPROXY_ITS'),
      timestampOffset: be32(3, 'CTA_SYNPROXY_TSOFF'),
    }),
  ),
  filter: nested(
    25,
    'CTA_FILTER',
    attributeSet('CTA_FILTER', {
      originalFlags: be32(1, 'CTA_FILTER_ORIG_FLAGS'),
      replyFlags: be32(2, 'CTA_FILTER_REPLY_FLAGS'),
    }),
  ),
  statusMask: be32(26, 'CTA_STATUS_MASK'),
  /** nanoseconds since 1970; Linux 6.14 */
  eventTimestamp: be64(27, 'CTA_TIMESTAMP_EVENT'),
})
/** A connection as an owned value. */
export type Conntrack = AttributeValues<typeof conntrackAttributes>

/** CTA_EXPECT_*: an expected connection. */
export const expectationAttributes = attributeSet('CTA_EXPECT', {
  master: nested(1, 'CTA_EXPECT_MASTER', tupleAttributes),
  tuple: nested(2, 'CTA_EXPECT_TUPLE', tupleAttributes),
  mask: nested(3, 'CTA_EXPECT_MASK', tupleAttributes),
  timeout: be32(4, 'CTA_EXPECT_TIMEOUT'),
  id: be32(5, 'CTA_EXPECT_ID'),
  helperName: text(6, 'CTA_EXPECT_HELP_NAME', 15),
  zone: be16(7, 'CTA_EXPECT_ZONE'),
  flags: be32(8, 'CTA_EXPECT_FLAGS'),
  class: be32(9, 'CTA_EXPECT_CLASS'),
  nat: nested(
    10,
    'CTA_EXPECT_NAT',
    attributeSet('CTA_EXPECT_NAT', {
      direction: be32(1, 'CTA_EXPECT_NAT_DIR'),
      tuple: nested(2, 'CTA_EXPECT_NAT_TUPLE', tupleAttributes),
    }),
  ),
  functionName: text(11, 'CTA_EXPECT_FN', 255),
})
/** An expected connection as an owned value. */
export type Expectation = AttributeValues<typeof expectationAttributes>

/** How a packet stands to its connection (`enum ip_conntrack_info`). */
export const ConntrackInfo = {
  /** IP_CT_ESTABLISHED */
  Established: 0,
  /** IP_CT_RELATED */
  Related: 1,
  /** IP_CT_NEW */
  New: 2,
  /** IP_CT_ESTABLISHED_REPLY, IP_CT_IS_REPLY */
  EstablishedReply: 3,
  /** IP_CT_RELATED_REPLY */
  RelatedReply: 4,
  /** IP_CT_UNTRACKED */
  Untracked: 7,
} as const
export type ConntrackInfo = (typeof ConntrackInfo)[keyof typeof ConntrackInfo]
