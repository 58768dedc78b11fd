// SPDX-License-Identifier: MIT
//
// Captures the golden vectors of connection tracking: runs conntrack(8) with listen.c loaded into it and prints what it
// and the kernel said as records. Run it through capture.sh, which makes the namespace it lives in.
//
//   node conntrack.mjs listen.so

import { Recorder, shell } from './recorder.mjs'

const [library] = process.argv.slice(2)

const kinds = new Map([
  [2, 'error'],
  [3, 'done'],
  ...['new', 'get', 'delete', 'get-and-zero', 'get-processors', 'get-statistics', 'get-dying', 'get-unconfirmed'].map(
    (name, index) => [0x0100 | index, name],
  ),
  ...['new-expectation', 'get-expectation', 'delete-expectation', 'get-expectation-processors'].map((name, index) => [
    0x0200 | index,
    name,
  ]),
])
const recorder = new Recorder(library, kinds, () => 'conntrack 1.4.7, libnetfilter_conntrack 1.0.9')
const conntrack = (words) => ['conntrack', ...words.split(' ')]
const created = (name, note) => [
  ['user', 'new', name, note],
  ['kernel', 'error', `${name}-ack`],
]

shell(`
  sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1
  nft 'add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct label 1 ct state new accept'
`)

// --------------------------------------------------------------------------------------------------------- create and
// change

const tcp = '-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80'
recorder.step(conntrack(`-I ${tcp} --state ESTABLISHED -u SEEN_REPLY,ASSURED -t 100 -m 7`), created('create-tcp'))
recorder.step(conntrack(`-I ${tcp} --state ESTABLISHED -t 100`), [
  ['kernel', 'error', 'create-tcp-again-error', 'it exists', ({ bytes }) => bytes.readInt32LE(16) !== 0],
])
recorder.step(
  conntrack('-I -p udp -s 2001:db8::1 -d 2001:db8::2 --sport 1001 --dport 53 -t 60 -w 5'),
  created('create-udp-ipv6', 'in zone 5'),
)
recorder.step(
  conntrack('-I -p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 60'),
  created('create-icmp'),
)
recorder.step(
  conntrack(
    '-I -p sctp -s 10.0.0.1 -d 10.0.0.2 --orig-port-src 1 --orig-port-dst 2 --state ESTABLISHED --orig-vtag 7 --reply-vtag 8 -t 60',
  ),
  created('create-sctp'),
)
recorder.step(conntrack('-I -p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 5 --dstkey 6 -t 60'), created('create-gre'))
recorder.step(
  conntrack('-I -p udp -s 10.0.0.1 -d 10.0.0.3 --sport 7 --dport 9 -t 60 --dst-nat 10.0.0.9:99'),
  created('create-udp-nat', 'CTA_NAT_DST'),
)
recorder.step(conntrack(`-U -f ipv4 ${tcp} -m 0x100`), [
  ['user', 'new', 'update-tcp', 'it reads the connection first, and sends all of it back'],
])
recorder.step(conntrack(`-I -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 2000 --dport 21 --state ESTABLISHED -t 300`), [])
recorder.step(conntrack('-D -p tcp -s 10.0.0.9'), [['user', 'get', 'connections-get-all', 'it looks for them itself']])

// ------------------------------------------------------------------------------------------------------------ real
// connections

shell(`
  echo hello > /dev/udp/127.0.0.1/5353
  python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 8080))
client = socket.create_connection(("127.0.0.1", 8080))
accepted, _ = server.accept()
client.sendall(b"x" * 1000)
accepted.recv(1000)
'`)

// ---------------------------------------------------------------------------------------------------------------- read

