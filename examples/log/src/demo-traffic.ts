import { iptables, readCounters } from '@ringlink/example-shared/iptables'

/** What is sent, so that the sender, the rules and the checks agree. */
export const ADDRESS = '127.0.0.1'
export const UDP_PORT = 4100
export const TCP_PORT = 4102
/** Nobody listens there: the kernel answers with ICMP. */
export const DNS_PORT = 53
export const DATAGRAMS = 10_000
export const QUESTIONS = 200
export const TCP_BYTES = 4 * 1024 * 1024

export const THRESHOLD = 64
export const MAIN_GROUP = 5
/** Its rule copies no more than so many bytes of a packet. */
export const SMALL_GROUP = 6
export const SMALL_RANGE = 64

export interface LogRule {
  readonly match: readonly string[]
  readonly group: number
  readonly prefix: string
  /** what the example must recognise */
  readonly protocol: string
}

export const RULES: readonly LogRule[] = [
  { match: ['-p', 'udp', '--dport', `${UDP_PORT}`], group: MAIN_GROUP, prefix: 'udp: ', protocol: 'UDP' },
  { match: ['-p', 'udp', '--dport', `${DNS_PORT}`], group: MAIN_GROUP, prefix: 'dns: ', protocol: 'DNS' },
  { match: ['-p', 'icmp'], group: MAIN_GROUP, prefix: 'icmp: ', protocol: 'ICMP' },
  { match: ['-p', 'tcp', '--dport', `${TCP_PORT}`], group: SMALL_GROUP, prefix: 'tcp: ', protocol: 'TCP' },
]

/** Installs the rules, in their order. Throws `MissingError`. */
export function installRules(): void {
  for (const { match, group, prefix } of RULES) {
    const range = group === SMALL_GROUP ? ['--nflog-size', `${SMALL_RANGE}`] : []
    const target = ['-j', 'NFLOG', '--nflog-group', `${group}`, '--nflog-threshold', `${THRESHOLD}`]
    iptables('-A', 'OUTPUT', ...match, ...target, '--nflog-prefix', prefix, ...range)
  }
}

/** The packets that the kernel counted at each rule. */
export function readRuleCounters(): number[] {
  return readCounters('OUTPUT').map(({ packets }) => packets)
}

/** What the sender has to say at its end. */
export interface SenderReport {
  /** why it gave up, if it did */
  readonly problem: string | undefined
}
