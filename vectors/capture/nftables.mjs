// SPDX-License-Identifier: MIT
//
// Captures the golden vectors of nf_tables: runs nft and iptables-nft with listen.c loaded into them and prints what
// they and the kernel said as records. Run it through capture.sh, which makes the namespace it lives in.
//
//   node nftables.mjs listen.so nftables-send

import * as codec from '../../packages/codec/dist/index.js'
import { describeMessage } from '../../packages/codec/dist/internal.js'
import { Recorder, shell } from './recorder.mjs'

const [library, sender] = process.argv.slice(2)
const kinds = new Map(
  [
    'new-table get-table delete-table new-chain get-chain delete-chain new-rule get-rule delete-rule new-set get-set delete-set',
    'new-element get-element delete-element new-generation get-generation trace new-object get-object delete-object',
    'get-object-reset new-flowtable get-flowtable delete-flowtable get-rule-reset',
  ]
    .join(' ')
    .split(' ')
    .map((name, index) => [0x0a00 | index, name]),
)
kinds.set(2, 'error').set(3, 'done').set(0x10, 'begin').set(0x11, 'end').set(0x0b00, 'compat')

function libraryOf(command) {
  if (command === sender) return '@ringlink/codec'
  return /^nft/.test(command) ? 'nftables 1.0.6, libnftnl 1.2.4' : 'iptables 1.8.9, libnftnl 1.2.4'
}

const recorder = new Recorder(library, kinds, libraryOf)
const step = (...words) => recorder.step(...words)

const nft = (text) => ['nft', text]
const add = (rule) => nft(`add rule ip filter out ${rule}`)
const batch = (name, note) => [['user', 'begin', name, note]]
const refused = (name, note) => [...batch(name, note), ['kernel', 'error', `${name}-error`]]
// ------------------------------------------------------------------------------------------------------ tables and
// chains

step(nft('add table ip filter { comment "made by nft"; }'), [
  ['user', 'get-generation', 'generation-get'],
  ['kernel', 'new-generation', 'generation', 'the answer names the process that asks'],
  ...batch('batch-table', 'the user data holds the comment'),
])
step(nft('add chain ip filter out { type filter hook output priority -150; policy accept; }'), batch('batch-chain'))
step(nft('add chain ip filter sub'), batch('batch-chain-plain', 'a chain without a hook'))
step(nft('add chain ip filter nosuch { type filter hook output priority 5; policy drop; comment "drops"; }'), [
  ...batch('batch-chain-drop'),
])
step(nft('delete chain ip filter nosuch'), batch('batch-chain-delete'))
step(nft('add table netdev nd; add chain netdev nd one { type filter hook ingress device lo priority 0; }'), [
  ...batch('batch-chain-device'),
])
step(nft('add chain netdev nd two { type filter hook ingress devices = { lo, v0 } priority 3; }'), [
  ...batch('batch-chain-devices', 'NFTA_HOOK_DEVS: the same attribute twice'),
])
step(nft('add table arp a; add chain arp a in { type filter hook input priority 0; }'), batch('batch-chain-arp'))
step(nft('add table bridge b; add chain bridge b in { type filter hook prerouting priority -200; }'), [
  ...batch('batch-chain-bridge'),
])
const owner = {
  input:
    'add table inet own { flags owner; }\nadd chain inet own in { type filter hook input priority 0; }\nlist table inet own\n',
}
step(
  ['nft', '-i'],
  [
    ['user', 'begin', 'batch-table-owner', 'the table goes when the socket closes'],
    ['kernel', 'new-table', 'tables-owner', 'OWNER is the port id that asks', ({ bytes }) => bytes.includes('own\0')],
  ],
  { ...owner, shown: 'nft -i: add table inet own { flags owner; }; list table inet own' },
)

// -----------------------------------------------------------------------------------------------------------------
// rules

