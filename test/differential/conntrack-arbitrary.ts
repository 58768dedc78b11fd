/**
 * Scripts for connection tracking at random: a few hosts and ports, so that packets and requests meet the same
 * connections.
 */
import { type Conntrack, type Expectation, Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import fc, { type Arbitrary } from 'fast-check'
import { optional, sparse } from './arbitrary.ts'
import {
  ask,
  bare,
  CLIENT,
  type CtMessage,
  type CtScript,
  type CtStep,
  create,
  expectGet,
  expectList,
  expectNew,
  expectRemove,
  flush,
  get,
  icmpMessage,
  inject,
  ip6,
  list,
  listAndZero,
  opened,
  packet,
  read,
  remove,
  SERVER,
  tcpHeader,
  tuple,
  udpHeader,
  update,
} from './conntrack-script.ts'

const { Tcp, Udp, Icmp, Icmpv6 } = IpProtocol
const fewPorts = fc.constantFrom(1, 2, 21)
const ends = fc.constantFrom([CLIENT, SERVER], [SERVER, CLIENT], [ip6(1), ip6(2)], [ip6(2), ip6(1)]) as Arbitrary<
  readonly [Uint8Array, Uint8Array]
>

// Packets.
const numbers = fc.constantFrom(0, 1, 100, 101, 102, 111, 500, 501, 502, 1500, 70_000, 200_000, 0xfffffff0)
const flags = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0x02, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14) },
  { weight: 1, arbitrary: fc.nat({ max: 0xff }) },
)
const segment = fc.record({
  flags,
  sequence: numbers,
  ack: numbers,
  window: fc.constantFrom(0, 1, 1000, 65_535),
  options: fc.constantFrom<number[]>(
    [],
    [],
    [2, 4, 5, 180, 1, 3, 3, 7, 4, 2],
    [4, 2, 1, 1],
    [5, 10, 0, 0, 0, 101, 0, 0, 1, 245, 1, 1],
  ),
  data: fc.constantFrom(0, 0, 1, 10, 1400),
})
const tcpPacket = fc
  .tuple(ends, fewPorts, fewPorts, segment)
  .map(([[from, to], source, destination, it]) => packet(Tcp, from, to, tcpHeader(source, destination, it)))
const udpPacket = fc
  .tuple(ends, fewPorts, fewPorts, fc.nat({ max: 20 }))
  .map(([[from, to], source, destination, data]) => packet(Udp, from, to, udpHeader(source, destination, data)))
const query = fc
  .tuple(ends, fc.constantFrom(0, 8, 13, 14, 128, 129, 139, 5, 200), fc.constantFrom(0, 1), fewPorts)
  .map(([[from, to], type, code, id]) =>
    packet(from.length === 4 ? Icmp : Icmpv6, from, to, icmpMessage(type, code, id)),
  )
const error = fc
  .tuple(ends, fc.constantFrom(1, 3, 11, 12), fc.oneof(tcpPacket, udpPacket, query))
  .map(([[from, to], type, about]) =>
    packet(from.length === 4 ? Icmp : Icmpv6, from, to, icmpMessage(type, 0, 0, about.subarray(0, 64))),
  )
const otherProtocol = fc
  .tuple(ends, fc.constantFrom(2, 99, 103), fc.uint8Array({ minLength: 0, maxLength: 12 }))
  .map(([[from, to], protocol, data]) => packet(protocol, from, to, data))
const cutShort = fc
  .tuple(fc.oneof(tcpPacket, udpPacket, query), fc.nat({ max: 12 }))
  .map(([it, cut]) => it.subarray(0, Math.max((it[0] as number) >> 4 === 6 ? 40 : 20, it.length - cut)))
  .map((it) => {
    // The network header has to agree with what is left, or the packet is dropped before it is tracked.
    const bytes = it.slice()
    return (bytes[0] as number) >> 4 === 6
      ? packet(bytes[6] as number, bytes.slice(8, 24), bytes.slice(24, 40), bytes.subarray(40))
      : packet(bytes[9] as number, bytes.slice(12, 16), bytes.slice(16, 20), bytes.subarray(20))
  })
