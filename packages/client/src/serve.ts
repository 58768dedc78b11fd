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

/** Throws code `ARGUMENT` for an interval that would block for ever, or not at all. */
export function checkServeOptions(options: ServeOptions): CheckedServeOptions {
  const { stop = new StopFlag(), signal, pollInterval = DEFAULT_POLL_INTERVAL, onTurn } = options
  if (!(pollInterval > 0 && pollInterval <= 60_000)) {
    throw new TransportError('ARGUMENT', 'serve', `pollInterval: up to 60000 milliseconds wanted, not ${pollInterval}`)
  }
  return { stop, signal, pollInterval, onTurn }
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
