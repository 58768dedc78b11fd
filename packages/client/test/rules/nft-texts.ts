/**
 * A few hundred rules in nft's words, for the comparison with nft's own expressions: values of each property in each
 * form.
 */

/** Values of nft's words for a property: single ones, and those that sets and ranges are made of. */
export interface Values {
  readonly words: string
  readonly hook?: string
  readonly single: readonly string[]
  readonly sets?: readonly string[]
  readonly ranges?: readonly string[]
}

const NUMBERS = { sets: ['{ 1, 5 }', '{ 1, 5-7, 9 }'], ranges: ['5-7'] } as const

export const nftProperties: readonly Values[] = [
  { words: 'iifname', single: ['"lo"', '"eth*"'], sets: ['{ "lo", "eth0" }', '{ "eth*", "lo" }'] },
  { words: 'oifname', hook: 'output', single: ['"lo"', '"eth*"'], sets: ['{ "lo", "eth0" }', '{ "eth*", "lo" }'] },
  { words: 'iifgroup', single: ['5'], ...NUMBERS },
  { words: 'oifgroup', hook: 'output', single: ['5'], ...NUMBERS },
  { words: 'ether saddr', single: ['02:00:00:00:00:01'], sets: ['{ 02:00:00:00:00:01, 02:00:00:00:00:02 }'] },
  { words: 'ether daddr', single: ['02:00:00:00:00:01'], sets: ['{ 02:00:00:00:00:01, 02:00:00:00:00:02 }'] },
  { words: 'ether type', single: ['ip', 'ip6', 'arp', '8021q', '8021ad', '0x88cc'], sets: ['{ ip, ip6 }'] },
  { words: 'vlan id', single: ['5', '4095'], ...NUMBERS },
  {
    words: 'ip saddr',
    single: ['10.0.0.1', '10.0.0.0/8', '10.0.0.0/12', '10.0.0.0/16', '10.0.0.0/31', '0.0.0.0/1'],
    sets: [
      '{ 10.0.0.1, 10.0.0.2 }',
      '{ 10.0.0.0/8, 192.168.0.1 }',
      '{ 10.0.0.1-10.0.0.9, 11.0.0.0/9 }',
      '{ 0.0.0.0/8, 224.0.0.0/3 }',
    ],
    ranges: ['10.0.0.1-10.0.0.9'],
  },
  {
    words: 'ip daddr',
    single: ['10.0.0.1', '10.0.0.0/24', '10.0.0.0/25'],
    sets: ['{ 10.0.0.1, 10.0.0.2 }'],
    ranges: ['10.0.0.1-10.0.0.9'],
  },
  {
    words: 'ip6 saddr',
    single: ['2001:db8::1', '2001:db8::/32', '2001:db8::/33', '::1', 'fe80::/10'],
    sets: ['{ ::1, 2001:db8::1 }', '{ 2001:db8::/32, fe80::/10 }'],
    ranges: ['2001:db8::1-2001:db8::9'],
  },
  {
    words: 'ip6 daddr',
    single: ['2001:db8::1', '2001:db8::/48'],
    sets: ['{ ::1, 2001:db8::1 }'],
    ranges: ['2001:db8::1-2001:db8::9'],
  },
  {
    words: 'ip dscp',
    single: ['cs0', 'cs1', 'af41', 'ef', 'va', 'lephb', 'df', 'be', '0x2e', '5'],
    sets: ['{ cs1, ef }', '{ cs1, 10-12 }'],
    ranges: ['8-20'],
  },
  { words: 'ip6 dscp', single: ['cs0', 'cs1', 'ef', '5'], sets: ['{ cs1, ef }'], ranges: ['8-20'] },
  { words: 'ip ttl', single: ['0', '64', '255'], ...NUMBERS },
  { words: 'ip6 hoplimit', single: ['0', '64', '255'], ...NUMBERS },
  {
    words: 'meta l4proto',
    single: ['tcp', 'udp', 'icmp', 'sctp', '47', 'gre', 'esp', 'ah', 'comp', 'igmp'],
    sets: ['{ tcp, udp }', '{ esp, ah }'],
  },
  { words: 'ip6 nexthdr', single: ['tcp', 'ipv6-icmp', 'esp'], sets: ['{ tcp, udp }'] },
  { words: 'meta pkttype', single: ['host', 'broadcast', 'multicast', 'other'], sets: ['{ broadcast, multicast }'] },
  ...['tcp', 'udp', 'sctp', 'dccp', 'udplite'].flatMap((protocol): Values[] => [
    {
      words: `${protocol} dport`,
      single: ['0', '53', '65535'],
      sets: ['{ 53, 853 }', '{ 53, 1000-2000 }', '{ 0-1023, 65000-65535 }'],
      ranges: ['1000-2000', '0-1023', '1024-65535'],
    },
    { words: `${protocol} sport`, single: ['53'], sets: ['{ 53, 1000-2000 }'], ranges: ['1000-2000'] },
  ]),
  {
    words: 'icmp type',
    single: ['echo-request', 'redirect', '200'],
    sets: ['{ echo-request, echo-reply }'],
    ranges: ['3-8'],
  },
  {
    words: 'icmpv6 type',
    single: ['echo-request', 'nd-neighbor-solicit', 'mld-listener-reduction', 'router-renumbering', '200'],
    sets: ['{ packet-too-big, echo-reply }'],
    ranges: ['133-137'],
  },
  {
    words: 'icmp code',
    single: ['3', 'host-unreachable'],
    sets: ['{ 1, 3 }', '{ net-unreachable, admin-prohibited }'],
  },
  { words: 'icmpv6 code', single: ['3', 'no-route'], sets: ['{ 1, 3 }', '{ no-route, reject-route }'] },
  { words: 'meta length', single: ['0', '1500'], ...NUMBERS },
  { words: 'meta mark', single: ['0', '0x10', '0xffffffff'], ...NUMBERS },
  { words: 'ct direction', single: ['original', 'reply'] },
  { words: 'ct mark', single: ['0', '0x10'], ...NUMBERS },
  { words: 'ct packets', single: ['20'], ranges: ['0-20', '5-4294967296'] },
  { words: 'ct bytes', single: ['1000'], ranges: ['1000-1099511627776'] },
  ...['original', 'reply'].flatMap((direction): Values[] => [
    { words: `ct ${direction} packets`, single: ['20'], ranges: ['0-20'] },
    { words: `ct ${direction} bytes`, single: ['1000'], ranges: ['1000-1099511627776'] },
  ]),
  { words: 'ct zone', single: ['0', '7'], ...NUMBERS },
  { words: 'meta skuid', hook: 'output', single: ['0', '1000'], ...NUMBERS },
  { words: 'meta skgid', hook: 'output', single: ['0', '1000'], ...NUMBERS },
  { words: 'meta cgroup', hook: 'output', single: ['0', '0x100001'], ...NUMBERS },
  { words: 'meta hour', single: [], ranges: ['"08:00"-"18:00"', '"00:00"-"23:59"'] },
  { words: 'meta day', single: ['"Monday"', '"Sunday"'], sets: ['{ "Monday", "Friday" }'] },
  { words: 'socket transparent', single: ['1'] },
]

