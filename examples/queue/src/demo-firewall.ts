import { iptables, readCounters } from '@ringlink/example-shared/iptables'
import { DROPPED_PORT, KEPT_PORT, TCP_PORT } from './demo-traffic.ts'

const MATCHES: readonly (readonly string[])[] = [
  ['-p', 'udp', '--dport', `${KEPT_PORT}:${DROPPED_PORT}`],
  ['-p', 'tcp', '--dport', `${TCP_PORT}`],
  ['-p', 'tcp', '--sport', `${TCP_PORT}`],
]

/** In OUTPUT the rules that queue, in INPUT rules without a target that only count. Throws `MissingError`. */
export function installRules(queueNumber: number): void {
  for (const match of MATCHES) {
    iptables('-A', 'OUTPUT', ...match, '-j', 'NFQUEUE', '--queue-num', String(queueNumber))
    iptables('-A', 'INPUT', ...match)
  }
}

export interface RuleCounters {
  readonly sent: Readonly<Record<'udp' | 'tcp', number>>
  readonly arrived: Readonly<Record<'udp' | 'tcp', number>>
}

/** The packets that the kernel counted at these rules. */
export function readRuleCounters(): RuleCounters {
  return { sent: readChain('OUTPUT'), arrived: readChain('INPUT') }
}

function readChain(chain: string): Record<'udp' | 'tcp', number> {
  const packets = { udp: 0, tcp: 0 }
  for (const { packets: count, line } of readCounters(chain)) {
    if (/\budp dpts?:/.test(line)) packets.udp += count
    else if (/\btcp [ds]pts?:/.test(line)) packets.tcp += count
  }
  return packets
}
