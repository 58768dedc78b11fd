import {
  isNetlinkError,
  MARKED_VERDICT_LENGTH,
  type Memory,
  QueueMessage,
  VERDICT_LENGTH,
  Verdict,
  type VerdictChanges,
  VerdictTemplate,
  writeVerdict,
} from '@ringlink/codec'
import type { Lease, Outbox } from '@ringlink/transport'
import type { OffloadBits } from '../rules/options.ts'
import type { RequestOptions } from '../session-options.ts'
import type { VerdictBatching } from './options.ts'
import { OverloadGauge } from './overload.ts'
import { HeldPacket, type HeldPacketOwner } from './packet.ts'
import type { QueueStats } from './stats.ts'
import { VerdictBook, verdictGiven } from './verdict-book.ts'
import { checkVerdict } from './verdict-check.ts'
import { BatchVerdictPlan, isIncreasing, planBatchVerdict, VerdictState } from './verdict-plan.ts'
import { changedVerdictSize, isMark, isPayload, payloadSize } from './verdict-size.ts'

/** Number of remembered datagrams of verdicts: a refusal arrives with the next receive, few datagrams later. */
const DATAGRAMS_KEPT = 16
/** Where `nlmsg_seq` is. */
const SEQUENCE = 8
/** Milliseconds that `finish` waits for held packets. */
const LONGEST_HOLD = 5000
/** A quarter of the ids: far more than wait in a queue, on either side of the last one. */
const LATER = 0x3fffffff

/** The properties of a queue that its verdicts depend on. */
export interface VerdictsOptions {
  readonly number: number
  readonly outbox: Outbox
  /** ids arrive in order */
  readonly ordered: boolean
  /** the verdict of packets that have none at the end of their batch */
  readonly unanswered: number
  readonly batching: VerdictBatching
  readonly stats: QueueStats
  /** bits of marks that offload connections */
  readonly offloadBits?: OffloadBits | undefined
}

/**
 * The verdicts of a queue: of the current batch, of held packets, and the last ones at close. This is the only place
 * that writes verdicts and counts them, once for each packet.
 */
export class Verdicts implements HeldPacketOwner {
  /** the verdict state of each packet of the batch */
  readonly book: VerdictBook = new VerdictBook()
  readonly offloadBits: OffloadBits | undefined
  readonly #outbox: Outbox
  readonly #ordered: boolean
  readonly #unanswered: number
  readonly #stats: QueueStats
  readonly #number: number
  readonly #single: VerdictTemplate
  readonly #batch: VerdictTemplate
  readonly #batching: VerdictBatching
  readonly #most: number
  readonly #plan = new BatchVerdictPlan()
  readonly #gauge = new OverloadGauge()
  readonly #held: Set<HeldPacket> = new Set()
  // Packets of earlier batches still wait for their verdict while this batch is answered.
  #heldBefore = false
  // A packet that cannot be answered, or whose verdict was refused, may be waiting in the kernel; its id is unknown.
  #isStuck = false
  #flushScheduled = false
  // For each of the last datagrams: the sequence number of its first verdict, and the number of packets that it
  // answers.
  readonly #firsts: Uint32Array = new Uint32Array(DATAGRAMS_KEPT)
  readonly #carried: Uint32Array = new Uint32Array(DATAGRAMS_KEPT)
  #datagram = 0
  #onNoneHeld: (() => void) | undefined
  #isClosed = false

  constructor({ number, outbox, ordered, unanswered, batching, stats, offloadBits }: VerdictsOptions) {
    this.offloadBits = offloadBits
    this.#number = number
    this.#outbox = outbox
    this.#ordered = ordered
    this.#unanswered = unanswered
    this.#stats = stats
    this.#single = new VerdictTemplate(number, QueueMessage.Verdict)
    this.#batch = new VerdictTemplate(number, QueueMessage.VerdictBatch)
    this.#batching = batching
    this.#most = typeof batching === 'number' ? batching : Number.POSITIVE_INFINITY
  }

  /** Begins a batch of frames, full or not. Its packets are entered next. */
  begin(isFull: boolean): void {
    this.#heldBefore = this.#held.size > 0
    this.#gauge.note(isFull)
    this.book.clear()
  }

  /** Enters the packet whose id is at `offset`. Returns its index. */
  enter(memory: Memory, offset: number): number {
    return this.book.add(memory, offset)
  }

  /**
   * Gives packet `index` of the batch its verdict, which is written with the others, or at once if it changes the
   * packet. Throws code `VERDICT_GIVEN` or `VALUE_RANGE` and then writes nothing.
   */
  answer(index: number, verdict: number, changes: VerdictChanges | undefined): void {
    checkVerdict(verdict)
    if (changes === undefined) {
      this.book.answer(index, verdict)
    } else {
      this.book.checkOpen(index)
      this.#writeChanged(this.book.ids[index] as number, verdict, changes)
      this.book.settle(index)
    }
    this.#count(verdict, 1)
  }

  /** Gives `verdict` to all packets of the batch that have none. Returns how many those were. */
  answerRest(verdict: number): number {
    const count = this.book.answerRest(verdict)
    if (count > 0) this.#count(verdict, count)
    return count
  }

