import { type FirewallRule, installRules, type RuleMatch, type Rules } from 'ringlink'
import { DNS_PORT, MAIN_GROUP, SMALL_GROUP, SMALL_RANGE, TCP_PORT, THRESHOLD, UDP_PORT } from './traffic.ts'

export interface DemoRule {
  readonly match: RuleMatch
  readonly group: number
  readonly prefix: string
  /** what is in the line that the example prints */
  readonly text: string
}

export const RULES: readonly DemoRule[] = [
  {
    match: { protocol: 'udp', destinationPort: UDP_PORT },
    group: MAIN_GROUP,
    prefix: 'udp: ',
    text: `.${UDP_PORT}: UDP, length`,
  },
  {
    match: { protocol: 'udp', destinationPort: DNS_PORT },
    group: MAIN_GROUP,
    prefix: 'dns: ',
    text: `.${DNS_PORT}: UDP, length`,
  },
  { match: { protocol: 'icmp' }, group: MAIN_GROUP, prefix: 'icmp: ', text: `udp port ${DNS_PORT} unreachable` },
  {
    match: { protocol: 'tcp', destinationPort: TCP_PORT },
    group: SMALL_GROUP,
    prefix: 'tcp: ',
    text: `.${TCP_PORT}: Flags`,
  },
]

/** Installs the rules, in their order. They end with what is returned, or with us. */
export function installDemoRules(): Promise<Rules> {
  return installRules(
    RULES.map(({ match, group, prefix }): FirewallRule => {
      const copyRange = group === SMALL_GROUP ? SMALL_RANGE : undefined
      return { hook: 'output', match, log: { group, prefix, threshold: THRESHOLD, copyRange } }
    }),
  )
}

/** The packets that the kernel counted at each rule. */
export async function readRuleCounters(rules: Rules): Promise<number[]> {
  return (await rules.counters()).map(({ packets }) => packets)
}
