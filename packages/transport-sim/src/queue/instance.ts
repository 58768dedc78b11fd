import { CopyMode, DEFAULT_QUEUE_LENGTH, MAXIMUM_COPY_RANGE, MAXIMUM_QUEUE_LENGTH } from '@ringlink/codec'
import type { SimPacket } from '../netfilter/packet.ts'
import type { SimSocket } from '../netlink/socket.ts'

const INITIAL_PLACES = 2048
const MAXIMUM_PLACES = 1 << 17

/** One queue: its settings, its counters, and the packets that wait in it. */
export class QueueInstance {
  readonly number: number
  readonly owner: SimSocket
  copyMode: number = CopyMode.None
  copyRange: number = MAXIMUM_COPY_RANGE
  maximumLength: number = DEFAULT_QUEUE_LENGTH
  flags = 0
  /** packets that wait for their verdict */
  length = 0
  /** dropped because so many waited already */
  queueDropped = 0
  /** dropped because the owner's receive queue was full */
  userDropped = 0
  /** the number given last */
  lastId = 0
  /** the packet that waits longest */
  head: SimPacket | undefined
  #tail: SimPacket | undefined
  // By the lower bits of their ids, which lie close together: as many places as keep all that wait apart. A packet that
  // waits while a great many others come and go is looked for in the map.
  #places: (SimPacket | undefined)[] = new Array(INITIAL_PLACES).fill(undefined)
  #strays = new Map<number, SimPacket>()

  constructor(number: number, owner: SimSocket) {
    this.number = number
    this.owner = owner
  }

  setMode(mode: number, range: number): void {
    if (mode === CopyMode.Packet) {
      this.copyRange = range === 0 || range > MAXIMUM_COPY_RANGE ? MAXIMUM_COPY_RANGE : range
    } else if (mode === CopyMode.None || mode === CopyMode.Meta) {
      this.copyRange = 0
    } else {
      return
    }
    this.copyMode = mode
  }

  setMaximumLength(length: number): void {
    this.maximumLength = Math.min(length, MAXIMUM_QUEUE_LENGTH)
  }

  add(packet: SimPacket): void {
    packet.previous = this.#tail
    packet.next = undefined
    if (this.#tail === undefined) this.head = packet
    else this.#tail.next = packet
    this.#tail = packet
    const place = packet.id & (this.#places.length - 1)
    if (this.#places[place] === undefined) this.#places[place] = packet
    else this.#placeElsewhere(packet)
    this.length++
  }

  /** Removes the packet with that id. */
  take(id: number): SimPacket | undefined {
    const placed = this.#places[id & (this.#places.length - 1)]
    const packet = placed !== undefined && placed.id === id ? placed : this.#strays.get(id)
    if (packet !== undefined) this.remove(packet)
    return packet
  }

  remove(packet: SimPacket): void {
    const { previous, next, id } = packet
    const place = id & (this.#places.length - 1)
    if (this.#places[place] === packet) this.#places[place] = undefined
    else this.#strays.delete(id)
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.#tail = previous
    else next.previous = previous
    packet.previous = undefined
    packet.next = undefined
    this.length--
  }

  #placeElsewhere(packet: SimPacket): void {
    if (this.#places.length < MAXIMUM_PLACES) {
      const waiting = this.#places.filter((it) => it !== undefined)
      this.#places = new Array(this.#places.length * 2).fill(undefined)
      // Ids that were apart by their lower bits are so by one bit more.
      for (const it of waiting) this.#places[it.id & (this.#places.length - 1)] = it
      const place = packet.id & (this.#places.length - 1)
      if (this.#places[place] === undefined) {
        this.#places[place] = packet
        return
      }
    }
    this.#strays.set(packet.id, packet)
  }
}
