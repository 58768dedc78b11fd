import { spawnSync } from 'node:child_process'
import { DROPPED_PORT, KEPT_PORT, TCP_PORT } from './demo-traffic.ts'

const MATCHES: readonly (readonly string[])[] = [
  ['-p', 'udp', '--dport', `${KEPT_PORT}:${DROPPED_PORT}`],
  ['-p', 'tcp', '--dport', `${TCP_PORT}`],
  ['-p', 'tcp', '--sport', `${TCP_PORT}`],
]

/** The machine lacks something: exit code 3. */
export class MissingError extends Error {}

export const IPTABLES_MISSING =
  'iptables is missing, and the demo makes its rules with it. Debian: apt-get install iptables'

/** In OUTPUT the rules that queue, in INPUT rules without a target that only count. Throws {@link MissingError}. */
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
  // Its lines are: packets, bytes, target (which may be empty), protocol, …
  for (const line of iptables('-L', chain, '-v', '-n', '-x').split('\n')) {
    const count = /^\s*(\d+)\s+\d+\s/.exec(line)?.[1]
    if (count === undefined) continue
    if (/\budp dpts?:/.test(line)) packets.udp += Number(count)
    else if (/\btcp [ds]pts?:/.test(line)) packets.tcp += Number(count)
  }
  return packets
}

function iptables(...words: string[]): string {
  const { error, status, stdout, stderr } = spawnSync('iptables', ['-w', '2', ...words], {
    encoding: 'utf8',
    timeout: 4000,
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') throw new MissingError(IPTABLES_MISSING)
  if (error !== undefined) throw error
  if (status === 0) return stdout
  throw new MissingError(`iptables ${words.join(' ')} failed (does this kernel have NFQUEUE?): ${stderr.trim()}`)
}
