import {
  Errno,
  LogCommand,
  type LogConfig,
  LogMessage,
  logConfigAttributes,
  type NetlinkError,
  nfnetlinkHeader,
  Protocol,
} from '@ringlink/codec'
import { readOptions } from '@ringlink/codec/options'
import { createEmitter, type Emitter, type FrameBatch, type Transport } from '@ringlink/transport'
import { Notifier, raise } from '../notifier.ts'
import { openFor } from '../opening.ts'
import { BatchLoop } from '../receive-loop.ts'
import { explainRefusal } from '../refusal.ts'
import type { Request } from '../request.ts'
import { prepareLogRules } from '../rules/feed.ts'
import type { Rules } from '../rules/rules.ts'
import type { ServeOptions } from '../serve.ts'
import { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { RecordBatch } from './batch.ts'
import { DEFAULT_READ_INTERVAL, type LogOptions, logConfig, logGroups, logTransportNeeds } from './options.ts'
import type { LogRecord } from './record.ts'
import { logOptions } from './schema.ts'

/** The counters of a log since it was opened. */
export interface LogStats {
  /** records received */
  records: number
  /** packets that were logged and lost, counted by the gaps in the sequence numbers; needs `sequence` */
  lost: number
  /** datagrams, each of one or more records, that the kernel could not deliver */
  lostMessages: number
  /** datagrams larger than a frame */
  truncated: number
  /** messages that could not be parsed */
  malformed: number
}

/** Events of a log. Records are never delivered as events. */
export type LogEvents = {
  /** the kernel could not deliver `messages` datagrams */
  overrun: (messages: number) => void
  /** a message could not be parsed */
  malformed: (error: NetlinkError) => void
}

/**
 * The packets that NFLOG rules log to one or several groups, in batches. They need no verdict.
 *
 *     for await (const records of log) {
 *       for (const record of records) console.log(record.prefix(), record.payloadLength)
 *     }
 *
 * Leaving the loop does not close the log; `close()` or the end of an `await using` block does.
 */
export class Log implements AsyncIterable<RecordBatch>, AsyncDisposable {
  readonly groups: readonly number[]
  readonly session: Session
  /** the rules that feed the log, if it was opened with `rule` */
  readonly rules: Rules | undefined
  readonly stats: Readonly<LogStats>
  readonly events: Emitter<LogEvents> = createEmitter()
  readonly #notifier = new Notifier((error) => this.#onListenerError(error))
  #stats: LogStats = { records: 0, lost: 0, lostMessages: 0, truncated: 0, malformed: 0 }
  #batch: RecordBatch
  #loop: BatchLoop<RecordBatch>
  // The sequence number expected next in each group. The group of the last record is kept, to save the look-up.
  #expected: Map<number, { group: number; next: number }> = new Map()
  #current: { group: number; next: number } = { group: -1, next: 0 }
  #closing: Promise<void> | undefined

  /** Called by {@link openLog}, which binds the groups. */
  constructor(groups: readonly number[], session: Session, readInterval: number, rules?: Rules) {
    this.groups = groups
    this.session = session
    this.rules = rules
    this.stats = this.#stats
    this.#batch = new RecordBatch({
      noteRecord: (group, sequence) => this.#noteRecord(group, sequence),
      noteMalformed: (error) => {
        this.#stats.malformed++
        this.#notifier.notify(() => this.events.emit('malformed', error))
      },
      noteTruncated: () => {
        this.#stats.truncated++
      },
    })
    this.#loop = new BatchLoop(session, this.#batch, {
      what: `log group ${groups.join(', ')}`,
      isClosed: () => this.#closing !== undefined,
      aim: (frames) => this.#aim(frames),
      endBatch: () => this.#batch.finish(),
      interval: readInterval,
    })
    session.transport.events.on('overrun', (messages) =>
      this.#notifier.notify(() => this.events.emit('overrun', messages)),
    )
  }

  get transport(): Transport {
    return this.session.transport
  }

  /** Batches of records. One iteration at a time: a second throws code `BUSY`. Ends when the log is closed. */
  [Symbol.asyncIterator](): AsyncIterator<RecordBatch, undefined> {
    return this.#loop.begin()
  }

  /** One record at a time, for convenience; costs a promise per record. */
  async *records(): AsyncGenerator<LogRecord, undefined> {
    for await (const batch of this) yield* batch
  }

  /** Reads records on a dedicated thread. See `Queue.serve`. */
  serve(handler: (records: RecordBatch) => void, options: ServeOptions = {}): void {
    this.#loop.serve(handler, options)
  }

  /**
   * Ends the log without losing the records that the kernel has collected and not yet delivered: unbinds the groups,
   * which makes the kernel deliver them, and closes the log once the loop has shown them all. This needs a running
   * loop; without one, call `close()`. Rejects as a request does.
   */
  async finish(options: RequestOptions = {}): Promise<void> {
    await this.rules?.disarm()
    for (const group of this.groups) {
      const command = { command: LogCommand.Unbind }
      await this.session.request(configRequest(`unbind log group ${group}`, group, { command }, Errno.ENODEV), options)
    }
    // Gives the loop the turn that it needs to take what arrived before the answer.
    await new Promise(setImmediate)
    await this.#loop.idle()
    await this.close()
  }

  /**
   * Closes the transport and, with it, the groups. A loop over the log ends. Records that the kernel has collected and
   * not yet delivered are lost and not counted; `finish()` waits for them. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#batch.finish()
    await this.rules?.close()
    await this.session.close()
  }

  #aim(frames: FrameBatch): boolean {
    // Includes losses noted by batches that held only answers and were never shown.
    const { lost } = this.transport.stats
    this.#batch.aim(frames, lost - this.#stats.lostMessages)
    this.#stats.lostMessages = lost
    return true
  }

  #onListenerError(error: unknown): void {
    if (this.#loop.isActive && error instanceof Error) this.session.failReceive(error)
    else raise(error)
  }

  #noteRecord(group: number, sequence: number | undefined): number {
    this.#stats.records++
    if (sequence === undefined) return 0
    if (this.#current.group !== group) this.#current = this.#groupState(group, sequence)
    const missing = (sequence - this.#current.next) >>> 0
    this.#current.next = (sequence + 1) >>> 0
    // A number that steps back was delivered twice or out of order; it does not mean four thousand million lost
    // packets.
    if (missing >= 0x80000000) return 0
    this.#stats.lost += missing
    return missing
  }

  /** @param first the number of the current record: a recording can begin anywhere, a kernel begins at 0 */
  #groupState(group: number, first: number): { group: number; next: number } {
    let state = this.#expected.get(group)
    if (state === undefined) {
      state = { group, next: this.transport.capabilities.recorded === true ? first : 0 }
      this.#expected.set(group, state)
    }
    return state
  }
}

