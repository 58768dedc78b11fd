import type { Section } from './command.ts'

/** The explanation of --rule for --help. */
export const RULE_SECTION: Section = {
  title: 'Rules',
  text: `A hook (prerouting, input, forward, output, postrouting), then properties that packets must have:
  tcp  udp  icmp  icmpv6  sctp     the protocol
  53   dport 1000:2000   sport 53  the destination or source port; a number or a range`,
}
