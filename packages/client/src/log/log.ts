import {
  Errno,
  isNetlinkError,
  LogCommand,
  type LogConfig,
  LogMessage,
  logConfigAttributes,
  type NetlinkError,
  nfnetlinkHeader,
  Protocol,
} from '@ringlink/codec'
import { OptionPlace, readOptions } from '@ringlink/codec/options'
import { createEmitter, type Emitter, type FrameBatch, type FrameOrigin, type Transport } from '@ringlink/transport'
import { CLOSE_TIMEOUT, FENCE, ignoreNetlinkError, MOST_UNREAD } from '../closing.ts'
import { ItemIterator } from '../items.ts'
import { Notifier, raise } from '../notifier.ts'
import { openFor } from '../opening.ts'
import { BatchLoop, type BatchSource } from '../receive-loop.ts'
import { explainRefusal } from '../refusal.ts'
import type { Request } from '../request.ts'
import { prepareLogRules } from '../rules/feed.ts'
import type { Rules } from '../rules/rules.ts'
import type { ServeOptions } from '../serve.ts'
import { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { RecordBatch } from './batch.ts'
import { RecordNumbers } from './numbers.ts'
import { DEFAULT_READ_INTERVAL, type LogOptions, logConfig, logGroups, logTransportNeeds } from './options.ts'
import { RawFrames } from './raw.ts'
import type { LogRecord } from './record.ts'
import { logOptions } from './schema.ts'
import { type LogStats, newLogStats } from './stats.ts'

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
  #stats: LogStats = newLogStats()
  #batch: RecordBatch
  #loop: BatchLoop<RecordBatch>
  #numbers: RecordNumbers
  // Of frames from other machines: the numbers of each run of a publisher.
  readonly #runs: Map<string, RecordNumbers> = new Map()
  #raw: RawFrames | undefined
  readonly #source: Omit<BatchSource, 'aim' | 'endBatch'>
  // Losses that certainly precede the records of the next batch.
  #lostBefore = 0
  // A lost packet gets no number.
  #leavesNoGap: boolean
  #isUnbound = false
  // Losses that certainly precede all records after the next `batches` batches.
  #fence = { lost: 0, batches: 0 }
  #closing: Promise<void> | undefined
  // True from the first step of closing, before there is a promise of its end.
  #isClosing = false

  /** Called by {@link openLog}, which binds the groups. */
  constructor(groups: readonly number[], session: Session, readInterval: number, rules?: Rules) {
    this.groups = groups
    this.session = session
    this.rules = rules
    this.stats = this.#stats
    const { recorded = false, unnumberedLoss = false } = session.transport.capabilities
    this.#numbers = new RecordNumbers({ groups, beginsAnywhere: recorded })
    this.#leavesNoGap = unnumberedLoss
    const isChosen = session.transport.capabilities.receiveOnly === true && groups.length > 0
    this.#batch = new RecordBatch({
      wantedGroups: isChosen ? new Set(groups) : undefined,
      noteRecord: (group, sequence) => this.#noteRecord(group, sequence),
      noteMalformed: (error) => {
        this.#stats.malformed++
        this.#notifier.notify(() => this.events.emit('malformed', error))
      },
      noteTruncated: () => {
        this.#stats.truncated++
      },
    })
    this.#source = {
      what: `log group ${groups.join(', ')}`,
      isClosed: () => this.#isClosing,
      interval: readInterval,
    }
    this.#loop = new BatchLoop(session, this.#batch, {
      ...this.#source,
      aim: (frames) => this.#aim(frames),
      endBatch: () => this.#batch.finish(),
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

  /** One record at a time, for convenience; see `Queue.packets`. */
  records(): AsyncGenerator<LogRecord, undefined> {
    return new ItemIterator(this)
  }

  /**
   * The datagrams of the log, not decoded, for a program that passes them on (`publish` of `@ringlink/transport-nats`),
   * instead of a loop over records: `stats.records` and `stats.lost` do not count then.
   */
  frames(): RawFrames {
    this.#raw ??= new RawFrames(this.session, this.#source, () => this.#noteLost())
    return this.#raw
  }

  /** Reads records on a dedicated thread. See `Queue.serve`. */
  serve(handler: (records: RecordBatch) => void, options: ServeOptions = {}): void {
    this.#loop.serve(handler, options)
  }

  /**
   * Ends the log without losing the records that the kernel has collected and not yet delivered: removes the rules,
   * unbinds the groups, which makes the kernel deliver, and closes the log once the loop has shown all records. Without
   * a loop the records are only counted (`unread` of the stats). Rejects as a request does.
   */
  async finish(options: RequestOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    await this.rules?.disarm()
    if (this.transport.capabilities.receiveOnly !== true) await this.#unbind(options)
    this.#hurry()
    // Gives the loop the turn that it needs to take what arrived before the answer.
    await new Promise(setImmediate)
    await this.#loop.idle()
    await this.#raw?.idle()
    await this.close()
  }

  /**
   * Closes the transport and, with it, the groups. A loop over the log ends. Records that the kernel has collected, or
   * delivered and nobody has read, are counted but not shown; `finish()` shows them. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A loop that rests between two reads ends its rest. */
  #hurry(): void {
    this.#loop.hurry()
    this.#raw?.hurry()
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    this.#hurry()
    this.#batch.finish()
    this.#raw?.finish()
    const { records } = this.#stats
    try {
      if (!this.#isUnbound && this.transport.capabilities.recorded !== true) {
        await this.rules?.disarm().catch(ignoreNetlinkError)
        await this.#unbind({ timeout: CLOSE_TIMEOUT }).catch(ignoreNetlinkError)
      }
      await this.session.takeOver()
      this.#countUnread()
    } catch (error) {
      // A transport that no longer works has nothing to count.
      if (!isNetlinkError(error)) throw error
    } finally {
      this.#stats.unread += this.#stats.records - records
      await this.rules?.close()
      await this.session.close()
      // The loss at the end of a burst is known once the transport is closed.
      this.#noteLost()
      if (!this.#leavesNoGap) this.#stats.untold = this.#numbers.untold(this.#stats.lostMessages)
    }
  }

  /**
   * Unbinds the groups: the kernel delivers the records that it has collected, and their numbers show what it dropped
   * before.
   */
  async #unbind(options: RequestOptions): Promise<void> {
    if (!this.#leavesNoGap) {
      // The answer arrives after everything that was queued before it. The receive buffer has room then, and all later
      // records were queued after the losses that were known before the request. A second request follows when the
      // first one revealed losses.
      let lost = -1
      for (let count = 0; count < MOST_FENCES && lost !== this.transport.stats.lost; count++) {
        ;({ lost } = this.transport.stats)
        await this.session.request(FENCE, options)
      }
      // Gives the loop the turn that it needs to take what arrived before the answer; the rest is parked for it.
      await new Promise(setImmediate)
      this.#fence = { lost, batches: this.session.parked }
    }
    for (const group of this.groups) {
      const command = { command: LogCommand.Unbind }
      await this.session.request(configRequest(`unbind log group ${group}`, group, { command }, Errno.ENODEV), options)
    }
    this.#isUnbound = true
  }

  /** Counts the records that were parked for the loop, and those that the kernel has delivered and nobody has read. */
  #countUnread(): void {
    for (const frames of this.session.takeParked()) this.#count(frames)
    for (let count = 0; count < MOST_UNREAD; count++) {
      const frames = this.session.receiveUnread()
      if (frames === undefined) return
      this.#count(frames)
    }
  }

  #count(frames: FrameBatch): void {
    this.#aim(frames)
    this.#batch.finish()
  }

  #aim(frames: FrameBatch): boolean {
    const { lostMessages } = this.#stats
    if (frames.origin !== undefined) this.#numbers = this.#numbersOf(frames.origin)
    const isBeforeFence = this.#fence.batches-- > 0
    this.#numbers.lostBefore = Math.max(this.#lostBefore, isBeforeFence ? 0 : this.#fence.lost)
    // This batch emptied the socket, so later records were queued after it. An empty ring does not mean an empty
    // socket.
    if (!this.transport.capabilities.ring && this.session.emptied && this.session.parked === 0) {
      this.#lostBefore = lostMessages
    }
    const missing = this.#noteLost()
    // Includes losses noted by batches that held only answers and were never shown.
    this.#batch.aim(frames, this.#stats.lostMessages - lostMessages, missing)
    return true
  }

  /** Counts the transport's losses. Returns the lost packets that no gap will show. */
  #noteLost(): number {
    const { lost } = this.transport.stats
    this.#stats.lostMessages = lost
    if (!this.#leavesNoGap) return 0
    // The kernel tries to allocate a buffer twice for each packet, and counts both failures.
    return this.#raiseLost(Math.ceil(lost / 2))
  }

  /** Raises `stats.lost` to a lower bound; by how much. */
  #raiseLost(bound: number): number {
    const missing = Math.max(0, bound - this.#stats.lost)
    this.#stats.lost += missing
    return missing
  }

  /** The numbers of a run begin again where frames may be with another consumer. */
  #numbersOf({ run, continues }: FrameOrigin): RecordNumbers {
    const known = this.#runs.get(run)
    if (known !== undefined && continues) return known
    const numbers = new RecordNumbers({ groups: this.groups, beginsAnywhere: true })
    this.#runs.set(run, numbers)
    return numbers
  }

  #onListenerError(error: unknown): void {
    if (this.#loop.isActive && error instanceof Error) this.session.failReceive(error)
    else raise(error)
  }

  #noteRecord(group: number, sequence: number | undefined): number {
    this.#stats.records++
    if (sequence === undefined) return 0
    const missing = this.#numbers.note(group, sequence)
    if (missing === 0) return 0
    // Datagrams that did not fit into a frame leave gaps there too, and count as losses of the transport as well.
    if (this.#leavesNoGap) return this.#raiseLost(this.#numbers.missing)
    this.#stats.lost += missing
    return missing
  }
}

/** What an option asks for that the transport cannot do. */
function problemOf({ rule, group }: LogOptions, receiveOnly: boolean): { path: string; text: string } | undefined {
  if (receiveOnly) return rule === undefined ? undefined : RULE_ELSEWHERE
  return group === 'any' ? ANY_GROUP : undefined
}

const RULE_ELSEWHERE = { path: 'rule', text: 'must be installed on the host: this transport only receives' }
const ANY_GROUP = {
  path: 'group',
  text: "can be 'any' only with a transport that only receives: name the groups to bind",
}

/** Maximum number of fences before the groups are unbound: under a flood each one may reveal further losses. */
const MOST_FENCES = 4

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
  const { receiveOnly = false } = transport.capabilities
  const problem = problemOf(options, receiveOnly)
  if (problem !== undefined) {
    await transport.close()
    throw new OptionPlace(operation, problem.path).conflict(problem.text)
  }
  const session = new Session(transport, {
    requestTimeout,
    open: typeof options.transport === 'function' ? options.transport : undefined,
  })
  const config: LogConfig = { command: { command: LogCommand.Bind }, ...logConfig(options) }
  try {
    for (const group of receiveOnly ? [] : groups) await bindGroup(session, group, config, options)
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
