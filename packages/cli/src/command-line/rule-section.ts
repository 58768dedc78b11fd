import type { Section } from './command.ts'

/** What --rule is, for --help. */
export const RULE_SECTION: Section = {
  title: 'Rules',
  text: `A hook (prerouting, input, forward, output, postrouting), then what packets must have:
  tcp  udp  icmp  icmpv6  sctp     the protocol
  53   dport 1000:2000   sport 53  the port that they are for, or that they come from; a number or a range`,
}
