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
import type { FirewallRule, InstallOptions, RuleFamily } from './options.ts'
import { firewallRules, installOptions } from './schema.ts'

/** What a rule has counted: the packets that it matched, within its limit. Exact up to 2^53. */
export interface RuleCounters {
  readonly packets: number
  readonly bytes: number
}

const DEFAULT_TIMEOUT = 5000
const PERSISTENT_TABLE = 'ringlink'
/** The longest name that a table gets by itself: for sizes that are needed before its port id is known. */
const LONGEST_TABLE = 'ringlink-4294967295'
/** Bytes of a frame: the kernel lists rules in chunks of no more when it is not given more. */
const FRAME_SIZE = 16 * 1024
const RECEIVE_BUFFER = 256 * 1024

/** Rules that nobody holds on to are meant to stay as well: their socket must not be collected as garbage. */
const openRules = new Set<Rules>()

/** What removes the tables that no kernel removes: one listener of the process for all of them. */
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
 * Rules of the firewall that live as long as this object, in a table of their own. When the program dies, however it does, the
 * kernel takes an owned table away with its socket.
 *
 * The kernel drops what waits in all packet queues of a network namespace whenever somebody removes a chain there: so does the
 * end of these rules.
 */
export class Rules implements AsyncDisposable {
  /** the name of their table */
  readonly table: string
  readonly family: RuleFamily
  /** the kernel removes them when the program is gone; otherwise `close` does, and the end of the process as far as it can */
  readonly owned: boolean
  /** they stay until `remove` */
  readonly persistent: boolean
  /** whether packets are queued by the kernel's own expression, or by the xtables target */
  readonly queueStatement: 'expression' | 'target'
  readonly session: Session
  #plan: RulePlan
  #closing: Promise<void> | undefined
  #onExit = (): void => this.#postRemoval()

  /** For {@link installRules}, which installs them. */
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

  get transport(): Transport {
    return this.session.transport
  }

  /**
   * What each rule has counted, in the order in which they were given. Rejects as a dump does, and with code `RULES_REFUSED` when
   * somebody has changed the table.
   */
  counters(options: RequestOptions = {}): Promise<RuleCounters[]> {
    return this.#readCounters(options)
  }

  /** Takes the rules out, whatever table they are in, and closes. Rejects with code `RULES_REFUSED` when the kernel refuses. */
  async remove(): Promise<void> {
    await this.#change(deleteTable({ name: this.table, family: this.family }))
    await this.close()
  }

  /**
   * Takes the rules out and leaves their chains, so that nothing is dropped that waits in a queue: the first half of an end without
   * losses. Rejects as {@link remove}.
   */
  disarm(): Promise<void> {
    return this.#change(deleteRules({ name: this.table, family: this.family }))
  }

  /** Closes the transport, and with it ends the rules, unless they are persistent. Again: nothing. */
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

  /** Takes the table out without waiting: a kernel does what it is sent before the send returns. */
  #postRemoval(): void {
    try {
      const part = deleteTable({ name: this.table, family: this.family })
      postBatch(this.session, [part])
    } catch (error) {
      // The socket is closed, or the privilege gone: there is nobody to tell.
      if (!isNetlinkError(error)) throw error
    }
  }

  async #change(part: BatchPart): Promise<void> {
    const refusal = await performBatch(this.session, [part])
    // What is gone already need not be removed.
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
      `table ${this.table} has other rules than were installed: somebody changed it`,
    )
  }
}

function readCounter({ packets = 0n, bytes = 0n }: ExpressionData<'counter'> = {}): RuleCounters {
  return { packets: Number(packets), bytes: Number(bytes) }
}

/**
 * Installs rules, all of them or none, in a table of their own.
 *
 *     await using rules = await installRules(
 *       [{ hook: 'output', match: { protocol: 'udp', destinationPort: 53 }, queue: 0, bypass: true }],
 *       { transport: openSocket },
 *     )
 *
 * Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for a rule or option that makes no sense, before anything is opened: an `OptionError`, whose `path` says
 *   which; also for a log prefix of more than 63 bytes on a kernel that has only the xtables target NFLOG
 * - `RULES_REFUSED` when the kernel refuses: `rule` and `expression` of the {@link RulesError} say what; also for a device that is not there
 * - `RULES_UNSUPPORTED` when the kernel has no nf_tables, or not an expression that a rule needs
 * - `TIMEOUT`, the signal's reason, and with what the transport rejects with
 *
 * Nothing is left open then, and nothing installed. Kernels before 5.12 have no owned tables: there the rules are removed by `close`
 * and when the process exits, but not when it is killed; `owned` says so.
 */
export async function installRules(rules: readonly FirewallRule[], options: InstallOptions): Promise<Rules> {
  const operation = 'install rules'
  const read = readArgument(operation, 'rules', firewallRules, rules)
  const checked = readOptions(operation, installOptions, options)
  const place = new OptionPlace(operation, 'rules')
  return installPlan(planRules(read, { family: checked.family, placeOf: (index) => place.element(index) }), {
    ...checked,
    operation,
  })
}

/** Installs rules that were checked. Rejects as {@link installRules}. */
export async function installPlan(plan: RulePlan, options: InstallOptions & Opening): Promise<Rules> {
  const { transport: given, persistent = false, requestTimeout: timeout = DEFAULT_TIMEOUT, signal } = options
  const largest = largestBatch(plan, { name: options.table ?? LONGEST_TABLE, family: plan.family })
  const transport = await openFor(options, given, rulesTransportNeeds(largest))
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
