/**
 * States, status bits and flags of connections, as numbers and as words (uapi/linux/netfilter/nf_conntrack_common.h,
 * nf_conntrack_tcp.h, nf_conntrack_sctp.h, linux/netfilter/nf_conntrack_dccp.h). The words are the kernel's names in
 * lower case with hyphens.
 */

/** Bits of CTA_STATUS (`enum ip_conntrack_status`). */
export const ConntrackStatus = {
  /** IPS_EXPECTED: it was expected, and has a master */
  Expected: 0x0001,
  /** IPS_SEEN_REPLY: packets went both ways */
  SeenReply: 0x0002,
  /** IPS_ASSURED: it is not removed early when the table is full */
  Assured: 0x0004,
  /** IPS_CONFIRMED: it is in the table */
  Confirmed: 0x0008,
  /** IPS_SRC_NAT: its source is translated */
  SourceNat: 0x0010,
  /** IPS_DST_NAT: its destination is translated */
  DestinationNat: 0x0020,
  /** IPS_SEQ_ADJUST: TCP sequence numbers are adjusted */
  SequenceAdjust: 0x0040,
  /** IPS_SRC_NAT_DONE */
  SourceNatDone: 0x0080,
  /** IPS_DST_NAT_DONE */
  DestinationNatDone: 0x0100,
  /** IPS_DYING: it is being destroyed */
  Dying: 0x0200,
  /** IPS_FIXED_TIMEOUT: packets do not extend its timeout */
  FixedTimeout: 0x0400,
  /** IPS_TEMPLATE */
  Template: 0x0800,
  /** IPS_NAT_CLASH, earlier IPS_UNTRACKED */
  NatClash: 0x1000,
  /** IPS_HELPER: a rule gave it its helper */
  Helper: 0x2000,
  /** IPS_OFFLOAD: a flow table forwards its packets */
  Offload: 0x4000,
  /** IPS_HW_OFFLOAD: hardware forwards its packets */
  HardwareOffload: 0x8000,
} as const
export type ConntrackStatus = (typeof ConntrackStatus)[keyof typeof ConntrackStatus]

const statusWordList = [
  'expected',
  'seen-reply',
  'assured',
  'confirmed',
  'source-nat',
  'destination-nat',
  'sequence-adjust',
  'source-nat-done',
  'destination-nat-done',
  'dying',
  'fixed-timeout',
  'template',
  'nat-clash',
  'helper',
  'offload',
  'hardware-offload',
] as const
/** A bit of CTA_STATUS in words. */
export type ConntrackStatusWord = (typeof statusWordList)[number]
/** Words of the bits of CTA_STATUS, by the number of the bit. */
export const conntrackStatusWords: readonly ConntrackStatusWord[] = statusWordList

/** States of TCP connections (`enum tcp_conntrack`), CTA_PROTOINFO_TCP_STATE. */
export const TcpTrackingState = {
  /** TCP_CONNTRACK_NONE */
  None: 0,
  /** TCP_CONNTRACK_SYN_SENT */
  SynSent: 1,
  /** TCP_CONNTRACK_SYN_RECV */
  SynReceived: 2,
  /** TCP_CONNTRACK_ESTABLISHED */
  Established: 3,
  /** TCP_CONNTRACK_FIN_WAIT */
  FinWait: 4,
  /** TCP_CONNTRACK_CLOSE_WAIT */
  CloseWait: 5,
  /** TCP_CONNTRACK_LAST_ACK */
  LastAck: 6,
  /** TCP_CONNTRACK_TIME_WAIT */
  TimeWait: 7,
  /** TCP_CONNTRACK_CLOSE */
  Close: 8,
  /** TCP_CONNTRACK_SYN_SENT2, earlier TCP_CONNTRACK_LISTEN: both sides sent a SYN */
  SynSent2: 9,
} as const
export type TcpTrackingState = (typeof TcpTrackingState)[keyof typeof TcpTrackingState]

const tcpStateList = [
  'none',
  'syn-sent',
  'syn-recv',
  'established',
  'fin-wait',
  'close-wait',
  'last-ack',
  'time-wait',
  'close',
  'syn-sent2',
] as const
/** A value of CTA_PROTOINFO_TCP_STATE in words. */
export type TcpStateWord = (typeof tcpStateList)[number]
/** Words of CTA_PROTOINFO_TCP_STATE (`enum tcp_conntrack`), by value. */
export const tcpStateWords: readonly TcpStateWord[] = tcpStateList

