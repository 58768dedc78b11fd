import { Verdict } from '@ringlink/codec'
import type { ConntrackGlue } from '../conntrack/glue.ts'
import type { PacketLogs } from '../log/logs.ts'
import { FLUSHED, PacketQueues, Queued } from '../queue/queues.ts'
import { type Chain, HookChains } from './hook-chains.ts'
import type { DeliveredPacket, PacketMeta, SimPacket } from './packet.ts'
import { PacketPool } from './packet-pool.ts'
import { QUEUE_BYPASS, queueOf, VERDICT_MASK } from './verdict.ts'

/** Why a packet ended its way before it was delivered. */
export type DropReason =
  | 'rule'
  | 'verdict'
  | 'no-queue'
  | 'not-copied'
  | 'queue-full'
  | 'undelivered'
  | 'flushed'
  | 'repeated'
  | 'tracking'

/** What connection tracking does with packets that have a connection. */
export interface ConnectionKeeper {
  /** A packet has passed; false: it is dropped. */
  confirm(packet: SimPacket): boolean
  /** A packet ends its way. */
  forget(packet: SimPacket): void
}

/** A program that repeats a packet endlessly is taken to be in error. */
export const REPEAT_LIMIT = 1024

/** The way of packets through the chains of their hook, and where it continues after the verdict of user space. */
export class PacketPath {
  readonly chains: HookChains
  readonly queues: PacketQueues
  delivered = 0
  readonly dropped: Record<DropReason, number> = {
    rule: 0,
    verdict: 0,
    'no-queue': 0,
    'not-copied': 0,
    'queue-full': 0,
    undelivered: 0,
    flushed: 0,
    repeated: 0,
    tracking: 0,
  }
  /** called for every packet that is delivered */
  onDelivered: ((packet: DeliveredPacket) => void) | undefined
  /** undefined in a kernel without connection tracking */
  connections: ConnectionKeeper | undefined
  #pool = new PacketPool()
  #seed: number

  constructor(logs: PacketLogs, seed: number, glue: ConntrackGlue | undefined) {
    this.chains = new HookChains({
      log: (packet, rule) => logs.log(packet, rule),
      balance: (packet, range) => this.balance(packet, range),
    })
    this.#seed = seed
    this.queues = new PacketQueues(this.#pool, glue, (packet, verdict) => this.#reinject(packet, verdict))
  }

  /** Sends a packet on its way. */
  inject(bytes: Uint8Array, meta: PacketMeta): void {
    this.#run(this.#pool.get().aim(bytes, meta), 0)
  }

  #run(packet: SimPacket, first: number): void {
    const chains = this.chains.at(packet.hook)
    for (let index = first; index < chains.length; index++) {
      const verdict = (chains[index] as Chain).judge(packet)
      if (verdict === Verdict.Accept) continue
      if (verdict === Verdict.Drop) {
        this.#drop(packet, 'rule')
        return
      }
      if (!this.#queue(packet, index, verdict)) return
    }
    this.#deliver(packet)
  }

  /** Queues as the verdict says; true when the packet continues as if it had been accepted. */
  #queue(packet: SimPacket, chain: number, verdict: number): boolean {
    packet.table = chain
    const queued = this.queues.enqueue(packet, queueOf(verdict))
    if (queued === Queued.Taken) return false
    if (queued === Queued.NoQueue && (verdict & QUEUE_BYPASS) !== 0) return true
    this.#drop(packet, reasons[queued])
    return false
  }

  /** ACCEPT and REPEAT have their meaning only without upper bits; with them, the kernel treats them differently. */
  #reinject(packet: SimPacket, given: number): void {
    if (given === FLUSHED) {
      this.#drop(packet, 'flushed')
      return
    }
    let verdict = given
    if (verdict === Verdict.Repeat) {
      if (++packet.repeats > REPEAT_LIMIT) {
        this.#drop(packet, 'repeated')
        return
      }
      verdict = this.chains.at(packet.hook)[packet.table]?.judge(packet) ?? Verdict.Accept
    }
    if (verdict === Verdict.Accept) {
      this.#run(packet, packet.table + 1)
      return
    }
    const kind = verdict & VERDICT_MASK
    if (kind === Verdict.Accept || kind === Verdict.Stop) this.#deliver(packet)
    else if (kind !== Verdict.Queue) this.#drop(packet, 'verdict')
    else if (this.#queue(packet, packet.table, verdict)) this.#run(packet, packet.table + 1)
  }

  #deliver(packet: SimPacket): void {
    if (packet.connection !== undefined && !packet.continues && this.connections?.confirm(packet) === false) {
      this.#drop(packet, 'tracking')
      return
    }
    this.delivered++
    this.onDelivered?.(packet)
    this.#end(packet)
  }

  #drop(packet: SimPacket, reason: DropReason): void {
    this.dropped[reason]++
    this.#end(packet)
  }

  #end(packet: SimPacket): void {
    if (packet.connection !== undefined) this.connections?.forget(packet)
    this.#pool.give(packet)
  }

  /** The queue of a range, always the same for the same addresses. */
  balance({ bytes, family }: SimPacket, { from, to }: { from: number; to: number }): number {
    const [first, last] = family === 10 ? [8, 40] : [12, 20]
    let hash = this.#seed
    for (let i = first; i < last; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
    // The upper bits are the better mixed ones.
    return from + Math.floor(((hash >>> 0) / 0x1_0000_0000) * (to - from + 1))
  }
}

const reasons = {
  [Queued.NoQueue]: 'no-queue',
  [Queued.NotCopied]: 'not-copied',
  [Queued.QueueFull]: 'queue-full',
  [Queued.Undelivered]: 'undelivered',
} as const
