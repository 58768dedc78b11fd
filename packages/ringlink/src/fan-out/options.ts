import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PacketBatch } from '@ringlink/client'
import { queueMembers } from '@ringlink/client/internal'
import {
  anything,
  either,
  instance,
  integer,
  list,
  type Members,
  milliseconds,
  OptionPlace,
  object,
  oneOf,
  readOptions,
  required,
  type Schema,
  text,
} from '@ringlink/codec/options'
import { choiceMembers, type QueueOptions } from '../open.ts'

/** The context of the functions of a fan-out's module, the same object at every call in one Worker. */
export interface FanOutContext<State = unknown> {
  /** the queue that this Worker answers */
  readonly number: number
  /** a copy of `data` of the options */
  readonly data: unknown
  /** state of the module in this Worker, set by `setup` */
  state: State
}

/** The exports of a module that answers the packets of a fan-out. Each Worker runs its own copy. */
export interface FanOutModule<State = unknown> {
  /** Answers a batch. Must be synchronous; packets without a verdict then get the `unanswered` one. */
  onPackets(packets: PacketBatch, context: FanOutContext<State>): void
  /** Called once, before the queue is bound: do slow work here. May be async. */
  setup?(context: FanOutContext<State>): void | Promise<void>
  /** Called after every batch, and ten times a second while none comes. Replaces timers, which do not run here. */
  onTurn?(context: FanOutContext<State>): void
  /** Called once, when the queue is closed. May be async. */
  teardown?(context: FanOutContext<State>): void | Promise<void>
}

/**
 * How queues are distributed over Workers, and how each is opened: `ring` selects the transport, because a function
 * cannot be sent to a Worker.
 */
export interface FanOutOptions extends Omit<QueueOptions, 'number' | 'transport' | 'rule' | 'ruleTransport'> {
  /** the queues, one Worker each: `'0:3'` as in the rule that balances over them, or their numbers */
  readonly queues: string | readonly number[]
  /**
   * the module with the verdict function, see {@link FanOutModule}: its URL, or its path relative to the working
   * directory
   */
  readonly module: URL | string
  /** passed to the functions of the module, copied as for any Worker (structured clone) */
  readonly data?: unknown
  /** what happens to the other queues when a Worker fails; default 'close' */
  readonly onFailure?: 'close' | 'continue' | undefined
  /** milliseconds until a Worker that does not end in time is terminated; default 5000 */
  readonly closeTimeout?: number | undefined
}

const DEFAULT_CLOSE_TIMEOUT = 5000
const OPERATION = 'fan out'

/** Checked options. */
export interface CheckedFanOutOptions {
  readonly queues: readonly number[]
  readonly module: string
  readonly data: unknown
  readonly onFailure: 'close' | 'continue'
  readonly closeTimeout: number
  readonly signal: AbortSignal | undefined
  /** the options of `openQueue` in the Workers */
  readonly queueOptions: Omit<QueueOptions, 'number' | 'signal'>
}

const numberList = list(integer(0, 0xffff), 1)

interface OwnOptions extends Pick<FanOutOptions, 'queues' | 'module' | 'data' | 'onFailure' | 'closeTimeout'> {}

const { number: _number, transport: _transport, rule: _rule, ruleTransport: _ruleTransport, ...settings } = queueMembers

const fanOutOptions: Schema<FanOutOptions> = object<FanOutOptions>({
  ...settings,
  ...choiceMembers,
  queues: required(either(text(1, 64), numberList)),
  module: required(
    either(
      text(1, 4096),
      instance<URL>('a URL', (value) => value instanceof URL),
    ),
  ),
  data: anything,
  onFailure: oneOf('close', 'continue'),
  closeTimeout: milliseconds(),
} satisfies Members<OwnOptions> & Members<Omit<FanOutOptions, keyof OwnOptions>>)

/** Throws `OptionError`, before a Worker is started. */
export function checkFanOutOptions(given: FanOutOptions): CheckedFanOutOptions {
  const { queues, module, data, onFailure, closeTimeout, signal, ...queueOptions } = readOptions(
    OPERATION,
    fanOutOptions,
    given,
  )
  return {
    queues: queueNumbers(queues),
    module: moduleUrl(module),
    data,
    onFailure: onFailure ?? 'close',
    closeTimeout: closeTimeout ?? DEFAULT_CLOSE_TIMEOUT,
    signal,
    queueOptions,
  }
}

/** The numbers of `'0:3'`, or of a list, in order. Throws code `VALUE_RANGE`. */
export function queueNumbers(queues: string | readonly number[]): readonly number[] {
  const place = new OptionPlace(OPERATION, 'queues')
  const numbers = numberList.read(typeof queues === 'string' ? numbersOfRange(queues) : [...queues], place)
  if (new Set(numbers).size < numbers.length)
    throw place.error('VALUE_RANGE', `must name each queue once, got ${numbers.join(', ')}`)
  return numbers
}

function numbersOfRange(range: string): number[] {
  const [, first, last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(range) ?? []
  const length = Number(last) - Number(first) + 1
  if (!(length > 0)) throw new OptionPlace(OPERATION, 'queues').outOfRange("a range such as '0:3'", range)
  return Array.from({ length }, (_, index) => Number(first) + index)
}

function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href
  return module.startsWith('file:') || module.startsWith('data:') ? module : pathToFileURL(resolve(module)).href
}
