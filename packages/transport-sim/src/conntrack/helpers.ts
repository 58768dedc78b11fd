/** The helpers of a kernel that has all of them: what they are for and how many connections they let expect. */
import { Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'

/** How many connections of one class may be expected because of one, and for how long. */
export interface ExpectationPolicy {
  readonly maximum: number
  /** seconds */
  readonly timeout: number
}

/** A helper (`nf_conntrack_helper`). It reads no packets here: what is expected is told by hand. */
export interface ConntrackHelper {
  readonly name: string
  readonly family: number
  readonly protocol: number
  /** by class */
  readonly policies: readonly ExpectationPolicy[]
}

const { Ipv4, Ipv6 } = Family
const { Tcp, Udp } = IpProtocol
const MINUTE = 60

const make = (
  name: string,
  families: readonly number[],
  protocols: readonly number[],
  ...policies: readonly (readonly [maximum: number, timeout: number])[]
): ConntrackHelper[] =>
  families.flatMap((family) =>
    protocols.map((protocol) => ({
      name,
      family,
      protocol,
      policies: policies.map(([maximum, timeout]) => ({ maximum, timeout })),
    })),
  )

const helpers: readonly ConntrackHelper[] = [
  ...make('amanda', [Ipv4, Ipv6], [Udp], [4, 3 * MINUTE]),
  ...make('ftp', [Ipv4, Ipv6], [Tcp], [1, 5 * MINUTE]),
  ...make('irc', [Ipv4], [Tcp], [8, 5 * MINUTE]),
  ...make('netbios-ns', [Ipv4], [Udp], [1, 3]),
  ...make('pptp', [Ipv4], [Tcp], [2, 5 * MINUTE]),
  ...make('Q.931', [Ipv4, Ipv6], [Tcp], [20, 4 * MINUTE]),
  ...make('RAS', [Ipv4, Ipv6], [Udp], [32, 4 * MINUTE]),
  ...make('sane', [Ipv4, Ipv6], [Tcp], [1, 5 * MINUTE]),
  ...make('sip', [Ipv4, Ipv6], [Udp, Tcp], [1, 3 * MINUTE], [4, 3 * MINUTE], [4, 3 * MINUTE], [2, 3 * MINUTE]),
  ...make('snmp', [Ipv4], [Udp], [1, 30]),
  ...make('tftp', [Ipv4, Ipv6], [Udp], [1, 5 * MINUTE]),
]

/** The helper of that name for connections of that kind. */
export function findHelper(name: string, family: number, protocol: number): ConntrackHelper | undefined {
  return helpers.find((it) => it.name === name && it.family === family && it.protocol === protocol)
}
