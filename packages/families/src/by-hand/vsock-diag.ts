/**
 * Sockets between a virtual machine and its host (uapi/linux/vm_sockets_diag.h). Numbers are in host order.
 *
 *  request:  nlmsghdr | vsock_diag_req
 *  answer:   nlmsghdr | vsock_diag_msg
 */
import {
  type AttributeValues,
  askingOperation,
  attributeSet,
  rawFamily,
  type StructureValue,
  structure,
} from '@ringlink/codec'

const NETLINK_SOCK_DIAG = 4

/** `struct vsock_diag_req`. */
export const vsockRequestLayout = structure(
  {
    /** `SocketFamily.Vsock` */
    family: 'u8',
    /** 0 */
    protocol: 'u8',
    pad: 'u16',
    /** bits: `1 << SocketState.Listen` */
    states: 'u32',
    /** 0 */
    inode: 'u32',
    /** 0 */
    show: 'u32',
    cookie: 8,
  },
  'vsock_diag_req',
)
export interface VsockRequest extends StructureValue<typeof vsockRequestLayout> {}

/** `struct vsock_diag_msg`. A context is a machine: 2 the host, 1 this one, 0xffffffff any. */
export const vsockSocketLayout = structure(
  {
    family: 'u8',
    /** of `SocketType` */
    type: 'u8',
    /** of `SocketState` */
    state: 'u8',
    /** bits: 1 receives no more, 2 sends no more */
    shutdown: 'u8',
    sourceContext: 'u32',
    sourcePort: 'u32',
    destinationContext: 'u32',
    destinationPort: 'u32',
    inode: 'u32',
    cookie: 8,
  },
  'vsock_diag_msg',
)
export interface VsockSocketHeader extends StructureValue<typeof vsockSocketLayout> {}

const noAttributes = attributeSet('VSOCK_DIAG', {})
type NoAttributes = AttributeValues<typeof noAttributes>

/** Sockets of the family AF_VSOCK. A dump without `states` lists none. */
export const vsockDiag = rawFamily(
  'vsock_diag',
  NETLINK_SOCK_DIAG,
  {
    get: askingOperation<VsockRequest, NoAttributes, VsockSocketHeader, NoAttributes>(
      'SOCK_DIAG_BY_FAMILY',
      { header: vsockRequestLayout, attributes: noAttributes },
      { header: vsockSocketLayout, attributes: noAttributes },
      { dump: { request: 20, reply: 20 } },
    ),
  },
  {},
  'vsock_diag',
  { operation: 'get', mode: 'dump', request: { header: { family: 40 } }, errno: 2 },
)
