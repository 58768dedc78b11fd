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

/** Milliseconds for which a thread blocks at the most before it looks whether it shall stop. */
const DEFAULT_POLL_INTERVAL = 100

/** How a thread serves a queue or a log. */
export interface ServeOptions {
  /** ends it from any thread, within `pollInterval` and the time that the handler takes */
  readonly stop?: StopFlag | undefined
  /** ends it from this thread: only the handler and `onTurn` run meanwhile to abort it */
  readonly signal?: AbortSignal | undefined
  /** milliseconds to block at the most before `stop` is looked at; default 100. A wake-up in vain costs some microseconds */
  readonly pollInterval?: number | undefined
  /**
   * called before each wait: after every batch, and every `pollInterval` while nothing comes; for what timers do elsewhere, which
   * do not run meanwhile. Verdicts that it gives to held packets are sent at once
   */
  readonly onTurn?: (() => void) | undefined
}

/**
 * A word of shared memory by which one thread ends what another serves. Classes do not survive being sent to a Worker, so it is the
 * buffer that is sent: `new StopFlag(workerData.stop)` there is the same flag.
 */
export class StopFlag {
  /** four bytes, not 0 once stopped */
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

  /** Blocks this thread for `milliseconds`, less when it is stopped. */
  rest(milliseconds: number): void {
    Atomics.wait(this.#words, 0, 0, milliseconds)
  }
}

/** Options of {@link ServeOptions} with their defaults. */
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
  // Of nothing it would spin; of much more nothing would stop it.
  pollInterval: number(Number.MIN_VALUE, 60_000, 'milliseconds, more than 0'),
  onTurn: functionOf<() => void>('a function'),
})

/** Throws `OptionError`. */
export function checkServeOptions(given: ServeOptions): CheckedServeOptions {
  const options = readOptions('serve', schema, given)
  const { stop = new StopFlag(), signal, pollInterval = DEFAULT_POLL_INTERVAL, onTurn } = options
  return { stop, signal, pollInterval, onTurn }
}

/** Refuses a handler that is no function. Throws code `ARGUMENT`. */
export function checkHandler<Handler>(given: Handler): void {
  readArgument('serve', 'handler', functionOf<Handler>('a function'), given)
}

/** Refuses a handler that has not done its work when it returns. Throws code `ARGUMENT`. */
export function checkHandled(result: unknown): void {
  if (result === undefined || !(result instanceof Promise)) return
  // Its failure would be reported a second time, as a rejection that nobody handles.
  result.catch(() => {})
  throw new TransportError(
    'ARGUMENT',
    'serve',
    'the handler returned a promise, and nothing can await it here; use the loop, for await, for a handler that is async',
  )
}
