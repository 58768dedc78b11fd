/**
 * The expression and the named object `synproxy` of nf_tables, which answer SYN packets for a server
 * (uapi/linux/netfilter/nf_tables.h, nf_synproxy.h). Integers are in network byte order.
 */
import { be16, be32, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The TCP options that the proxy announces. */
export const SynproxyFlag = {
  /** NF_SYNPROXY_OPT_MSS */
  MaximumSegmentSize: 0x1,
  /** NF_SYNPROXY_OPT_WSCALE */
  WindowScale: 0x2,
  /** NF_SYNPROXY_OPT_SACK_PERM */
  SelectiveAcknowledgement: 0x4,
  /** NF_SYNPROXY_OPT_TIMESTAMP */
  Timestamp: 0x8,
  /** NF_SYNPROXY_OPT_ECN */
  CongestionNotification: 0x10,
} as const
export type SynproxyFlag = (typeof SynproxyFlag)[keyof typeof SynproxyFlag]

/** NFTA_SYNPROXY_*. */
export const synproxyAttributes = attributeSet('NFTA_SYNPROXY', {
  maximumSegmentSize: be16(1, 'NFTA_SYNPROXY_MSS'),
  windowScale: u8(2, 'NFTA_SYNPROXY_WSCALE'),
  /** bits of `SynproxyFlag` */
  flags: be32(3, 'NFTA_SYNPROXY_FLAGS'),
})