function configRequest(what: string, group: number, attributes: LogConfig, doneErrno?: number): Request {
  // This request may be sent again: in a flood the kernel drops acknowledgements along with records.
  const repeat = { doneErrno }
  const header = nfnetlinkHeader(0, group)
  return { what, type: LogMessage.Config, header, set: logConfigAttributes, attributes, repeat }
}

/**
 * Binds the groups of `options.group` and configures them, with one request each. Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid option, before anything is opened: an `OptionError` whose `path` names
 *   it
 * - `LOG_REFUSED` when the kernel refuses to bind a group to this socket; the message says why
 * - `LOG_UNSUPPORTED` when the kernel has no packet log, or does not support an option; the message names the option
 * - `RULES_REFUSED` and `RULES_UNSUPPORTED` when the kernel refuses the `rule`, see `installRules`
 * - `KERNEL` for any other refusal, the signal's reason, and any error of the transport
 *
 * Nothing is left open after a rejection.
 */
export async function openLog(given: LogOptions): Promise<Log> {
  const operation = 'open log'
  const options = readOptions(operation, logOptions, given)
  const { requestTimeout, signal } = options
  const groups = logGroups(options.group)
  const installFeed = prepareLogRules(groups, options.rule, { ...options, operation })
  const needs = logTransportNeeds(options, Protocol.Netfilter)
  const opened = openFor({ operation, signal }, options.transport, needs)
  const transport = opened instanceof Promise ? await opened : opened
  const session = new Session(transport, {
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
    open: typeof options.transport === 'function' ? options.transport : undefined,
  })
  const config: LogConfig = { command: { command: LogCommand.Bind }, ...logConfig(options) }
  try {
    for (const group of groups) await bindGroup(session, group, config, options)
    return new Log(groups, session, options.readInterval ?? DEFAULT_READ_INTERVAL, await installFeed())
  } catch (error) {
    await session.close()
    throw error
  }
}

async function bindGroup(
  session: Session,
  group: number,
  config: LogConfig,
  { signal, conntrack }: LogOptions,
): Promise<void> {
  try {
    await session.request(configRequest(`bind log group ${group}`, group, config, Errno.EBUSY), { signal })
  } catch (error) {
    throw explainRefusal(error, {
      what: `log group ${group}`,
      number: group,
      refused: 'LOG_REFUSED',
      unsupported: 'LOG_UNSUPPORTED',
      missing: 'no packet log (CONFIG_NETFILTER_NETLINK_LOG, module nfnetlink_log)',
      owners: 'netfilter/nfnetlink_log',
      option: conntrack === true ? 'conntrack' : undefined,
      session,
    })
  }
}
