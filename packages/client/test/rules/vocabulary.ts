/** Rules with each property and each action, and what nft prints of them. */
import type { FirewallRule, RuleMatch } from '@ringlink/client'

/** A rule, and nft's words for its match and, after the counter, its actions. */
export interface Word {
  readonly rule: FirewallRule
  readonly text: string
}

function matched(match: RuleMatch, text: string, hook: FirewallRule['hook'] = 'prerouting'): Word {
  return { rule: { hook, match }, text: `${text} counter packets 0 bytes 0` }
}

const COUNTER = 'counter packets 0 bytes 0'

function acted(rule: FirewallRule, before: string, after: string): Word {
  return { rule, text: [before, COUNTER, after].filter((it) => it !== '').join(' ') }
}

export const vocabulary: readonly Word[] = [
  matched({ version: 4 }, 'meta nfproto ipv4'),
  matched({ not: { version: 4 } }, 'meta nfproto != ipv4'),
  matched({ protocol: ['tcp', 'udp'], destinationPort: 53 }, 'meta l4proto { tcp, udp } th dport 53'),
  matched({ sourceAddress: '10.0.0.1-10.0.0.9' }, 'ip saddr 10.0.0.1-10.0.0.9'),
  matched(
    { sourceAddress: ['10.0.0.1-10.0.0.9', '11.0.0.0/8', '1.1.1.1'] },
    'ip saddr { 1.1.1.1, 10.0.0.1-10.0.0.9, 11.0.0.0/8 }',
  ),
  matched({ protocol: 'icmp', icmpType: ['echo-request', 3] }, 'icmp type { destination-unreachable, echo-request }'),
  matched(
    { protocol: 'icmp', icmpType: 8, not: { icmpCode: 1 } },
    'icmp type echo-request icmp code != host-unreachable',
  ),
  matched({ protocol: 'icmpv6', icmpType: 'nd-neighbor-solicit' }, 'icmpv6 type nd-neighbor-solicit'),
  matched({ protocol: 'tcp', tcpFlags: 'syn' }, 'tcp flags syn'),
  matched(
    { protocol: 'tcp', tcpFlags: { flags: ['syn'], mask: ['syn', 'ack'] }, not: { tcpFlags: ['fin', 'rst'] } },
    'tcp flags syn / syn,ack tcp flags ! fin,rst',
  ),
  matched({ packetLength: { from: 10, to: 20 } }, 'meta length 10-20'),
  matched({ packetLength: [10, { from: 20, to: 30 }] }, 'meta length { 10, 20-30 }'),
  matched({ ttl: 5, not: { dscp: 'cs1' } }, 'ip dscp != cs1 ip ttl 5'),
  matched({ hopLimit: [1, 2], dscp: ['cs1', 'ef'] }, 'ip6 dscp { cs1, ef } ip6 hoplimit { 1, 2 }'),
  matched({ version: 4, fragment: true }, 'ip frag-off & 16383 != 0'),
  matched({ version: 4, fragment: false }, 'ip frag-off & 16383 == 0'),
  matched({ version: 6, fragment: true }, 'exthdr frag exists'),
  matched({ version: 6, not: { fragment: true } }, 'exthdr frag missing'),
  matched({ nextHeader: ['tcp', 'udp'] }, 'ip6 nexthdr { tcp, udp }'),
  matched({ packetType: ['broadcast', 'multicast'] }, 'meta pkttype { broadcast, multicast }'),
  matched(
    { protocol: 'tcp', tcpFlags: { flags: ['syn'], mask: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'] } },
    'tcp flags == syn',
  ),
  matched({ sourceHardwareAddress: '02:00:00:00:00:01' }, 'ether saddr 02:00:00:00:00:01'),
  matched({ not: { destinationHardwareAddress: '02:00:00:00:00:02' } }, 'ether daddr != 02:00:00:00:00:02'),
  matched({ etherType: 'ip6' }, 'ether type ip6'),
  matched({ vlanId: [5, { from: 7, to: 9 }] }, 'vlan id { 5, 7-9 }'),
  matched({ inputInterface: ['eth*', 'lo'] }, 'iifname { "eth*", "lo" }'),
  matched({ outputInterface: ['eth0', 'lo'] }, 'oifname { "lo", "eth0" }', 'output'),
  matched({ inputInterfaceGroup: 5 }, 'iifgroup 5'),
  matched({ mark: [1, { from: 5, to: 7 }] }, 'meta mark { 0x00000001, 0x00000005-0x00000007 }'),
  matched({ ctMark: { value: 0x10, mask: 0xf0 } }, 'ct mark & 0x000000f0 == 0x00000010'),
  matched({ ctState: 'new', ctStatus: ['assured', 'seen-reply'] }, 'ct state new ct status seen-reply,assured'),
  matched({ ctDirection: 'reply' }, 'ct direction reply'),
  matched({ ctPackets: { from: 0, to: 20 } }, 'ct packets 0-20'),
  matched({ not: { ctBytes: { from: 1000, to: 2 ** 40 } } }, 'ct bytes != 1000-1099511627776'),
  matched({ ctOriginalPackets: 5, not: { ctReplyBytes: 7 } }, 'ct original packets 5 ct reply bytes != 7'),
  matched({ ctZone: 5 }, 'ct zone 5'),
  matched({ userId: [0, { from: 5, to: 7 }], groupId: 0 }, 'meta skuid { 0, 5-7 } meta skgid 0', 'output'),
  matched({ cgroup: 5 }, 'meta cgroup 5', 'output'),
  matched({ timeOfDay: { from: '08:00', to: '18:00' } }, 'meta hour "08:00"-"18:00"'),
  matched(
    { timeOfDay: { from: '22:00', to: '06:00' }, not: { day: 'sunday' } },
    'meta hour { "00:00"-"06:00", "22:00"-"23:59:59" } meta day != "Sunday"',
  ),
  matched({ socket: 'existing' }, 'socket transparent 0-1'),
  matched({ socket: 'transparent' }, 'socket transparent 1'),
  matched({ reversePath: false }, 'fib saddr . iif oif missing'),
  matched({ not: { reversePath: false } }, 'fib saddr . iif oif exists'),
  acted({ hook: 'input', reject: 'port-unreachable' }, '', 'reject'),
  acted({ hook: 'input', reject: 'admin-prohibited' }, '', 'reject with icmpx admin-prohibited'),
  acted(
    { hook: 'input', match: { version: 4 }, reject: { icmp: 'prot-unreachable' } },
    'meta nfproto ipv4',
    'reject with icmp prot-unreachable',
  ),
  acted(
    { hook: 'input', match: { version: 6 }, reject: { icmpv6: 5 } },
    'meta nfproto ipv6',
    'reject with icmpv6 policy-fail',
  ),
  acted(
    { hook: 'input', match: { protocol: 'tcp' }, reject: 'tcp-reset' },
    'meta l4proto tcp',
    'reject with tcp reset',
  ),
  acted(
    { hook: 'input', setMark: { value: 0x50, mask: 0xf0 }, setCtMark: { value: 1, mask: 1 } },
    '',
    'meta mark set meta mark & 0xffffff5f | 0x00000050 ct mark set ct mark | 0x00000001',
  ),
  acted({ hook: 'input', setMark: 'connection' }, '', 'meta mark set ct mark'),
  acted(
    { hook: 'input', setCtMark: 'packet', setPriority: 0x10010 },
    '',
    'ct mark set meta mark meta priority set 1:10',
  ),
  acted({ hook: 'output', match: { version: 4 }, setDscp: 'cs1' }, 'meta nfproto ipv4', 'ip dscp set cs1'),
  acted({ hook: 'output', match: { version: 6 }, setDscp: 46 }, 'meta nfproto ipv6', 'ip6 dscp set ef'),
  acted({ hook: 'prerouting', priority: 'raw', notrack: true }, '', 'notrack'),
  acted({ hook: 'input', counter: 'web', quota: { bytes: 10_485_760 } }, 'quota 10 mbytes', 'counter name "web"'),
  acted({ hook: 'input', quota: { bytes: 100, over: true } }, 'quota over 100 bytes', ''),
  acted({ hook: 'input', jump: 'mine' }, '', 'jump mine'),
  acted({ chain: 'mine', match: { protocol: 'udp' }, goto: 'other' }, 'meta l4proto udp', 'goto other'),
  acted({ chain: 'other', verdict: 'return' }, '', 'return'),
]