step(
  add('udp dport 53 meta mark 7 counter log group 5 prefix "dns" snaplen 64 queue-threshold 3 accept'),
  batch('batch-rule-log'),
)
step(add('counter comment "said by nft"'), batch('batch-rule-comment', 'the user data holds the comment'))
step(add('meta oifname "lo" ip daddr 10.0.0.0/8 ct state new,established ct mark 0x10 drop'), batch('batch-rule-ct'))
step(add('meta l4proto udp ct original proto-src 40000 return'), batch('batch-rule-ct-direction'))
step(add('meta mark and 0xff 7 jump sub'), batch('batch-rule-jump'))
step(add('limit rate over 10/second burst 7 packets goto sub'), batch('batch-rule-limit'))
step(add('limit rate 20 kbytes/minute burst 3 kbytes'), batch('batch-rule-limit-bytes'))
step(add('tcp dport != 22-80 counter'), batch('batch-rule-range'))
step(add('tcp dport { 22, 80 } accept'), batch('batch-rule-set', 'the set goes with the rule'))
step(add('ip protocol vmap { tcp : accept, udp : jump sub }'), batch('batch-rule-map'))
step(add('meta mark set meta mark << 3'), batch('batch-rule-mark-shift'))
step(add('ip dscp set 3'), batch('batch-rule-payload-set'))
step(add('notrack'), batch('batch-rule-notrack', 'an expression without data'))
step(add('reject with icmp port-unreachable'), batch('batch-rule-reject'))
step(add('quota 100 kbytes'), batch('batch-rule-quota'))
step(add('ct count 3'), batch('batch-rule-connlimit'))
step(add('jhash ip saddr mod 2 seed 0x7 0'), batch('batch-rule-hash'))
step(add('numgen random mod 2 0'), batch('batch-rule-numgen'))
step(add('fib daddr type local'), batch('batch-rule-fib'))
step(add('socket transparent 1'), batch('batch-rule-socket'))
step(add('rt classid 1'), batch('batch-rule-rt'))
step(add('tcp option maxseg size 1400'), batch('batch-rule-exthdr'))
step(add('dup to 127.0.0.2'), batch('batch-rule-dup'))
step(
  nft('insert rule ip filter out handle 4 log level debug flags all'),
  batch('batch-rule-position', 'before the rule with handle 4'),
)
step(
  nft('insert rule ip filter sub log level debug flags skuid'),
  batch('batch-rule-insert', 'to the log of the kernel'),
)
step(nft('add rule netdev nd one ether type ip log group 5'), batch('batch-rule-netdev'))
step(nft('add rule bridge b in ip6 nexthdr udp log group 5 queue-threshold 9'), batch('batch-rule-bridge'))
const noQueue = 'this kernel has no CONFIG_NFT_QUEUE: the request stays, the answer is ENOENT'
step(add('queue num 3'), refused('batch-rule-queue', noQueue))
step(add('udp dport 53 counter queue num 3-5 bypass,fanout'), refused('batch-rule-queue-range', noQueue))
step(add('queue flags bypass to numgen inc mod 3'), refused('batch-rule-queue-register', noQueue))

// -----------------------------------------------------------------------------------------------------------------
// dumps

step(nft('list ruleset'), [
  ['user', 'get-table', 'tables-get'],
  ['kernel', 'new-table', 'tables'],
  ['kernel', 'done', 'tables-done'],
  ['user', 'get-chain', 'chains-get'],
  ['kernel', 'new-chain', 'chains'],
  ['user', 'get-set', 'sets-get'],
  ['kernel', 'new-set', 'sets'],
  ['kernel', 'new-element', 'elements'],
  ['user', 'get-rule', 'rules-get'],
  ['kernel', 'new-rule', 'rules', 'counters, logs, sets: what the batches have installed'],
])
step(nft('delete table bridge b'), batch('batch-table-delete'))
step(nft('flush chain ip filter sub'), batch('batch-rules-delete', 'every rule of a chain'))
shell('nft delete table ip filter')

// ------------------------------------------------------------------------------------------- xtables targets and
// matches

const iptables = (rule) => `iptables-nft -t raw ${rule}`.split(' ')
step(iptables('-A OUTPUT -p udp --dport 5300 -j NFQUEUE --queue-num 3 --queue-bypass'), [
  [
    'user',
    'compat',
    'compat-target',
    'has the kernel NFQUEUE of revision 3?',
    ({ bytes }) => bytes.includes('NFQUEUE'),
  ],
  ['kernel', 'compat', 'compat-target-answer', undefined, ({ bytes }) => bytes.includes('NFQUEUE')],
  ...batch('batch-target-queue', 'NFQUEUE, revision 3'),
])
step(
  iptables('-A OUTPUT -p udp --dport 5301 -j NFQUEUE --queue-balance 3:5 --queue-cpu-fanout'),
  batch('batch-target-queue-range'),
)
step(
  iptables('-A OUTPUT -p udp -j NFLOG --nflog-group 5 --nflog-prefix hello --nflog-size 64 --nflog-threshold 3'),
  batch('batch-rule-log-iptables', 'iptables makes an expression log of its target NFLOG'),
)
step(iptables('-A OUTPUT -m mark --mark 7 -j ACCEPT'), batch('batch-match', 'a match of xtables'))
shell('echo hello > /dev/udp/127.0.0.1/5301')
step(nft('list ruleset'), [
  [
    'kernel',
    'new-rule',
    'rules-target',
    'the xtables targets, as iptables has installed them',
    ({ bytes }) => bytes.includes('NFQUEUE\0'),
  ],
])

