import {
  type Conntrack,
  ConntrackMessage,
  ConntrackView,
  conntrackAttributes,
  Memory,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { runFilter } from '@ringlink/transport'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tupleValues } from '../../src/conntrack/encode.ts'
import { compileFilter, selects } from '../../src/conntrack/filter.ts'
import { compileSocketFilter } from '../../src/conntrack/socket-filter.ts'
import type { ConnectionFilter, ConnectionTuple } from '../../src/index.ts'

// Few values, so that filters meet what they select.
const ports = fc.constantFrom(1, 2, 53, 65535)
const ipv4 = fc.constantFrom('10.0.0.1', '10.0.0.2', '192.168.1.1')
const ipv6 = fc.constantFrom('2001:db8::1', '2001:db8::2', 'fe80::1')
const words = fc.constantFrom('assured', 'seen-reply', 'confirmed') as fc.Arbitrary<
  'assured' | 'seen-reply' | 'confirmed'
>
const marks = fc.constantFrom(0, 1, 2, 3, 0x80000000, 0xffffffff)

function tupleOf(addresses: fc.Arbitrary<string>): fc.Arbitrary<ConnectionTuple> {
  return fc.record({
    sourceAddress: addresses,
    destinationAddress: addresses,
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    sourcePort: ports,
    destinationPort: ports,
  })
}

const connections = fc.constantFrom(ipv4, ipv6).chain((addresses) =>
  fc.record(
    {
      family: fc.constant(addresses === ipv4 ? 2 : 10),
      original: tupleOf(addresses),
      reply: tupleOf(addresses),
      status: fc.nat(0xf),
      mark: marks,
      zone: fc.constantFrom(0, 1, 7),
    },
    { requiredKeys: ['family', 'original', 'reply'] },
  ),
)

const span = fc.oneof(
  ports,
  fc.tuple(ports, ports).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
)
function filterOf(networks: fc.Arbitrary<string>): fc.Arbitrary<ConnectionFilter> {
  const direction = { sourceAddress: networks, destinationAddress: networks, sourcePort: span, destinationPort: span }
  return fc.record(
    {
      ...direction,
      reply: fc.record(direction, { requiredKeys: [] }),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 6),
      status: fc.array(words, { maxLength: 2 }),
      notStatus: fc.constant('seen-reply' as const),
      mark: fc.oneof(
        marks,
        fc.constantFrom({ value: 1, mask: 1 }, { value: 0, mask: 2 }, { value: 0x80000000, mask: 0x80000001 }),
      ),
      zone: fc.constantFrom(0, 1),
    },
    { requiredKeys: [] },
  )
}
const filters = fc.oneof(
  filterOf(fc.constantFrom('10.0.0.0/8', '10.0.0.1', '0.0.0.0/0', '192.168.0.0/17')),
  filterOf(fc.constantFrom('2001:db8::/32', '2001:db8::1', '::/0', 'fe80::/10')),
  fc.record({ family: fc.constantFrom('ip' as const, 'ip6' as const) }),
)

function message(attributes: Conntrack, family: number): { memory: Memory; length: number } {
  const memory = new Memory(1024)
  const header = { type: ConntrackMessage.New, flags: 0, sequence: 0, resourceId: 0, family }
  return {
    memory,
    length: writeNfnetlinkMessage(memory, 0, memory.byteLength, conntrackAttributes, { ...header, attributes }),
  }
}

test('the compiled program keeps what the plain predicate selects', () => {
  let kept = 0
  fc.assert(
    fc.property(connections, filters, ({ family, original, reply, ...rest }, filter) => {
      const compiled = compileFilter(filter)
      const attributes = { original: tupleValues(original), reply: tupleValues(reply), ...rest }
      const { memory, length } = message(attributes, family)
      const program = compileSocketFilter(compiled)
      const isKept = program === undefined || runFilter(program, memory, 0, length) !== 0
      const isSelected = selects(compiled, new ConntrackView().wrap(memory, 0, length))
      if (isSelected) kept++
      expect(isKept).toBe(isSelected)
    }),
    { numRuns: 3000, seed: 16 },
  )
  // Both answers come up.
  expect(kept).toBeGreaterThan(100)
  expect(kept).toBeLessThan(2900)
})

test('message types are compared in the byte order of the host', () => {
  const filter = { ...compileFilter({}), messageTypes: [ConntrackMessage.Delete] }
  const { memory, length } = message({}, 2)
  const program = compileSocketFilter(filter)
  if (program === undefined) throw new Error('a filter of message types needs a program')
  expect(runFilter(program, memory, 0, length)).toBe(0)
  memory.u16[2] = ConntrackMessage.Delete
  expect(runFilter(program, memory, 0, length)).not.toBe(0)
})

test('a filter that selects everything needs no program, and the longest one has jumps that fit', () => {
  expect(compileSocketFilter(compileFilter({}))).toBeUndefined()
  const everything = {
    sourceAddress: '2001:db8::1',
    destinationAddress: '2001:db8::2',
    sourcePort: 1,
    destinationPort: 2,
  }
  const program = compileSocketFilter({
    ...compileFilter({
      ...{ ...everything, reply: everything, protocol: 'tcp', family: 'ip6', status: 'assured' },
      ...{ notStatus: 'seen-reply', mark: { value: 1, mask: 3 }, zone: 5 },
    }),
    messageTypes: [ConntrackMessage.New, ConntrackMessage.Delete],
  })
  for (const { ifTrue, ifFalse } of program ?? []) {
    expect(ifTrue).toBeLessThanOrEqual(0xff)
    expect(ifFalse).toBeLessThanOrEqual(0xff)
  }
  expect(program?.length).toBeGreaterThan(100)
})
