/**
 * Sockets of TCP, UDP and the like, over IPv4 and IPv6 (uapi/linux/inet_diag.h). Addresses and ports are in network
 * order, the rest in host order.
 *
 *  request:  nlmsghdr | inet_diag_req_v2 | INET_DIAG_REQ_*
 *  answer:   nlmsghdr | inet_diag_msg | INET_DIAG_*
 */
import {
  type AttributeValues,
  askingOperation,
  attributeSet,
  bytes,
  bytesField,
  inner,
  list,
  multi,
  nested,
  padding,
  rawFamily,
  type StructureValue,
  struct,
  structure,
  text,
  u8,
  u32,
  u64,
} from '@ringlink/codec'
import { socketMemoryLayout } from './sock-diag.ts'
import { tcpInfoLayout } from './tcp-info.ts'

const NETLINK_SOCK_DIAG = 4

/** INET_DIAG_*: bits of `extensions` in a request are these numbers less one. */
export const InetExtension = {
  /** INET_DIAG_MEMINFO */
  Memory: 1,
  /** INET_DIAG_INFO */
  Info: 2,
  /** INET_DIAG_VEGASINFO */
  Vegas: 3,
  /** INET_DIAG_CONG */
  CongestionControl: 4,
  /** INET_DIAG_TOS */
  TypeOfService: 5,
  /** INET_DIAG_TCLASS */
  TrafficClass: 6,
  /** INET_DIAG_SKMEMINFO */
  SocketMemory: 7,
  /** INET_DIAG_SHUTDOWN */
  Shutdown: 8,
} as const
export type InetExtension = (typeof InetExtension)[keyof typeof InetExtension]

/** `struct inet_diag_sockid`: which socket it is. Addresses of IPv4 are the first four bytes. */
export const inetSocketIdLayout = structure(
  {
    sourcePort: 'be16',
    destinationPort: 'be16',
    source: bytesField(16, 'ip'),
    destination: bytesField(16, 'ip'),
    device: 'u32',
    cookie: 8,
  },
  'inet_diag_sockid',
)
export interface InetSocketId extends StructureValue<typeof inetSocketIdLayout> {}

/** `struct inet_diag_req_v2`. */
export const inetRequestLayout = structure(
  {
    /** of `SocketFamily` */
    family: 'u8',
    /** IPPROTO_*: 6 TCP, 17 UDP */
    protocol: 'u8',
    /** bits: `1 << (InetExtension.Info - 1)` */
    extensions: 'u8',
    pad: 'u8',
    /** bits: `1 << SocketState.Listen` */
    states: 'u32',
    id: inner(inetSocketIdLayout),
  },
  'inet_diag_req_v2',
)
export interface InetRequest extends StructureValue<typeof inetRequestLayout> {}

/** `struct inet_diag_msg`. */
export const inetSocketLayout = structure(
  {
    family: 'u8',
    /** of `SocketState` */
    state: 'u8',
    /** which timer runs: 0 none, 1 retransmission, 2 keep-alive, 3 time wait, 4 zero window probe */
    timer: 'u8',
    /** how often it has run out */
    retransmissions: 'u8',
    id: inner(inetSocketIdLayout),
    /** milliseconds until the timer runs out */
    expires: 'u32',
    /** bytes to read; of a listening socket, connections to accept */
    receiveQueue: 'u32',
    /** bytes not acknowledged; of a listening socket, the longest queue */
    sendQueue: 'u32',
    userId: 'u32',
    inode: 'u32',
  },
  'inet_diag_msg',
)
export interface InetSocketHeader extends StructureValue<typeof inetSocketLayout> {}

const storageRequestAttributes = attributeSet('SK_DIAG_BPF_STORAGE_REQ', {
  /** descriptors */
  maps: multi(u32(1, 'SK_DIAG_BPF_STORAGE_REQ_MAP_FD')),
})

/** INET_DIAG_REQ_*. */
export const inetRequestAttributes = attributeSet('INET_DIAG_REQ', {
  /** a program of `struct inet_diag_bc_op` that selects sockets */
  bytecode: bytes(1, 'INET_DIAG_REQ_BYTECODE'),
  /** of which maps of BPF an answer has what they store for the socket; empty for all */
  storages: nested(2, 'INET_DIAG_REQ_SK_BPF_STORAGES', storageRequestAttributes),
  /** instead of the header's, where it is more than 255: 262 is multipath TCP */
  protocol: u32(3, 'INET_DIAG_REQ_PROTOCOL'),
})
export interface InetRequestAttributes extends AttributeValues<typeof inetRequestAttributes> {}

/** The operations of a selecting program (`INET_DIAG_REQ_BYTECODE`). */
export const InetBytecode = {
  /** INET_DIAG_BC_NOP */
  Nothing: 0,
  /** INET_DIAG_BC_JMP */
  Jump: 1,
  /** INET_DIAG_BC_S_GE */
  SourcePortAtLeast: 2,
  /** INET_DIAG_BC_S_LE */
  SourcePortAtMost: 3,
  /** INET_DIAG_BC_D_GE */
  DestinationPortAtLeast: 4,
  /** INET_DIAG_BC_D_LE */
  DestinationPortAtMost: 5,
  /** INET_DIAG_BC_AUTO */
  Bound: 6,
  /** INET_DIAG_BC_S_COND */
  Source: 7,
  /** INET_DIAG_BC_D_COND */
  Destination: 8,
  /** INET_DIAG_BC_DEV_COND */
  Device: 9,
  /** INET_DIAG_BC_MARK_COND */
  Mark: 10,
  /** INET_DIAG_BC_S_EQ */
  SourcePort: 11,
  /** INET_DIAG_BC_D_EQ */
  DestinationPort: 12,
  /** INET_DIAG_BC_CGROUP_COND */
  Cgroup: 13,
} as const
export type InetBytecode = (typeof InetBytecode)[keyof typeof InetBytecode]

