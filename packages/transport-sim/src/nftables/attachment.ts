/**
 * How nf_tables is built into the simulated kernel: its base chains on the way of packets, its devices, clock and
 * groups.
 */
import { Hook, Subsystem, Verdict } from '@ringlink/codec'
import type { Random } from '@ringlink/transport/faults'
import type { VirtualClock } from '../clock.ts'
import type { ConntrackAttachment } from '../conntrack/attachment.ts'
import type { ConntrackTable } from '../conntrack/table.ts'
import type { PacketLogs } from '../log/logs.ts'
import type { Chain } from '../netfilter/hook-chains.ts'
import type { SimPacket } from '../netfilter/packet.ts'
import type { PacketPath } from '../netfilter/path.ts'
import type { Nfnetlink } from '../nfnetlink/nfnetlink.ts'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import { Evaluation, runBaseChain } from './expressions/evaluate.ts'
import type { NfTablesFeatures } from './features.ts'
import { NfTablesBatches } from './handlers.ts'
import { compatMessages, describeGeneration, nfTablesMessages } from './requests.ts'
import { meetsFamily, type NfTablesChain } from './ruleset.ts'
import { NfTables, type NfTablesBuild, type NfTablesHost } from './state.ts'

/** NFNLGRP_NFTABLES */
const GROUP = 7
const NANOSECONDS_PER_MILLISECOND = 1_000_000

/** The parts of the kernel that nf_tables is built into. */
export interface KernelParts {
  readonly path: PacketPath
  readonly logs: PacketLogs
  readonly clock: VirtualClock
  readonly random: Random
  readonly devices: Readonly<Record<number, string>>
  readonly multicast: (group: number, message: Uint8Array) => void
  /** undefined in a kernel without it */
  readonly conntrack: ConntrackAttachment | undefined
}

/** nf_tables, and its place in a kernel. */
export class NfTablesAttachment implements NfTablesHost {
  readonly tables: NfTables
  readonly batches: NfTablesBatches
  readonly logs: PacketLogs
  readonly connections: ConntrackTable | undefined
  #kernel: KernelParts
  #evaluation = new Evaluation()
  #reply = new ReplyWriter()
  #attached = new Map<NfTablesChain, Chain>()
  #hasCompat: boolean

  constructor(kernel: KernelParts, features: NfTablesFeatures, build: NfTablesBuild) {
    this.#kernel = kernel
    this.logs = kernel.logs
    this.connections = kernel.conntrack?.table
    this.#hasCompat = !build.without.includes('target')
    this.tables = new NfTables(this, features, build)
    this.batches = new NfTablesBatches(this.tables)
  }

  /** Registers the messages that need no batch. */
  register(nfnetlink: Nfnetlink): void {
    nfnetlink.register(Subsystem.NfTables, nfTablesMessages(this.tables))
    if (this.#hasCompat) nfnetlink.register(Subsystem.NfTablesCompat, compatMessages())
  }

  /** Chains of type nat are not met by packets: addresses are not translated here. */
  attach(chain: NfTablesChain): void {
    const { hook, table } = chain
    if (hook === undefined || hook.type === 'nat' || hook.devices !== undefined || hook.number > Hook.Ingress) return
    const { family } = table
    const evaluation = this.#evaluation
    const run = (packet: SimPacket) =>
      meetsFamily(family, packet.family) ? runBaseChain(chain, packet, evaluation) : Verdict.Accept
    const runFromZero = (packet: SimPacket) => {
      evaluation.words.fill(0)
      return run(packet)
    }
    // Where rules may load what none has written, registers are 0 at the beginning of each base chain.
    const judge = this.tables.features.initialisedRegisters ? run : runFromZero
    const attached = { priority: hook.priority, judge }
    this.#attached.set(chain, attached)
    this.#kernel.path.chains.attach(hook.number, attached)
  }

  detach(chain: NfTablesChain): void {
    const attached = this.#attached.get(chain)
    if (attached === undefined || chain.hook === undefined) return
    this.#attached.delete(chain)
    this.#kernel.path.chains.detach(chain.hook.number, attached)
  }

  trackConnections(families: ReadonlySet<number>, labelUsers: number): void {
    const { conntrack } = this.#kernel
    if (conntrack === undefined) return
    conntrack.table.labelUsers = labelUsers
    conntrack.trackFamilies(families)
  }

  flushQueues(): void {
    this.#kernel.path.queues.flushAll()
  }

  deviceName(index: number): string {
    return index === 0 ? '' : (this.#kernel.devices[index] ?? `dev${index}`)
  }

  knowsDevice(name: string): boolean {
    return Object.values(this.#kernel.devices).includes(name)
  }

  now(): number {
    return this.#kernel.clock.now * NANOSECONDS_PER_MILLISECOND
  }

  balance(packet: SimPacket, from: number, total: number): number {
    return this.#kernel.path.balance(packet, { from, to: from + total - 1 })
  }

  random(): number {
    return this.#kernel.random.next()
  }

  notify(generation: number, sequence: number): void {
    const header = { flags: 0, sequence, portId: 0, resourceId: generation & 0xffff }
    this.#kernel.multicast(GROUP, describeGeneration(this.#reply, header, generation))
  }
}
