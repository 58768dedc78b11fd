/** Scripts for connection tracking, by hand: what rules load of connections, and set. */
import { ConntrackKey, type Expression, Hook, HookPriority } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import {
  ask,
  both,
  CLIENT,
  type CtScript,
  type CtStep,
  create,
  inject,
  ip6,
  list,
  nfSteps,
  opened,
  packet,
  read,
  SERVER,
  SYN,
  tcpHeader,
  udpHeader,
} from './conntrack-script.ts'
import {
  base,
  bytes32,
  counter,
  type NfMessage,
  batch as nfBatch,
  dumps as nfDumps,
  rule,
  table,
  udpTo,
} from './nftables-script.ts'

const { Udp, Tcp } = IpProtocol
const FIRST_PORT = 7000
/** NFT_REG32_00: of four bytes, as the others */
const WORD = 8

const batch = (messages: readonly NfMessage[]): CtStep[] => nfSteps([nfBatch(messages)])
const dumps = (): CtStep[] => nfSteps(nfDumps('a'))
const load = (key: number, direction?: number, destinationRegister = 1): Expression => ({
  name: 'ct',
  data: { destinationRegister, key, direction },
})
const set = (key: number, sourceRegister = 1, direction?: number): Expression => ({
  name: 'ct',
  data: { sourceRegister, key, direction },
})
const immediate = (value: Uint8Array, destinationRegister = 1): Expression => ({
  name: 'immediate',
  data: { destinationRegister, data: { value } },
})
const notrack: Expression = { name: 'notrack' }
const chainAfter = base('c', HookPriority.Mangle, {}, Hook.Output)
const chainBefore = base('c', HookPriority.Conntrack - 50, {}, Hook.Output)

const to = (port: number) => packet(Udp, CLIENT, SERVER, udpHeader(1000, port))
const from = (port: number) => packet(Udp, SERVER, CLIENT, udpHeader(port, 1000))
const to6 = (port: number) => packet(Udp, ip6(1), ip6(2), udpHeader(1000, port))

/** Keys with all directions that they may have. Ids, and how much time is left, are different each time. */
const directions = [undefined, 0, 1] as const
const keys = Object.values(ConntrackKey).filter((key) => key !== ConntrackKey.Id && key !== ConntrackKey.Expiration)

/** Rules that write the words of a key into the mark of a connection to a port of each rule's own. */
const values: readonly (readonly [key: number, direction: number | undefined, word: number])[] = [
  [ConntrackKey.State, undefined, 0],
  [ConntrackKey.Direction, undefined, 0],
  [ConntrackKey.Status, undefined, 0],
  [ConntrackKey.SecurityMark, undefined, 0],
  [ConntrackKey.Helper, undefined, 0],
  [ConntrackKey.NetworkProtocol, undefined, 0],
  [ConntrackKey.TransportProtocol, undefined, 0],
  ...[0, 1].flatMap((direction) =>
    [
      ConntrackKey.Source,
      ConntrackKey.Destination,
      ConntrackKey.SourcePort,
      ConntrackKey.DestinationPort,
      ConntrackKey.SourceIpv4,
      ConntrackKey.DestinationIpv4,
    ].map((key) => [key, direction, 0] as const),
  ),
  ...[0, 1].flatMap((direction) =>
    [ConntrackKey.SourceIpv6, ConntrackKey.DestinationIpv6].map((key) => [key, direction, 3] as const),
  ),
  [ConntrackKey.Labels, undefined, 0],
  [ConntrackKey.Labels, undefined, 3],
  ...directions.flatMap((direction) =>
    [ConntrackKey.Packets, ConntrackKey.Bytes, ConntrackKey.AveragePacket, ConntrackKey.Zone].map(
      (key) => [key, direction, 0] as const,
    ),
  ),
  [ConntrackKey.Packets, undefined, 1],
]
const valueRules = values.map(([key, direction, word], index) =>
  rule([...udpTo(FIRST_PORT + index), load(key, direction), set(ConntrackKey.Mark, WORD + word)]),
)
const ports = values.map((_, index) => FIRST_PORT + index)

/** So few at a time that none is older than two seconds, when it would be a stream, also on a slow machine. */
function inParts(all: readonly number[]): number[][] {
  const size = 5
  return Array.from({ length: Math.ceil(all.length / size) }, (_, part) => all.slice(part * size, (part + 1) * size))
}

/** A batch for each of these expressions alone, and its answers. */
const each = (expressions: readonly (readonly Expression[])[]): CtStep[] =>
  expressions.flatMap((it): CtStep[] => [...batch([rule([...it])]), read('a')])