recorder.step(conntrack(`-G ${tcp}`), [
  ['user', 'get', 'connection-get'],
  ['kernel', 'new', 'connection'],
])
recorder.step(conntrack('-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 9 --dport 9'), [
  ['kernel', 'error', 'connection-gone-error', 'there is none', ({ bytes }) => bytes.readInt32LE(16) !== 0],
])
recorder.step(conntrack('-L -f ipv4'), [
  ['user', 'get', 'connections-get', 'of family AF_INET'],
  ['kernel', 'new', 'connections', 'counters, timestamps, address translation, all protocols'],
  ['kernel', 'done', 'connections-done'],
])
recorder.step(conntrack('-L -f ipv6 -w 5'), [['kernel', 'new', 'connections-ipv6', 'in zone 5']])
recorder.step(conntrack('-L -m 0x100/0xff00'), [
  ['user', 'get', 'connections-get-mark', 'the kernel compares bits of the mark'],
  ['kernel', 'new', 'connections-mark'],
])
recorder.step(conntrack('-L -u ASSURED'), [['user', 'get', 'connections-get-status', 'bits of the status']])
recorder.step(conntrack('-L -z -f ipv4'), [
  ['user', 'get-and-zero', 'connections-get-and-zero'],
  ['kernel', 'new', 'connections-zeroed', 'the counters as they were'],
])
recorder.step(conntrack('-C'), [
  ['user', 'get-statistics', 'statistics-get'],
  ['kernel', 'get-statistics', 'statistics', 'the type is that of the request'],
])
recorder.step(conntrack('-S'), [
  ['user', 'get-processors', 'processors-get'],
  ['kernel', 'get-processors', 'processors', 'one message for each processor, whose number is res_id'],
  ['kernel', 'done', 'processors-done'],
])

// ---------------------------------------------------------------------------------------------------------------
// expectations

shell('conntrack -F >/dev/null 2>&1 || true')
shell(`
  nft 'add table ip h; add ct helper ip h ftp { type "ftp" protocol tcp; }
    add chain ip h c { type filter hook output priority 0; }; add rule ip h c tcp dport 2121 ct helper set "ftp"'
  python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 2121))
client = socket.socket()
client.bind(("127.0.0.1", 40000))
client.connect(("127.0.0.1", 2121))
'`)
const master = '--tuple-src 127.0.0.1 --tuple-dst 127.0.0.1 -s 127.0.0.1 -d 127.0.0.1'
recorder.step(
  conntrack(
    `-I expect -p tcp ${master} --sport 40000 --dport 2121 --tuple-port-src 0 --tuple-port-dst 40001 --mask-src 255.255.255.255 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535 -t 60`,
  ),
  [
    ['user', 'new-expectation', 'create-expectation'],
    ['kernel', 'error', 'create-expectation-ack'],
  ],
)
recorder.step(conntrack('-L expect'), [
  ['user', 'get-expectation', 'expectations-get'],
  ['kernel', 'new-expectation', 'expectations'],
])
recorder.step(conntrack('-L -p tcp --dport 2121'), [
  ['kernel', 'new', 'connection-helper', 'CTA_HELP', ({ bytes }) => bytes.includes('ftp\0')],
])

// ---------------------------------------------------------------------------------------------------------------------
// events

await recorder.watch(
  ['conntrack', '-E'],
  [
    ['kernel', 'new', 'event-new', 'NLM_F_CREATE | NLM_F_EXCL: a new connection'],
    ['kernel', 'new', 'event-update', 'neither flag: a change', ({ bytes }) => (bytes.readUInt16LE(6) & 0x400) === 0],
    ['kernel', 'delete', 'event-destroy', 'with the final counters and the time of its end'],
  ],
  3,
  () =>
    shell(`
      conntrack -I -p udp -s 10.0.0.1 -d 10.0.0.4 --sport 5 --dport 53 -t 60 -m 1
      conntrack -U -f ipv4 -p udp -s 10.0.0.1 -d 10.0.0.4 --sport 5 --dport 53 -m 2
      conntrack -D -p udp -d 10.0.0.4 --dport 53
    `),
)
recorder.step(conntrack('-D -p tcp --dport 2121'), [
  ['user', 'delete', 'connection-delete'],
  ['kernel', 'error', 'connection-delete-ack'],
])
recorder.step(conntrack('-F'), [
  ['user', 'delete', 'connections-flush', 'a request without a tuple deletes all'],
  ['kernel', 'error', 'connections-flush-ack'],
])
