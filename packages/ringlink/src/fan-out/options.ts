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

/** What the functions of a fan-out's module are given, the same object at every call in one Worker. */
export interface FanOutContext<State = unknown> {
  /** the queue that this Worker answers */
  readonly number: number
  /** `data` of the options, a copy of it */
  readonly data: unknown
  /** the module's own, for this Worker: what `setup` puts there */
  state: State
}

/** What a module exports that answers the packets of a fan-out. All of it runs in the Workers, one copy in each. */
export interface FanOutModule<State = unknown> {
  /** Answers a batch. Must be done when it returns; what has no verdict then gets the `unanswered` one. */
  onPackets(packets: PacketBatch, context: FanOutContext<State>): void
  /** Called once, before the queue is taken: what takes long is done here. May be async. */
  setup?(context: FanOutContext<State>): void | Promise<void>
  /** Called after every batch, and ten times a second while none comes: what timers do elsewhere. They do not run here. */
  onTurn?(context: FanOutContext<State>): void
  /** Called once, when the queue is closed. May be async. */
  teardown?(context: FanOutContext<State>): void | Promise<void>
}

/** How queues are spread over Workers, and how each is opened: `ring` chooses the transport, a function cannot be handed to a Worker. */
export interface FanOutOptions extends Omit<QueueOptions, 'number' | 'transport' | 'rule' | 'ruleTransport'> {
  /** the queues, a Worker for each: `'0:3'` as in the rule that balances over them, or their numbers */
  readonly queues: string | readonly number[]
  /** the module with the verdict function, see {@link FanOutModule}: its URL, or its path, from the working directory on */
  readonly module: URL | string
  /** handed to the functions of the module, copied as for any Worker (structured clone) */
  readonly data?: unknown
  /** what happens to the other queues when a Worker fails; default 'close' */
  readonly onFailure?: 'close' | 'continue' | undefined
  /** milliseconds until a Worker that does not end when it shall is terminated; default 5000 */
  readonly closeTimeout?: number | undefined
}

const DEFAULT_CLOSE_TIMEOUT = 5000
const OPERATION = 'fan out'

/** Options that were checked. */
export interface CheckedFanOutOptions {
  readonly queues: readonly number[]
  readonly module: string
  readonly data: unknown
  readonly onFailure: 'close' | 'continue'
  readonly closeTimeout: number
  /** what `openQueue` is given in the Workers */
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

/** Throws `OptionError`; the options of the queues are checked where they are opened. */
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

/** The numbers of `'0:3'`, or of a list, in their order. Throws code `VALUE_RANGE`. */
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