export const ctRuleScripts: Readonly<Record<string, CtScript>> = {
  'what each key loads': {
    settings: { nf_conntrack_acct: 1 },
    steps: [
      ...opened,
      ...batch([table('t'), chainAfter, ...valueRules]),
      read('a'),
      ...inParts(ports).flatMap((part) => [
        inject(...part.map(to)),
        read('b'),
        inject(...part.map(from), ...part.map(to)),
        read('b'),
      ]),
      ...ask(list()),
      inject(...ports.map(to6)),
      read('b'),
      ...dumps(),
    ],
  },
  'expressions that are refused': {
    steps: [
      ...opened,
      ...batch([table('t'), chainAfter]),
      read('a'),
      ...each(keys.flatMap((key) => [undefined, 0, 1, 2].map((direction) => [load(key, direction)]))),
      ...each(
        [...keys, 24, 99].flatMap((key) =>
          [undefined, 0, 2].map((direction) => [immediate(new Uint8Array(16)), set(key, 1, direction)]),
        ),
      ),
      ...each([
        [set(ConntrackKey.Mark)],
        [load(ConntrackKey.Mark, undefined, 0)],
        [load(ConntrackKey.Labels, undefined, 21)],
        [{ name: 'ct', data: { key: 1 } }],
        [{ name: 'ct', data: { destinationRegister: 1 } }],
        [{ name: 'ct', data: { destinationRegister: 1, sourceRegister: 1, key: 3 } }],
        [immediate(new Uint8Array(4)), set(ConntrackKey.Labels)],
      ]),
      ...dumps(),
    ],
  },
  'zones, labels, marks and masks of events by rules': {
    steps: [
      ...opened,
      ...batch([
        table('t'),
        chainBefore,
        rule([...udpTo(1), immediate(Uint8Array.of(5, 0)), set(ConntrackKey.Zone)]),
        rule([...udpTo(2), immediate(Uint8Array.of(6, 0)), set(ConntrackKey.Zone, 1, 0)]),
        rule([...udpTo(3), immediate(Uint8Array.of(7, 0)), set(ConntrackKey.Zone, 1, 1)]),
        rule([...udpTo(4), notrack]),
      ]),
      read('a'),
      ...batch([
        base('d', HookPriority.Mangle, {}, Hook.Output),
        rule(
          [...udpTo(5), immediate(Uint8Array.of(...Array.from({ length: 16 }, (_, i) => i))), set(ConntrackKey.Labels)],
          {
            chain: 'd',
          },
        ),
        rule([...udpTo(6), immediate(bytes32(77)), set(ConntrackKey.Mark)], { chain: 'd' }),
        rule([...udpTo(7), immediate(bytes32(1)), set(ConntrackKey.EventMask)], { chain: 'd' }),
        rule([...udpTo(8), immediate(bytes32(0x84)), set(ConntrackKey.EventMask)], { chain: 'd' }),
        rule([...udpTo(8), immediate(bytes32(1)), set(ConntrackKey.Mark)], { chain: 'd' }),
        rule([...udpTo(9), immediate(bytes32(5)), set(ConntrackKey.SecurityMark)], { chain: 'd' }),
        rule(
          [
            load(ConntrackKey.State),
            { name: 'cmp', data: { sourceRegister: 1, operation: 0, data: { value: bytes32(0x40) } } },
            counter,
          ],
          {
            chain: 'd',
          },
        ),
        rule(
          [
            load(ConntrackKey.State),
            { name: 'cmp', data: { sourceRegister: 1, operation: 0, data: { value: bytes32(1) } } },
            counter,
          ],
          {
            chain: 'd',
          },
        ),
      ]),
      read('a'),
      inject(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(to)),
      read('b'),
      ...ask(list()),
      inject(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(from)),
      read('b'),
      inject(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(to)),
      inject(
        packet(Tcp, CLIENT, SERVER, tcpHeader(1, 2, { flags: 0 })),
        packet(Tcp, CLIENT, SERVER, tcpHeader(1, 2, { flags: SYN })),
      ),
      read('b'),
      ...ask(list()),
      ...ask(create({ ...both(Udp, 77, 78), timeout: 100, labels: new Uint8Array(16).fill(3) })),
      ...ask(
        create(
          {
            ...both(Udp, 77, 78),
            timeout: 100,
            labels: new Uint8Array(4).fill(1),
            labelsMask: new Uint8Array(4).fill(2),
          },
          { flags: 5 },
        ),
      ),
      ...ask(create({ ...both(Udp, 77, 78), timeout: 100, labels: new Uint8Array(8).fill(1) }, { flags: 5 })),
      ...ask(
        create(
          { ...both(Udp, 77, 78), labels: new Uint8Array(8).fill(1), labelsMask: new Uint8Array(4) },
          { flags: 5 },
        ),
      ),
      read('b'),
      ...ask(list()),
      ...dumps(),
    ],
  },
}