const anyPacket = fc.oneof(
  { weight: 8, arbitrary: tcpPacket },
  { weight: 4, arbitrary: udpPacket },
  { weight: 2, arbitrary: query },
  { weight: 2, arbitrary: error },
  { weight: 1, arbitrary: otherProtocol },
  { weight: 1, arbitrary: cutShort },
)

// Requests.
const protocol = fc.constantFrom<number>(Tcp, Udp)
const tuples = fc.tuple(protocol, ends, fewPorts, fewPorts).map(([number, [from, to], source, destination]) => ({
  original: tuple(number, from, source, to, destination),
  reply: tuple(number, to, destination, from, source),
}))
const timeout = fc.constantFrom(10, 100, 200, 432_000)
const zone = fc.constantFrom(0, 5)
const changes: Arbitrary<Conntrack> = sparse(
  fc.record({
    status: optional(fc.oneof(fc.constantFrom(8, 0xa, 0xe, 0x408), fc.nat({ max: 0xffff }))),
    timeout: optional(timeout),
    mark: optional(fc.constantFrom(0, 1, 0x12, 0xffffffff)),
    markMask: optional(fc.constantFrom(0xf, 0xffffffff)),
    zone: optional(zone),
    id: fc.option(fc.nat(), { nil: undefined, freq: 20 }),
    helper: fc.option(fc.constantFrom({ name: 'ftp' }, { name: '' }, { name: 'tftp' }, {}), {
      nil: undefined,
      freq: 5,
    }),
    protocolInformation: optional(
      fc.record({
        tcp: sparse(
          fc.record({
            state: optional(fc.nat({ max: 11 })),
            windowScaleOriginal: optional(fc.nat({ max: 15 })),
            windowScaleReply: optional(fc.nat({ max: 15 })),
            flagsOriginal: optional(fc.record({ flags: fc.nat({ max: 255 }), mask: fc.nat({ max: 255 }) })),
            flagsReply: optional(fc.record({ flags: fc.nat({ max: 255 }), mask: fc.nat({ max: 255 }) })),
          }),
        ),
      }),
    ),
    labels: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined, freq: 10 }),
  }) as Arbitrary<Conntrack>,
)
const family = (attributes: Conntrack): number =>
  attributes.original?.address?.ipv6Source === undefined && attributes.reply?.address?.ipv6Source === undefined
    ? Family.Ipv4
    : Family.Ipv6
const named = fc.tuple(tuples, fc.constantFrom('original', 'reply', 'both')).map(([both, which]): Conntrack => {
  if (which === 'both') return both
  return which === 'original' ? { original: both.original } : { reply: both.reply }
})
const filter: Arbitrary<Conntrack> = sparse(
  fc.record({
    filter: optional(
      sparse(
        fc.record({ originalFlags: optional(fc.nat({ max: 0x3f })), replyFlags: optional(fc.nat({ max: 0x1fff })) }),
      ),
    ),
    mark: optional(fc.constantFrom(0, 1, 0x12)),
    markMask: optional(fc.constantFrom(0xf, 0xff)),
    status: optional(fc.constantFrom(0, 2, 8, 0xe)),
    statusMask: optional(fc.constantFrom(0, 2, 6, 0xf)),
    zone: optional(zone),
  }) as Arbitrary<Conntrack>,
)
const requestFlags = fc.constantFrom(5, 5, 0x405, 0x605, 0xd, 0x60d, 0x205)
const families = fc.constantFrom(0, Family.Ipv4, Family.Ipv6)

const request: Arbitrary<CtMessage> = fc.oneof(
  fc
    .tuple(tuples, changes, requestFlags)
    .map(([both, more, flags]) => create({ timeout: 100, ...both, ...more }, { flags, family: family(both) })),
  fc.tuple(named, changes).map(([some, more]) => update({ ...some, ...more }, { family: family(some) })),
  fc
    .tuple(named, optional(zone))
    .map(([some, it]) => get({ ...some, ...(it === undefined ? {} : { zone: it }) }, { family: family(some) })),
  fc.tuple(named, requestFlags).map(([some, flags]) => remove(some, { flags, family: family(some) })),
  fc.tuple(filter, tuples, families).map(([it, both, of]) => list({ ...both, ...it }, { family: of })),
  fc.tuple(filter, families).map(([it, of]) => listAndZero(it, { family: of })),
)
const rareRequest: Arbitrary<CtMessage> = fc.oneof(
  fc.tuple(filter, families, fc.nat({ max: 1 })).map(([it, of, version]) => flush(it, { family: of, version })),
  fc.constantFrom(0x104, 0x105, 0x106, 0x107, 0x203).map((type) => bare(type)),
)