const others: readonly string[] = [
  'prerouting meta nfproto ipv4',
  'prerouting meta nfproto ipv6',
  'prerouting meta nfproto != ipv4',
  'prerouting ip frag-off & 0x3fff != 0',
  'prerouting ip frag-off & 0x3fff == 0',
  'prerouting exthdr frag exists',
  'prerouting exthdr frag missing',
  'prerouting fib saddr . iif oif exists',
  'prerouting fib saddr . iif oif missing',
  'prerouting socket transparent 0-1',
  'prerouting tcp flags syn',
  'prerouting tcp flags syn,ack',
  'prerouting tcp flags ! fin,rst',
  'prerouting tcp flags & (fin|syn|rst|ack) == syn',
  'prerouting tcp flags & (fin|syn|rst|ack) != syn|ack',
  'prerouting tcp flags & (fin|syn) == 0',
  'prerouting tcp flags & syn == syn',
  'prerouting tcp flags & syn != 0',
  'prerouting tcp flags syn / syn,ack',
  'prerouting tcp flags != syn / syn,ack',
  'prerouting tcp flags == syn',
  'prerouting tcp flags != syn',
  'prerouting tcp flags == syn|ack',
  'prerouting tcp flags == 0x0',
  'prerouting tcp dport ssh',
  'prerouting tcp dport { http, https }',
  'prerouting udp dport domain',
  'prerouting meta l4proto tcp tcp dport eq 22',
  'prerouting tcp dport ne 22',
  'prerouting pkttype broadcast',
  'prerouting mark 0x10',
  'prerouting mark and 0xff == 0x10',
  'output skuid root',
  'output skgid root',
  'prerouting hour "08:00"-"18:00"',
  'prerouting day "Monday"',
  'prerouting ct state & (new|related) != 0',
  'prerouting ct state new',
  'prerouting ct state new,established,related',
  'prerouting ct state ! invalid,untracked',
  'prerouting ct status assured',
  'prerouting ct status seen-reply,assured',
  'prerouting ct status ! dying',
  'prerouting meta mark & 0xf0 == 0x10',
  'prerouting meta mark & 0xf0 != 0x10',
  'prerouting ct mark & 0xff00 == 0x1200',
  'prerouting meta l4proto { tcp, udp } th dport { 53, 853 }',
  'prerouting meta l4proto { tcp, udp } th sport 1000-2000',
  'prerouting iifname "eth0" ip saddr 10.0.0.0/8 ip daddr != 10.0.0.1 tcp dport { 22, 80 } ct state new',
  'prerouting ip6 saddr fe80::/10 ip6 hoplimit 255 icmpv6 type nd-neighbor-solicit',
]

