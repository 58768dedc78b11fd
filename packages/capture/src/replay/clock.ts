/** The clock of a replay, in milliseconds. */
export interface ReplayClock {
  /** time that only goes forward, from any beginning */
  now(): number
  /** Calls back once, after `delay`. */
  setTimer(callback: () => void, delay: number): unknown
  clearTimer(timer: unknown): void
  /** Blocks the thread. */
  sleep(delay: number): void
}

/** The machine's clock. */
export const systemClock: ReplayClock = {
  now: () => performance.now(),
  setTimer: (callback, delay) => setTimeout(callback, delay),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  sleep: (delay) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delay)
  },
}
