/**
 * The messages of connection tracking, and the multicast groups of its events
 * (uapi/linux/netfilter/nfnetlink_conntrack.h, nfnetlink.h).
 */

/** `nlmsg_type` of connection tracking's messages: NFNL_SUBSYS_CTNETLINK in the upper byte. */
export const ConntrackMessage = {
  /** IPCTNL_MSG_CT_NEW: a connection, new or existing */
  New: 0x0100,
  /** IPCTNL_MSG_CT_GET */
  Get: 0x0101,
  /** IPCTNL_MSG_CT_DELETE */
  Delete: 0x0102,
  /** IPCTNL_MSG_CT_GET_CTRZERO: as Get, and its counters start again from 0 */
  GetAndZeroCounters: 0x0103,
  /** IPCTNL_MSG_CT_GET_STATS_CPU: counters of each processor, a dump */
  GetProcessorStatistics: 0x0104,
  /** IPCTNL_MSG_CT_GET_STATS: the number of connections, and how many there can be */
  GetStatistics: 0x0105,
  /** IPCTNL_MSG_CT_GET_DYING: connections that are being destroyed, a dump */
  GetDying: 0x0106,
  /** IPCTNL_MSG_CT_GET_UNCONFIRMED: connections whose first packet is on its way, a dump; Linux before 6.3 */
  GetUnconfirmed: 0x0107,
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
  /** IPCTNL_MSG_EXP_GET_STATS_CPU: counters of each processor, a dump */
  GetProcessorStatistics: 0x0203,
} as const
export type ExpectationMessage = (typeof ExpectationMessage)[keyof typeof ExpectationMessage]

/**
 * What changed of a connection (`enum ip_conntrack_events`): the numbers of the bits that the expression `ct eventmask`
 * sets to choose the events that are sent.
 */
export const ConntrackEventBit = {
  /** IPCT_NEW */
  New: 0,
  /** IPCT_RELATED: new, and related to another */
  Related: 1,
  /** IPCT_DESTROY */
  Destroy: 2,
  /** IPCT_REPLY */
  Reply: 3,
  /** IPCT_ASSURED */
  Assured: 4,
  /** IPCT_PROTOINFO: the state of its protocol */
  ProtocolInformation: 5,
  /** IPCT_HELPER */
  Helper: 6,
  /** IPCT_MARK */
  Mark: 7,
  /** IPCT_SEQADJ, IPCT_NATSEQADJ: the adjustment of its sequence numbers */
  SequenceAdjustment: 8,
  /** IPCT_SECMARK */
  SecurityMark: 9,
  /** IPCT_LABEL */
  Label: 10,
  /** IPCT_SYNPROXY */
  Synproxy: 11,
} as const
export type ConntrackEventBit = (typeof ConntrackEventBit)[keyof typeof ConntrackEventBit]

/** The multicast groups of netfilter (`enum nfnetlink_groups`), as `joinGroup` takes them. */
export const NetfilterGroup = {
  /** NFNLGRP_CONNTRACK_NEW */
  ConntrackNew: 1,
  /** NFNLGRP_CONNTRACK_UPDATE */
  ConntrackUpdate: 2,
  /** NFNLGRP_CONNTRACK_DESTROY */
  ConntrackDestroy: 3,
  /** NFNLGRP_CONNTRACK_EXP_NEW */
  ExpectationNew: 4,
  /** NFNLGRP_CONNTRACK_EXP_UPDATE */
  ExpectationUpdate: 5,
  /** NFNLGRP_CONNTRACK_EXP_DESTROY */
  ExpectationDestroy: 6,
  /** NFNLGRP_NFTABLES */
  NfTables: 7,
  /** NFNLGRP_ACCT_QUOTA */
  AccountingQuota: 8,
  /** NFNLGRP_NFTRACE */
  NfTablesTrace: 9,
} as const
export type NetfilterGroup = (typeof NetfilterGroup)[keyof typeof NetfilterGroup]
