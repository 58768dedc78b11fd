import { type OpenTransport, openRing, openSocket, openTransport, type Transport, type TransportNeeds } from 'ringlink'
import type { TransportName } from './commands/transport-names.ts'

/**
 * The function that opens the named transport, by default the fastest of this machine. `simulate` opens that of the
 * simulated kernel.
 */
export function transportOpener(
  name: TransportName | undefined,
  simulate: (needs: TransportNeeds) => Transport,
): OpenTransport {
  switch (name) {
    case 'sim':
      return simulate
    case 'socket':
      return openSocket
    case 'mmap':
      return openRing
    default:
      return openTransport
  }
}
