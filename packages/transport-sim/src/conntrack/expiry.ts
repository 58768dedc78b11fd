/** When connections end: a heap by time. A connection whose time was moved is put back when its old time comes. */
import type { VirtualClock, VirtualTimer } from '../clock.ts'
import type { Connection } from './connection.ts'

interface Entry {
  readonly due: number
  readonly connection: Connection
}

/** Entries from which on those of connections that are gone are looked for. */
const MANY = 1024

/** Calls back for each connection whose time has come; one timer for all of them. */
export class ExpiryQueue {
  #clock: VirtualClock
  #expired: (connection: Connection) => void
  #live: () => number
  #heap: Entry[] = []
  #timer: VirtualTimer | undefined

  /** @param live how many connections there are */
  constructor(clock: VirtualClock, expired: (connection: Connection) => void, live: () => number) {
    this.#clock = clock
    this.#expired = expired
    this.#live = live
  }

  /** Watches a confirmed connection. To be called again when its time becomes earlier. */
  watch(connection: Connection): void {
    if (this.#heap.length > MANY && this.#heap.length > 2 * this.#live()) this.#forgetDead()
    connection.watchedUntil = connection.timeout
    this.#push({ due: connection.timeout, connection })
    this.#schedule()
  }

  #run(): void {
    const { now } = this.#clock
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      this.#pop()
      const { connection, due } = first
      if (connection.isDying || connection.watchedUntil !== due) continue
      if (connection.timeout <= now) {
        this.#expired(connection)
        continue
      }
      connection.watchedUntil = connection.timeout
      this.#push({ due: connection.timeout, connection })
    }
    this.#schedule()
  }

  /** A sorted array is a heap. */
  #forgetDead(): void {
    const isCurrent = ({ due, connection }: Entry) => !connection.isDying && connection.watchedUntil === due
    this.#heap = this.#heap.filter(isCurrent).sort((a, b) => a.due - b.due)
  }

  #schedule(): void {
    const due = this.#heap[0]?.due
    if (due === undefined || (this.#timer?.pending === true && this.#timer.due <= due)) return
    this.#timer?.cancel()
    this.#timer = this.#clock.schedule(due - this.#clock.now, () => this.#run())
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] as Entry
      if (above.due <= entry.due) break
      heap[index] = above
      heap[parent] = entry
      index = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Entry).due < (heap[child] as Entry).due) child++
      const below = heap[child] as Entry
      if (below.due >= last.due) break
      heap[index] = below
      index = child
    }
    heap[index] = last
  }
}
