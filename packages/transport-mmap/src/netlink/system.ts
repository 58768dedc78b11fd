import { Errno } from '@ringlink/codec/errors'
import type { Memory } from '@ringlink/codec/memory'
import { loadNative, type NativeBinding, type NativeHandle } from '@ringlink/native'
import { systemError } from '@ringlink/transport'
import type { OpenRingSystem, RingOption, RingSystem } from '@ringlink/transport/netlink-ring'
import {
  dropsInTable,
  receiveBufferRequest,
  SEND_OVERHEAD,
  SOL_NETLINK,
  SocketOption,
} from '@ringlink/transport-socket'
import type { CheckedNetlinkRingOptions } from './options.ts'

/** A kernel, real or simulated, on which ring transports are opened. */
export interface RingKernel {
  /** bytes of a page */
  readonly pageSize: number
  /** opens a socket for a transport with these options */
  system(options: CheckedNetlinkRingOptions): OpenRingSystem
}

/** The running kernel. Throws the codes of `@ringlink/native`. */
export function nativeKernel(): RingKernel {
  const native = loadNative()
  return {
    pageSize: native.pageSize(),
    system: (options) => (onReadable) => new NativeRingSystem(native, options, onReadable),
  }
}

/** The system calls of a ring transport, on a socket of this kernel. */
class NativeRingSystem implements RingSystem {
  readonly pageSize: number
  readonly #native: NativeBinding
  readonly #handle: NativeHandle
  readonly #protocol: number
  readonly #onReadable: (status: number) => void
  #portId = -1
  #sendMemory: Memory | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(native: NativeBinding, options: CheckedNetlinkRingOptions, onReadable: (status: number) => void) {
    const { protocol, networkNamespace } = options
    const handle = native.open(protocol, networkNamespace, onReadable)
    if (typeof handle === 'number') {
      const hint = networkNamespace === null ? `netlink protocol ${protocol}` : `network namespace ${networkNamespace}`
      throw systemError('open socket', -handle, hint)
    }
    this.pageSize = native.pageSize()
    this.#native = native
    this.#handle = handle
    this.#protocol = protocol
    this.#onReadable = onReadable
    this.#configure(options)
  }

  setRing(option: RingOption, request: Uint32Array): number {
    return this.#native.setRing(this.#handle, option, request)
  }

  map(length: number): ArrayBuffer | number {
    return this.#native.map(this.#handle, length)
  }

  unmap(): void {
    this.#native.unmap(this.#handle)
  }

  bind(portId: number): number {
    const bound = this.#native.bind(this.#handle, portId, 0)
    if (bound >= 0) this.#portId = bound
    return bound
  }

  joinGroup(group: number): number {
    return this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.AddMembership, group)
  }

  leaveGroup(group: number): number {
    return this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.DropMembership, group)
  }

  trigger(): number {
    return this.#native.trigger(this.#handle)
  }

  send(memory: Memory, offset: number, length: number): number {
    if (this.#sendMemory !== memory) {
      const { buffer } = memory
      if (!(buffer instanceof ArrayBuffer)) return -Errno.EINVAL
      const attached = this.#native.attachOutbox(this.#handle, buffer)
      if (attached < 0) return attached
      this.#sendMemory = memory
    }
    return this.#native.send(this.#handle, offset, length)
  }

  receive(offset: number, capacity: number, words: Uint32Array, index: number): number {
    return this.#native.receiveMapped(this.#handle, offset, capacity, words, index)
  }

  poll(timeout: number): number {
    return this.#native.poll(this.#handle, timeout)
  }

  takeError(): number {
    return this.#native.takeError(this.#handle)
  }

  /** Kernels with rings report a socket's drops only in /proc. */
  drops(): number {
    const drops = this.#native.drops(this.#handle)
    if (drops >= 0 || this.#portId < 0) return drops
    const table = this.#native.readProcNet(this.#handle, 'netlink')
    return typeof table === 'number' ? table : dropsInTable(table, this.#protocol, this.#portId)
  }

  wait(delay: number): number {
    if (delay === 0) return this.#native.wait(this.#handle)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#onReadable(0)
    }, delay)
    return 0
  }

  stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#native.unwait(this.#handle)
  }

  now(): number {
    return performance.now()
  }

  pause(milliseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
  }

  readProcNet(name: string): string | number {
    return this.#native.readProcNet(this.#handle, name)
  }

  close(): void {
    this.stopWaiting()
    this.#native.close(this.#handle)
  }

  /** A kernel that refuses one of these still works without it. */
  #configure({ cappedAck, extendedAck, receiveBufferSize, outboxSize }: CheckedNetlinkRingOptions): void {
    if (cappedAck) this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.CappedAck, 1)
    if (extendedAck) this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.ExtendedAck, 1)
    if (receiveBufferSize !== undefined)
      this.#native.setReceiveBuffer(this.#handle, receiveBufferRequest(receiveBufferSize))
    this.#native.setSendBuffer(this.#handle, outboxSize + SEND_OVERHEAD)
  }
}
