/** Steps that the scripts for queues and those for logs have in common. */
import type { SocketName, Step } from './script.ts'

export const read = (socket: SocketName = 'a', batches?: number): Step =>
  batches === undefined ? { do: 'read', socket } : { do: 'read', socket, batches }
export const counters: Step = { do: 'counters', socket: 'a' }
export const delivered: Step = { do: 'delivered' }
export const traffic = (port: number, count = 1, size = 0): Step => ({ do: 'traffic', port, count, size })
/** a message that a script gives as bytes, with a request for an acknowledgement */
export const raw = (type: number, body: readonly number[], more: { flags?: number; cut?: number } = {}): Step => ({
  do: 'raw',
  socket: 'a',
  type,
  flags: 5,
  body,
  ...more,
})
/** `requests` from socket a with full, capped and extended acknowledgements, and what both sockets were answered. */
export const onAllSockets = (requests: readonly Step[]): Step[] =>
  (
    [
      { do: 'open', socket: 'a' },
      { do: 'open', socket: 'a', cappedAck: false },
      { do: 'open', socket: 'a', cappedAck: false, extendedAck: false },
    ] as const
  ).flatMap((open): Step[] => [open, { do: 'open', socket: 'b' }, ...requests, read('a'), read('b')])
