import { Errno } from '@ringlink/codec/errors'
import type { NativeBinding, NativeHandle } from '@ringlink/native'
import { encodeFilter, OutboxBuffer, systemError, TransportError } from '@ringlink/transport'
import { dropsInTable } from './drops.ts'
import type { CheckedOptions } from './options.ts'

/** `SOL_NETLINK` and its options (uapi/linux/netlink.h). */
export const SOL_NETLINK = 270
export const SocketOption = {
  /** NETLINK_ADD_MEMBERSHIP */
  AddMembership: 1,
  /** NETLINK_DROP_MEMBERSHIP */
  DropMembership: 2,
  /** NETLINK_NO_ENOBUFS */
  NoOverrunErrors: 5,
  /** NETLINK_CAP_ACK */
  CappedAck: 10,
  /** NETLINK_EXT_ACK */
  ExtendedAck: 11,
  /** NETLINK_GET_STRICT_CHK */
  StrictChecking: 12,
} as const

/**
 * Bytes of a send buffer that the kernel keeps for itself (`netlink_sendmsg` refuses more than the buffer less 32
 * bytes).
 */
export const SEND_OVERHEAD = 32

/** The operations on a netlink socket that all its transports share, independent of how they receive. */
export class NetlinkSocket {
  readonly native: NativeBinding
  readonly handle: NativeHandle
  readonly #protocol: number
  #portId = 0

  /** Opens the socket, unbound. Throws code `SYSTEM`. */
  constructor(native: NativeBinding, options: CheckedOptions, onReadable: (status: number) => void) {
    this.native = native
    const { protocol, networkNamespace } = options
    const handle = native.open(protocol, networkNamespace, onReadable)
    if (typeof handle === 'number') throw openError(-handle, options)
    this.handle = handle
    this.#protocol = protocol
  }

  /** Sets the requested options and binds. Returns the port id. */
  configure(options: CheckedOptions): number {
    // A kernel that refuses one of these still works without it.
    this.#set(SocketOption.ExtendedAck, options.extendedAck)
    this.#set(SocketOption.CappedAck, options.cappedAck)
    this.#set(SocketOption.StrictChecking, options.strictChecking)
    this.#set(SocketOption.NoOverrunErrors, options.noOverrunErrors)
    if (options.receiveBufferSize !== undefined) {
      check(
        'set receive buffer',
        this.native.setReceiveBuffer(this.handle, receiveBufferRequest(options.receiveBufferSize)),
      )
    }
    if (options.socketFilter !== undefined) {
      // Before anything can come.
      const program = encodeFilter(options.socketFilter)
      check('attach filter', this.native.attachFilter(this.handle, program))
    }
    const portId = check('bind', this.native.bind(this.handle, options.portId, 0))
    this.#portId = portId
    for (const group of options.groups) this.joinGroup(group)
    return portId
  }

  joinGroup(group: number): void {
    check('join group', this.native.setOption(this.handle, SOL_NETLINK, SocketOption.AddMembership, group))
  }

  leaveGroup(group: number): void {
    check('leave group', this.native.setOption(this.handle, SOL_NETLINK, SocketOption.DropMembership, group))
  }

  /**
   * An outbox of this socket, of `wanted` bytes or as many as the system lets a socket send at once. Calls `onSend`
   * before each system call.
   */
  makeOutbox(wanted: number, onSend: () => void): OutboxBuffer {
    const granted = check('set send buffer', this.native.setSendBuffer(this.handle, wanted + SEND_OVERHEAD))
    const outbox = new OutboxBuffer(Math.min(wanted, (granted - SEND_OVERHEAD) & ~3), (offset, length) => {
      onSend()
      return this.native.send(this.handle, offset, length)
    })
    check('attach outbox', this.native.attachOutbox(this.handle, plainBuffer(outbox.memory.buffer)))
    return outbox
  }

  readProcNet(name: string): string {
    const text = this.native.readProcNet(this.handle, name)
    if (typeof text === 'number') throw systemError(`read /proc/net/${name}`, -text)
    return text
  }

  /**
   * The number of messages that the kernel dropped since the socket was opened, in 32 bits; negative if unknown.
   * `SO_MEMINFO` exists since Linux 4.12; older kernels have the number in a table of all netlink sockets.
   */
  drops(): number {
    const drops = this.native.drops(this.handle)
    if (drops >= 0) return drops
    const table = this.native.readProcNet(this.handle, 'netlink')
    return typeof table === 'number' ? table : dropsInTable(table, this.#protocol, this.#portId)
  }

  /** How {@link drops} is found, once bound: by one cheap call, by reading a table, or not at all. */
  get countsDrops(): 'at once' | 'in a table' | 'never' {
    if (this.native.drops(this.handle) >= 0) return 'at once'
    return this.drops() >= 0 ? 'in a table' : 'never'
  }

  close(): void {
    this.native.close(this.handle)
  }

  #set(name: number, value: boolean): void {
    if (value) this.native.setOption(this.handle, SOL_NETLINK, name, 1)
  }
}

/**
 * The largest buffer that can be requested in bytes: the kernel doubles it, and 4.4 stores what does not fit into 31
 * bits as negative.
 */
const LARGEST_REQUEST = 2 ** 30 - 1

/** What to request for a receive buffer of so many bytes: the kernel doubles it for its bookkeeping. */
export function receiveBufferRequest(wanted: number): number {
  return Math.min(LARGEST_REQUEST, Math.ceil(wanted / 2))
}

/** The `result` of a system call. Throws code `SYSTEM` if it failed. */
export function check(operation: string, result: number): number {
  if (result < 0) throw systemError(operation, -result)
  return result
}

/** The addon does not accept shared memory. */
export function plainBuffer(buffer: ArrayBuffer | SharedArrayBuffer): ArrayBuffer {
  if (buffer instanceof ArrayBuffer) return buffer
  throw new TransportError('ARGUMENT', 'attach', 'the addon works on an ArrayBuffer')
}

function openError(errno: number, { protocol, networkNamespace }: CheckedOptions): Error {
  if (errno === Errno.EPROTONOSUPPORT) {
    return systemError('open socket', errno, `this kernel has no netlink protocol ${protocol}`)
  }
  return systemError(
    'open socket',
    errno,
    networkNamespace === null ? undefined : `network namespace ${networkNamespace}`,
  )
}
