import type { Memory } from '@ringlink/codec'
import { ClientError } from '../errors.ts'
import { Standing } from './verdict-plan.ts'

/** How the packets of one batch stand, with the verdicts that were given. Grows to the largest batch seen. */
export class VerdictBook {
  length = 0
  ids: Uint32Array = new Uint32Array(64)
  verdicts: Uint32Array = new Uint32Array(64)
  standings: Uint8Array = new Uint8Array(64)
  /** verdicts that were given and are not yet in the outbox */
  unwritten = 0
  /** the last id of the batch before */
  before: number | undefined

  clear(): void {
    if (this.length > 0) this.before = this.ids[this.length - 1]
    this.standings.fill(Standing.Unanswered, 0, this.length)
    this.length = 0
    this.unwritten = 0
  }

  /** Enters the packet whose id is at `offset`, big endian; its place in the batch. */
  add(memory: Memory, offset: number): number {
    if (this.length === this.ids.length) this.#grow()
    // Read and stored here and in this way: an id above 2^31 that is handed from function to function is an object on the heap, and so
    // is every other one before its bytes are swapped.
    this.ids[this.length] = memory.data.getUint32(offset)
    return this.length++
  }

  /** Gives packet `index` its verdict. Throws code `VERDICT_GIVEN`. */
  answer(index: number, verdict: number): void {
    this.checkOpen(index)
    this.standings[index] = Standing.Answered
    this.verdicts[index] = verdict
    this.unwritten++
  }

  /** Takes packet `index` out: its verdict is written already. Throws code `VERDICT_GIVEN`. */
  settle(index: number): void {
    this.checkOpen(index)
    this.standings[index] = Standing.Settled
  }

  /** Takes packet `index` out: its verdict comes later, from somebody else. Throws code `VERDICT_GIVEN`. */
  hold(index: number): void {
    this.checkOpen(index)
    this.standings[index] = Standing.Held
  }

  /** Refuses a packet that has its verdict, or is held. */
  checkOpen(index: number): void {
    if (this.standings[index] !== Standing.Unanswered) throw verdictGiven(this.ids[index] as number)
  }

  /** Gives `verdict` to all that have none; how many those were. */
  answerRest(verdict: number): number {
    let count = 0
    for (let index = 0; index < this.length; index++) {
      if (this.standings[index] !== Standing.Unanswered) continue
      this.answer(index, verdict)
      count++
    }
    return count
  }

  #grow(): void {
    const size = this.ids.length * 2
    const ids = new Uint32Array(size)
    ids.set(this.ids)
    this.ids = ids
    const verdicts = new Uint32Array(size)
    verdicts.set(this.verdicts)
    this.verdicts = verdicts
    const standings = new Uint8Array(size)
    standings.set(this.standings)
    this.standings = standings
  }
}

export function verdictGiven(id: number): ClientError {
  return new ClientError('VERDICT_GIVEN', `packet ${id} has had its verdict, or is held`)
}
