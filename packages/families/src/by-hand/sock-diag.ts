/**
 * What the families of sock_diag share: messages, memory, and the layouts that each kind of socket has
 * (uapi/linux/sock_diag.h).
 */
import { type StructureValue, structure } from '@ringlink/codec'

/** `nlmsg_type` of sock_diag's messages. */
export const SocketDiagnosticsMessage = {
  /** SOCK_DIAG_BY_FAMILY: sockets, or one; the family is in the header */
  Get: 20,
  /** SOCK_DESTROY: closes a socket of another process; CONFIG_INET_DIAG_DESTROY, Linux 4.5 */
  Destroy: 21,
} as const
export type SocketDiagnosticsMessage = (typeof SocketDiagnosticsMessage)[keyof typeof SocketDiagnosticsMessage]

/** Multicast groups of sock_diag: sockets as they are closed. */
export const SocketDiagnosticsGroup = {
  /** SKNLGRP_INET_TCP_DESTROY */
  TcpIpv4: 1,
  /** SKNLGRP_INET_UDP_DESTROY */
  UdpIpv4: 2,
  /** SKNLGRP_INET6_TCP_DESTROY */
  TcpIpv6: 3,
  /** SKNLGRP_INET6_UDP_DESTROY */
  UdpIpv6: 4,
} as const
export type SocketDiagnosticsGroup = (typeof SocketDiagnosticsGroup)[keyof typeof SocketDiagnosticsGroup]

/** Families of addresses (linux/socket.h), `sdiag_family`. */
export const SocketFamily = {
  /** AF_UNIX */
  Unix: 1,
  /** AF_INET */
  Ipv4: 2,
  /** AF_INET6 */
  Ipv6: 10,
  /** AF_NETLINK */
  Netlink: 16,
  /** AF_PACKET */
  Packet: 17,
  /** AF_VSOCK */
  Vsock: 40,
} as const
export type SocketFamily = (typeof SocketFamily)[keyof typeof SocketFamily]

/** Types of sockets (linux/net.h). */
export const SocketType = {
  /** SOCK_STREAM */
  Stream: 1,
  /** SOCK_DGRAM */
  Datagram: 2,
  /** SOCK_RAW */
  Raw: 3,
  /** SOCK_SEQPACKET */
  SequencedPacket: 5,
} as const
export type SocketType = (typeof SocketType)[keyof typeof SocketType]

/** States of sockets (net/tcp_states.h). A request has a bit for each that it asks for: `1 << SocketState.Listen`. */
export const SocketState = {
  /** TCP_ESTABLISHED */
  Established: 1,
  /** TCP_SYN_SENT */
  SynSent: 2,
  /** TCP_SYN_RECV */
  SynReceived: 3,
  /** TCP_FIN_WAIT1 */
  FinWait1: 4,
  /** TCP_FIN_WAIT2 */
  FinWait2: 5,
  /** TCP_TIME_WAIT */
  TimeWait: 6,
  /** TCP_CLOSE */
  Closed: 7,
  /** TCP_CLOSE_WAIT */
  CloseWait: 8,
  /** TCP_LAST_ACK */
  LastAck: 9,
  /** TCP_LISTEN */
  Listen: 10,
  /** TCP_CLOSING */
  Closing: 11,
  /** TCP_NEW_SYN_RECV */
  NewSynReceived: 12,
} as const
export type SocketState = (typeof SocketState)[keyof typeof SocketState]

/** The bits of all states. */
export const ALL_SOCKET_STATES = 0xffff_ffff

/** The cookie of a request for any socket with the address (`INET_DIAG_NOCOOKIE`): all bits set. */
export const NO_COOKIE: Uint8Array = new Uint8Array(8).fill(0xff)

/** SK_MEMINFO_*: the index of each number in {@link socketMemoryLayout}. Bytes, except `drops`, which is packets. */
export const socketMemoryLayout = structure(
  {
    receiveAllocated: 'u32',
    receiveBuffer: 'u32',
    sendAllocated: 'u32',
    sendBuffer: 'u32',
    forwardAllocated: 'u32',
    sendQueued: 'u32',
    options: 'u32',
    backlog: 'u32',
    drops: 'u32',
  },
  'SK_MEMINFO',
  4,
)
export interface SocketMemory extends StructureValue<typeof socketMemoryLayout> {}
