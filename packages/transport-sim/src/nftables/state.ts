/** The state of nf_tables in the simulated kernel: its tables, and the commit or rollback at the end of a batch. */
import { Errno, Family, TableFlag } from '@ringlink/codec'
import type { SimSocket } from '../netlink/socket.ts'
import type { ExpressionHost, ExpressionKind } from './expressions/expression.ts'
import { expressionKinds } from './expressions/kinds.ts'
import type { NfTablesFeatures } from './features.ts'
import type { NfTablesChain, NfTablesTable } from './ruleset.ts'
import type { Transaction } from './transaction.ts'
import { validateTable } from './validate.ts'

/** What nf_tables needs from its kernel. */
export interface NfTablesHost extends ExpressionHost {
  /** Puts a base chain on the way of packets, before the others of its priority. */
  attach(chain: NfTablesChain): void
  detach(chain: NfTablesChain): void
  /** Drops the packets waiting in all queues, as the removal of a base chain does. */
  flushQueues(): void
  knowsDevice(name: string): boolean
  /** The rules have changed: the families that they track connections of, and how many of them set labels. */
  trackConnections(families: ReadonlySet<number>, labelUsers: number): void
  /** Notifies the members of the group of nf_tables that the rules have changed. */
  notify(generation: number, sequence: number): void
}

/** How a kernel was built. */
export interface NfTablesBuild {
  /** names of expressions that there are not */
  readonly without: readonly string[]
  readonly modules: boolean
}

/** The tables of a kernel. */
export class NfTables {
  readonly host: NfTablesHost
  readonly features: NfTablesFeatures
  readonly hasModules: boolean
  readonly tables: NfTablesTable[] = []
  /** bits of `TableFlag` that it knows */
  readonly tableFlags: number
  /** changes with every batch that does something; never 0 */
  generation = 1
  // base chains on the way of packets: all but those of dormant tables
  #registered = new Set<NfTablesChain>()
  #kinds: ReadonlyMap<string, ExpressionKind>
  #tableHandle = 0n
  #chainName = 0

  constructor(host: NfTablesHost, features: NfTablesFeatures, { without, modules }: NfTablesBuild) {
    this.host = host
    this.hasModules = modules
    this.features = features
    const { tableOwner, persistentTables } = features
    this.tableFlags =
      TableFlag.Dormant | (tableOwner ? TableFlag.Owner : 0) | (tableOwner && persistentTables ? TableFlag.Persist : 0)
    this.#kinds = new Map(
      expressionKinds.filter(({ name }) => !without.includes(name)).map((kind) => [kind.name, kind]),
    )
  }

  expressionKind(name: string): ExpressionKind | undefined {
    return this.#kinds.get(name)
  }

  knowsDevice(name: string): boolean {
    return this.host.knowsDevice(name)
  }

  nextTableHandle(): bigint {
    return ++this.#tableHandle
  }

  /** A name for a chain that the batch did not name. */
  nextChainName(): string {
    return `__chain${++this.#chainName}`
  }

  /** 0; EAGAIN (negative) if rules make a loop, which must be located rule by rule; or another errno. */
  commit(transaction: Transaction, sequence: number): number {
    if (transaction.isEmpty) return 0
    if (transaction.unboundSets.size > 0) return -Errno.EINVAL
    for (const table of this.tables) {
      if (table.unvalidated && validateTable(table) !== 0) return -Errno.EAGAIN
      table.unvalidated = false
    }
    transaction.commit()
    this.#settle(transaction)
    this.generation = this.generation === 0xffffffff ? 1 : this.generation + 1
    this.host.notify(this.generation, sequence)
    return 0
  }

  abort(transaction: Transaction): void {
    transaction.abort()
    this.#settle(transaction)
  }

  /**
   * Puts a base chain on the way of packets at once, and off it again when the batch is refused, which flushes the
   * queues too.
   */
  register(transaction: Transaction, chain: NfTablesChain): void {
    transaction.perform(
      () => {
        this.#registered.add(chain)
        this.host.attach(chain)
      },
      () => this.unregister([chain]),
    )
  }

  /** Detaches base chains from the path of packets, and drops the packets waiting in queues. */
  unregister(chains: readonly NfTablesChain[]): void {
    for (const chain of chains) {
      if (!this.#registered.delete(chain)) continue
      this.host.detach(chain)
      this.host.flushQueues()
    }
  }

  /** A socket is closed: the tables that it owns go, or stay without an owner. */
  socketClosed(socket: SimSocket): void {
    for (const table of [...this.tables]) {
      if (!table.isOwned || table.owner !== socket.portId) continue
      if ((table.flags & TableFlag.Persist) !== 0) {
        table.flags &= ~TableFlag.Owner
        table.owner = 0
        continue
      }
      this.unregister(table.chains)
      this.tables.splice(this.tables.indexOf(table), 1)
    }
    this.#noteTracking()
  }

  #settle({ touched }: Transaction): void {
    for (const chain of touched) {
      chain.rules = chain.rules.filter((it) => !it.removed)
      chain.programs = chain.rules.map(({ program }) => program)
    }
    this.#noteTracking()
  }

  #noteTracking(): void {
    const families = new Set<number>()
    let labelUsers = 0
    for (const { family, chains } of this.tables) {
      const uses = chains.flatMap(({ rules }) => rules.flatMap(({ expressions }) => expressions))
      for (const { conntrack } of uses) {
        if (conntrack === undefined) continue
        for (const tracked of family === Family.Inet ? [Family.Ipv4, Family.Ipv6] : [family]) families.add(tracked)
        if (conntrack.setsLabels) labelUsers++
      }
    }
    this.host.trackConnections(families, labelUsers)
  }
}
