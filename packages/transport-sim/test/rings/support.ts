import { setImmediate } from 'node:timers/promises'
import { align4 } from '@ringlink/codec/memory'
import type { Ability, Fixture, OpenFixture, Peer } from '@ringlink/transport/conformance'
import { planRing, RingTransport, type RingTransportOptions } from '@ringlink/transport/netlink-ring'
import { VirtualClock } from '../../src/clock.ts'
import type { TransportHost } from '../../src/host.ts'
import { ReceiveQueue } from '../../src/netlink/receive-queue.ts'
import { SimSocket } from '../../src/netlink/socket.ts'
import { type RingKernelOptions, RingSocket } from '../../src/rings/ring-socket.ts'
import { SimRingSystem } from '../../src/rings/ring-system.ts'

const FOREIGN_PORT = 4242
const ANSWER = new TextEncoder().encode('answer: ')
/** NLM_F_REQUEST, and NLM_F_ACK with it */
const REQUEST = 1
export const ACKNOWLEDGED_REQUEST = 5
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
const SETTINGS = {
  portId: 77,
  protocol: 12,
  extendedAck: false,
  cappedAck: false,
  strictChecking: true,
  privileged: true,
}

/** A kernel that takes down requests and answers each, at the other end of one socket with rings. */
export class EchoKernel implements Peer {
  readonly sim: SimSocket = new SimSocket(SETTINGS, new ReceiveQueue(undefined, 576, true, () => this.sim.arrived()))
  readonly socket: RingSocket
  readonly arrived: Uint8Array[] = []
  readonly host: TransportHost = {
    clock: new VirtualClock(),
    send: () => {},
    join: (socket, group) => socket.groups.add(group).size && 0,
    leave: (socket, group) => Number(socket.groups.delete(group)) && 0,
    readProcNet: () => undefined,
    closed: () => {
      this.closed++
    },
  }
  closed = 0
  answers = true
  /** refuses requests: a negative errno, or 0 */
  refuse: (request: Uint8Array) => number = () => 0

  constructor(options: RingKernelOptions = {}) {
    this.socket = new RingSocket(this.sim, (memory, offset, length) => this.#take(memory.copy(offset, length)), options)
  }

  open(options: Partial<RingTransportOptions> = {}): RingTransport {
    return new RingTransport((onReadable) => new SimRingSystem(this.host, this.sim, this.socket, onReadable), {
      kind: 'sim ring',
      receive: planRing({ capacity: 256, frameCount: 16, pageSize: 4096 }),
      batchSize: 4,
      poison: true,
      outboxSize: 1024,
      ...options,
    })
  }

  /** Builds a message in place, or has it queued where it has a sender or a group; false when there was no room. */
  put(bytes: Uint8Array, portId = 0, groups = 0): boolean {
    if (!this.socket.allocate(bytes.length)) return false
    this.socket.memory.u8.set(bytes, this.socket.offset)
    return this.socket.deliver(bytes.length, 0, portId, groups) === 0
  }

  /** Queues a message of the kernel's own, as a reply to a single request is. */
  queue(bytes: Uint8Array): void {
    // Too large for any frame of these tests: the only way to express that here.
    if (!this.socket.allocate(bytes.length, 2 ** 20)) return
    this.socket.memory.u8.set(bytes, this.socket.offset)
    this.socket.deliver(bytes.length, 0, 0, 0)
  }

  /** Waits for room in the ring, as long as it is open. */
  deliver(messages: readonly Uint8Array[]): void | Promise<void> {
    for (const [index, bytes] of messages.entries()) {
      if (this.closed > 0) return
      if (this.socket.isFull) return setImmediate().then(() => this.deliver(messages.slice(index)))
      // The kernel sends nothing empty but by the queue: in a frame that would be a message that was dropped.
      if (bytes.length > 0) this.put(bytes)
      else this.queue(bytes)
    }
  }

  deliverForeign(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) this.put(bytes, FOREIGN_PORT)
  }

  deliverToGroup(group: number, bytes: Uint8Array): void {
    if (this.sim.groups.has(group)) this.put(bytes, 0, 1 << (group - 1))
  }

  lose(count: number): void {
    const before = this.socket.drops
    while (this.socket.drops - before < count) this.put(Uint8Array.of(1, 2, 3))
  }

  /** @param flags `nlmsg_flags`; by default a request that asks for no answer */
  request(index: number, byteLength: number, flags: number = REQUEST): Uint8Array {
    const request = Uint8Array.from({ length: byteLength }, (_, at) => index * 41 + at * 7 + 3)
    const view = new DataView(request.buffer)
    view.setUint32(0, byteLength, LITTLE_ENDIAN)
    if (byteLength >= 8) view.setUint16(6, flags, LITTLE_ENDIAN)
    return request
  }

  sent(): readonly Uint8Array[] {
    return this.arrived.splice(0)
  }

  answered(message: Uint8Array): Uint8Array | undefined {
    return ANSWER.every((byte, at) => message[at] === byte) ? message.slice(ANSWER.length) : undefined
  }

  #take(bytes: Uint8Array): number {
    const refusal = this.refuse(bytes)
    if (refusal < 0) return refusal
    for (let at = 0; at < bytes.length; ) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, LITTLE_ENDIAN)
      const request = bytes.slice(at, at + length)
      this.arrived.push(request)
      if (this.answers) this.put(Uint8Array.from([...ANSWER, ...request]))
      at += align4(length)
    }
    return bytes.length
  }
}

/** Options that no simulated kernel supports. */
export const cannot: Partial<Record<Ability, string>> = {
  partialSend: 'the kernel takes a frame, or a send, whole or not at all',
}

/** Fixtures of one kind of kernel and transport. */
export function fixtures(kernelOptions: RingKernelOptions, options: Partial<RingTransportOptions>): OpenFixture {
  return ({ foreign }): Fixture => {
    const kernel = new EchoKernel(kernelOptions)
    const transport = kernel.open({ ...options, foreignSenders: foreign === 'delivered' })
    return { transport, peer: kernel, close: () => transport.close() }
  }
}

export const transmitRing: Partial<RingTransportOptions> = {
  transmit: { blockSize: 4096, blockCount: 1, frameSize: 512, frameCount: 8 },
}
