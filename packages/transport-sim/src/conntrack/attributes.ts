/** Numbers of the attributes of connection tracking (uapi/linux/netfilter/nfnetlink_conntrack.h). */
export const CTA = {
  original: 1,
  reply: 2,
  status: 3,
  protocolInformation: 4,
  helper: 5,
  natSource: 6,
  timeout: 7,
  mark: 8,
  countersOriginal: 9,
  countersReply: 10,
  use: 11,
  id: 12,
  natDestination: 13,
  master: 14,
  sequenceOriginal: 15,
  sequenceReply: 16,
  zone: 18,
  timestamp: 20,
  markMask: 21,
  labels: 22,
  labelsMask: 23,
  synproxy: 24,
  filter: 25,
  statusMask: 26,
  eventTimestamp: 27,
} as const

export const TUPLE = { address: 1, protocol: 2, zone: 3 } as const
export const ADDRESS = { ipv4Source: 1, ipv4Destination: 2, ipv6Source: 3, ipv6Destination: 4 } as const
export const PROTO = {
  number: 1,
  sourcePort: 2,
  destinationPort: 3,
  icmpId: 4,
  icmpType: 5,
  icmpCode: 6,
  icmpv6Id: 7,
  icmpv6Type: 8,
  icmpv6Code: 9,
} as const
export const PROTOINFO = { tcp: 1, dccp: 2, sctp: 3 } as const
export const PROTOINFO_TCP = { state: 1, scaleOriginal: 2, scaleReply: 3, flagsOriginal: 4, flagsReply: 5 } as const
export const COUNTERS = { packets: 1, bytes: 2 } as const
export const TIMESTAMP = { start: 1, stop: 2 } as const
export const SEQADJ = { position: 1, before: 2, after: 3 } as const
export const HELP = { name: 1, information: 2 } as const
export const SYNPROXY = { initialSequence: 1, initialTimestamp: 2, timestampOffset: 3 } as const
export const FILTER = { originalFlags: 1, replyFlags: 2 } as const

export const EXPECT = {
  master: 1,
  tuple: 2,
  mask: 3,
  timeout: 4,
  id: 5,
  helperName: 6,
  zone: 7,
  flags: 8,
  class: 9,
  nat: 10,
  functionName: 11,
} as const
export const EXPECT_NAT = { direction: 1, tuple: 2 } as const

export const STATS = {
  found: 2,
  invalid: 4,
  insert: 8,
  insertFailed: 9,
  drop: 10,
  earlyDrop: 11,
  error: 12,
  searchRestart: 13,
  clashResolve: 14,
  chainTooLong: 15,
} as const
export const STATS_GLOBAL = { entries: 1, maximum: 2 } as const
export const STATS_EXPECT = { expectationNew: 1, expectationCreate: 2, expectationDelete: 3 } as const

/** IPCTNL_MSG_CT_*: the lower byte of the type; NFNL_SUBSYS_CTNETLINK (1) is the upper one. */
export const CT_MESSAGE = { new: 0x100, delete: 0x102, statsCpu: 0x104, stats: 0x105 } as const
/** IPCTNL_MSG_EXP_*, of NFNL_SUBSYS_CTNETLINK_EXP (2). Its statistics have the type of the other subsystem. */
export const EXP_MESSAGE = { new: 0x200, delete: 0x202, statsCpu: 0x103 } as const
/** IPCTNL_MSG_CT_GET_CTRZERO */
export const GET_AND_ZERO = 3
