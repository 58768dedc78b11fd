/**
 * A queue or log under load, on any kernel, with faults between them: what both have counted at the end. The seed
 * decides what faults there are and what the consumer does; nothing depends on how fast it is.
 */
import { appendFileSync } from 'node:fs'
import { type Log, openLog, openQueue, type Queue, type QueuePacket } from '@ringlink/client'
import { isNetlinkError, QueueMessage } from '@ringlink/codec'
import type { OpenTransport, TransportNeeds } from '@ringlink/transport'
import {
  delay,
  drop,
  duplicate,
  type Fault,
  type FaultFrame,
  type FaultyTransport,
  overrun,
  Random,
  reorder,
  shortSend,
  truncate,
  withFaults,
} from '@ringlink/transport/faults'
import { expect } from 'vitest'

/** Packets for each transport: `npm run test:counters` has a million. */
const PACKETS = Number(process.env.RINGLINK_PACKETS ?? 20_000)
/** Fixed, so that a test is the same each time; `npm run test:counters` takes another one each time. */
const SEED = Number(process.env.RINGLINK_SEED ?? 7)
/** The only transport to load, and the file that gets a line for each round, for `npm run test:counters`. */
const { RINGLINK_TRANSPORT, RINGLINK_COUNTERS_LOG } = process.env

/** Most packets of a round. Many rounds with different faults and options find more than one long one. */
const ROUND = 20_000

/** A kernel with rules that queue and log what is sent. */
export interface LoadedKernel {
  readonly open: OpenTransport
  /** Sends so many packets that are queued or logged; resolves when the kernel has taken all. */
  send(count: number): Promise<void>
  /** packets that passed after a verdict since the last call; `expected` are on their way */
  passed(expected: number): Promise<number>
}

/** Kinds of faults that go together. */
export type Trouble = 'none' | 'lossy' | 'reordering'

/** What is loaded over one transport, and with which part of the packets. */
export interface Load {
  readonly what: 'queue' | 'log'
  readonly trouble: Trouble
  readonly share: number
}

/** Whether a transport is to be loaded; all are, unless one is named. */
export function isLoaded(transport: string): boolean {
  return RINGLINK_TRANSPORT === undefined || RINGLINK_TRANSPORT === transport
}

/** Loads a kernel round by round, each with a seed of its own, and expects every difference to be 0. */
export async function expectSums(kernel: LoadedKernel, transport: string, load: Load): Promise<void> {
  const { what, trouble, share } = load
  const packets = Math.ceil(PACKETS * share)
  const rounds = Math.ceil(packets / ROUND)
  for (let round = 0; round < rounds; round++) {
    const count = Math.floor(packets / rounds)
    const seed = SEED + round
    const sums = await (what === 'queue' ? loadQueue : loadLog)(kernel, count, trouble, seed)
    const difference = Object.values(sums.differences).reduce((sum, each) => sum + Math.abs(each), 0)
    note({ transport, what, trouble, round: round + 1, rounds, seed, count, difference, ...sums })
    const nothing = Object.fromEntries(Object.keys(sums.differences).map((name) => [name, 0]))
    expect(sums, `seed ${seed}, ${count} packets`).toMatchObject({ differences: nothing })
  }
}

function note(round: object): void {
  if (RINGLINK_COUNTERS_LOG !== undefined) appendFileSync(RINGLINK_COUNTERS_LOG, `${JSON.stringify(round)}\n`)
}

const QUEUE = 5
const GROUP = 5

/** Whether faults happen: only once everything is open, because answers to requests are not packets. */
export interface Switch {
  isOn: boolean
}

/** Faults of a kind, as often as the numbers have it. */
function faultsOf(trouble: Trouble, random: Random, power: Switch): Fault[] {
  const rarely = () => ({ probability: random.fraction() * 0.01 })
  const sends = shortSend({ limit: (commits) => (power.isOn && random.chance(0.02) ? random.below(commits) : commits) })
  if (trouble === 'none') return []
  const others =
    trouble === 'lossy'
      ? [
          drop(rarely()),
          overrun({ ...rarely(), length: 1 + random.below(20) }),
          truncate(rarely()),
          packetsOnly(duplicate(rarely())),
        ]
      : [reorder(rarely()), delay({ ...rarely(), batches: 1 + random.below(5) }), overrun(rarely())]
  return [...others.map((fault) => switched(fault, power)), sends]
}

/** Has a fault happen only to whole packets: what else there is has no id, and is not counted among the packets. */
export function packetsOnly(fault: Fault): Fault {
  const isPacket = (frame: FaultFrame) =>
    frame.byteLength === frame.fullLength &&
    new Uint16Array(frame.bytes().slice(4, 6).buffer)[0] === QueueMessage.Packet
  return {
    ...fault,
    makeReceive: () => {
      const receive = fault.makeReceive?.()
      return (frames, context) =>
        frames.flatMap((frame) => (isPacket(frame) ? (receive?.([frame], context) ?? [frame]) : [frame]))
    },
  }
}

export function switched(fault: Fault, power: Switch): Fault {
  return {
    ...fault,
    makeReceive: () => {
      const receive = fault.makeReceive?.()
      return (frames, context) => (power.isOn ? (receive?.(frames, context) ?? frames) : frames)
    },
  }
}

