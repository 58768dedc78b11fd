import type { Memory } from '@ringlink/codec'
import { ClientError } from '../errors.ts'
import { VerdictState } from './verdict-plan.ts'

/** The verdict state of the packets of one batch. Grows to the largest batch seen. */
export class VerdictBook {
  length = 0
  ids: Uint32Array = new Uint32Array(64)
  verdicts: Uint32Array = new Uint32Array(64)
  states: Uint8Array = new Uint8Array(64)
  /** verdicts given and not yet in the outbox */
  unwritten = 0
  /** the last id of the previous batch */
  before: number | undefined

  clear(): void {
    if (this.length > 0) this.before = this.ids[this.length - 1]
    this.states.fill(VerdictState.Unanswered, 0, this.length)
    this.length = 0
    this.unwritten = 0
  }

  /** Enters the packet whose id is at `offset`, big endian. Returns its index in the batch. */
  add(memory: Memory, offset: number): number {
    if (this.length === this.ids.length) this.#grow()
    // The id is read, byte-swapped and stored in this one function: V8 allocates a heap number for an id above 2^31
    // that is passed between functions.
    this.ids[this.length] = memory.data.getUint32(offset)
    return this.length++
  }

  /** Gives packet `index` its verdict. Throws code `VERDICT_GIVEN`. */
  answer(index: number, verdict: number): void {
    this.checkOpen(index)
    this.states[index] = VerdictState.Answered
    this.verdicts[index] = verdict
    this.unwritten++
  }

  /** Takes packet `index` out: its verdict has been written. Throws code `VERDICT_GIVEN`. */
  settle(index: number): void {
    this.checkOpen(index)
    this.states[index] = VerdictState.Settled
  }

  /** Takes packet `index` out: it is held, and its verdict comes later. Throws code `VERDICT_GIVEN`. */
  hold(index: number): void {
    this.checkOpen(index)
    this.states[index] = VerdictState.Held
  }

  /** Throws for a packet that has its verdict or is held. */
  checkOpen(index: number): void {
    if (this.states[index] !== VerdictState.Unanswered) throw verdictGiven(this.ids[index] as number)
  }

  /** Gives `verdict` to all packets that have none. Returns how many those were. */
  answerRest(verdict: number): number {
    let count = 0
    for (let index = 0; index < this.length; index++) {
      if (this.states[index] !== VerdictState.Unanswered) continue
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
    const states = new Uint8Array(size)
    states.set(this.states)
    this.states = states
  }
}

export function verdictGiven(id: number): ClientError {
  return new ClientError('VERDICT_GIVEN', `packet ${id} already has its verdict, or is held`)
}