const full = Uint8Array.of(255, 255, 255, 255)
const expectation: Arbitrary<Expectation> = fc
  .record({
    port: fewPorts,
    other: fewPorts,
    masked: fc.boolean(),
    flags: optional(fc.nat({ max: 9 })),
    class: optional(fc.nat({ max: 2 })),
  })
  .map(({ port, other, masked, flags, class: number }) => ({
    master: tuple(Tcp, CLIENT, port, SERVER, 21),
    tuple: tuple(Tcp, SERVER, masked ? 0 : other, CLIENT, other),
    mask: tuple(Tcp, full, masked ? 0 : 0xffff, full, 0xffff),
    ...(flags === undefined ? {} : { flags }),
    ...(number === undefined ? {} : { class: number }),
  }))
const expectationRequest: Arbitrary<CtMessage> = fc.oneof(
  fc.constantFrom(1, 2).map((port) =>
    create({
      original: tuple(Tcp, CLIENT, port, SERVER, 21),
      reply: tuple(Tcp, SERVER, 21, CLIENT, port),
      timeout: 100,
      helper: { name: 'ftp' },
    }),
  ),
  fc.tuple(expectation, fc.constantFrom(5, 0x405, 0x605, 0x60d)).map(([it, flags]) => expectNew(it, { flags })),
  expectation.map(({ tuple: it }) => expectGet({ tuple: it })),
  expectation.map(({ tuple: it }) => expectRemove({ tuple: it })),
  expectation.map(({ master }) => expectList({ master }, { family: Family.Ipv4 })),
  fc.constant(expectList()),
)

/** Attributes that are as they should be by chance only. Address translation (6, 13) is not modelled. */
const garbage: Arbitrary<CtMessage> = fc
  .record({
    type: fc.constantFrom(0x100, 0x101, 0x102, 0x200, 0x201, 0x202),
    flags: fc.constantFrom(5, 0x405, 0x305),
    family: families,
    attributes: fc.array(
      fc.record({
        number: fc.nat({ max: 29 }).filter((number) => number !== 6 && number !== 13),
        length: fc.nat({ max: 14 }),
        bytes: fc.uint8Array({ maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ attributes, ...header }) => ({
    ...header,
    body: Uint8Array.from(attributes.flatMap(({ number, length, bytes }) => [length, 0, number, 0, ...bytes])),
  }))

const step: Arbitrary<readonly CtStep[]> = fc.oneof(
  { weight: 10, arbitrary: fc.array(anyPacket, { minLength: 1, maxLength: 6 }).map((packets) => [inject(...packets)]) },
  { weight: 6, arbitrary: request.map((it) => ask(it)) },
  { weight: 1, arbitrary: rareRequest.map((it) => ask(it)) },
  { weight: 2, arbitrary: expectationRequest.map((it) => ask(it)) },
  { weight: 1, arbitrary: garbage.map((it) => ask(it)) },
  { weight: 2, arbitrary: fc.constant([read('b')]) },
)

/** A whole script: packets and requests, and a look at everything at the end. */
export const anyCtScript: Arbitrary<CtScript> = fc
  .tuple(
    fc.record({
      nf_conntrack_acct: fc.nat({ max: 1 }),
      nf_conntrack_timestamp: fc.nat({ max: 1 }),
      nf_conntrack_tcp_loose: fc.constantFrom(1, 1, 0),
      nf_conntrack_tcp_be_liberal: fc.constantFrom(0, 0, 1),
      nf_conntrack_tcp_ignore_invalid_rst: fc.constantFrom(0, 0, 1),
      nf_conntrack_tcp_max_retrans: fc.constantFrom(1, 3),
    }),
    fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }),
  )
  .map(([settings, steps]) => ({
    settings,
    steps: [...opened, ...steps.flat(), read('b'), ...ask(list(), expectList(), bare(0x105)), read('b')],
  }))
