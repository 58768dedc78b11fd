import {
  Errno,
  type ExpressionData,
  isNetlinkError,
  NfTablesMessage,
  nfnetlinkHeader,
  Protocol,
  readNfnetlinkAttributes,
  ruleAttributes,
} from '@ringlink/codec'
import { OptionPlace, readArgument, readOptions } from '@ringlink/codec/options'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { type Opening, openFor } from '../opening.ts'
import { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { type BatchPart, performBatch, postBatch } from './batch.ts'
import { familyNumbers } from './chains.ts'
import { checkDevices } from './devices.ts'
import { explainBatch, RulesError } from './errors.ts'
import { install, largestBatch, planRules, type RulePlan, type Way } from './install.ts'
import { deleteRules, deleteTable, type RuleTable } from './messages.ts'
import type { FirewallRule, InstallOptions, OffloadBits, RuleFamily } from './options.ts'
import { checkOptions, firewallRules, installOptions } from './schema.ts'
import { LARGEST_BATCH, LiveSet } from './sets/live-set.ts'

/** The counter of a rule: the packets that it matched, within its limit. Exact up to 2^53. */
export interface RuleCounters {
  readonly packets: number
  readonly bytes: number
}

/** What the kernel handled without user space. */
export interface OffloadCounters {
  /** of connections that were accepted */
  readonly accepted: RuleCounters
  /** of connections that were dropped */
  readonly dropped: RuleCounters
  /** of connections that had their first packets queued, without a decision */
  readonly later: RuleCounters
}

const DEFAULT_TIMEOUT = 5000
const PERSISTENT_TABLE = 'ringlink'
/** The longest name that is generated for a table: for sizes that are needed before the port id is known. */
const LONGEST_TABLE = 'ringlink-4294967295'
/** Frame size in bytes: the kernel dumps rules in chunks of at most this size unless it is given larger frames. */
const FRAME_SIZE = 16 * 1024
const RECEIVE_BUFFER = 256 * 1024

/** Rules must stay even if the caller keeps no reference, so their socket must not be garbage collected. */
const openRules = new Set<Rules>()

/** Removes the tables that the kernel does not remove by itself: one process listener for all of them. */
const removals = new Set<() => void>()

function runRemovals(): void {
  for (const remove of removals) remove()
}

function removeAtExit(remove: () => void): void {
  if (removals.size === 0) process.on('exit', runRemovals)
  removals.add(remove)
}

function keepAtExit(remove: () => void): void {
  removals.delete(remove)
  if (removals.size === 0) process.removeListener('exit', runRemovals)
}

/**
 * Firewall rules in a table of their own, which live as long as this object. However the program ends, the kernel
 * removes an owned table with its socket.
 *
 * When a chain is removed, the kernel drops the packets that wait in all queues of the network namespace. Closing these
 * rules does so too.
 */
export class Rules implements AsyncDisposable {
  /** the name of their table */
  readonly table: string
  readonly family: RuleFamily
  /**
   * the kernel removes the rules when the program ends; otherwise `close` does, and the end of the process if it can
   */
  readonly owned: boolean
  /** the rules stay until `remove` */
  readonly persistent: boolean
  /** whether packets are queued by the kernel's own expression, or by the xtables target */
  readonly queueStatement: 'expression' | 'target'
  readonly session: Session
  #plan: RulePlan
  #closing: Promise<void> | undefined
  #onExit = (): void => this.#postRemoval()

  /** Called by {@link installRules}, which installs them. */
  constructor(session: Session, plan: RulePlan, table: RuleTable, { kind, dialect }: Way) {
    this.session = session
    this.table = table.name
    this.family = table.family
    this.owned = kind === 'owned'
    this.persistent = kind === 'persistent'
    this.queueStatement = dialect.queue
    this.#plan = plan
    openRules.add(this)
    if (this.#endsWithProcess) removeAtExit(this.#onExit)
  }

  /**
   * The set with that name, one of `sets` of the options. Throws code `ARGUMENT` where there is none.
   */
  set(name: string): LiveSet {
    const options = Object.hasOwn(this.#plan.sets, name) ? this.#plan.sets[name] : undefined
    if (options === undefined) {
      const known = Object.keys(this.#plan.sets).join(', ')
      const list = known === '' ? 'these rules have no sets' : `they have ${known}`
      throw new OptionPlace('find a set', 'name').outOfRange(`the name of a set of these rules (${list})`, name)
    }
    const chains = this.#plan.chains.flatMap((chain) => (chain.base === undefined ? [chain.name] : []))
    return new LiveSet(this.session, { name: this.table, family: this.family }, name, options, chains)
  }

  get transport(): Transport {
    return this.session.transport
  }

  /**
   * The counter of each rule, in the given order. Rejects as a dump does, and with code `RULES_REFUSED` if the table
   * was changed by others.
   */
  async counters(options: RequestOptions = {}): Promise<RuleCounters[]> {
    const counters = await this.#readCounters(options)
    return this.#plan.shown.map((indexes) => sumOf(indexes, counters))
  }

  /**
   * What the kernel handled without user space, of rules with `offload`: packets of connections that were accepted or
   * dropped, and later packets of connections about which nothing was decided. Rejects as {@link counters}.
   */
  async offloaded(options: RequestOptions = {}): Promise<OffloadCounters> {
    const counters = await this.#readCounters(options)
    const { accepted = [], dropped = [], later = [] } = this.#plan.offload?.handled ?? {}
    return {
      accepted: sumOf(accepted, counters),
      dropped: sumOf(dropped, counters),
      later: sumOf(later, counters),
    }
  }

  /** the bits of marks that say what was decided about a connection, where a rule has `offload` */
  get offloadBits(): OffloadBits | undefined {
    return this.#plan.offload?.bits
  }

  /** Removes the rules, persistent ones too, and closes. Rejects with code `RULES_REFUSED` when the kernel refuses. */
  async remove(): Promise<void> {
    await this.#change(deleteTable({ name: this.table, family: this.family }))
    await this.close()
  }

  /**
   * Removes the rules and keeps their chains, so that no packet is dropped that waits in a queue: the first step of a
   * close without losses. Rejects as {@link remove}.
   */
  disarm(): Promise<void> {
    return this.#change(deleteRules({ name: this.table, family: this.family }))
  }

  /** Closes the transport, which removes the rules unless they are persistent. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #endsWithProcess(): boolean {
    return !this.owned && !this.persistent
  }

  async #close(): Promise<void> {
    openRules.delete(this)
    if (this.#endsWithProcess) {
      keepAtExit(this.#onExit)
      this.#postRemoval()
    }
    await this.session.close()
  }

  /** Removes the table without waiting: the kernel processes the message before the send returns. */
  #postRemoval(): void {
    try {
      const part = deleteTable({ name: this.table, family: this.family })
      postBatch(this.session, [part])
    } catch (error) {
      // The socket is closed or the privilege is gone. There is no caller to report this to.
      if (!isNetlinkError(error)) throw error
    }
  }

  async #change(part: BatchPart): Promise<void> {
    const refusal = await performBatch(this.session, [part])
    // The table may be gone already.
    if (refusal !== undefined && refusal.error.errno !== Errno.ENOENT) throw explainBatch(refusal, this.table)
  }

  async #readCounters(options: RequestOptions): Promise<RuleCounters[]> {
    const rows = await this.session.dump(
      {
        what: `list the rules of table ${this.table}`,
        type: NfTablesMessage.GetRule,
        header: nfnetlinkHeader(familyNumbers[this.family], 0),
        set: ruleAttributes,
        attributes: { table: this.table },
      },
      options,
    )
    const listed = rows
      .map((row) => readNfnetlinkAttributes(row.view, ruleAttributes))
      .filter(({ table }) => table === this.table)
    const counters: RuleCounters[] = new Array(this.#plan.rules.length)
    for (const { name, rules } of this.#plan.chains) {
      const inChain = listed.filter(({ chain }) => chain === name)
      for (const [position, index] of rules.entries()) {
        const counter = inChain[position]?.expressions?.find((expression) => expression.name === 'counter')
        if (counter === undefined || inChain.length !== rules.length) throw this.#changedByOthers()
        counters[index] = readCounter(counter.data as ExpressionData<'counter'>)
      }
    }
    return counters
  }

  #changedByOthers(): RulesError {
    return new RulesError(
      'RULES_REFUSED',
      `table ${this.table} does not have the rules that were installed: it was changed by another program`,
    )
  }
}

function sumOf(indexes: readonly number[], counters: readonly RuleCounters[]): RuleCounters {
  const some = indexes.flatMap((index) => counters[index] ?? [])
  return {
    packets: some.reduce((sum, { packets }) => sum + packets, 0),
    bytes: some.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

function readCounter({ packets = 0n, bytes = 0n }: ExpressionData<'counter'> = {}): RuleCounters {
  return { packets: Number(packets), bytes: Number(bytes) }
}

/**
 * Installs rules in a table of their own, all of them or none.
 *
 *     await using rules = await installRules(
 *       [{ hook: 'output', match: { protocol: 'udp', destinationPort: 53 }, queue: 0, bypass: true }],
 *       { transport: openSocket },
 *     )
 *
 * Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid rule or option, before anything is opened: an `OptionError` whose
 *   `path` names it; also for a log prefix of more than 63 bytes on a kernel that has only the xtables target NFLOG
 * - `RULES_REFUSED` when the kernel refuses: `rule` and `expression` of the {@link RulesError} say which part; also for
 *   a device that does not exist
 * - `RULES_UNSUPPORTED` when the kernel has no nf_tables, or lacks an expression that a rule needs
 * - `TIMEOUT`, the signal's reason, and any error of the transport
 *
 * Nothing is left open or installed after a rejection. Kernels before 5.12 have no owned tables: `owned` is false, and
 * `close` or the exit of the process removes the rules, but not when it is killed.
 */
export async function installRules(rules: readonly (FirewallRule | string)[], options: InstallOptions): Promise<Rules> {
  const operation = 'install rules'
  const read = readArgument(operation, 'rules', firewallRules, rules)
  const checked = readOptions(operation, installOptions, options)
  const place = new OptionPlace(operation, 'rules')
  return installPlan(
    planRules(read, { family: checked.family, sets: checked.sets, placeOf: (index) => place.element(index) }),
    {
      ...checked,
      operation,
    },
  )
}

/** Options of {@link checkRules}, as those of {@link installRules}. */
export type CheckOptions = Pick<InstallOptions, 'family' | 'sets'>

/**
 * Checks rules without a kernel, as {@link installRules} does before it opens anything, and returns them as objects.
 * Throws `OptionError`, whose `path` names the option at fault; a `RuleSyntaxError` has the column.
 */
export function checkRules(
  rules: readonly (FirewallRule | string)[],
  options: CheckOptions = {},
): readonly FirewallRule[] {
  const operation = 'check rules'
  const read = readArgument(operation, 'rules', firewallRules, rules)
  const place = new OptionPlace(operation, 'rules')
  const { family, sets } = readOptions(operation, checkOptions, options)
  return planRules(read, { family, sets, placeOf: (index) => place.element(index) }).rules
}

/** Installs checked rules. Rejects as {@link installRules}. */
export async function installPlan(plan: RulePlan, options: InstallOptions & Opening): Promise<Rules> {
  const { transport: given, persistent = false, requestTimeout: timeout = DEFAULT_TIMEOUT, signal } = options
  const largest = largestBatch(plan, { name: options.table ?? LONGEST_TABLE, family: plan.family })
  const transport = await openFor(
    options,
    given,
    rulesTransportNeeds(Object.keys(plan.sets).length > 0 ? LARGEST_BATCH : largest),
  )
  const session = new Session(transport, { requestTimeout: timeout })
  try {
    checkDevices(transport, plan)
    const name = options.table ?? (persistent ? PERSISTENT_TABLE : `ringlink-${transport.portId}`)
    const table: RuleTable = { name, family: plan.family }
    signal?.throwIfAborted()
    const rules = new Rules(session, plan, table, await install(session, plan, table, persistent))
    if (signal?.aborted === true) await rules.remove()
    signal?.throwIfAborted()
    return rules
  } catch (error) {
    await session.close()
    throw error
  }
}

function rulesTransportNeeds(batchSize: number): TransportNeeds {
  return {
    protocol: Protocol.Netfilter,
    frameSize: FRAME_SIZE,
    receiveBufferSize: RECEIVE_BUFFER,
    outboxSize: Math.max(batchSize, FRAME_SIZE),
  }
}
