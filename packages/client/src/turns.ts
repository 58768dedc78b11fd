import { timeoutError } from './errors.ts'

/**
 * Requests that wait for an answer at a time. The kernel answers within the send and drops answers that find the
 * receive buffer full: 32 of `NLMSG_GOODSIZE` with their acknowledgements fit into the default one of 212,992 bytes.
 * More at a time are not faster.
 */
export const MOST_IN_FLIGHT = 32

/** Runs so many pieces of work at a time, by default one: the others wait for their turn, in order. */
export class Turns {
  #free: number
  #waiting: (() => void)[] = []

  constructor(atATime = 1) {
    this.#free = atATime
  }

  /**
   * Takes a turn if one is free; otherwise returns a promise to wait for. Rejects with code `TIMEOUT` after `timeout`
   * milliseconds, and with the signal's reason.
   */
  begin(what: string, timeout: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#free === 0) return this.#wait(what, timeout, signal)
    this.#free--
    return undefined
  }

  /** Passes the turn to the next one. */
  end(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  #wait(what: string, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#waiting = this.#waiting.filter((each) => each !== onTurn)
        action()
      }
      const onTurn = () => settle(resolve)
      const onAbort = () => settle(() => reject(signal?.reason))
      const timer = setTimeout(() => settle(() => reject(timeoutError(what, timeout))), timeout)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(onTurn)
    })
  }
}
