/** Options of several commands, and texts about them. */
import type { OptionTable, Section } from '../command-line/command.ts'
import { TRANSPORT_NAMES } from './transport-names.ts'

export const filterSection: Section = {
  title: 'Filters',
  text: `Conditions, one after another if all must hold, joined by 'or' if one is enough, with 'not' before one that must not hold,
and parentheses.
  tcp  udp  icmp  icmpv6           the protocol, also after IPv6 extension headers
  sport 53   dport 1000:2000       a port, or a range of them; never true for a fragment that has no ports
  src 10.0.0.0/8   dst 2001:db8::1 an address or a network
  text 'word'                      bytes of the application, within one packet, that contain it (UTF-8)
  mark 7   mark 0x10               the packet's mark; mark 0: packets without one`,
}

export const endOptions = {
  count: { value: 'N', summary: 'end after N packets' },
  seconds: { value: 'N', summary: 'end after N seconds' },
} as const satisfies OptionTable

export const transportOption = {
  transport: {
    value: 'NAME',
    summary: 'the transport: socket, mmap, or sim, which makes up packets; default the fastest of this machine',
    choices: TRANSPORT_NAMES,
  },
} as const satisfies OptionTable
