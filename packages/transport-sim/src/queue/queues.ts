import { CopyMode, QueueFlag, Verdict } from '@ringlink/codec'
import type { ConntrackGlue } from '../conntrack/glue.ts'
import { segment } from '../internet/transit.ts'
import { Checksum, type SimPacket } from '../netfilter/packet.ts'
import type { PacketPool } from '../netfilter/packet-pool.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { QueueInstance } from './instance.ts'
import { PacketMessageWriter, writeId } from './packet-message.ts'

/** The result of queuing a packet. */
export const Queued = {
  /** it waits, or was accepted at once because its queue fails open */
  Taken: 0,
  /** the queue has no listener */
  NoQueue: 1,
  /** its owner wants no packets */
  NotCopied: 2,
  QueueFull: 3,
  /** the owner's receive queue is full */
  Undelivered: 4,
} as const
export type Queued = (typeof Queued)[keyof typeof Queued]

/** Continues with a packet by a verdict of user space. */
export type Reinject = (packet: SimPacket, verdict: number) => void

/** The verdict on packets whose queue is removed, different from all verdicts of user space. */
export const FLUSHED = -1
const BUCKETS = 16

/** All queues of a kernel. */
export class PacketQueues {
  #instances = new Map<number, QueueInstance>()
  #message: PacketMessageWriter
  #pool: PacketPool
  #reinject: Reinject

  /** @param glue tells the connections of packets; undefined in a kernel without */
  constructor(pool: PacketPool, glue: ConntrackGlue | undefined, reinject: Reinject) {
    this.#message = new PacketMessageWriter(glue)
    this.#pool = pool
    this.#reinject = reinject
  }

  find(number: number): QueueInstance | undefined {
    return this.#instances.get(number)
  }

  create(number: number, owner: SimSocket): QueueInstance {
    const instance = new QueueInstance(number, owner)
    this.#instances.set(number, instance)
    return instance
  }

  /** Unbinds a queue and drops its waiting packets. */
  destroy(instance: QueueInstance): void {
    this.#instances.delete(instance.number)
    this.flush(instance)
  }

  /** Drops the packets waiting in a queue. */
  flush(instance: QueueInstance): void {
    for (let packet = instance.head; packet !== undefined; packet = instance.head) {
      instance.remove(packet)
      this.#reinject(packet, FLUSHED)
    }
  }

  /** Drops the packets waiting in all queues, as the kernel does when a base chain is removed. */
  flushAll(): void {
    for (const instance of this.#instances.values()) this.flush(instance)
  }

  /** A socket is closed: its queues go with it. */
  socketClosed(socket: SimSocket): void {
    for (const instance of [...this.#instances.values()]) if (instance.owner === socket) this.destroy(instance)
  }

  /** Lets a packet that was taken out of its queue continue by `verdict`. */
  goOn(packet: SimPacket, verdict: number): void {
    this.#reinject(packet, verdict)
  }

  /** Queues a packet. Unless it is taken it stays the caller's. */
  enqueue(packet: SimPacket, number: number): Queued {
    const queue = this.#instances.get(number)
    if (queue === undefined) return Queued.NoQueue
    if (queue.copyMode === CopyMode.None) return Queued.NotCopied
    if (packet.segmentSize === 0 || (queue.flags & QueueFlag.SegmentationOffload) !== 0) {
      return this.#enqueueOne(queue, packet)
    }
    const segments = segment(packet.bytes, packet.segmentSize)
    return segments === undefined ? this.#enqueueOne(queue, packet) : this.#enqueueSegments(queue, packet, segments)
  }

  /** The text of /proc/net/netfilter/nfnetlink_queue, in the order of the kernel's hash table. */
  report(): string {
    const buckets: QueueInstance[][] = Array.from({ length: BUCKETS }, () => [])
    for (const instance of this.#instances.values()) {
      buckets[((instance.number >> 8) ^ instance.number) % BUCKETS]?.unshift(instance)
    }
    return buckets.flat().map(reportLine).join('')
  }

  #enqueueSegments(queue: QueueInstance, packet: SimPacket, segments: readonly Uint8Array[]): Queued {
    let first: Queued = Queued.Taken
    let taken = 0
    for (const bytes of segments) {
      // After one that did not get in the others are not tried.
      if (first !== Queued.Taken) break
      const part = this.#pool.get().copyFrom(packet, bytes)
      part.segmentSize = 0
      part.checksum = Checksum.Unverified
      first = this.#enqueueOne(queue, part)
      if (first === Queued.Taken) taken++
      else this.#pool.give(part)
    }
    if (taken === 0) return first
    this.#pool.give(packet)
    return Queued.Taken
  }

  #enqueueOne(queue: QueueInstance, packet: SimPacket): Queued {
    const message = this.#message
    message.prepare(queue, packet)
    if (queue.length >= queue.maximumLength) {
      if (this.#failsOpen(queue, packet)) return Queued.Taken
      queue.queueDropped++
      return Queued.QueueFull
    }
    const { receiver } = queue.owner
    const id = (queue.lastId + 1) >>> 0
    queue.lastId = id
    packet.id = id
    if (!receiver.allocate(message.size, message.attached)) return this.#undelivered(queue, packet)
    const { memory, offset } = receiver
    const length = message.write(memory, offset, queue, packet)
    writeId(memory, offset, id)
    if (receiver.deliver(length, message.attached, 0, 0) < 0) return this.#undelivered(queue, packet)
    if (packet.borrowed) packet.keep()
    queue.add(packet)
    return Queued.Taken
  }

  #undelivered(queue: QueueInstance, packet: SimPacket): Queued {
    if (this.#failsOpen(queue, packet)) return Queued.Taken
    queue.userDropped++
    return Queued.Undelivered
  }

  #failsOpen(queue: QueueInstance, packet: SimPacket): boolean {
    if ((queue.flags & QueueFlag.FailOpen) === 0) return false
    this.#reinject(packet, Verdict.Accept)
    return true
  }
}

function reportLine(queue: QueueInstance): string {
  const { number, owner, length, copyMode, copyRange, queueDropped, userDropped, lastId } = queue
  const columns: [number, number][] = [
    [number, 5],
    [owner.portId, 6],
    [length, 5],
    [copyMode, 1],
    [copyRange, 5],
    [queueDropped, 5],
    [userDropped, 5],
    [lastId, 8],
    [1, 2],
  ]
  return `${columns.map(([value, width]) => String(value).padStart(width)).join(' ')}\n`
}
