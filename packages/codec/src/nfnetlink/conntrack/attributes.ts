/**
 * The attributes of a connection (CTA_*, uapi/linux/netfilter/nfnetlink_conntrack.h). Queue and log messages hold them
 * in their CT attribute. Numbers are in network order.
 */
import { be16, be32, be64, bytes, nested, struct, text, u8 } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'
import { tupleAttributes, tupleFilterAttributes } from './tuple.ts'

const tcpFlags = { flags: 'u8', mask: 'u8' } as const

/** CTA_PROTOINFO_TCP_*. */
export const tcpInformationAttributes = attributeSet('CTA_PROTOINFO_TCP', {
  state: u8(1, 'CTA_PROTOINFO_TCP_STATE'),
  windowScaleOriginal: u8(2, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL'),
  windowScaleReply: u8(3, 'CTA_PROTOINFO_TCP_WSCALE_REPLY'),
  flagsOriginal: struct(4, 'CTA_PROTOINFO_TCP_FLAGS_ORIGINAL', tcpFlags),
  flagsReply: struct(5, 'CTA_PROTOINFO_TCP_FLAGS_REPLY', tcpFlags),
})

/** CTA_PROTOINFO_*. */
export const protocolInformationAttributes = attributeSet('CTA_PROTOINFO', {
  tcp: nested(1, 'CTA_PROTOINFO_TCP', tcpInformationAttributes),
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

/** CTA_COUNTERS_*: of one direction. */
export const counterPairAttributes = attributeSet('CTA_COUNTERS', {
  packets: be64(1, 'CTA_COUNTERS_PACKETS'),
  bytes: be64(2, 'CTA_COUNTERS_BYTES'),
  packets32: be32(3, 'CTA_COUNTERS32_PACKETS'),
  bytes32: be32(4, 'CTA_COUNTERS32_BYTES'),
  padding: bytes(5, 'CTA_COUNTERS_PAD'),
})

/** CTA_TIMESTAMP_*. */
export const timestampAttributes = attributeSet('CTA_TIMESTAMP', {
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

/** CTA_SEQADJ_*. */
export const sequenceAdjustmentAttributes = attributeSet('CTA_SEQADJ', {
  correctionPosition: be32(1, 'CTA_SEQADJ_CORRECTION_POS'),
  offsetBefore: be32(2, 'CTA_SEQADJ_OFFSET_BEFORE'),
  offsetAfter: be32(3, 'CTA_SEQADJ_OFFSET_AFTER'),
})

/** CTA_HELP_*. */
export const helperAttributes = attributeSet('CTA_HELP', {
  name: text(1, 'CTA_HELP_NAME', 15),
  information: bytes(2, 'CTA_HELP_INFO'),
})

/** CTA_SYNPROXY_*. */
export const synproxyAttributes = attributeSet('CTA_SYNPROXY', {
  initialSequence: be32(1, 'CTA_SYNPROXY_ISN'),
  initialTimestamp: be32(2, 'CTA_SYNPROXY_ITS'),
  timestampOffset: be32(3, 'CTA_SYNPROXY_TSOFF'),
})

/** CTA_*: a connection. */
export const conntrackAttributes = attributeSet('CTA', {
  original: nested(1, 'CTA_TUPLE_ORIG', tupleAttributes),
  reply: nested(2, 'CTA_TUPLE_REPLY', tupleAttributes),
  status: be32(3, 'CTA_STATUS'),
  protocolInformation: nested(4, 'CTA_PROTOINFO', protocolInformationAttributes),
  helper: nested(5, 'CTA_HELP', helperAttributes),
  natSource: nested(6, 'CTA_NAT_SRC', natRange),
  /** seconds */
  timeout: be32(7, 'CTA_TIMEOUT'),
  mark: be32(8, 'CTA_MARK'),
  countersOriginal: nested(9, 'CTA_COUNTERS_ORIG', counterPairAttributes),
  countersReply: nested(10, 'CTA_COUNTERS_REPLY', counterPairAttributes),
  use: be32(11, 'CTA_USE'),
  id: be32(12, 'CTA_ID'),
  natDestination: nested(13, 'CTA_NAT_DST', natRange),
  master: nested(14, 'CTA_TUPLE_MASTER', tupleAttributes),
  sequenceAdjustmentOriginal: nested(15, 'CTA_SEQ_ADJ_ORIG', sequenceAdjustmentAttributes),
  sequenceAdjustmentReply: nested(16, 'CTA_SEQ_ADJ_REPLY', sequenceAdjustmentAttributes),
  securityMark: be32(17, 'CTA_SECMARK'),
  zone: be16(18, 'CTA_ZONE'),
  securityContext: nested(19, 'CTA_SECCTX', attributeSet('CTA_SECCTX', { name: text(1, 'CTA_SECCTX_NAME', 4096) })),
  /** nanoseconds since 1970 */
  timestamp: nested(20, 'CTA_TIMESTAMP', timestampAttributes),
  markMask: be32(21, 'CTA_MARK_MASK'),
  labels: bytes(22, 'CTA_LABELS', 0, 16),
  labelsMask: bytes(23, 'CTA_LABELS_MASK', 0, 16),
  synproxy: nested(24, 'CTA_SYNPROXY', synproxyAttributes),
  filter: nested(25, 'CTA_FILTER', tupleFilterAttributes),
  statusMask: be32(26, 'CTA_STATUS_MASK'),
  /** nanoseconds since 1970; Linux 6.14 */
  eventTimestamp: be64(27, 'CTA_TIMESTAMP_EVENT'),
})
/** A connection as an owned value. */
export type Conntrack = AttributeValues<typeof conntrackAttributes>

/** The state of a packet within its connection (`enum ip_conntrack_info`). */
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
