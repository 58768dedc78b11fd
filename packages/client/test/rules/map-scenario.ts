/** What a program does with sets of several types and with maps, the same on the real kernel and the simulated one. */
import { expect } from 'vitest'
import type { FirewallRule, LiveSet, RuleSets, Rules } from '../../src/index.ts'

export const mapSets: RuleSets = {
  pairs: { type: ['ipv4', 'port'] },
  areas: { type: ['ipv4', 'port'], ranges: true },
  marked: { type: ['ipv6', 'mark', 'interface'], ranges: true },
  cards: { type: ['hardwareAddress', 'interface'], timeout: 60_000 },
  seen: { type: ['ipv4', 'port'], dynamic: true },
  verdicts: { type: 'ipv4', to: 'verdict' },
  marks: { type: 'port', to: 'mark', ranges: true },
  ways: { type: ['ipv4', 'port'], to: 'verdict', ranges: true },
  tags: { type: 'mark', to: 'mark', size: 2 },
}

const UDP = { protocol: 'udp' } as const

/** The first seven decide about UDP packets to 127.0.0.0/8. */
export const mapRules: readonly (FirewallRule | string)[] = [
  { hook: 'output', match: { ...UDP, combined: { of: ['destinationAddress', 'destinationPort'], in: 'pairs' } } },
  {
    hook: 'output',
    match: { ...UDP, not: { combined: { of: ['destinationAddress', 'destinationPort'], in: 'areas' } } },
  },
  'output meta l4proto udp meta nfproto ipv4 update @seen { ip daddr . udp dport timeout 60s }',
  'output meta mark set udp dport map @marks',
  'output meta mark 0x50',
  'output ip daddr . udp dport vmap @ways',
  'output meta l4proto udp ip daddr vmap @verdicts',
  { hook: 'input', match: { combined: { of: ['sourceAddress', 'mark', 'inputInterface'], in: 'marked' } } },
  { hook: 'input', match: { combined: { of: ['sourceHardwareAddress', 'inputInterface'], in: 'cards' } } },
  { hook: 'input', setCtMark: { map: 'tags', by: 'mark' } },
  { chain: 'dropped', verdict: 'drop' },
]

