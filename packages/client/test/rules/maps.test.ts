/** Sets of several types, and maps: on the simulated kernel, and what is refused. */
import { udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { checkRules, type FirewallRule, installRules, type RuleSets } from '../../src/index.ts'
import { changeMaps, mapRules, mapSets, refuseMaps } from './map-scenario.ts'

test('elements of several values and of maps are changed and listed', async () => {
  const kernel = new SimKernel()
  await using rules = await installRules(mapRules, { transport: (needs) => kernel.open(needs), sets: mapSets })
  await changeMaps(rules)
  await refuseMaps(rules)
})

test('packets get the verdict and the mark that a map has for them', async () => {
  const kernel = new SimKernel()
  const marks: number[] = []
  kernel.onDelivered(({ mark }) => marks.push(mark))
  const rules = await installRules(mapRules, { transport: (needs) => kernel.open(needs), sets: mapSets })
  await changeMaps(rules)
  const send = (destination: string, destinationPort: number) =>
    kernel.inject(udpPacket({ source: '127.0.0.9', destination, sourcePort: 1, destinationPort, payload: 'x' }))
  for (const [address, port] of [
    ['127.0.0.1', 5030],
    ['127.0.0.2', 53],
    ['127.0.0.3', 53],
    ['127.0.0.9', 5030],
    ['127.1.0.1', 9],
  ] as const)
    send(address, port)
  expect(marks).toEqual([0x80000000, 0])
  const counted = (await rules.counters()).map(({ packets }) => packets)
  expect(counted).toEqual([0, 3, 5, 5, 2, 5, 4, 0, 0, 0, 1])
  expect((await rules.set('seen').list()).map(({ value }) => value)).toContainEqual(['127.1.0.1', 9])
  await rules.close()
})

const PAIR = ['destinationAddress', 'destinationPort'] as const
const UDP = { protocol: 'udp' } as const
const refused: readonly (readonly [rule: FirewallRule, path: string, text: string])[] = [
  [
    { hook: 'output', match: { combined: { of: [...PAIR], in: 'pairs' } } },
    'match.combined.of[1]',
    'needs a protocol that has ports',
  ],
  [
    { hook: 'output', match: { ...UDP, combined: { of: [...PAIR], in: 'nothing' } } },
    'match.combined.in',
    'there are pairs',
  ],
  [{ hook: 'output', match: { ...UDP, combined: { of: [...PAIR], in: 'ways' } } }, 'match.combined.in', 'not a map'],
  [
    { hook: 'output', match: { ...UDP, combined: { of: [...PAIR, 'mark'], in: 'pairs' } } },
    'match.combined.of',
    'must be 2 of them',
  ],
  [
    { hook: 'output', match: { ...UDP, combined: [{ of: ['destinationPort', 'destinationAddress'], in: 'pairs' }] } },
    'match.combined[0].of[0]',
    'destinationPort is never of type ipv4',
  ],
  [
    { hook: 'output', match: { ...UDP, sourceAddress: '::1', not: { combined: { of: [...PAIR], in: 'pairs' } } } },
    'match.not.combined.of',
    'cannot go with ::1',
  ],
  [
    { hook: 'output', match: { combined: { of: ['inputInterface', 'mark'], in: 'devices' } } },
    'match.combined.of[0]',
    'the packet did not arrive on a device',
  ],
  [
    { hook: 'output', match: { destinationAddress: { in: 'pairs' } } },
    'match.destinationAddress.in',
    'type ipv4 . port',
  ],
  [{ hook: 'output', match: { destinationAddress: { in: 'verdicts' } } }, 'match.destinationAddress.in', 'not a map'],
  [
    { hook: 'output', verdict: { map: 'marks', by: 'destinationPort' } },
    'verdict.map',
    "must be a map with to: 'verdict'",
  ],
  [{ hook: 'output', setMark: { map: 'pairs', by: [...PAIR] } }, 'setMark.map', "must be a map with to: 'mark'"],
  [{ hook: 'output', setMark: { map: 'marks', by: 'destinationPort' } }, 'setMark.by', 'match.protocol is missing'],
  [
    { hook: 'output', verdict: { map: 'verdicts', by: 'sourceHardwareAddress' } },
    'verdict.by',
    'is never of type ipv4',
  ],
  [
    { hook: 'output', match: { version: 6 }, verdict: { map: 'verdicts', by: 'sourceAddress' } },
    'verdict.by',
    'cannot go with version 6',
  ],
  [{ hook: 'output', match: UDP, addTo: { set: 'pairs', by: [...PAIR] } }, 'addTo.set', 'needs a set that is dynamic'],
  [{ hook: 'output', match: UDP, addTo: { set: 'seen', by: [...PAIR] } }, 'addTo.by[0]', 'needs an IP version'],
  [
    { hook: 'output', reject: 'no-route', verdict: { map: 'verdicts', by: 'sourceAddress' } },
    'verdict',
    'cannot go with reject',
  ],
]
const refusedSets: RuleSets = { ...mapSets, devices: { type: ['interface', 'mark'] } }

test.each(refused)('%j is refused', (rule, path, text) => {
  const check = () => checkRules([rule], { sets: refusedSets })
  expect(check).toThrow(text)
  expect(check).toThrow(expect.objectContaining({ code: 'ARGUMENT', path: `rules[0].${path}` }))
})

test.each([
  [{ type: ['ipv4'] }, 'type', 'list'],
  [{ type: ['ipv6', 'ipv6', 'ipv6', 'ipv6', 'port'] }, 'type', 'makes keys of 68 bytes'],
  [{ type: 'ipv4', to: 'mark', dynamic: true }, 'dynamic', 'cannot go with to'],
  [{ type: 'ipv4', to: 'chain' }, 'to', "'verdict' or 'mark'"],
])('the set %j is refused', (set, path, text) => {
  const check = () => checkRules(['output drop'], { sets: { own: set as never } })
  expect(check).toThrow(text)
  expect(check).toThrow(expect.objectContaining({ path: `sets.own.${path}` }))
})
