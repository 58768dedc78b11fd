/**
 * Random programs that answer a queue, and what each packet was given: by its first verdict, or by none. Everything
 * that a program can do with a packet is in here, right or wrong.
 */
import { type HeldPacket, openQueue, type PacketBatch, type Queue, type QueuePacket, StopFlag } from '@ringlink/client'
import { isNetlinkError } from '@ringlink/codec'
import type { OpenTransport, TransportNeeds } from '@ringlink/transport'
import {
  corrupt,
  delay,
  drop,
  duplicate,
  type Fault,
  overrun,
  Random,
  reorder,
  shortSend,
  truncate,
  withFaults,
} from '@ringlink/transport/faults'
import { packetsOnly, type Switch, switched } from '../counters/load.ts'

export const QUEUE = 7

/** What a program is made of. */
export interface Plan {
  readonly seed: number
  readonly packets: number
  readonly unanswered: 'accept' | 'drop'
  readonly verdictBatching: 'auto' | 'always' | 'never'
  /** names of faults between the kernel and the client */
  readonly faults: readonly FaultName[]
  /**
   * the queue is closed from inside of the loop, by a packet from this one on, once all are sent; otherwise from
   * outside, at the end
   */
  readonly closeAt: number
}

export type FaultName = keyof typeof faults
const often = { probability: 0.05 }
const faults = {
  drop: () => drop(often),
  overrun: () => overrun({ ...often, length: 3 }),
  truncate: () => truncate(often),
  duplicate: () => duplicate(often),
  reorder: () => reorder(often),
  delay: () => delay({ ...often, batches: 2 }),
  corrupt: () => corrupt(often),
}
/** All but `corrupt`: with these it is known which packet a verdict was for. */
export const faultNames: readonly FaultName[] = ['drop', 'overrun', 'truncate', 'duplicate', 'reorder', 'delay']

/** A kernel whose rule queues what is sent. */
export interface VerdictKernel {
  readonly open: OpenTransport
  /** sends packets that carry the numbers from 0 on as text */
  send(count: number): Promise<void>
}

/**
 * Runs a program. Resolves to what each packet was given, by its number: its first verdict, or the one of unanswered
 * packets; `undefined` where a fault showed it twice, or flipped bits of ids, so that either can be.
 */
export async function runProgram(
  kernel: VerdictKernel,
  plan: Plan,
): Promise<{ given: ('accept' | 'drop' | undefined)[]; queue: Queue }> {
  const random = new Random(plan.seed)
  const power: Switch = { isOn: false }
  const sends = shortSend({ limit: (commits) => (power.isOn && random.chance(0.1) ? random.below(commits) : commits) })
  const chosen: Fault[] = plan.faults.map((name) => switched(packetsOnly(faults[name]()), power))
  const transport = async (needs: TransportNeeds) =>
    withFaults(await kernel.open(needs), plan.faults.length > 0 ? [...chosen, sends] : [], { seed: plan.seed })
  const { unanswered, verdictBatching } = plan
  const queue = await openQueue({
    number: QUEUE,
    copyRange: 200,
    maxLength: 4096,
    transport,
    unanswered,
    verdictBatching,
  })
  const answers = new Answers(queue, random, plan.closeAt)
  const reading = answers.readAll()
  power.isOn = true
  await kernel.send(plan.packets)
  answers.areSent = true
  if (random.chance(0.5)) await new Promise(setImmediate)
  power.isOn = false
  await queue.close()
  await reading
  answers.answerLate()
  const isUnknown = (number: number) => plan.faults.includes('corrupt') || answers.shownTwice.has(number)
  const given = Array.from({ length: plan.packets }, (_, number) => {
    return isUnknown(number) ? undefined : (answers.given.get(number) ?? unanswered)
  })
  return { given, queue }
}

class Weary extends Error {}

/** The loops of a program. */
class Answers {
  /** by the number of the packet */
  readonly given: Map<number, 'accept' | 'drop'> = new Map()
  readonly shownTwice: Set<number> = new Set()
  readonly #shown: Set<number> = new Set()
  /** what is sent after close is not queued */
  areSent = false
  readonly #queue: Queue
  readonly #random: Random
  readonly #closeAt: number
  #seen = 0
  #held: { packet: HeldPacket; number: number }[] = []
  #late: QueuePacket[] = []

  constructor(queue: Queue, random: Random, closeAt: number) {
    this.#queue = queue
    this.#random = random
    this.#closeAt = closeAt
  }

