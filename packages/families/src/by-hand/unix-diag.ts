/**
 * Sockets of the family AF_UNIX (uapi/linux/unix_diag.h). Numbers are in host order.
 *
 *  request:  nlmsghdr | unix_diag_req
 *  answer:   nlmsghdr | unix_diag_msg | UNIX_DIAG_*
 */
import {
  type AttributeValues,
  array,
  askingOperation,
  attributeSet,
  bytes,
  rawFamily,
  type StructureValue,
  struct,
  structure,
  u8,
  u32,
} from '@ringlink/codec'
import { socketMemoryLayout } from './sock-diag.ts'

const NETLINK_SOCK_DIAG = 4

/** The parts of each socket that a request asks for. */
export const UnixShow = {
  /** UDIAG_SHOW_NAME */
  Name: 0x01,
  /** UDIAG_SHOW_VFS */
  File: 0x02,
  /** UDIAG_SHOW_PEER */
  Peer: 0x04,
  /** UDIAG_SHOW_ICONS */
  PendingConnections: 0x08,
  /** UDIAG_SHOW_RQLEN */
  Queues: 0x10,
  /** UDIAG_SHOW_MEMINFO */
  Memory: 0x20,
  /** UDIAG_SHOW_UID; Linux 5.3 */
  UserId: 0x40,
} as const
export type UnixShow = (typeof UnixShow)[keyof typeof UnixShow]

/** `struct unix_diag_req`. */
export const unixRequestLayout = structure(
  {
    /** `SocketFamily.Unix` */
    family: 'u8',
    protocol: 'u8',
    pad: 'u16',
    /** bits: `1 << SocketState.Listen` */
    states: 'u32',
    /** of one socket */
    inode: 'u32',
    /** bits of `UnixShow` */
    show: 'u32',
    cookie: 8,
  },
  'unix_diag_req',
)
export interface UnixRequest extends StructureValue<typeof unixRequestLayout> {}

/** `struct unix_diag_msg`. */
export const unixSocketLayout = structure(
  {
    family: 'u8',
    /** of `SocketType` */
    type: 'u8',
    /** of `SocketState` */
    state: 'u8',
    pad: 'u8',
    inode: 'u32',
    cookie: 8,
  },
  'unix_diag_msg',
)
export interface UnixSocketHeader extends StructureValue<typeof unixSocketLayout> {}

const noAttributes = attributeSet('UNIX_DIAG_REQ', {})

/** UNIX_DIAG_*: what is known of a socket. */
export const unixSocketAttributes = attributeSet('UNIX_DIAG', {
  /** a path that a zero byte ends, or a name in the abstract namespace, which begins with one */
  name: bytes(0, 'UNIX_DIAG_NAME'),
  /** of the file that it is bound to */
  file: struct(1, 'UNIX_DIAG_VFS', { inode: 'u32', device: 'u32' }),
  /** inode of the socket at the other end */
  peer: u32(2, 'UNIX_DIAG_PEER'),
  /** inodes of those that wait to be accepted */
  pendingConnections: array(3, 'UNIX_DIAG_ICONS', 'u32'),
  /** bytes; of a listening socket, connections to accept and the longest queue */
  queues: struct(4, 'UNIX_DIAG_RQLEN', { receive: 'u32', send: 'u32' }),
  memory: struct(5, 'UNIX_DIAG_MEMINFO', socketMemoryLayout),
  /** bits: 1 receives no more, 2 sends no more */
  shutdown: u8(6, 'UNIX_DIAG_SHUTDOWN'),
  userId: u32(7, 'UNIX_DIAG_UID'),
})
export interface UnixSocketAttributes extends AttributeValues<typeof unixSocketAttributes> {}

/** Sockets of the family AF_UNIX. A dump without `states` lists none. */
export const unixDiag = rawFamily(
  'unix_diag',
  NETLINK_SOCK_DIAG,
  {
    get: askingOperation<UnixRequest, AttributeValues<typeof noAttributes>, UnixSocketHeader, UnixSocketAttributes>(
      'SOCK_DIAG_BY_FAMILY',
      { header: unixRequestLayout, attributes: noAttributes },
      { header: unixSocketLayout, attributes: unixSocketAttributes },
      { do: { request: 20, reply: 20 }, dump: { request: 20, reply: 20 } },
    ),
  },
  {},
  'unix_diag',
  { operation: 'get', mode: 'dump', request: { header: { family: 1 } }, errno: 2 },
)
