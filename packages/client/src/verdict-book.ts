import { VERDICT_LENGTH, Verdict, type VerdictTemplate } from '@ringlink/codec'
import type { Outbox } from '@ringlink/transport'
import { ClientError } from './errors.ts'

/** How a packet of a batch stands. */
const Standing = {
  Unanswered: 0,
  /** has its verdict, which is to be written with the others of its batch */
  Answered: 1,
  /** has its verdict in the outbox, or is held and will have it later */
  Settled: 2,
} as const

/** The verdicts of one batch, as they are given; written together when the batch ends. Grows to the largest batch seen. */
export class VerdictBook {
  length = 0
  ids: Uint32Array = new Uint32Array(64)
  #verdicts: Uint32Array = new Uint32Array(64)
  #standings: Uint8Array = new Uint8Array(64)
  #unwritten = 0

  clear(): void {
    this.#standings.fill(Standing.Unanswered, 0, this.length)
    this.length = 0
    this.#unwritten = 0
  }

  /** Enters a packet; its place in the batch. */
  add(id: number): number {
    if (this.length === this.ids.length) this.#grow()
    this.ids[this.length] = id
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

  /** Takes packet `index` out: its verdict is written, or will be, by somebody else. Throws code `VERDICT_GIVEN`. */
  settle(index: number): void {
    this.checkOpen(index)
    this.#standings[index] = Standing.Settled
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

  /** Writes what was given and not yet written into the outbox, as one commit; flushes before when there is no room. */
  write(outbox: Outbox, template: VerdictTemplate): void {
    if (this.#unwritten === 0) return
    // A batch of any size has room: in as many commits as it takes.
    const most = Math.floor(outbox.memory.byteLength / VERDICT_LENGTH)
    for (let index = 0; index < this.length && this.#unwritten > 0; ) {
      const count = Math.min(this.#unwritten, most)
      if (count * VERDICT_LENGTH > outbox.available) outbox.flush()
      index = this.#writeSome(outbox, template, index, count)
    }
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
