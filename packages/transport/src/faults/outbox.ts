import { align4, Memory } from '@ringlink/codec/memory'
import { closedError, commitError, outboxFullError, reservationError, TransportError } from '../errors.ts'
import type { Outbox } from '../transport.ts'
import type { FaultContext, SendFault } from './fault.ts'

/** An outbox that keeps commits to itself until a flush, so that a flush can send less than everything. */
export class FaultOutbox implements Outbox {
  readonly memory: Memory
  #inner: Outbox
  #choose: SendFault
  #context: FaultContext
  #committed: Uint8Array[] = []
  #bytes = 0
  #reserved = -1
  #closed = false

  constructor(inner: Outbox, size: number, choose: SendFault, context: FaultContext) {
    this.memory = new Memory(size)
    this.#inner = inner
    this.#choose = choose
    this.#context = context
  }

  // Commits that the outbox below could not send stay there, and are sent first.
  get pending(): number {
    return this.#inner.pending + this.#bytes
  }

  get pendingCommits(): number {
    return this.#inner.pendingCommits + this.#committed.length
  }

  get available(): number {
    return this.memory.byteLength - this.pending
  }

  reserve(byteLength: number): number {
    if (this.#closed) throw closedError('reserve')
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength > this.memory.byteLength) {
      throw reservationError(byteLength, this.memory.byteLength)
    }
    if (byteLength > this.available) {
      throw outboxFullError(byteLength, this.available)
    }
    this.#reserved = byteLength
    return 0
  }

  commit(byteLength: number): void {
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength > this.#reserved) {
      throw commitError(byteLength, this.#reserved)
    }
    this.#committed.push(this.memory.copy(0, byteLength))
    this.#bytes += align4(byteLength)
    this.#reserved = -1
  }

  flush(): number {
    if (this.#closed) throw closedError('flush')
    this.#reserved = -1
    const commits = this.pendingCommits
    if (commits === 0) return 0
    const chosen = Math.min(commits, this.#choose(commits, this.#context))
    if (chosen < commits) this.#context.stats.shortSends++
    const sent = chosen > 0 ? this.#send(chosen) : 0
    if (sent === commits) return sent
    throw new TransportError('SYSTEM', 'flush', `${sent} of ${commits} commits were sent, because of a fault`, { sent })
  }

  close(): void {
    this.#closed = true
    this.#committed = []
    this.#bytes = 0
    this.#reserved = -1
  }

  #send(count: number): number {
    for (let left = count - this.#inner.pendingCommits; left > 0; left--) {
      const bytes = this.#committed.shift() as Uint8Array
      this.#inner.memory.u8.set(bytes, this.#inner.reserve(bytes.length))
      this.#inner.commit(bytes.length)
      this.#bytes -= align4(bytes.length)
    }
    return this.#inner.flush()
  }
}
