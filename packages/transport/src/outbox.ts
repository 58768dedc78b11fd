import { errnoName } from '@ringlink/codec/errors'
import { align4, Memory } from '@ringlink/codec/memory'
import { closedError, commitError, outboxFullError, reservationError, TransportError } from './errors.ts'
import type { Outbox } from './transport.ts'

/**
 * Passes `length` bytes at `offset` to the kernel in one entry. Returns the bytes taken (all, or fewer), or a negative
 * errno.
 */
export type Transmit = (offset: number, length: number) => number

/**
 * An outbox in plain memory: commits are consecutive, and a flush sends all of them at once. Transports differ only in
 * the function that sends.
 */
export class OutboxBuffer implements Outbox {
  readonly memory: Memory
  pendingCommits = 0
  /** counters of commits and bytes sent so far */
  sent = 0
  sentBytes = 0
  #transmit: Transmit
  #start = 0
  #end = 0
  // The end of each pending commit, so that after a short send it is known which commits were sent.
  #ends: number[] = []
  #reserved = -1
  #closed = false

  constructor(size: number, transmit: Transmit) {
    this.memory = new Memory(size)
    this.#transmit = transmit
  }

  get pending(): number {
    return this.#end - this.#start
  }

  get available(): number {
    return this.memory.byteLength - this.pending
  }

  reserve(byteLength: number): number {
    if (this.#closed) throw closedError('reserve')
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength > this.memory.byteLength) {
      throw reservationError(byteLength, this.memory.byteLength)
    }
    if (byteLength > this.memory.byteLength - this.#end) this.#compact(byteLength)
    this.#reserved = byteLength
    return this.#end
  }

  commit(byteLength: number): void {
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength > this.#reserved) {
      throw commitError(byteLength, this.#reserved)
    }
    const end = this.#end + byteLength
    this.#end = align4(end)
    this.memory.u8.fill(0, end, this.#end)
    this.#ends[this.pendingCommits++] = this.#end
    this.#reserved = -1
  }

  flush(): number {
    if (this.#closed) throw closedError('flush')
    this.#reserved = -1
    const commits = this.pendingCommits
    if (commits === 0) return 0
    const taken = this.#transmit(this.#start, this.pending)
    if (taken === this.pending) {
      this.#count(commits, taken)
      this.#start = 0
      this.#end = 0
      this.pendingCommits = 0
      return commits
    }
    const sent = taken > 0 ? this.#dropSent(taken) : 0
    const reason = taken < 0 ? `${errnoName(-taken)}, ` : ''
    throw new TransportError(
      'SYSTEM',
      'flush',
      `${reason}${sent} of ${commits} commits were sent, the others stay in the outbox`,
      taken < 0 ? { errno: -taken, sent } : { sent },
    )
  }

  /** Discards pending commits and refuses everything from now on. */
  close(): void {
    this.#closed = true
    this.#start = 0
    this.#end = 0
    this.pendingCommits = 0
    this.#reserved = -1
  }

  #dropSent(bytes: number): number {
    let sent = 0
    const reached = this.#start + bytes
    while (sent < this.pendingCommits && (this.#ends[sent] as number) <= reached) sent++
    if (sent === 0) return 0
    const start = this.#ends[sent - 1] as number
    this.#count(sent, start - this.#start)
    this.#start = start
    this.#ends.splice(0, sent)
    this.pendingCommits -= sent
    return sent
  }

  #count(commits: number, bytes: number): void {
    this.sent += commits
    this.sentBytes += bytes
  }

  #compact(byteLength: number): void {
    if (byteLength > this.available) throw outboxFullError(byteLength, this.available)
    this.memory.u8.copyWithin(0, this.#start, this.#end)
    for (let i = 0; i < this.pendingCommits; i++) this.#ends[i] = (this.#ends[i] as number) - this.#start
    this.#end -= this.#start
    this.#start = 0
  }
}
