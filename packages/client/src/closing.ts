/** What closing a queue and closing a log have in common. */
import { ControlType, isNetlinkError } from '@ringlink/codec'
import type { Request } from './request.ts'

/** Milliseconds that close waits for the kernel, which answers at once if at all. */
export const CLOSE_TIMEOUT = 1000
/**
 * Maximum number of batches read at close: more than any queue or receive buffer holds, and finite when more comes all
 * the time.
 */
export const MOST_UNREAD = 4096
/** How often close tries what fails while the kernel has no memory. */
const ATTEMPTS = 8

/**
 * A request that does nothing and is acknowledged (`NLMSG_NOOP`): the answer arrives after everything queued before it.
 */
export const FENCE: Request = { what: 'wait for what is queued', type: ControlType.Noop, repeat: {} }

/**
 * Does one step of closing. If the kernel takes no more messages, it drops the queued packets when the socket closes.
 * There is no caller to report this to.
 */
export function attempt(action: () => void): void {
  for (let count = 0; count < ATTEMPTS; count++) {
    try {
      action()
      return
    } catch (error) {
      ignoreNetlinkError(error)
    }
  }
}

/** Rules, queues and groups that cannot be removed go away with their socket. */
export function ignoreNetlinkError(error: unknown): void {
  if (!isNetlinkError(error)) throw error
}
