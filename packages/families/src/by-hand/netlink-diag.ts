/**
 * Netlink sockets (uapi/linux/netlink_diag.h). Numbers are in host order.
 *
 *  request:  nlmsghdr | netlink_diag_req
 *  answer:   nlmsghdr | netlink_diag_msg | NETLINK_DIAG_*
 */
import {
  type AttributeValues,
  askingOperation,
  attributeSet,
  bytes,
  flags,
  rawFamily,
  type StructureValue,
  struct,
  structure,
  u32,
} from '@ringlink/codec'
import { socketMemoryLayout } from './sock-diag.ts'

const NETLINK_SOCK_DIAG = 4
/** `protocol` of a request for sockets of every protocol (`NDIAG_PROTO_ALL`). */
export const ALL_NETLINK_PROTOCOLS = 255

/** The parts of each socket that a request asks for. */
export const NetlinkShow = {
  /** NDIAG_SHOW_MEMINFO */
  Memory: 0x1,
  /** NDIAG_SHOW_GROUPS */
  Groups: 0x2,
  /** NDIAG_SHOW_RING_CFG: before Linux 4.6 */
  Rings: 0x4,
  /** NDIAG_SHOW_FLAGS; Linux 4.17 */
  Flags: 0x8,
} as const
export type NetlinkShow = (typeof NetlinkShow)[keyof typeof NetlinkShow]

/** The state of a netlink socket. */
export const NetlinkSocketFlag = {
  /** NDIAG_FLAG_CB_RUNNING: the kernel dumps to it */
  CbRunning: 0x01,
  /** NDIAG_FLAG_PKTINFO */
  Pktinfo: 0x02,
  /** NDIAG_FLAG_BROADCAST_ERROR */
  BroadcastError: 0x04,
  /** NDIAG_FLAG_NO_ENOBUFS */
  NoEnobufs: 0x08,
  /** NDIAG_FLAG_LISTEN_ALL_NSID */
  ListenAllNsid: 0x10,
  /** NDIAG_FLAG_CAP_ACK */
  CapAck: 0x20,
} as const
export type NetlinkSocketFlag = (typeof NetlinkSocketFlag)[keyof typeof NetlinkSocketFlag]

/** `struct netlink_diag_req`. */
export const netlinkRequestLayout = structure(
  {
    /** `SocketFamily.Netlink` */
    family: 'u8',
    /** NETLINK_*, or `ALL_NETLINK_PROTOCOLS` */
    protocol: 'u8',
    pad: 'u16',
    inode: 'u32',
    /** bits of `NetlinkShow` */
    show: 'u32',
    cookie: 8,
  },
  'netlink_diag_req',
)
export interface NetlinkRequest extends StructureValue<typeof netlinkRequestLayout> {}

/** `struct netlink_diag_msg`. */
export const netlinkSocketLayout = structure(
  {
    family: 'u8',
    /** of `SocketType` */
    type: 'u8',
    /** NETLINK_* */
    protocol: 'u8',
    state: 'u8',
    portId: 'u32',
    /** of a connected socket */
    destinationPortId: 'u32',
    destinationGroup: 'u32',
    inode: 'u32',
    cookie: 8,
  },
  'netlink_diag_msg',
)
export interface NetlinkSocketHeader extends StructureValue<typeof netlinkSocketLayout> {}

const noAttributes = attributeSet('NETLINK_DIAG_REQ', {})
const ringLayout = structure({ blockSize: 'u32', blocks: 'u32', frameSize: 'u32', frames: 'u32' }, 'netlink_diag_ring')

/** NETLINK_DIAG_*: what is known of a socket. */
export const netlinkSocketAttributes = attributeSet('NETLINK_DIAG', {
  memory: struct(0, 'NETLINK_DIAG_MEMINFO', socketMemoryLayout),
  /** a bit for each group that it is a member of, in host order: group 1 is the lowest bit of the first long */
  groups: bytes(1, 'NETLINK_DIAG_GROUPS'),
  /** before Linux 4.6 */
  receiveRing: struct(2, 'NETLINK_DIAG_RX_RING', ringLayout),
  /** before Linux 4.6 */
  sendRing: struct(3, 'NETLINK_DIAG_TX_RING', ringLayout),
  flags: u32(4, 'NETLINK_DIAG_FLAGS', { constants: flags('NDIAG_FLAG_', NetlinkSocketFlag) }),
})
export interface NetlinkSocketAttributes extends AttributeValues<typeof netlinkSocketAttributes> {}

/** Netlink sockets. */
export const netlinkDiag = rawFamily(
  'netlink_diag',
  NETLINK_SOCK_DIAG,
  {
    get: askingOperation<
      NetlinkRequest,
      AttributeValues<typeof noAttributes>,
      NetlinkSocketHeader,
      NetlinkSocketAttributes
    >(
      'SOCK_DIAG_BY_FAMILY',
      { header: netlinkRequestLayout, attributes: noAttributes },
      { header: netlinkSocketLayout, attributes: netlinkSocketAttributes },
      { dump: { request: 20, reply: 20 } },
    ),
  },
  {},
  'netlink_diag',
  // No socket has this protocol.
  { operation: 'get', mode: 'dump', request: { header: { family: 16, protocol: 21 } }, errno: 2 },
)
