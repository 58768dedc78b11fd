import { Errno } from '@ringlink/codec/errors'
import type { Memory } from '@ringlink/codec/memory'
import { describeFrame, FRAME_WORDS } from '@ringlink/transport'
import type { RingOption, RingSystem } from '@ringlink/transport/netlink-ring'
import type { VirtualTimer } from '../clock.ts'
import type { TransportHost } from '../host.ts'
import type { SimSocket } from '../netlink/socket.ts'
import type { RingSocket } from './ring-socket.ts'

/** Calls back in a later turn of the event loop. */
const nextTurn: (action: () => void) => void =
  typeof setImmediate === 'function' ? (action) => setImmediate(action) : (action) => setTimeout(action, 0)

/** The system calls of a ring transport, on a simulated socket. */
export class SimRingSystem implements RingSystem {
  readonly #ring: RingSocket
  readonly #socket: SimSocket
  readonly #host: TransportHost
  readonly #onReadable: (status: number) => void
  #memory: Memory | undefined
  #waiting = false
  #deferred = false
  #timer: VirtualTimer | undefined

  constructor(host: TransportHost, socket: SimSocket, ring: RingSocket, onReadable: (status: number) => void) {
    this.#host = host
    this.#socket = socket
    this.#ring = ring
    this.#onReadable = onReadable
    socket.arrived = () => this.#look()
    ring.onSilentChange = () => {
      // A wait for time to pass would find it later, but simulated time may stand still.
      if (this.#timer !== undefined) this.#look()
    }
  }

  get pageSize(): number {
    return this.#ring.pageSize
  }

  setRing(option: RingOption, request: Uint32Array): number {
    return this.#ring.setRing(option, request)
  }

  map(length: number): ArrayBuffer | SharedArrayBuffer | number {
    const memory = this.#ring.map(length)
    if (typeof memory === 'number') return memory
    this.#memory = memory
    return memory.buffer
  }

  unmap(): void {
    this.#memory = undefined
    this.#ring.unmap()
  }

  /** The kernel gave the socket its address when it made it. */
  bind(): number {
    return this.#socket.portId
  }

  joinGroup(group: number): number {
    return this.#host.join(this.#socket, group)
  }

  leaveGroup(group: number): number {
    return this.#host.leave(this.#socket, group)
  }

  trigger(): number {
    return this.#ring.trigger()
  }

  send(memory: Memory, offset: number, length: number): number {
    return this.#ring.send(memory, offset, length)
  }

  receive(offset: number, capacity: number, words: Uint32Array, index: number): number {
    if (this.#memory === undefined) return -Errno.EFAULT
    const { u8 } = this.#memory
    return this.#ring.receive(capacity, (memory, start, length, portId, groups) => {
      const stored = Math.min(length, capacity)
      u8.set(memory.u8.subarray(start, start + stored), offset)
      describeFrame(words, index / FRAME_WORDS, stored, length, portId, groups)
    })
  }

  /** While this thread waits, only timers can cause messages, so time advances to the next one. */
  poll(timeout: number): number {
    const events = this.#ring.poll()
    if (events !== 0 || timeout === 0) return events
    this.#pass(timeout, () => this.#ring.poll() !== 0)
    const later = this.#ring.poll()
    // The wait would never end, because nothing is due that could end it.
    return later === 0 && timeout < 0 ? -Errno.ETIMEDOUT : later
  }

  takeError(): number {
    return this.#ring.takeError()
  }

  drops(): number {
    return this.#ring.drops
  }

  wait(delay: number): number {
    this.#waiting = true
    if (delay > 0) this.#timer = this.#host.clock.schedule(delay, () => this.#ready())
    else this.#look()
    return 0
  }

  stopWaiting(): void {
    this.#waiting = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  now(): number {
    return this.#host.clock.now
  }

  pause(milliseconds: number): void {
    this.#pass(milliseconds, () => false)
  }

  readProcNet(name: string): string | number {
    return this.#host.readProcNet(name) ?? -Errno.ENOENT
  }

  close(): void {
    this.stopWaiting()
    this.#socket.arrived = () => {}
    this.#ring.onSilentChange = () => {}
    this.#host.closed(this.#socket)
  }

  /** Like a level-triggered epoll: readiness is reported in the next turn, for every wait. */
  #look(): void {
    if (!this.#waiting || this.#deferred) return
    this.#deferred = true
    nextTurn(() => {
      this.#deferred = false
      if (this.#waiting && this.#ring.poll() !== 0) this.#ready()
    })
  }

  #ready(): void {
    this.stopWaiting()
    this.#onReadable(0)
  }

  #pass(milliseconds: number, until: () => boolean): void {
    const { clock } = this.#host
    const end = milliseconds < 0 ? Number.POSITIVE_INFINITY : clock.now + milliseconds
    while (!until()) {
      if (clock.nextDue === undefined || clock.nextDue > end) {
        if (end < Number.POSITIVE_INFINITY) clock.advance(end - clock.now)
        return
      }
      clock.runNext()
    }
  }
}
