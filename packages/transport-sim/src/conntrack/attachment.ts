/**
 * How connection tracking is built into the simulated kernel: its hooks on the way of packets, its requests and events.
 */
import { Family, Hook, HookPriority, Subsystem, Verdict } from '@ringlink/codec'
import type { VirtualClock } from '../clock.ts'
import type { Chain } from '../netfilter/hook-chains.ts'
import type { SimPacket } from '../netfilter/packet.ts'
import type { PacketPath } from '../netfilter/path.ts'
import type { Nfnetlink } from '../nfnetlink/nfnetlink.ts'
import { ConntrackReports, type EventNetwork } from './events.ts'
import { expectationMessages } from './expectation-requests.ts'
import { connectionMessages } from './requests.ts'
import { type ConntrackFeatures, type ConntrackOptions, conntrackSettings } from './settings.ts'
import { ConntrackTable } from './table.ts'
import { PacketTracker } from './tracker.ts'

const ALL_FAMILIES: readonly number[] = [Family.Ipv4, Family.Ipv6]
/** Where the kernel tracks packets. */
const TRACKING_HOOKS = [Hook.Prerouting, Hook.Output] as const
/** Where packets that are injected there are tracked, before everything else: they have not passed those hooks. */
const LATE_HOOKS = [Hook.Input, Hook.Forward, Hook.Postrouting] as const

/** The parts of the kernel that connection tracking is built into. */
export interface ConntrackParts {
  readonly clock: VirtualClock
  readonly random: () => number
  readonly network: EventNetwork
}

/** Connection tracking, and its place in a kernel. */
export class ConntrackAttachment {
  readonly table: ConntrackTable
  readonly tracker: PacketTracker
  #path: PacketPath | undefined
  #families: ReadonlySet<number> = new Set()
  #chains: (readonly [hook: number, chain: Chain])[] = []

  constructor({ clock, random, network }: ConntrackParts, options: ConntrackOptions & ConntrackFeatures) {
    const reports = new ConntrackReports(network, () => clock.now)
    this.table = new ConntrackTable(conntrackSettings(options), clock, random, reports)
    this.tracker = new PacketTracker(this.table)
  }

  /** Puts it on the way of packets. */
  attach(path: PacketPath): void {
    this.#path = path
    path.connections = this.tracker
    if (this.table.settings.tracksAlways) this.trackFamilies(new Set())
  }

  register(nfnetlink: Nfnetlink): void {
    nfnetlink.register(Subsystem.Conntrack, connectionMessages(this.table))
    nfnetlink.register(Subsystem.ConntrackExpectation, expectationMessages(this.table))
  }

  /** Tracks the packets of these families, and no others. */
  trackFamilies(asked: ReadonlySet<number>): void {
    const families = this.table.settings.tracksAlways ? new Set(ALL_FAMILIES) : asked
    for (const family of families) if (!this.#families.has(family)) this.#beginWith(family)
    this.#families = families
    if (families.size > 0 && this.#chains.length === 0) this.#attach()
    if (families.size === 0) this.#detach()
  }

  #attach(): void {
    const judge = (packet: SimPacket) =>
      this.#families.has(packet.family) ? this.tracker.track(packet) : Verdict.Accept
    const late = (packet: SimPacket) => (packet.follows ? Verdict.Accept : judge(packet))
    const early: Chain = { priority: Number.NEGATIVE_INFINITY, judge: late }
    const usual: Chain = { priority: HookPriority.Conntrack, judge }
    this.#chains = [
      ...TRACKING_HOOKS.map((hook) => [hook, usual] as const),
      ...LATE_HOOKS.map((hook) => [hook, early] as const),
    ]
    for (const [hook, chain] of this.#chains) this.#path?.chains.attach(hook, chain)
  }

  #detach(): void {
    for (const [hook, chain] of this.#chains) this.#path?.chains.detach(hook, chain)
    this.#chains = []
  }

  /** Connections of TCP that are there already have been out of sight: their windows are not known. */
  #beginWith(family: number): void {
    for (const { family: own, tcp } of this.table.connections) {
      if (own !== family || tcp === undefined) continue
      for (const side of tcp.sides) side.maximumWindow = 0
    }
  }
}
