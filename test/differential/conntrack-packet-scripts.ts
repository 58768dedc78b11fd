/** Scripts for connection tracking, by hand: packets. */
import { Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import {
  ACK,
  ask,
  bare,
  CLIENT,
  type CtScript,
  FIN,
  flush,
  get,
  icmpMessage,
  inject,
  ip,
  ip6,
  list,
  listAndZero,
  opened,
  packet,
  RST,
  read,
  remove,
  SERVER,
  type Segment,
  SYN,
  tcpHeader,
  tuple,
  udpHeader,
} from './conntrack-script.ts'

const { Tcp, Udp, Icmp, Icmpv6 } = IpProtocol
const bytes = (...values: number[]) => Uint8Array.from(values)

const udp = (source = CLIENT, sourcePort = 1000, destination = SERVER, destinationPort = 53, data = 4) =>
  packet(Udp, source, destination, udpHeader(sourcePort, destinationPort, data))
const udpReply = (data = 8) => udp(SERVER, 53, CLIENT, 1000, data)
const tcp = (segment: Segment, sourcePort = 2000) => packet(Tcp, CLIENT, SERVER, tcpHeader(sourcePort, 80, segment))
const tcpReply = (segment: Segment, sourcePort = 2000) =>
  packet(Tcp, SERVER, CLIENT, tcpHeader(80, sourcePort, segment))
const looked = [read('b'), ...ask(list())]

const SCALED = [2, 4, 5, 180, 1, 3, 3, 7, 4, 2]
const handshake = [
  tcp({ flags: SYN, sequence: 100, options: SCALED }),
  tcpReply({ flags: SYN | ACK, sequence: 500, ack: 101, options: SCALED }),
  tcp({ flags: ACK, sequence: 101, ack: 501 }),
]

export const ctPacketScripts: Readonly<Record<string, CtScript>> = {
  'a datagram, its answer, and a second one': {
    settings: { nf_conntrack_acct: 1 },
    steps: [
      ...opened,
      inject(udp()),
      ...looked,
      inject(udpReply()),
      ...looked,
      inject(udp()),
      ...looked,
      ...ask(get({ original: tuple(Udp, CLIENT, 1000, SERVER, 53) })),
      ...ask(get({ reply: tuple(Udp, SERVER, 53, CLIENT, 1000) })),
      ...ask(listAndZero(), list()),
      ...ask(remove({ original: tuple(Udp, CLIENT, 1000, SERVER, 53) })),
      ...looked,
    ],
  },
  'a stream of datagrams is assured after two seconds': {
    steps: [
      ...opened,
      inject(udp(), udpReply(), udp()),
      { do: 'wait', milliseconds: 2100 },
      inject(udp()),
      ...looked,
      inject(udpReply()),
      ...looked,
    ],
  },
  'datagrams that are broken': {
    steps: [
      ...opened,
      inject(
        packet(Udp, CLIENT, SERVER, bytes(0, 1, 0, 2, 0, 8, 0)),
        packet(Udp, CLIENT, SERVER, bytes(0, 1, 0, 2, 0, 80, 0, 0)),
        packet(Udp, CLIENT, SERVER, bytes(0, 1, 0, 2, 0, 7, 0, 0)),
        packet(Udp, CLIENT, SERVER, bytes(0, 1)),
        packet(Udp, CLIENT, SERVER, bytes(0, 1, 0, 3, 0, 8, 0, 0)),
      ),
      ...looked,
    ],
  },
  'a connection of TCP from its SYN to its end': {
    settings: { nf_conntrack_acct: 1, nf_conntrack_timestamp: 1 },
    steps: [
      ...opened,
      ...handshake.flatMap((it) => [inject(it), ...looked]),
      inject(tcp({ flags: ACK, sequence: 101, ack: 501, data: 10 })),
      ...looked,
      inject(tcpReply({ flags: ACK, sequence: 501, ack: 111 })),
      ...looked,
      inject(tcp({ flags: FIN | ACK, sequence: 111, ack: 501 })),
      ...looked,
      inject(tcpReply({ flags: ACK, sequence: 501, ack: 112 })),
      ...looked,
      inject(tcpReply({ flags: FIN | ACK, sequence: 501, ack: 112 })),
      ...looked,
      inject(tcp({ flags: ACK, sequence: 112, ack: 502 })),
      ...looked,
      inject(tcp({ flags: SYN, sequence: 9000 })),
      ...looked,
      ...ask(flush()),
      read('b'),
    ],
  },
  'resets, and what comes after them': {
    steps: [
      ...opened,
      inject(tcp({ flags: SYN, sequence: 100 }), tcpReply({ flags: RST | ACK, sequence: 0, ack: 101 })),
      ...looked,
      inject(...handshake, tcp({ flags: RST, sequence: 101 })),
      ...looked,
      inject(tcp({ flags: SYN, sequence: 5000 })),
      ...looked,
      inject(...handshake.map((_, index) => handshake[index] as Uint8Array)),
      inject(tcpReply({ flags: RST, sequence: 77 })),
      ...looked,
      inject(tcpReply({ flags: RST, sequence: 520 })),
      ...looked,
    ],
  },
  'a connection of TCP that has begun before': {
    steps: [
      ...opened,
      inject(tcp({ flags: ACK, sequence: 5000, ack: 7000 })),
      ...looked,
      inject(tcpReply({ flags: ACK, sequence: 7000, ack: 5000 })),
      ...looked,
      inject(tcp({ flags: ACK, sequence: 5000, ack: 7000 })),
      ...looked,
    ],
  },
  'a connection of TCP that has begun before, where that is not taken': {
    settings: { nf_conntrack_tcp_loose: 0 },
    steps: [...opened, inject(tcp({ flags: ACK, sequence: 5000, ack: 7000 })), ...looked],
  },
  'segments out of the window, and with flags that do not go together': {
    steps: [
      ...opened,
      inject(...handshake),
      inject(tcp({ flags: ACK, sequence: 900_000, ack: 501 }), tcp({ flags: ACK, sequence: 101, ack: 900_000 })),
      ...looked,
      inject(
        tcp({ flags: SYN | FIN, sequence: 101 }),
        tcp({ flags: 0, sequence: 101 }),
        tcp({ flags: FIN, sequence: 101 }),
      ),
      ...looked,
      inject(tcp({ flags: FIN | ACK, sequence: 900_000, ack: 501 }), tcpReply({ flags: RST, sequence: 100_000_000 })),
      ...looked,
    ],
  },
  'segments that are sent again and again': {
    settings: { nf_conntrack_tcp_max_retrans: 2 },
    steps: [
      ...opened,
      inject(...handshake),
      inject(...Array.from({ length: 5 }, () => tcp({ flags: ACK, sequence: 101, ack: 501, data: 3 }))),
      ...looked,
      inject(tcp({ flags: SYN, sequence: 100 }, 2001), tcp({ flags: SYN, sequence: 100 }, 2001)),
      ...looked,
    ],
  },
  'both sides open at once': {
    steps: [
      ...opened,
      inject(tcp({ flags: SYN, sequence: 100 }), tcpReply({ flags: SYN, sequence: 500 })),
      ...looked,
      inject(tcp({ flags: SYN | ACK, sequence: 100, ack: 501 })),
      ...looked,
      inject(
        tcpReply({ flags: SYN | ACK, sequence: 500, ack: 101 }),
        tcpReply({ flags: ACK, sequence: 501, ack: 101 }),
      ),
      ...looked,
    ],
  },
  'echo, and errors about packets': {
    steps: [
      ...opened,
      inject(packet(Icmp, CLIENT, SERVER, icmpMessage(8, 0, 77))),
      ...looked,
      inject(packet(Icmp, SERVER, CLIENT, icmpMessage(0, 0, 77))),
      ...looked,
      inject(packet(Icmp, SERVER, CLIENT, icmpMessage(0, 0, 78)), packet(Icmp, CLIENT, SERVER, icmpMessage(40, 0, 0))),
      inject(packet(Icmp, CLIENT, SERVER, icmpMessage(13, 0, 5)), packet(Icmp, CLIENT, SERVER, icmpMessage(9, 0, 5))),
      inject(udp()),
      inject(packet(Icmp, SERVER, CLIENT, icmpMessage(3, 3, 0, udp()))),
      inject(packet(Icmp, SERVER, ip('10.0.0.9'), icmpMessage(3, 3, 0, udp()))),
      inject(packet(Icmp, SERVER, CLIENT, icmpMessage(11, 0, 0, udp(CLIENT, 1, SERVER, 2)))),
      inject(packet(Icmp, SERVER, CLIENT, bytes(3, 3))),
      ...looked,
      ...ask(bare(0x105)),
    ],
  },
  'IPv6, its echo, and what is never tracked': {
    steps: [
      ...opened,
      inject(packet(Udp, ip6(1), ip6(2), udpHeader(1000, 53))),
      inject(packet(Tcp, ip6(1), ip6(2), tcpHeader(5, 6, { flags: SYN, sequence: 1 }))),
      inject(
        packet(Icmpv6, ip6(1), ip6(2), icmpMessage(128, 0, 9)),
        packet(Icmpv6, ip6(2), ip6(1), icmpMessage(129, 0, 9)),
      ),
      inject(packet(Icmpv6, ip6(1), ip6(2), icmpMessage(135, 0, 0, new Uint8Array(16)))),
      inject(packet(Icmpv6, ip6(2), ip6(1), icmpMessage(1, 4, 0, packet(Udp, ip6(1), ip6(2), udpHeader(1000, 53))))),
      inject(packet(99, ip6(1), ip6(2), bytes(1, 2, 3, 4))),
      inject(packet(99, CLIENT, SERVER, bytes(1, 2, 3, 4)), packet(99, SERVER, CLIENT, bytes(1, 2, 3, 4))),
      ...looked,
      ...ask(list({}, { family: Family.Ipv6 }), list({}, { family: Family.Ipv4 }), list({}, { family: 7 })),
      ...ask(flush({}, { family: Family.Ipv6, version: 1 }), list(), flush({}, { family: Family.Ipv4 }), list()),
      read('b'),
    ],
  },
}