/** Opens the transport of a kernel with faults, and keeps it. */
function faulty(kernel: LoadedKernel, trouble: Trouble, random: Random) {
  const opened: FaultyTransport[] = []
  const power: Switch = { isOn: false }
  const faults = faultsOf(trouble, random, power)
  const open = async (needs: TransportNeeds) => {
    const transport = withFaults(await kernel.open(needs), faults, { seed: random.next() })
    opened.push(transport)
    return transport
  }
  return { open, power, transport: () => opened[0] as FaultyTransport }
}

class Weary extends Error {}

/** Reads until the queue is closed, and does with packets what a program might. */
async function answer(queue: Queue, random: Random): Promise<void> {
  const held: { accept(): void; drop(): void }[] = []
  const settle = () => {
    for (const packet of held.splice(0)) random.chance(0.5) ? packet.accept() : packet.drop()
  }
  const answerOne = (packet: QueuePacket) => {
    const choice = random.fraction()
    if (choice < 0.45) packet.accept()
    else if (choice < 0.8) packet.drop()
    else if (choice < 0.9) packet.accept({ mark: 7 })
    else if (choice < 0.95 && held.length < 64) held.push(packet.hold())
  }
  for (let isOpen = true; isOpen; ) {
    isOpen = false
    try {
      for await (const packets of queue) {
        const choice = random.fraction()
        if (choice < 0.05) packets.accept()
        else if (choice < 0.1) packets.drop()
        else for (const packet of packets) answerOne(packet)
        if (random.chance(0.3)) settle()
        if (random.chance(0.05)) await new Promise(setImmediate)
        if (choice > 0.98) throw new Weary()
        if (choice > 0.96) {
          isOpen = true
          break
        }
      }
    } catch (error) {
      // A flush that was short: what it did not send is sent with the next one.
      if (!(error instanceof Weary) && !isNetlinkError(error, 'SYSTEM')) throw error
      isOpen = true
    }
  }
}

/** The sums of a queue, and what is to be 0. */
export async function loadQueue(kernel: LoadedKernel, count: number, trouble: Trouble, seed: number) {
  const random = new Random(seed)
  const { open, power, transport } = faulty(kernel, trouble, random)
  const verdictBatching = trouble === 'none' ? 'never' : 'auto'
  const receiveBufferSize = random.chance(0.5) ? undefined : 100_000 + random.below(1_000_000)
  const maxLength = random.chance(0.5) ? 65_536 : 1 + random.below(2000)
  const queue = await openQueue({
    ...{ number: QUEUE, copyRange: 64, transport: open, unanswered: random.chance(0.5) ? 'accept' : 'drop' },
    ...{ verdictBatching, receiveBufferSize, maxLength },
  })
  const reading = answer(queue, random)
  power.isOn = true
  await kernel.send(count)
  // The answers to the requests of close are not packets.
  power.isOn = false
  await queue.close()
  await reading
  const { stats } = queue
  const { lastId = Number.NaN, queueDropped = Number.NaN } = queue.counters() ?? {}
  const { faults, capabilities } = transport()
  // Without order, only the faults themselves know what vanished.
  const vanished = capabilities.ordered ? 0 : faults.dropped + faults.waiting + stats.malformed
  const passed = trouble === 'none' ? await kernel.passed(stats.accepted) : stats.accepted
  const differences = {
    ids: count - queueDropped - lastId,
    delivered: lastId - (stats.packets - faults.duplicated) - stats.lost - stats.unseen - vanished,
    answered: stats.packets - stats.accepted - stats.dropped - stats.other,
    passed: stats.accepted - passed,
    refused: stats.refused,
  }
  return { differences, received: stats.packets, lost: stats.lost, stats: { ...stats }, faults: { ...faults } }
}

/** Reads until the log is closed; now and then with a pause. */
async function read(log: Log, random: Random): Promise<{ records: number; lost: number }> {
  const seen = { records: 0, lost: 0 }
  for await (const records of log) {
    for (const _record of records) seen.records++
    seen.lost += records.lost
    if (random.chance(0.05)) await new Promise(setImmediate)
  }
  return seen
}

/** The sums of a log whose rule has counted what was logged, and what is to be 0. */
export async function loadLog(kernel: LoadedKernel, count: number, trouble: Trouble, seed: number) {
  const random = new Random(seed)
  const faults =
    trouble === 'none' ? [] : [overrun({ probability: random.fraction() * 0.05, length: 1 + random.below(5) })]
  const opened: FaultyTransport[] = []
  const log = await openLog({
    ...{ group: GROUP, copyRange: 64, readInterval: 0, threshold: 1 + random.below(100), timeout: 60_000 },
    receiveBufferSize: random.chance(0.5) ? undefined : 20_000 + random.below(100_000),
    transport: async (needs) => {
      const transport = withFaults(await kernel.open(needs), faults, { seed: random.next() })
      opened.push(transport)
      return transport
    },
  })
  const reading = read(log, random)
  await kernel.send(count)
  await log.finish()
  const seen = await reading
  const { stats } = log
  // A datagram that was lost after the last record leaves no number, and is said to have been.
  const untold = stats.untold > 0 ? count - stats.records - stats.lost : 0
  const differences = {
    logged: count - stats.records - stats.lost - untold,
    shown: stats.records - stats.unread - seen.records,
    told: stats.unread > 0 ? 0 : stats.lost - seen.lost,
    tooMuch: Math.max(0, -untold),
  }
  return {
    differences,
    received: stats.records,
    lost: stats.lost,
    stats: { ...stats },
    faults: { ...(opened[0] as FaultyTransport).faults },
  }
}
