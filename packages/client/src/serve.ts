import {
  abortSignal,
  functionOf,
  instance,
  number,
  object,
  readArgument,
  readOptions,
  type Schema,
} from '@ringlink/codec/options'
import { TransportError } from '@ringlink/transport'

/** Default maximum time in milliseconds that a thread blocks before it checks whether to stop. */
const DEFAULT_POLL_INTERVAL = 100

/** Options for serving a queue or log on a thread. */
export interface ServeOptions {
  /** ends it from any thread, within `pollInterval` and the time that the handler takes */
  readonly stop?: StopFlag | undefined
  /** ends it from this thread, in the handler or `onTurn`: nothing else runs on this thread */
  readonly signal?: AbortSignal | undefined
  /**
   * maximum milliseconds to block before checking `stop`; default 100. A wake-up without a batch costs some
   * microseconds
   */
  readonly pollInterval?: number | undefined
  /**
   * called before each wait: after every batch, and every `pollInterval` while nothing comes. Replaces timers, which do
   * not run on this thread. Verdicts that it gives to held packets are sent at once
   */
  readonly onTurn?: (() => void) | undefined
}

/**
 * A flag in shared memory, with which one thread stops another that serves. Send its buffer to a Worker, because class
 * instances cannot be sent: `new StopFlag(workerData.stop)` there is the same flag.
 */
export class StopFlag {
  /** four bytes; not 0 once stopped */
  readonly buffer: SharedArrayBuffer
  #words: Int32Array

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, 1)
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, 0) !== 0
  }

  stop(): void {
    Atomics.store(this.#words, 0, 1)
    Atomics.notify(this.#words, 0)
  }

  /** Blocks this thread for `milliseconds`, or until stopped. */
  rest(milliseconds: number): void {
    Atomics.wait(this.#words, 0, 0, milliseconds)
  }
}

/** {@link ServeOptions} with defaults applied. */
export interface CheckedServeOptions {
  readonly stop: StopFlag
  readonly signal: AbortSignal | undefined
  readonly pollInterval: number
  readonly onTurn: (() => void) | undefined
}

const schema: Schema<ServeOptions> = object<ServeOptions>({
  stop: instance<StopFlag>('a StopFlag', (value) => {
    const given = value as Partial<StopFlag>
    return typeof given.stopped === 'boolean' && typeof given.rest === 'function'
  }),
  signal: abortSignal,
  // 0 would spin, and much more would make it unstoppable.
  pollInterval: number(Number.MIN_VALUE, 60_000, 'milliseconds, more than 0'),
  onTurn: functionOf<() => void>('a function'),
})

/** Throws `OptionError`. */
export function checkServeOptions(given: ServeOptions): CheckedServeOptions {
  const options = readOptions('serve', schema, given)
  const { stop = new StopFlag(), signal, pollInterval = DEFAULT_POLL_INTERVAL, onTurn } = options
  return { stop, signal, pollInterval, onTurn }
}

/** Throws code `ARGUMENT` for a handler that is not a function. */
export function checkHandler<Handler>(given: Handler): void {
  readArgument('serve', 'handler', functionOf<Handler>('a function'), given)
}

/** Throws code `ARGUMENT` if the handler returned a promise, that is, has not finished its work. */
export function checkHandled(result: unknown): void {
  if (result === undefined || !(result instanceof Promise)) return
  // Handle the rejection, or it would be reported a second time as unhandled.
  result.catch(() => {})
  throw new TransportError(
    'ARGUMENT',
    'serve',
    'the handler returned a promise, and nothing can await it here; use a for await loop with an async handler',
  )
}