  /** Holds packet `index` of the batch, whose message is at `start` of a lease. */
  hold(index: number, lease: Lease, start: number, length: number): HeldPacket {
    const packet = new HeldPacket(this, lease, start, length)
    this.book.hold(index)
    this.#held.add(packet)
    return packet
  }

  /**
   * Gives a held packet its verdict, which is sent at the end of this turn or with the batch's. Throws as {@link
   * answer}.
   */
  answerHeld(packet: HeldPacket, verdict: number, changes: VerdictChanges | undefined): void {
    if (!this.#held.has(packet)) throw verdictGiven(packet.heldId)
    if (changes === undefined) this.#writeSingle(packet.heldId, verdict)
    else this.#writeChanged(packet.heldId, verdict, changes)
    this.#held.delete(packet)
    packet.release()
    this.#count(verdict, 1)
    this.#scheduleFlush()
    if (this.#held.size === 0) this.#onNoneHeld?.()
  }

  /**
   * Writes and sends the verdicts given so far. Throws code `SYSTEM`; verdicts that were not sent stay in the outbox.
   */
  send(): void {
    this.#writeBatch()
    this.#flush()
  }

  /** Ends the batch: gives packets without a verdict the `unanswered` one, and sends all. Throws as {@link send}. */
  end(): void {
    this.#stats.unanswered += this.answerRest(this.#unanswered)
    this.send()
  }

  /**
   * Gives held packets the `unanswered` verdict, and if that accepts, also the packets that the kernel still queues.
   * `lastId` is the last id seen.
   */
  close(lastId: number): void {
    this.#isClosed = true
    for (const packet of [...this.#held]) {
      this.answerHeld(packet, this.#unanswered, undefined)
      this.#stats.unanswered++
    }
    // Ids are compared as signed distances: this one is later than all that can wait, those that could not be read
    // before the last one included.
    if (this.#unanswered === Verdict.Accept) this.#writeAll((lastId + LATER) >>> 0, Verdict.Accept)
    this.#flush()
  }

  /** Packets answered by the recent datagram whose first verdict has this sequence number; 0 if there is none. */
  carriedFrom(sequence: number): number {
    const index = this.#firsts.findIndex((first, slot) => first === sequence && (this.#carried[slot] as number) > 0)
    return index < 0 ? 0 : (this.#carried[index] as number)
  }

  /** packets whose verdicts have not been sent yet */
  get unsent(): number {
    return this.#outbox.pendingCommits === 0 ? 0 : (this.#carried[this.#datagram] as number)
  }

  /** Resolves when no packet is held, or `timeout` milliseconds are over. Rejects with the signal's reason. */
  noneHeld({ timeout = LONGEST_HOLD, signal }: RequestOptions): Promise<void> {
    signal?.throwIfAborted()
    if (this.#held.size === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#onNoneHeld = undefined
        action()
      }
      const onAbort = () => settle(() => reject(signal?.reason))
      const timer = setTimeout(() => settle(resolve), timeout)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#onNoneHeld = () => settle(resolve)
    })
  }

  /** Notes that a packet may wait in the kernel and cannot be answered: no verdicts are coalesced from now on. */
  noteStuck(): void {
    this.#isStuck = true
  }

  /** Schedules the sending of verdicts that no batch will send, together for one turn of the event loop. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#isClosed) return
    this.#flushScheduled = true
    queueMicrotask(() => {
      this.#flushScheduled = false
      if (this.#isClosed) return
      try {
        this.#flush()
      } catch (error) {
        // The verdicts are still in the outbox. The flush of the next batch sends them, or throws this error to the
        // loop.
        if (!isNetlinkError(error)) throw error
      }
    })
  }

  #flush(): void {
    this.#outbox.flush()
    this.#datagram = (this.#datagram + 1) % DATAGRAMS_KEPT
    this.#carried[this.#datagram] = 0
  }

  /** Commits the verdicts of `packets` packets, written at `offset`. */
  #commit(offset: number, size: number, packets: number): void {
    const slot = this.#datagram
    if (this.#carried[slot] === 0) this.#firsts[slot] = this.#outbox.memory.u32[(offset + SEQUENCE) >> 2] as number
    this.#carried[slot] = (this.#carried[slot] as number) + packets
    this.#outbox.commit(size)
  }

  #count(verdict: number, packets: number): void {
    const kind = verdict & 0xff
    if (kind === Verdict.Accept) this.#stats.accepted += packets
    else if (kind === Verdict.Drop) this.#stats.dropped += packets
    else this.#stats.other += packets
  }

  /**
   * Whether all packets from before this batch have their verdicts, so that a batch verdict within it answers no
   * others. Ids that are missing in between were not delivered, and the kernel does not keep packets that it could not
   * deliver.
   */
  #mayFold(): boolean {
    if (!this.#ordered || this.#heldBefore || this.#isStuck || this.#batching === 'never') return false
    return this.#batching !== 'auto' || this.#gauge.overloaded
  }

  /** Writes the verdicts of the batch that were given and not yet written. Flushes first if there is no room. */
  #writeBatch(): void {
    const { book } = this
    if (book.unwritten === 0) return
    if (this.#mayFold()) this.#writeFolded()
    // A batch of any size fits, in several commits if needed.
    const most = Math.floor(this.#outbox.memory.byteLength / VERDICT_LENGTH)
    for (let index = 0; index < book.length && book.unwritten > 0; ) {
      const count = Math.min(book.unwritten, most)
      if (count * VERDICT_LENGTH > this.#outbox.available) this.#flush()
      index = this.#writeSome(index, count)
    }
  }

  /** Plans up to the first packet that must wait; the rest is written one by one. */
  #writeFolded(): void {
    const { book } = this
    if (!isIncreasing(book.ids, book.length, book.before)) return
    const plan = this.#plan
    for (let from = 0; from < book.length; from = plan.end) {
      const to = Math.min(book.length, from + this.#most)
      planBatchVerdict(plan, book.verdicts, book.states, from, to)
      const singles = plan.answered - plan.covered
      const size = (plan.covered > 0 ? singles + 1 : singles) * VERDICT_LENGTH
      if (size > this.#outbox.memory.byteLength) return
      if (size > 0) {
        if (size > this.#outbox.available) this.#flush()
        this.#writeGroup(from, size)
      }
      if (plan.covered > 0) this.#stats.batchVerdicts++
      if (plan.end < to) return
    }
  }

  /** Writes the exceptions first, then the batch verdict: the kernel processes them in this order. */
  #writeGroup(from: number, size: number): void {
    const { book } = this
    const { end, answered, covered, verdict, last } = this.#plan
    const start = this.#outbox.reserve(size)
    let offset = start
    const { memory } = this.#outbox
    for (let index = from; index < end; index++) {
      if (book.states[index] !== VerdictState.Answered) continue
      book.states[index] = VerdictState.Settled
      if (covered > 0 && book.verdicts[index] === verdict) continue
      this.#single.write(memory, offset, book.ids[index] as number, book.verdicts[index] as number)
      offset += VERDICT_LENGTH
    }
    if (covered > 0) this.#batch.write(memory, offset, book.ids[last] as number, verdict)
    this.#commit(start, size, answered)
    book.unwritten -= answered
  }

  #writeSome(from: number, count: number): number {
    const { book } = this
    const size = count * VERDICT_LENGTH
    const start = this.#outbox.reserve(size)
    let offset = start
    const end = start + size
    const { memory } = this.#outbox
    let index = from
    for (; index < book.length && offset < end; index++) {
      if (book.states[index] !== VerdictState.Answered) continue
      this.#single.write(memory, offset, book.ids[index] as number, book.verdicts[index] as number)
      book.states[index] = VerdictState.Settled
      offset += VERDICT_LENGTH
    }
    this.#commit(start, size, count)
    book.unwritten -= count
    return index
  }

  #writeSingle(id: number, verdict: number): void {
    const offset = this.#reserve(VERDICT_LENGTH)
    this.#single.write(this.#outbox.memory, offset, id, verdict)
    this.#commit(offset, VERDICT_LENGTH, 1)
  }

  /** Writes one verdict for all packets up to `id`. */
  #writeAll(id: number, verdict: number): void {
    this.#batch.write(this.#outbox.memory, this.#reserve(VERDICT_LENGTH), id, verdict)
    this.#outbox.commit(VERDICT_LENGTH)
  }

  #writeChanged(id: number, verdict: number, changes: VerdictChanges): void {
    // By name, not by a loop over the keys, which takes several times as long: every changed packet comes by here.
    const { mark, priority, payload, linkLayerHeader, conntrack, expectation, vlan } = changes
    const others = priority ?? linkLayerHeader ?? conntrack ?? expectation ?? vlan
    if (others === undefined && isMark(mark) && isPayload(payload))
      this.#writeMarkAndPayload(id, verdict, mark, payload)
    else this.#writeAny(id, verdict, changes)
  }

  /** The changes that are made to many packets, from the template. */
  #writeMarkAndPayload(id: number, verdict: number, mark: number | undefined, payload: Uint8Array | undefined): void {
    let length = mark === undefined ? VERDICT_LENGTH : MARKED_VERDICT_LENGTH
    const start = this.#reserve(payload === undefined ? length : length + payloadSize(payload))
    const { memory } = this.#outbox
    if (mark === undefined) this.#single.write(memory, start, id, verdict)
    else this.#single.writeMarked(memory, start, id, verdict, mark)
    if (payload !== undefined) length = this.#single.addPayload(memory, start, payload)
    this.#commit(start, length, 1)
  }

  /** Any changes, by the generic encoder, which validates them. */
  #writeAny(id: number, verdict: number, changes: VerdictChanges): void {
    const size = changedVerdictSize(changes)
    const offset = this.#reserve(size)
    const { memory } = this.#outbox
    const header = { verdict, id }
    const written = writeVerdict(memory, offset, offset + size, QueueMessage.Verdict, this.#number, header, changes)
    this.#commit(offset, written, 1)
  }

  #reserve(size: number): number {
    if (size > this.#outbox.available) this.#flush()
    return this.#outbox.reserve(size)
  }
}
