/**
 * Expressions of nf_tables rules that act on the packet (uapi/linux/netfilter/nf_tables.h). Integers of the attributes
 * are in network byte order. A verdict is the expression `immediate` (expressions/load.ts); a counter's table is that
 * of a chain's counters (nftables.ts).
 */
import { be16, be32, be64, bytes, text, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'
import { MAXIMUM_LOG_PREFIX } from '../../log/attributes.ts'
import { MAXIMUM_NFTABLES_NAME } from '../messages.ts'

/** Flags of the expression `queue` and of the xtables target NFQUEUE. */
export const RuleQueueFlag = {
  /** NFT_QUEUE_FLAG_BYPASS, NFQ_FLAG_BYPASS: without a listener packets continue instead of being dropped */
  Bypass: 0x1,
  /** NFT_QUEUE_FLAG_CPU_FANOUT, NFQ_FLAG_CPU_FANOUT: the processor selects one of several queues, not the connection */
  CpuFanout: 0x2,
} as const
export type RuleQueueFlag = (typeof RuleQueueFlag)[keyof typeof RuleQueueFlag]

/** The level at which a packet is logged to the kernel's log (`enum nft_log_level`). */
export const LogLevel = {
  /** NFT_LOGLEVEL_EMERG */
  Emergency: 0,
  /** NFT_LOGLEVEL_ALERT */
  Alert: 1,
  /** NFT_LOGLEVEL_CRIT */
  Critical: 2,
  /** NFT_LOGLEVEL_ERR */
  Error: 3,
  /** NFT_LOGLEVEL_WARNING: the default */
  Warning: 4,
  /** NFT_LOGLEVEL_NOTICE */
  Notice: 5,
  /** NFT_LOGLEVEL_INFO */
  Information: 6,
  /** NFT_LOGLEVEL_DEBUG */
  Debug: 7,
  /** NFT_LOGLEVEL_AUDIT: to the audit subsystem */
  Audit: 8,
} as const
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel]

/** How the expression `reject` answers. */
export const RejectType = {
  /** NFT_REJECT_ICMP_UNREACH */
  IcmpUnreachable: 0,
  /** NFT_REJECT_TCP_RST */
  TcpReset: 1,
  /** NFT_REJECT_ICMPX_UNREACH: ICMP or ICMPv6, by the packet's family */
  IcmpxUnreachable: 2,
} as const
export type RejectType = (typeof RejectType)[keyof typeof RejectType]

/** The reason that `RejectType.IcmpxUnreachable` gives, in the code of ICMP or ICMPv6. */
export const RejectCode = {
  /** NFT_REJECT_ICMPX_NO_ROUTE */
  NoRoute: 0,
  /** NFT_REJECT_ICMPX_PORT_UNREACH */
  PortUnreachable: 1,
  /** NFT_REJECT_ICMPX_HOST_UNREACH */
  HostUnreachable: 2,
  /** NFT_REJECT_ICMPX_ADMIN_PROHIBITED */
  AdministrativelyProhibited: 3,
} as const
export type RejectCode = (typeof RejectCode)[keyof typeof RejectCode]

/** Which address the expression `nat` translates. */
export const NatType = {
  /** NFT_NAT_SNAT */
  Source: 0,
  /** NFT_NAT_DNAT */
  Destination: 1,
} as const
export type NatType = (typeof NatType)[keyof typeof NatType]

/** NFTA_QUEUE_*: expression `queue`. Kernels without it have the target NFQUEUE (compat.ts). */
export const queueExpressionAttributes = attributeSet('NFTA_QUEUE', {
  /** the first queue */
  number: be16(1, 'NFTA_QUEUE_NUM'),
  /** how many queues; without it, 1 */
  total: be16(2, 'NFTA_QUEUE_TOTAL'),
  /** bits of `RuleQueueFlag` */
  flags: be16(3, 'NFTA_QUEUE_FLAGS'),
  /** instead of the number: the register that holds it */
  numberRegister: be32(4, 'NFTA_QUEUE_SREG_QNUM'),
})

/** NFTA_LOG_*: expression `log`. With a group it logs to NFLOG, without one to the kernel's log. */
export const logExpressionAttributes = attributeSet('NFTA_LOG', {
  group: be16(1, 'NFTA_LOG_GROUP'),
  prefix: text(2, 'NFTA_LOG_PREFIX', MAXIMUM_LOG_PREFIX),
  /** bytes of a packet that are logged; 0 or left out: all; with a group */
  copyRange: be32(3, 'NFTA_LOG_SNAPLEN'),
  /** packets that the kernel collects before it delivers them; with a group */
  threshold: be16(4, 'NFTA_LOG_QTHRESHOLD'),
  /** of `LogLevel`; without a group */
  level: be32(5, 'NFTA_LOG_LEVEL'),
  /** the parts of the packet that are logged: NF_LOG_* bits; without a group */
  flags: be32(6, 'NFTA_LOG_FLAGS'),
})

