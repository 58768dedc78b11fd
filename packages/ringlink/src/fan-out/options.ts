import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PacketBatch } from '@ringlink/client'
import {
  anything,
  either,
  instance,
  integer,
  list,
  milliseconds,
  OptionPlace,
  object,
  oneOf,
  required,
  type Schema,
  text,
  typeOfValue,
} from '@ringlink/codec/options'
import type { QueueOptions } from '../open.ts'

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
  /** the options of `openQueue` in the Workers */
  readonly queueOptions: Omit<QueueOptions, 'number'>
}

const numberList = list(integer(0, 0xffff), 1)

interface OwnOptions extends Pick<FanOutOptions, 'queues' | 'module' | 'data' | 'onFailure' | 'closeTimeout'> {}

const ownOptions: Schema<OwnOptions> = object<OwnOptions>({
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
})

/** Throws `OptionError`; the options of the queues are checked when they are opened. */
export function checkFanOutOptions(given: FanOutOptions): CheckedFanOutOptions {
  const place = new OptionPlace(OPERATION)
  if (given === undefined) throw place.missing('an object')
  if (typeOfValue(given) !== 'object') throw place.wrongType('an object', given)
  const { queues, module, data, onFailure, closeTimeout, ...queueOptions } = given
  const own = ownOptions.read({ queues, module, data, onFailure, closeTimeout }, place)
  return {
    queues: queueNumbers(own.queues),
    module: moduleUrl(own.module),
    data,
    onFailure: own.onFailure ?? 'close',
    closeTimeout: own.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT,
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
