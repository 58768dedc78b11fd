import { type FirewallRule, type InstallOptions, installRules, type RuleMatch, type Rules } from 'ringlink'
import { DROPPED_PORT, KEPT_PORT, TCP_PORT } from './traffic.ts'

const MATCHES: readonly (Omit<RuleMatch, 'protocol'> & { readonly protocol: 'udp' | 'tcp' })[] = [
  { protocol: 'udp', destinationPort: { from: KEPT_PORT, to: DROPPED_PORT } },
  { protocol: 'tcp', destinationPort: TCP_PORT },
  { protocol: 'tcp', sourcePort: TCP_PORT },
]

/**
 * At hook output the rules that queue, before connection tracking, because before Linux 4.7 it drops packets of a new
 * flow that were queued together; at hook input rules that only count. They end with what is returned, or with us.
 */
export function installDemoRules(queue: number, options: InstallOptions = {}): Promise<Rules> {
  const sent = MATCHES.map((match): FirewallRule => ({ hook: 'output', priority: 'raw', match, queue }))
  const arrived = MATCHES.map((match): FirewallRule => ({ hook: 'input', match }))
  return installRules([...sent, ...arrived], options)
}

export interface RuleCounters {
  readonly sent: Readonly<Record<'udp' | 'tcp', number>>
  readonly arrived: Readonly<Record<'udp' | 'tcp', number>>
}

/** The packets that the kernel counted at these rules. */
export async function readRuleCounters(rules: Rules): Promise<RuleCounters> {
  const packets = (await rules.counters()).map((counters) => counters.packets)
  return { sent: addUp(packets.slice(0, MATCHES.length)), arrived: addUp(packets.slice(MATCHES.length)) }
}

function addUp(packets: readonly number[]): Record<'udp' | 'tcp', number> {
  const sums = { udp: 0, tcp: 0 }
  for (const [index, { protocol }] of MATCHES.entries()) sums[protocol] += packets[index] ?? 0
  return sums
}
