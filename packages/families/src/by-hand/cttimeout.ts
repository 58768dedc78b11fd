/**
 * Timeout policies of connection tracking, which rules give to connections, and the timeouts that connections have
 * without one (uapi/linux/netfilter/nfnetlink_cttimeout.h). Integers are in network order, times are seconds.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_CTNETLINK_TIMEOUT in the upper byte of its type | nfgenmsg | CTA_TIMEOUT_*
 */
import {
  type AttributeValues,
  attributeSet,
  be16,
  be32,
  headedOperation,
  rawFamily,
  text,
  u8,
  union,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** `nlmsg_type` of the messages. */
export const TimeoutMessage = {
  /** IPCTNL_MSG_TIMEOUT_NEW */
  New: 0x0800,
  /** IPCTNL_MSG_TIMEOUT_GET */
  Get: 0x0801,
  /** IPCTNL_MSG_TIMEOUT_DELETE */
  Delete: 0x0802,
  /** IPCTNL_MSG_TIMEOUT_DEFAULT_SET: the timeouts without a policy */
  SetDefault: 0x0803,
  /** IPCTNL_MSG_TIMEOUT_DEFAULT_GET */
  GetDefault: 0x0804,
} as const
export type TimeoutMessage = (typeof TimeoutMessage)[keyof typeof TimeoutMessage]

const genericTimeouts = attributeSet('CTA_TIMEOUT_GENERIC', { timeout: be32(1, 'CTA_TIMEOUT_GENERIC_TIMEOUT') })
const icmpTimeouts = attributeSet('CTA_TIMEOUT_ICMP', { timeout: be32(1, 'CTA_TIMEOUT_ICMP_TIMEOUT') })
const icmpv6Timeouts = attributeSet('CTA_TIMEOUT_ICMPV6', { timeout: be32(1, 'CTA_TIMEOUT_ICMPV6_TIMEOUT') })
const tcpTimeouts = attributeSet('CTA_TIMEOUT_TCP', {
  synSent: be32(1, 'CTA_TIMEOUT_TCP_SYN_SENT'),
  synReceived: be32(2, 'CTA_TIMEOUT_TCP_SYN_RECV'),
  established: be32(3, 'CTA_TIMEOUT_TCP_ESTABLISHED'),
  finWait: be32(4, 'CTA_TIMEOUT_TCP_FIN_WAIT'),
  closeWait: be32(5, 'CTA_TIMEOUT_TCP_CLOSE_WAIT'),
  lastAck: be32(6, 'CTA_TIMEOUT_TCP_LAST_ACK'),
  timeWait: be32(7, 'CTA_TIMEOUT_TCP_TIME_WAIT'),
  close: be32(8, 'CTA_TIMEOUT_TCP_CLOSE'),
  synSent2: be32(9, 'CTA_TIMEOUT_TCP_SYN_SENT2'),
  retransmission: be32(10, 'CTA_TIMEOUT_TCP_RETRANS'),
  unacknowledged: be32(11, 'CTA_TIMEOUT_TCP_UNACK'),
})
const udpTimeouts = attributeSet('CTA_TIMEOUT_UDP', {
  unreplied: be32(1, 'CTA_TIMEOUT_UDP_UNREPLIED'),
  replied: be32(2, 'CTA_TIMEOUT_UDP_REPLIED'),
})
const udpliteTimeouts = attributeSet('CTA_TIMEOUT_UDPLITE', {
  unreplied: be32(1, 'CTA_TIMEOUT_UDPLITE_UNREPLIED'),
  replied: be32(2, 'CTA_TIMEOUT_UDPLITE_REPLIED'),
})
const greTimeouts = attributeSet('CTA_TIMEOUT_GRE', {
  unreplied: be32(1, 'CTA_TIMEOUT_GRE_UNREPLIED'),
  replied: be32(2, 'CTA_TIMEOUT_GRE_REPLIED'),
})
const dccpTimeouts = attributeSet('CTA_TIMEOUT_DCCP', {
  request: be32(1, 'CTA_TIMEOUT_DCCP_REQUEST'),
  respond: be32(2, 'CTA_TIMEOUT_DCCP_RESPOND'),
  partOpen: be32(3, 'CTA_TIMEOUT_DCCP_PARTOPEN'),
  open: be32(4, 'CTA_TIMEOUT_DCCP_OPEN'),
  closeRequest: be32(5, 'CTA_TIMEOUT_DCCP_CLOSEREQ'),
  closing: be32(6, 'CTA_TIMEOUT_DCCP_CLOSING'),
  timeWait: be32(7, 'CTA_TIMEOUT_DCCP_TIMEWAIT'),
})
const sctpTimeouts = attributeSet('CTA_TIMEOUT_SCTP', {
  closed: be32(1, 'CTA_TIMEOUT_SCTP_CLOSED'),
  cookieWait: be32(2, 'CTA_TIMEOUT_SCTP_COOKIE_WAIT'),
  cookieEchoed: be32(3, 'CTA_TIMEOUT_SCTP_COOKIE_ECHOED'),
  established: be32(4, 'CTA_TIMEOUT_SCTP_ESTABLISHED'),
  shutdownSent: be32(5, 'CTA_TIMEOUT_SCTP_SHUTDOWN_SENT'),
  shutdownReceived: be32(6, 'CTA_TIMEOUT_SCTP_SHUTDOWN_RECD'),
  shutdownAcknowledgementSent: be32(7, 'CTA_TIMEOUT_SCTP_SHUTDOWN_ACK_SENT'),
  heartbeatSent: be32(8, 'CTA_TIMEOUT_SCTP_HEARTBEAT_SENT'),
  heartbeatAcknowledged: be32(9, 'CTA_TIMEOUT_SCTP_HEARTBEAT_ACKED'),
})

/** CTA_TIMEOUT_*. */
export const timeoutAttributes = attributeSet('CTA_TIMEOUT', {
  /** the kernel reserves 32 bytes (`CTNL_TIMEOUT_NAME_MAX`) */
  name: text(1, 'CTA_TIMEOUT_NAME', 31),
  /** AF_* */
  networkProtocol: be16(2, 'CTA_TIMEOUT_L3PROTO'),
  /** IPPROTO_*; 255 stands for all that have no timeouts of their own */
  transportProtocol: u8(3, 'CTA_TIMEOUT_L4PROTO'),
  /** the timeouts of the transport protocol */
  timeouts: union(4, 'CTA_TIMEOUT_DATA', 'transportProtocol', {
    1: icmpTimeouts,
    6: tcpTimeouts,
    17: udpTimeouts,
    33: dccpTimeouts,
    47: greTimeouts,
    58: icmpv6Timeouts,
    132: sctpTimeouts,
    136: udpliteTimeouts,
    255: genericTimeouts,
  }),
  /** what uses it */
  use: be32(5, 'CTA_TIMEOUT_USE'),
})
export interface TimeoutAttributes extends AttributeValues<typeof timeoutAttributes> {}

/** Timeout policies by name, and the defaults. */
export const cttimeout = rawFamily(
  'cttimeout',
  NETFILTER_PROTOCOL,
  {
    new: headedOperation<Nfgenmsg, TimeoutAttributes>('IPCTNL_MSG_TIMEOUT_NEW', nfgenmsgLayout, timeoutAttributes, {
      do: { request: TimeoutMessage.New },
    }),
    get: headedOperation<Nfgenmsg, TimeoutAttributes>('IPCTNL_MSG_TIMEOUT_GET', nfgenmsgLayout, timeoutAttributes, {
      do: { request: TimeoutMessage.Get, reply: TimeoutMessage.New },
      dump: { request: TimeoutMessage.Get, reply: TimeoutMessage.New },
    }),
    delete: headedOperation<Nfgenmsg, TimeoutAttributes>(
      'IPCTNL_MSG_TIMEOUT_DELETE',
      nfgenmsgLayout,
      timeoutAttributes,
      { do: { request: TimeoutMessage.Delete } },
    ),
    setDefault: headedOperation<Nfgenmsg, TimeoutAttributes>(
      'IPCTNL_MSG_TIMEOUT_DEFAULT_SET',
      nfgenmsgLayout,
      timeoutAttributes,
      { do: { request: TimeoutMessage.SetDefault } },
    ),
    getDefault: headedOperation<Nfgenmsg, TimeoutAttributes>(
      'IPCTNL_MSG_TIMEOUT_DEFAULT_GET',
      nfgenmsgLayout,
      timeoutAttributes,
      { do: { request: TimeoutMessage.GetDefault, reply: TimeoutMessage.SetDefault } },
    ),
  },
  {},
  'nfnetlink_cttimeout',
  // EINVAL: nfnetlink has no such subsystem.
  { operation: 'get', mode: 'dump', request: {}, errno: 22 },
)