/** NFTA_REJECT_*: expression `reject`. */
export const rejectAttributes = attributeSet('NFTA_REJECT', {
  /** of `RejectType` */
  type: be32(1, 'NFTA_REJECT_TYPE'),
  /** of `RejectCode` for both families, else ICMP's own code */
  icmpCode: u8(2, 'NFTA_REJECT_ICMP_CODE'),
})

/** Expression `notrack`: exempts the packet from connection tracking. It has no attributes. */
export const notrackAttributes = attributeSet('NFTA_NOTRACK', {})

/** NFTA_LAST_*: expression `last`, the time of the last packet. */
export const lastAttributes = attributeSet('NFTA_LAST', {
  /** 0: never */
  set: be32(1, 'NFTA_LAST_SET'),
  /** milliseconds ago */
  milliseconds: be64(2, 'NFTA_LAST_MSECS'),
  padding: bytes(3, 'NFTA_LAST_PAD'),
})

/** NFTA_NAT_*: expression `nat`. */
export const natAttributes = attributeSet('NFTA_NAT', {
  /** of `NatType` */
  type: be32(1, 'NFTA_NAT_TYPE'),
  family: be32(2, 'NFTA_NAT_FAMILY'),
  addressMinimumRegister: be32(3, 'NFTA_NAT_REG_ADDR_MIN'),
  addressMaximumRegister: be32(4, 'NFTA_NAT_REG_ADDR_MAX'),
  portMinimumRegister: be32(5, 'NFTA_NAT_REG_PROTO_MIN'),
  portMaximumRegister: be32(6, 'NFTA_NAT_REG_PROTO_MAX'),
  flags: be32(7, 'NFTA_NAT_FLAGS'),
})

/** NFTA_MASQ_*: expression `masq`. */
export const masqAttributes = attributeSet('NFTA_MASQ', {
  flags: be32(1, 'NFTA_MASQ_FLAGS'),
  portMinimumRegister: be32(2, 'NFTA_MASQ_REG_PROTO_MIN'),
  portMaximumRegister: be32(3, 'NFTA_MASQ_REG_PROTO_MAX'),
})

/** NFTA_REDIR_*: expression `redir`. */
export const redirAttributes = attributeSet('NFTA_REDIR', {
  portMinimumRegister: be32(1, 'NFTA_REDIR_REG_PROTO_MIN'),
  portMaximumRegister: be32(2, 'NFTA_REDIR_REG_PROTO_MAX'),
  flags: be32(3, 'NFTA_REDIR_FLAGS'),
})

/** NFTA_TPROXY_*: expression `tproxy`. */
export const tproxyAttributes = attributeSet('NFTA_TPROXY', {
  family: be32(1, 'NFTA_TPROXY_FAMILY'),
  addressRegister: be32(2, 'NFTA_TPROXY_REG_ADDR'),
  portRegister: be32(3, 'NFTA_TPROXY_REG_PORT'),
})

/** NFTA_DUP_*: expression `dup`. */
export const dupAttributes = attributeSet('NFTA_DUP', {
  addressRegister: be32(1, 'NFTA_DUP_SREG_ADDR'),
  deviceRegister: be32(2, 'NFTA_DUP_SREG_DEV'),
})

/** NFTA_FWD_*: expression `fwd`. */
export const fwdAttributes = attributeSet('NFTA_FWD', {
  deviceRegister: be32(1, 'NFTA_FWD_SREG_DEV'),
  addressRegister: be32(2, 'NFTA_FWD_SREG_ADDR'),
  family: be32(3, 'NFTA_FWD_NFPROTO'),
})

/** NFTA_FLOW_*: expression `flow_offload`, which gives the packet's connection to a flow table. */
export const flowOffloadAttributes = attributeSet('NFTA_FLOW', {
  flowtable: text(1, 'NFTA_FLOW_TABLE_NAME', MAXIMUM_NFTABLES_NAME),
})

/** NFTA_OBJREF_*: expression `objref`, a named counter, quota or limit. */
export const objrefAttributes = attributeSet('NFTA_OBJREF', {
  type: be32(1, 'NFTA_OBJREF_IMM_TYPE'),
  name: text(2, 'NFTA_OBJREF_IMM_NAME', MAXIMUM_NFTABLES_NAME),
  setSourceRegister: be32(3, 'NFTA_OBJREF_SET_SREG'),
  setName: text(4, 'NFTA_OBJREF_SET_NAME', MAXIMUM_NFTABLES_NAME),
  setId: be32(5, 'NFTA_OBJREF_SET_ID'),
})