  /** Begins loops until the queue is closed. */
  async readAll(): Promise<void> {
    for (let isOpen = true; isOpen; ) {
      try {
        isOpen = await this.#read()
      } catch (error) {
        // A flush that was short, as a fault; the rest of a batch during which the queue was closed.
        const isExpected = isNetlinkError(error, 'SYSTEM') || isNetlinkError(error, 'RELEASED')
        if (!(error instanceof Weary) && !isExpected) throw error
      }
    }
  }

  /** One loop, over batches or over packets, or one that serves; whether another one may follow. */
  async #read(): Promise<boolean> {
    if (this.#random.chance(0.3)) return this.#readPackets()
    if (this.#random.chance(0.3)) return this.#serve()
    for await (const packets of this.#queue) {
      for (const packet of packets) this.#answer(packet, packets)
      if (this.#random.chance(0.5)) this.#answerHeld()
      if (this.#random.chance(0.2)) await new Promise(setImmediate)
      if (this.#random.chance(0.1)) throw new Weary()
      if (this.#random.chance(0.1)) return true
    }
    return false
  }

  async #readPackets(): Promise<boolean> {
    for await (const packet of this.#queue.packets()) {
      this.#answer(packet, this.#queue)
      if (this.#random.chance(0.1)) this.#answerHeld()
      if (this.#random.chance(0.03)) await new Promise(setImmediate)
      if (this.#random.chance(0.02)) throw new Weary()
      if (this.#random.chance(0.02)) return true
    }
    return false
  }

  /** It blocks the thread, which in the simulator is the kernel's too, so it ends soon. */
  async #serve(): Promise<boolean> {
    const stop = new StopFlag()
    const controller = new AbortController()
    const end = () => (this.#random.chance(0.5) ? stop.stop() : controller.abort())
    const onTurn = () => {
      if (this.#random.chance(0.5)) this.#answerHeld()
      if (this.#random.chance(0.3)) end()
    }
    try {
      this.#queue.serve(
        (packets) => {
          for (const packet of packets) this.#answer(packet, packets)
          if (this.#random.chance(0.2)) this.#answerHeld()
          if (this.#random.chance(0.1)) throw new Weary()
          if (this.#random.chance(0.1)) end()
        },
        { stop, signal: controller.signal, pollInterval: 1, onTurn },
      )
    } finally {
      // For what waits for the event loop, such as a close that the handler began.
      await new Promise(setImmediate)
    }
    return stop.stopped || controller.signal.aborted
  }

  #answer(packet: QueuePacket, packets: Pick<PacketBatch, 'flush'>): void {
    // A cut packet has lost its text, not its id.
    const number = packet.id - 1
    if (this.#shown.has(number)) this.shownTwice.add(number)
    this.#shown.add(number)
    if (this.#seen++ >= this.#closeAt && this.areSent) void this.#queue.close()
    const verdict = this.#random.chance(0.5) ? 'accept' : 'drop'
    switch (this.#random.below(8)) {
      case 0: // forgets it
        if (this.#random.chance(0.1)) this.#late.push(packet)
        break
      case 1:
        this.#give(number, packet, verdict)
        // The first one counts.
        this.#try(() => packet[this.#random.chance(0.5) ? 'accept' : 'drop']())
        break
      case 2:
        this.#try(() => this.#held.push({ packet: packet.hold(), number }))
        break
      case 3:
        this.#give(number, packet, verdict)
        if (this.#random.chance(0.3)) this.#try(() => packets.flush())
        break
      case 4:
        this.#give(number, packet, verdict)
        if (this.#random.chance(0.1)) throw new Weary()
        break
      default:
        this.#give(number, packet, verdict)
    }
  }

  #give(number: number, packet: { accept(): void; drop(): void }, verdict: 'accept' | 'drop'): void {
    if (this.#try(() => packet[verdict]()) && !this.given.has(number)) this.given.set(number, verdict)
  }

  /** Gives some of the held packets a verdict, some of them two. */
  #answerHeld(): void {
    for (const { packet, number } of this.#held.splice(0, this.#random.below(this.#held.length + 1))) {
      const verdict = this.#random.chance(0.5) ? 'accept' : 'drop'
      this.#give(number, packet, verdict)
      if (this.#random.chance(0.2)) this.#try(() => packet.accept())
    }
  }

  /** Verdicts after everything: none of them may do anything. */
  answerLate(): void {
    for (const packet of this.#late) this.#try(() => packet.accept())
    for (const { packet } of this.#held) this.#try(() => packet.accept())
  }

  /** Whether an action was accepted. What a program does wrong has a code. */
  #try(action: () => void): boolean {
    try {
      action()
      return true
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      return false
    }
  }
}