async function listed(set: LiveSet): Promise<unknown[]> {
  const elements = (await set.list()).map(({ value, to }) => (to === undefined ? value : [value, to]))
  return elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** Adds, deletes, replaces and lists elements of several values, and those of maps. */
export async function changeMaps(rules: Rules): Promise<void> {
  const [pairs, areas] = [rules.set('pairs'), rules.set('areas')]
  await pairs.add(['127.0.0.1', 5030])
  await pairs.add([['127.0.0.2', 5030], { value: ['127.0.0.3', 5031], timeout: 60_000 }])
  expect(await listed(pairs)).toEqual([
    ['127.0.0.1', 5030],
    ['127.0.0.2', 5030],
    ['127.0.0.3', 5031],
  ])
  expect([await pairs.has(['127.0.0.1', 5030]), await pairs.has(['127.0.0.1', 5031])]).toEqual([true, false])
  await pairs.delete(['127.0.0.1', 5030])
  await expect(pairs.delete(['127.0.0.1', 5030])).rejects.toMatchObject({ code: 'ELEMENT_MISSING' })
  await pairs.replace([['127.0.0.9', 1]])
  expect(await listed(pairs)).toEqual([['127.0.0.9', 1]])
  await pairs.clear()

  await areas.add([
    ['127.0.0.0/24', { from: 5000, to: 6000 }],
    ['127.1.0.1-127.1.0.9', 53],
    ['10.0.0.1', { from: 0, to: 65_535 }],
  ])
  const all = [
    ['10.0.0.1', { from: 0, to: 65_535 }],
    ['127.0.0.0/24', { from: 5000, to: 6000 }],
    ['127.1.0.1-127.1.0.9', 53],
  ]
  await expect(areas.add([['127.0.0.0/24', { from: 5000, to: 7000 }]])).rejects.toMatchObject({
    code: 'ELEMENT_EXISTS',
  })
  await areas.add([
    ['127.0.0.0/24', { from: 5000, to: 6000 }],
    ['10.0.0.2', 5],
  ])
  await areas.delete(['10.0.0.2', 5])
  expect(await listed(areas)).toEqual(all)
  expect([await areas.has(['127.0.0.7', 5500]), await areas.has(['127.0.0.7', 53])]).toEqual([true, false])
  await expect(areas.delete(['127.0.0.7', 5500])).rejects.toMatchObject({ code: 'ELEMENT_MISSING' })
  await expect(areas.add(['127.0.0.7', 5500])).rejects.toMatchObject({ code: 'ELEMENT_EXISTS' })
  await expect(areas.add([['127.0.0.0/24', { from: 5000, to: 7000 }]])).rejects.toMatchObject({
    code: 'ELEMENT_EXISTS',
  })
  await areas.add([
    ['127.0.0.0/24', { from: 5000, to: 6000 }],
    ['10.0.0.2', 5],
  ])
  await areas.delete(['10.0.0.2', 5])
  expect(await listed(areas)).toEqual(all)
  await areas.delete(['127.1.0.1-127.1.0.9', 53])
  await areas.replace([['127.0.0.0/24', { from: 5000, to: 6000 }]])
  expect(await listed(areas)).toEqual([['127.0.0.0/24', { from: 5000, to: 6000 }]])

  const marked = rules.set('marked')
  await marked.add([
    ['2001:db8::/32', { from: 1, to: 300 }, 'eth*'],
    ['::1', 5, 'lo'],
  ])
  expect(await listed(marked)).toEqual([
    ['2001:db8::/32', { from: 1, to: 300 }, 'eth*'],
    ['::1', 5, 'lo'],
  ])
  await rules.set('cards').add(['02:00:00:00:00:01', 'eth0'])
  expect(await rules.set('cards').list()).toMatchObject([{ value: ['02:00:00:00:00:01', 'eth0'], timeout: 60_000 }])

  const [verdicts, marks] = [rules.set('verdicts'), rules.set('marks')]
  await verdicts.add([
    { value: '127.0.0.1', to: 'drop' },
    { value: '127.0.0.2', to: 'accept' },
    { value: '127.0.0.3', to: { jump: 'dropped' } },
    { value: '127.0.0.4', to: { goto: 'dropped' } },
    { value: '127.0.0.5', to: 'continue' },
    { value: '127.0.0.6', to: 'return' },
  ])
  expect(await listed(verdicts)).toEqual([
    ['127.0.0.1', 'drop'],
    ['127.0.0.2', 'accept'],
    ['127.0.0.3', { jump: 'dropped' }],
    ['127.0.0.4', { goto: 'dropped' }],
    ['127.0.0.5', 'continue'],
    ['127.0.0.6', 'return'],
  ])
  await verdicts.delete(['127.0.0.4', '127.0.0.5', '127.0.0.6'])
  await verdicts.add({ value: '127.0.0.1', to: 'drop' })
  await expect(verdicts.add({ value: '127.0.0.1', to: 'accept' })).rejects.toMatchObject({ code: 'ELEMENT_EXISTS' })
  await marks.add([
    { value: 53, to: 0x80000000 },
    { value: { from: 5030, to: 5031 }, to: 0x50 },
  ])
  expect(await listed(marks)).toEqual([
    [53, 0x80000000],
    [{ from: 5030, to: 5031 }, 0x50],
  ])
  await rules.set('ways').add({ value: ['127.0.0.8/30', { from: 1, to: 6000 }], to: 'drop' })
  expect(await listed(rules.set('ways'))).toEqual([[['127.0.0.8/30', { from: 1, to: 6000 }], 'drop']])
}

/** What cannot be done is refused, and nothing of it is done. */
export async function refuseMaps(rules: Rules): Promise<void> {
  const [pairs, areas, verdicts, tags] = [
    rules.set('pairs'),
    rules.set('areas'),
    rules.set('verdicts'),
    rules.set('tags'),
  ]
  const refused = (code: string, path: string, message: string) => ({
    code,
    path,
    message: expect.stringContaining(message),
  })
  await expect(pairs.add(['127.0.0.1'])).rejects.toMatchObject(refused('VALUE_RANGE', 'elements', 'a list of 2 values'))
  await expect(pairs.add([['127.0.0.1', 'x']] as never)).rejects.toMatchObject(
    refused('ARGUMENT', 'elements[0][1]', 'an integer from 0 to 65535'),
  )
  await expect(pairs.add([['127.0.0.0/8', 5]])).rejects.toMatchObject(
    refused('ARGUMENT', 'elements[0][0]', 'made without ranges'),
  )
  await expect(
    areas.add([
      ['10.0.0.0/8', { from: 5, to: 9 }],
      ['11.0.0.0/8', 5],
      ['10.1.0.0/16', { from: 9, to: 10 }],
    ]),
  ).rejects.toMatchObject(refused('ARGUMENT', 'elements[2]', 'overlaps elements[0]'))
  await expect(pairs.add({ value: ['127.0.0.1', 5], to: 'drop' })).rejects.toMatchObject(
    refused('ARGUMENT', 'elements.to', 'the set was made without to'),
  )
  await expect(verdicts.add('127.0.0.1')).rejects.toMatchObject(
    refused('ARGUMENT', 'elements', '{ value, to, timeout }'),
  )
  await expect(verdicts.add({ value: '127.0.0.1' })).rejects.toMatchObject(
    refused('ARGUMENT', 'elements.to', 'is missing'),
  )
  await expect(verdicts.add({ value: '127.0.0.1', to: 5 })).rejects.toMatchObject({
    code: 'ARGUMENT',
    path: 'elements.to',
  })
  await expect(verdicts.add({ value: '127.0.0.1', to: { jump: 'nowhere' } })).rejects.toMatchObject(
    refused('ARGUMENT', 'elements.to.jump', 'needs a chain of these rules'),
  )
  await tags.add([
    { value: 1, to: 2 },
    { value: 2, to: 4 },
  ])
  await expect(tags.add({ value: 3, to: 4 })).rejects.toMatchObject({ code: 'SET_FULL' })
  await tags.replace([
    { value: 3, to: 4 },
    { value: 4, to: 4 },
  ])
  expect((await tags.list()).map(({ value, to }) => [value, to])).toEqual(
    expect.arrayContaining([
      [3, 4],
      [4, 4],
    ]),
  )
}
