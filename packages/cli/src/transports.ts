import { openRing, openSocket, openTransport, type Transport, type TransportNeeds } from 'ringlink'

type OpenTransport = (needs: TransportNeeds) => Promise<Transport>

const transports: Readonly<Record<string, OpenTransport>> = {
  socket: openSocket,
  mmap: openRing,
}

export const TRANSPORT_NAMES: readonly string[] = Object.keys(transports)

/** What opens the transport of that name; without a name, the fastest that this machine has. */
export function openTransportNamed(name: string | undefined): OpenTransport {
  return (name === undefined ? undefined : transports[name]) ?? openTransport
}
