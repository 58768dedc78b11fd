import { openTransportNamed, TRANSPORT_NAMES } from '../transports.ts'
import type { OpenTransport } from 'ringlink'
import { openSimulated } from './simulated.ts'

/** What packets can come by: those of the machine, and a kernel that is made up. */
export const LOG_TRANSPORTS: readonly string[] = [...TRANSPORT_NAMES, 'sim']

/** What opens the transport of that name; without a name, the fastest that this machine has. */
export function openLogTransport(name: string | undefined, groups: readonly number[]): OpenTransport {
  return name === 'sim' ? (needs) => openSimulated(needs, groups) : openTransportNamed(name)
}