/** Statements, and the hook and matches that they need. The counter that each rule of ours has is where ours is. */
const statements: readonly string[] = [
  'input counter accept',
  'input counter drop',
  'input limit rate 10/second burst 5 packets counter',
  'input limit rate over 100/minute burst 9 packets counter drop',
  'input limit rate 1/day burst 1 packets counter',
  'input quota 10485760 bytes counter',
  'input quota over 100 bytes counter drop',
  'input counter log group 5',
  'input counter log prefix "in: " group 5 snaplen 64 queue-threshold 9',
  'input counter meta mark set 0x10',
  'input counter meta mark set ct mark',
  'input counter meta mark set meta mark & 0xffffff0f | 0x50',
  'input counter ct mark set 0x10',
  'input counter ct mark set meta mark',
  'input counter ct mark set ct mark & 0xffffff0f | 0x50',
  'input counter meta priority set 1:10',
  'input counter meta priority set 1:10 accept',
  'input ip saddr 10.0.0.1 counter ip dscp set cs1',
  'input ip6 saddr ::1 counter ip6 dscp set ef',
  'input counter reject',
  'input counter reject with icmpx type admin-prohibited',
  'input counter reject with icmpx type no-route',
  'input counter reject with icmpx host-unreachable',
  ...['net-unreachable', 'host-unreachable', 'prot-unreachable', 'port-unreachable', 'net-prohibited'].map(
    (code) => `input ip saddr 10.0.0.1 counter reject with icmp type ${code}`,
  ),
  ...['no-route', 'admin-prohibited', 'addr-unreachable', 'port-unreachable', 'policy-fail', 'reject-route'].map(
    (code) => `input ip6 saddr ::1 counter reject with icmpv6 type ${code}`,
  ),
  'input meta nfproto ipv4 counter reject with icmp host-prohibited',
  'input mark 0x10 counter mark set mark or 0x10',
  'input counter meta mark set mark and 0xff',
  'input counter ct mark set mark',
  'input counter ct mark set ct mark or 0x1',
  'input counter meta priority set 0x10010',
  'input counter meta priority set none',
  'input tcp dport 22 counter reject with tcp reset',
  'input udp dport 53 counter log group 1 meta mark set 0x1 ct mark set 0x2 accept',
]

/** All of them. */
export const nftTexts: readonly string[] = [
  ...nftProperties.flatMap(({ words, hook = 'prerouting', single, sets = [], ranges = [] }) =>
    [...single, ...sets, ...ranges].flatMap((value) => [
      `${hook} ${words} ${value} counter`,
      ...(words === 'socket transparent' ? [] : [`${hook} ${words} != ${value} counter`]),
    ]),
  ),
  ...others.map((text) => `${text} counter`),
  ...statements,
]
