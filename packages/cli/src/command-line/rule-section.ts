import type { Section } from './command.ts'

/** The explanation of --rule for --help. */
export const RULE_SECTION: Section = {
  title: 'Rules',
  text: `A hook (prerouting, input, forward, output, postrouting), then properties that packets must have:
  tcp  udp  icmp  icmpv6  sctp     the protocol
  53   dport 1000:2000   sport 53  the destination or source port; a number or a range
Or in nft's words (docs/rules.md has the grammar), as far as they match, limit, count and mark:
  output udp dport { 53, 853 } ip daddr != 10.0.0.0/8
  inet input priority mangle iifname "eth*" tcp flags & (syn|ack) == syn limit rate 100/second`,
}