const upperLayerAttributes = attributeSet('INET_ULP_INFO', {
  name: text(1, 'INET_ULP_INFO_NAME'),
  /** TLS_INFO_* of linux/tls.h */
  tls: bytes(2, 'INET_ULP_INFO_TLS'),
  /** MPTCP_SUBFLOW_ATTR_* of linux/mptcp.h */
  mptcp: bytes(3, 'INET_ULP_INFO_MPTCP'),
})

const storageAttributes = attributeSet('SK_DIAG_BPF_STORAGE', {
  padding: padding(1, 'SK_DIAG_BPF_STORAGE_PAD'),
  map: u32(2, 'SK_DIAG_BPF_STORAGE_MAP_ID'),
  value: bytes(3, 'SK_DIAG_BPF_STORAGE_MAP_VALUE'),
})

/** INET_DIAG_*: what is known of a socket. */
export const inetSocketAttributes = attributeSet('INET_DIAG', {
  memory: struct(1, 'INET_DIAG_MEMINFO', {
    receive: 'u32',
    send: 'u32',
    forward: 'u32',
    sendQueued: 'u32',
  }),
  info: struct(2, 'INET_DIAG_INFO', tcpInfoLayout),
  vegas: struct(3, 'INET_DIAG_VEGASINFO', {
    isEnabled: 'u32',
    roundTrips: 'u32',
    roundTripTime: 'u32',
    minimumRoundTripTime: 'u32',
  }),
  congestionControl: text(4, 'INET_DIAG_CONG'),
  typeOfService: u8(5, 'INET_DIAG_TOS'),
  trafficClass: u8(6, 'INET_DIAG_TCLASS'),
  socketMemory: struct(7, 'INET_DIAG_SKMEMINFO', socketMemoryLayout),
  /** bits: 1 receives no more, 2 sends no more */
  shutdown: u8(8, 'INET_DIAG_SHUTDOWN'),
  dctcp: struct(9, 'INET_DIAG_DCTCPINFO', {
    isEnabled: 'u16',
    congestionState: 'u16',
    alpha: 'u32',
    congestedBytes: 'u32',
    bytes: 'u32',
  }),
  protocol: u8(10, 'INET_DIAG_PROTOCOL'),
  isIpv6Only: u8(11, 'INET_DIAG_SKV6ONLY'),
  /** `struct sockaddr_storage`, consecutively */
  locals: bytes(12, 'INET_DIAG_LOCALS'),
  peers: bytes(13, 'INET_DIAG_PEERS'),
  padding: padding(14, 'INET_DIAG_PAD'),
  /** with CAP_NET_ADMIN only */
  mark: u32(15, 'INET_DIAG_MARK'),
  bbr: struct(16, 'INET_DIAG_BBRINFO', {
    /** bytes a second */
    bandwidthLow: 'u32',
    bandwidthHigh: 'u32',
    /** microseconds */
    minimumRoundTripTime: 'u32',
    /** 256 is 1 */
    pacingGain: 'u32',
    /** 256 is 1 */
    windowGain: 'u32',
  }),
  classId: u32(17, 'INET_DIAG_CLASS_ID'),
  /** `struct tcp_diag_md5sig`, consecutively */
  md5: bytes(18, 'INET_DIAG_MD5SIG'),
  upperLayer: nested(19, 'INET_DIAG_ULP_INFO', upperLayerAttributes),
  storages: list(20, 'INET_DIAG_SK_BPF_STORAGES', storageAttributes),
  cgroup: u64(21, 'INET_DIAG_CGROUP_ID'),
  /** bit fields of the options that are set */
  options: bytes(22, 'INET_DIAG_SOCKOPT', 2),
})
export interface InetSocketAttributes extends AttributeValues<typeof inetSocketAttributes> {}

const request = { header: inetRequestLayout, attributes: inetRequestAttributes }
const reply = { header: inetSocketLayout, attributes: inetSocketAttributes }

/** Sockets of TCP, UDP, and others over IP. A dump without `states` lists none. */
export const inetDiag = rawFamily(
  'inet_diag',
  NETLINK_SOCK_DIAG,
  {
    get: askingOperation<InetRequest, InetRequestAttributes, InetSocketHeader, InetSocketAttributes>(
      'SOCK_DIAG_BY_FAMILY',
      request,
      reply,
      { do: { request: 20, reply: 20 }, dump: { request: 20, reply: 20 }, event: 20 },
    ),
    destroy: askingOperation<InetRequest, InetRequestAttributes, InetSocketHeader, InetSocketAttributes>(
      'SOCK_DESTROY',
      request,
      reply,
      { do: { request: 21 }, dump: { request: 21 } },
    ),
  },
  { tcpIpv4: 1, udpIpv4: 2, tcpIpv6: 3, udpIpv6: 4 },
  'tcp_diag',
  { operation: 'get', mode: 'dump', request: { header: { family: 2, protocol: 6 } }, errno: 2 },
)
