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

/** What a log has seen since it was opened. */
export interface LogStats {
  /** records received */
  records: number
  /** packets that were logged and lost, by the gaps in their numbers; needs `sequence` */
  lost: number
  /** datagrams, of one record or many, that the kernel could not deliver */
  lostMessages: number
  /** datagrams larger than a frame */
  truncated: number
  /** messages that could not be read */
  malformed: number
}

/** Events of a log. Records never come this way. */
export type LogEvents = {
  /** the kernel could not deliver datagrams; `messages` of them */
  overrun: (messages: number) => void
  /** a message could not be read */
  malformed: (error: NetlinkError) => void
}

/**
 * The packets that NFLOG rules log to one group, or several, in batches. No verdict is expected.
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
  /** the rules that feed it, where it was opened with some */
  readonly rules: Rules | undefined
  readonly stats: Readonly<LogStats>
  readonly events: Emitter<LogEvents> = createEmitter()
  readonly #notifier = new Notifier((error) => this.#onListenerError(error))
  #stats: LogStats = { records: 0, lost: 0, lostMessages: 0, truncated: 0, malformed: 0 }
  #batch: RecordBatch
  #loop: BatchLoop<RecordBatch>
  // The number that the next record of each group must have. One group is looked up once and kept at hand.
  #expected: Map<number, { group: number; next: number }> = new Map()
  #current: { group: number; next: number } = { group: -1, next: 0 }
  #closing: Promise<void> | undefined

  /** For {@link openLog}, which binds the groups. */
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

  /** Reads records on a thread that does nothing else: as `Queue.serve`. */
  serve(handler: (records: RecordBatch) => void, options: ServeOptions = {}): void {
    this.#loop.serve(handler, options)
  }

  /**
   * Ends the log without losing what the kernel has collected and not delivered: the groups are given up, which makes it deliver,
   * and when the loop has shown all of it the log is closed. Without a loop nobody is there to see it: read on, or `close()`.
   * Rejects as a request does.
   */
  async finish(options: RequestOptions = {}): Promise<void> {
    await this.rules?.disarm()
    for (const group of this.groups) {
      const command = { command: LogCommand.Unbind }
      await this.session.request(configRequest(`unbind log group ${group}`, group, { command }, Errno.ENODEV), options)
    }
    // The loop is given the turn that it needs to take what came before the answer.
    await new Promise(setImmediate)
    await this.#loop.idle()
    await this.close()
  }

  /**
   * Closes the transport, and with it the groups. A loop over the log ends. What the kernel has collected and not delivered is lost
   * uncounted; `finish()` waits for it. Again: nothing.
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
    // Not only this batch's: one that held nothing but answers was never shown.
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
    // A number that steps back is no loss of four thousand million packets: it was delivered twice, or out of order.
    if (missing >= 0x80000000) return 0
    this.#stats.lost += missing
    return missing
  }

  /** @param first the number of the record that is there: a recording can begin anywhere, a kernel begins with 0 */
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
  // It may be sent again: the kernel drops acknowledgements with the records of a flood.
  const repeat = { doneErrno }
  const header = nfnetlinkHeader(0, group)
  return { what, type: LogMessage.Config, header, set: logConfigAttributes, attributes, repeat }
}

/**
 * Takes the groups of `options.group` and configures them, with one request each. Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an option that makes no sense, before anything is opened: an `OptionError`, whose `path` says which
 * - `LOG_REFUSED` when the kernel does not let this socket have a group; the message says why
 * - `LOG_UNSUPPORTED` when the kernel has no packet log, or not an option that was asked for, which the message names
 * - `RULES_REFUSED` and `RULES_UNSUPPORTED` when the kernel does not take the `rule`, as `installRules` says
 * - `KERNEL` for any other refusal, the signal's reason, and with what the transport rejects with
 *
 * Nothing is left open then.
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
