import type { Unwanted } from '../filter.ts'

/** The traffic, shared by the sender, the receiver and the checks. */
export const ADDRESS = '127.0.0.1'
export const KEPT_PORT = 4000
export const DROPPED_PORT = 4001
export const TCP_PORT = 4002
export const DROPPED_TEXT = 'contraband'
export const UNWANTED: Unwanted = { port: DROPPED_PORT, text: DROPPED_TEXT }

/** The last one is sent when everything else has arrived: the queue answers in order, so then nothing is on its way. */
export const DATAGRAMS = 40_001
/** Each way. */
export const TCP_BYTES = 8 * 1024 * 1024

/** The expected result for datagram `index`. */
export function fateOf(index: number): 'kept' | 'dropped by port' | 'dropped by text' {
  if (index === DATAGRAMS - 1) return 'kept'
  if (index % 8 === 3) return 'dropped by port'
  return index % 8 === 6 ? 'dropped by text' : 'kept'
}

/** How many datagrams the filter must drop. */
export function countDropped(): number {
  let dropped = 0
  for (let index = 0; index < DATAGRAMS; index++) if (fateOf(index) !== 'kept') dropped++
  return dropped
}

/** The report of the sender at its end. */
export interface SenderReport {
  readonly datagrams: number
  readonly tcpBytesSent: number
  readonly tcpBytesReceived: number
  /** what came back is what was sent */
  readonly tcpIntact: boolean
  /** why it gave up, if it did */
  readonly problem: string | undefined
}