/** States of SCTP associations (`enum sctp_conntrack`), CTA_PROTOINFO_SCTP_STATE. */
export const SctpTrackingState = {
  /** SCTP_CONNTRACK_NONE */
  None: 0,
  /** SCTP_CONNTRACK_CLOSED */
  Closed: 1,
  /** SCTP_CONNTRACK_COOKIE_WAIT */
  CookieWait: 2,
  /** SCTP_CONNTRACK_COOKIE_ECHOED */
  CookieEchoed: 3,
  /** SCTP_CONNTRACK_ESTABLISHED */
  Established: 4,
  /** SCTP_CONNTRACK_SHUTDOWN_SENT */
  ShutdownSent: 5,
  /** SCTP_CONNTRACK_SHUTDOWN_RECD */
  ShutdownReceived: 6,
  /** SCTP_CONNTRACK_SHUTDOWN_ACK_SENT */
  ShutdownAcknowledgementSent: 7,
  /** SCTP_CONNTRACK_HEARTBEAT_SENT */
  HeartbeatSent: 8,
  /** SCTP_CONNTRACK_HEARTBEAT_ACKED: before Linux 6.1 */
  HeartbeatAcknowledged: 9,
} as const
export type SctpTrackingState = (typeof SctpTrackingState)[keyof typeof SctpTrackingState]

const sctpStateList = [
  'none',
  'closed',
  'cookie-wait',
  'cookie-echoed',
  'established',
  'shutdown-sent',
  'shutdown-recd',
  'shutdown-ack-sent',
  'heartbeat-sent',
  'heartbeat-acked',
] as const
/** A value of CTA_PROTOINFO_SCTP_STATE in words. */
export type SctpStateWord = (typeof sctpStateList)[number]
/** Words of CTA_PROTOINFO_SCTP_STATE (`enum sctp_conntrack`), by value. */
export const sctpStateWords: readonly SctpStateWord[] = sctpStateList

const dccpStateList = [
  'none',
  'request',
  'respond',
  'partopen',
  'open',
  'closereq',
  'closing',
  'timewait',
  'ignore',
  'invalid',
] as const
/** A value of CTA_PROTOINFO_DCCP_STATE in words. */
export type DccpStateWord = (typeof dccpStateList)[number]
/** Words of CTA_PROTOINFO_DCCP_STATE (`enum ct_dccp_states`), by value; Linux before 6.16. */
export const dccpStateWords: readonly DccpStateWord[] = dccpStateList

/** Bits of CTA_PROTOINFO_TCP_FLAGS_ORIGINAL and CTA_PROTOINFO_TCP_FLAGS_REPLY. */
export const TcpTrackingFlag = {
  /** IP_CT_TCP_FLAG_WINDOW_SCALE: this side announced window scaling */
  WindowScale: 0x01,
  /** IP_CT_TCP_FLAG_SACK_PERM: this side permitted selective acknowledgement */
  SelectiveAcknowledgement: 0x02,
  /** IP_CT_TCP_FLAG_CLOSE_INIT: this side sent a FIN first */
  CloseInitiated: 0x04,
  /** IP_CT_TCP_FLAG_BE_LIBERAL: packets outside the window are not invalid */
  BeLiberal: 0x08,
  /** IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED */
  DataUnacknowledged: 0x10,
  /** IP_CT_TCP_FLAG_MAXACK_SET */
  MaximumAcknowledged: 0x20,
  /** IP_CT_EXP_CHALLENGE_ACK */
  ChallengeAcknowledgement: 0x40,
  /** IP_CT_TCP_SIMULTANEOUS_OPEN */
  SimultaneousOpen: 0x80,
} as const
export type TcpTrackingFlag = (typeof TcpTrackingFlag)[keyof typeof TcpTrackingFlag]

/** The names of the bits of a status, in the order of the bits; a bit without a name is left out. */
export function statusWordsOf(status: number): ConntrackStatusWord[] {
  return statusWordList.filter((_, bit) => (status & (1 << bit)) !== 0)
}

/** The bits for words of a status. */
export function statusBitsOf(words: readonly ConntrackStatusWord[]): number {
  return words.reduce((bits, word) => bits | (1 << statusWordList.indexOf(word)), 0)
}
