import { type OpenTransport, openRing, openSocket, openTransport, type Transport, type TransportNeeds } from 'ringlink'
import type { TransportName } from './commands/transport-names.ts'

/**
 * What opens the transport of that name; without a name, the fastest that this machine has. `simulate` opens that of the simulated
 * kernel.
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
