import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PacketBatch } from '@ringlink/client'
import { EncodeError } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'
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

/** Throws code `VALUE_RANGE` for queues that are none, `ARGUMENT` for the other options. */
export function checkFanOutOptions(options: FanOutOptions): CheckedFanOutOptions {
  const { queues, module, data, onFailure = 'close', closeTimeout = DEFAULT_CLOSE_TIMEOUT, ...queueOptions } = options
  if (onFailure !== 'close' && onFailure !== 'continue') {
    throw argument(`onFailure: 'close' or 'continue' wanted, not ${onFailure}`)
  }
  if (!(closeTimeout >= 0 && closeTimeout <= 0x7fffffff)) {
    throw argument(`closeTimeout: a number of milliseconds wanted, not ${closeTimeout}`)
  }
  return {
    queues: queueNumbers(queues),
    module: moduleUrl(module),
    data,
    onFailure,
    closeTimeout,
    queueOptions,
  }
}

/** The numbers of `'0:3'`, or of a list, in their order. Throws code `VALUE_RANGE`. */
export function queueNumbers(queues: string | readonly number[]): readonly number[] {
  const numbers = typeof queues === 'string' ? numbersOfRange(queues) : [...queues]
  if (numbers.length === 0) throw outOfRange('at least one queue wanted')
  for (const number of numbers) {
    if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
      throw outOfRange(`a queue number from 0 to 65535 wanted, not ${number}`)
    }
  }
  if (new Set(numbers).size < numbers.length) throw outOfRange(`each queue once wanted, not ${numbers.join(', ')}`)
  return numbers
}

function numbersOfRange(range: string): number[] {
  const [, first, last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(range) ?? []
  const length = Number(last) - Number(first) + 1
  if (!(length > 0)) throw outOfRange(`a range such as '0:3' wanted, not '${range}'`)
  return Array.from({ length }, (_, index) => Number(first) + index)
}

function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href
  if (typeof module !== 'string' || module === '') throw argument('module: a URL or a path wanted')
  return module.startsWith('file:') || module.startsWith('data:') ? module : pathToFileURL(resolve(module)).href
}

function outOfRange(text: string): EncodeError {
  return new EncodeError('VALUE_RANGE', `queues: ${text}`)
}

function argument(text: string): TransportError {
  return new TransportError('ARGUMENT', 'fan out', text)
}