// --------------------------------------------------------------------------------- our own writers, as built in
// packages/codec

const { NfTablesMessage, Register, Family } = codec
const memory = new codec.Memory(8192)

/** One message, as hex. */
function written(type, flags, family, attributes, resourceId = 0) {
  const set = describeMessage(codec.Protocol.Netfilter, type).attributes
  const message = { type, flags: 1 | flags, sequence: sequence++, family, resourceId, attributes }
  return Buffer.from(memory.copy(0, codec.writeNfnetlinkMessage(memory, 0, 8192, set, message))).toString('hex')
}
let sequence = 1
const changed = (...messages) =>
  [
    written(codec.BatchMessage.Begin, 0, 0, {}, 10),
    ...messages.map(([type, family, attributes]) => written(type, 0xc04, family, attributes)),
    written(codec.BatchMessage.End, 0, 0, {}, 10),
  ].join('')

const table = 'ringlink'
const base = (family) => [
  [NfTablesMessage.NewTable, family, { name: table, flags: codec.TableFlag.Owner }],
  [
    NfTablesMessage.NewChain,
    family,
    { table, name: 'out', type: 'filter', policy: 1, hook: { number: codec.Hook.Output, priority: -150 } },
  ],
]
const ruleOf = (family, ...expressions) => [NfTablesMessage.NewRule, family, { table, chain: 'out', expressions }]
const udp = [
  { name: 'meta', data: { key: codec.MetaKey.TransportProtocol, destinationRegister: Register.Word0 } },
  { name: 'cmp', data: { sourceRegister: Register.Word0, operation: 0, data: { value: Uint8Array.of(17) } } },
]
const targetOf = (name, revision, information) => ({ name: 'target', data: { name, revision, information } })
const counter = { name: 'counter', data: { bytes: 7n, packets: 1n } }
const queueTarget = targetOf('NFQUEUE', 3, codec.queueTargetInformation({ number: 3, total: 3, flags: 3 }))
const logTarget = targetOf(
  'NFLOG',
  0,
  codec.logTargetInformation({ group: 5, copyRange: 64, threshold: 3, prefix: 'dns ' }),
)
const own = (name, what, datagrams, wanted) =>
  step([sender], wanted, { input: `${datagrams.join('\n')}\n`, shown: `${name}: ${what}` })
own(
  'writeNfnetlinkMessage',
  'an owned table, udp counter, target NFQUEUE 3 to 5, bypass and fanout; GETRULE_RESET',
  [
    changed(...base(Family.Inet), ruleOf(Family.Inet, ...udp, counter, queueTarget)),
    written(NfTablesMessage.GetAndResetRule, 0x300, Family.Inet, { table }),
  ],
  [
    ['user', 'begin', 'own-batch-queue', 'every message asks for an acknowledgement'],
    ['kernel', 'error', 'own-batch-queue-ack', 'the first of three'],
    ['user', 'get-rule-reset', 'own-rules-reset'],
    ['kernel', 'new-rule', 'own-rules', 'as our readers must read them; the counter was installed with these numbers'],
  ],
)
own(
  'writeNfnetlinkMessage',
  'an owned table, udp, target NFLOG',
  [
    changed(...base(Family.Ipv4), ruleOf(Family.Ipv4, ...udp, logTarget)),
    written(NfTablesMessage.GetRule, 0x300, Family.Ipv4, { table }),
  ],
  [
    ['user', 'begin', 'own-batch-log', 'no tool makes this target any more'],
    ['kernel', 'new-rule', 'own-rules-log', undefined, ({ bytes }) => bytes.includes('NFLOG\0')],
  ],
)
own(
  'writeNfnetlinkMessage',
  'the target NFQUEUE in family bridge',
  [changed(...base(Family.Bridge), ruleOf(Family.Bridge, queueTarget))],
  [
    ['user', 'begin', 'own-batch-bridge', 'the kernel has no such target for this family'],
    ['kernel', 'error', 'own-batch-bridge-error', undefined, ({ bytes }) => bytes.readInt32LE(16) !== 0],
  ],
)
