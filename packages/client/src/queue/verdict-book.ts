import { type Memory, VERDICT_LENGTH, Verdict, type VerdictTemplate } from '@ringlink/codec'
import type { Outbox } from '@ringlink/transport'
import { ClientError } from '../errors.ts'
import { FoldPlan, isIncreasing, planFold, Standing } from './verdict-plan.ts'

/** How verdicts are folded: as what, and how many packets one batch verdict may cover. */
export interface Folding {
  readonly template: VerdictTemplate
  readonly most: number
}

/** The verdicts of one batch, as they are given; written together when the batch ends. Grows to the largest batch seen. */
export class VerdictBook {
  length = 0
  ids: Uint32Array = new Uint32Array(64)
  #verdicts: Uint32Array = new Uint32Array(64)
  #standings: Uint8Array = new Uint8Array(64)
  #unwritten = 0
  // The last id of the batch before.
  #before: number | undefined
  #plan = new FoldPlan()

  clear(): void {
    if (this.length > 0) this.#before = this.ids[this.length - 1]
    this.#standings.fill(Standing.Unanswered, 0, this.length)
    this.length = 0
    this.#unwritten = 0
  }

  /** Enters the packet whose id is at `offset`, big endian; its place in the batch. */
  add(memory: Memory, offset: number): number {
    if (this.length === this.ids.length) this.#grow()
    // Read and stored here and in this way: an id above 2^31 that is handed from function to function is an object on the heap, and so
    // is every other one before its bytes are swapped.
    this.ids[this.length] = memory.data.getUint32(offset)
    return this.length++
  }

  isAnswered(index: number): boolean {
    return this.#standings[index] !== Standing.Unanswered
  }

  /** Gives packet `index` its verdict. Throws code `VERDICT_GIVEN`. */
  answer(index: number, verdict: number): void {
    this.checkOpen(index)
    this.#standings[index] = Standing.Answered
    this.#verdicts[index] = verdict
    this.#unwritten++
  }

  /** Takes packet `index` out: its verdict is written already. Throws code `VERDICT_GIVEN`. */
  settle(index: number): void {
    this.checkOpen(index)
    this.#standings[index] = Standing.Settled
  }

  /** Takes packet `index` out: its verdict comes later, from somebody else. Throws code `VERDICT_GIVEN`. */
  hold(index: number): void {
    this.checkOpen(index)
    this.#standings[index] = Standing.Held
  }

  /** Refuses a packet that has its verdict, or is held. */
  checkOpen(index: number): void {
    if (this.#standings[index] !== Standing.Unanswered) throw verdictGiven(this.ids[index] as number)
  }

  /** Gives `verdict` to all that have none; how many those were. */
  answerRest(verdict: number): number {
    let count = 0
    for (let index = 0; index < this.length; index++) {
      if (this.#standings[index] !== Standing.Unanswered) continue
      this.answer(index, verdict)
      count++
    }
    return count
  }

  /**
   * Writes what was given and not yet written into the outbox, as one commit; flushes before when there is no room. With `folding`
   * equal verdicts become batch verdicts where that is safe within this batch; that no packet from before it still waits is the
   * caller's to know. Returns how many batch verdicts those are.
   */
  write(outbox: Outbox, template: VerdictTemplate, folding?: Folding): number {
    if (this.#unwritten === 0) return 0
    const folded = folding === undefined ? 0 : this.#writeFolded(outbox, template, folding)
    // A batch of any size has room: in as many commits as it takes.
    const most = Math.floor(outbox.memory.byteLength / VERDICT_LENGTH)
    for (let index = 0; index < this.length && this.#unwritten > 0; ) {
      const count = Math.min(this.#unwritten, most)
      if (count * VERDICT_LENGTH > outbox.available) outbox.flush()
      index = this.#writeSome(outbox, template, index, count)
    }
    return folded
  }

  /** Up to the first packet that must wait; the others are left to be written singly. */
  #writeFolded(outbox: Outbox, template: VerdictTemplate, { template: batch, most }: Folding): number {
    if (!isIncreasing(this.ids, this.length, this.#before)) return 0
    const plan = this.#plan
    let folded = 0
    for (let from = 0; from < this.length; from = plan.end) {
      const to = Math.min(this.length, from + most)
      planFold(plan, this.#verdicts, this.#standings, from, to)
      const singles = plan.answered - plan.covered
      const size = (plan.covered > 0 ? singles + 1 : singles) * VERDICT_LENGTH
      if (size > outbox.memory.byteLength) break
      if (size > 0) {
        if (size > outbox.available) outbox.flush()
        this.#writeGroup(outbox, template, batch, from)
      }
      if (plan.covered > 0) folded++
      if (plan.end < to) break
    }
    return folded
  }

  /** The exceptions, and behind them the batch verdict: the kernel carries them out in this order. */
  #writeGroup(outbox: Outbox, template: VerdictTemplate, batch: VerdictTemplate, from: number): void {
    const { end, answered, covered, verdict, last } = this.#plan
    const messages = covered > 0 ? answered - covered + 1 : answered
    const start = outbox.reserve(messages * VERDICT_LENGTH)
    const { memory } = outbox
    let offset = start
    for (let index = from; index < end; index++) {
      if (this.#standings[index] !== Standing.Answered) continue
      this.#standings[index] = Standing.Settled
      if (covered > 0 && this.#verdicts[index] === verdict) continue
      template.write(memory, offset, this.ids[index] as number, this.#verdicts[index] as number)
      offset += VERDICT_LENGTH
    }
    if (covered > 0) batch.write(memory, offset, this.ids[last] as number, verdict)
    outbox.commit(messages * VERDICT_LENGTH)
    this.#unwritten -= answered
  }

  #writeSome(outbox: Outbox, template: VerdictTemplate, from: number, count: number): number {
    const start = outbox.reserve(count * VERDICT_LENGTH)
    const end = start + count * VERDICT_LENGTH
    const { memory } = outbox
    let offset = start
    let index = from
    for (; index < this.length && offset < end; index++) {
      if (this.#standings[index] !== Standing.Answered) continue
      template.write(memory, offset, this.ids[index] as number, this.#verdicts[index] as number)
      this.#standings[index] = Standing.Settled
      offset += VERDICT_LENGTH
    }
    outbox.commit(offset - start)
    this.#unwritten -= count
    return index
  }

  #grow(): void {
    const size = this.ids.length * 2
    const ids = new Uint32Array(size)
    ids.set(this.ids)
    this.ids = ids
    const verdicts = new Uint32Array(size)
    verdicts.set(this.#verdicts)
    this.#verdicts = verdicts
    const standings = new Uint8Array(size)
    standings.set(this.#standings)
    this.#standings = standings
  }
}

export function verdictGiven(id: number): ClientError {
  return new ClientError('VERDICT_GIVEN', `packet ${id} has had its verdict, or is held`)
}

/** Refuses what is no verdict of user space. Throws code `ARGUMENT`. */
export function isVerdict(verdict: number): boolean {
  const kind = verdict & 0xff
  return (
    kind === Verdict.Drop ||
    kind === Verdict.Accept ||
    kind === Verdict.Queue ||
    kind === Verdict.Repeat ||
    kind === Verdict.Stop
  )
}
