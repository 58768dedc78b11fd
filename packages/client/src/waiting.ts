import { timeoutError } from './errors.ts'
import type { Exchange } from './exchange.ts'

/** Milliseconds after which a repeatable request is sent again, if messages were lost and no answer has come. */
const REPEAT_INTERVAL = 100

/** How to wait for exchanges. */
interface Waiting {
  /** what the exchanges are for, for a timeout error */
  readonly what: string
  /** called whenever a message has come for one of the exchanges; true ends the wait */
  readonly isDone: () => boolean
  readonly signal: AbortSignal | undefined
  /** milliseconds */
  readonly timeout: number
  /** called at intervals if one of the exchanges can be repeated */
  readonly repeat: () => void
  /** called when the wait has ended */
  readonly letGo: () => void
}

/**
 * Waits for exchanges. Rejects with code `TIMEOUT` (or the error of an incomplete answer, whose end may be missing),
 * with the signal's reason, and as an exchange fails.
 */
export function waitForExchanges(exchanges: readonly Exchange[], waiting: Waiting): Promise<void> {
  const { what, isDone, signal, timeout, repeat, letGo } = waiting
  return new Promise((resolve, reject) => {
    const onAbort = () => settle(() => reject(signal?.reason))
    const onTimeout = () => {
      const incomplete = exchanges.find(({ isIncomplete }) => isIncomplete)
      settle(() => reject(incomplete?.error ?? timeoutError(what, timeout)))
    }
    const timer = setTimeout(onTimeout, timeout)
    const interval = exchanges.some(({ canRepeat }) => canRepeat) ? setInterval(repeat, REPEAT_INTERVAL) : undefined
    const settle = (action: () => void) => {
      clearTimeout(timer)
      clearInterval(interval)
      signal?.removeEventListener('abort', onAbort)
      for (const exchange of exchanges) exchange.rest()
      action()
      letGo()
    }
    const notify = () => {
      if (isDone()) settle(resolve)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    for (const exchange of exchanges) exchange.wait(notify, (error) => settle(() => reject(error)))
    notify()
  })
}
