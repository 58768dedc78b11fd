/** What a program does with sets, the same on the real kernel and the simulated one. */
import { expect } from 'vitest'
import type { FirewallRule, LiveSet, RuleSets, Rules } from '../../src/index.ts'

export const sets: RuleSets = {
  blocked: { type: 'ipv4', timeout: 60_000 },
  nets: { type: 'ipv4', ranges: true },
  six: { type: 'ipv6', ranges: true },
  ports: { type: 'port', ranges: true },
  marks: { type: 'mark' },
  ranged: { type: 'mark', ranges: true },
  names: { type: 'interface' },
  wild: { type: 'interface', ranges: true },
  cards: { type: 'hardwareAddress' },
  small: { type: 'port', size: 2 },
  seen: { type: 'ipv4', dynamic: true },
  many: { type: 'ipv4' },
}

/** A rule for each set; the first ones decide about UDP port 9100. */
export const setRules: readonly (FirewallRule | string)[] = [
  {
    hook: 'output',
    match: { protocol: 'udp', destinationPort: 9100, destinationAddress: { in: 'blocked' } },
    verdict: 'drop',
  },
  'output udp dport 9100 meta nfproto ipv4 add @seen { ip daddr timeout 60s }',
  { hook: 'output', match: { destinationAddress: { in: 'nets' }, protocol: 'udp', destinationPort: 9100 } },
  {
    hook: 'output',
    match: { not: { destinationAddress: { in: 'nets' } }, protocol: 'udp', destinationPort: { in: 'ports' } },
  },
  { hook: 'input', match: { sourceAddress: { in: 'six' } } },
  { hook: 'input', match: { mark: { in: 'marks' } } },
  { hook: 'input', match: { mark: { in: 'ranged' } } },
  { hook: 'input', match: { inputInterface: { in: 'names' } } },
  { hook: 'input', match: { inputInterface: { in: 'wild' } } },
  { hook: 'input', match: { sourceHardwareAddress: { in: 'cards' } } },
  { hook: 'input', match: { version: 4, sourceAddress: { in: 'many' } } },
]

async function values(set: LiveSet): Promise<unknown[]> {
  const listed = (await set.list()).map(({ value }) => value)
  return listed.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** Adds, deletes, replaces and lists elements of every type. */
export async function changeElements(rules: Rules): Promise<void> {
  await rules.set('blocked').add(['10.0.0.1', { value: '10.0.0.2', timeout: 5000 }])
  await rules.set('blocked').add('10.0.0.1')
  await rules.set('nets').add(['10.0.0.0/8', '192.168.0.1', '192.168.0.2-192.168.0.9', '224.0.0.0/3'])
  await rules.set('six').add(['2001:db8::/32', '::1'])
  await rules.set('ports').add([53, { from: 1000, to: 2000 }, { from: 65_000, to: 65_535 }])
  await rules.set('marks').add([1, 0x80000000])
  await rules.set('ranged').add([1, { from: 5, to: 9 }])
  await rules.set('names').add(['lo', 'eth0'])
  await rules.set('wild').add(['eth*', 'lo'])
  await rules.set('cards').add('02:00:00:00:00:01')
  expect(await values(rules.set('blocked'))).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(await values(rules.set('nets'))).toEqual([
    '10.0.0.0/8',
    '192.168.0.1',
    '192.168.0.2-192.168.0.9',
    '224.0.0.0/3',
  ])
  expect(await values(rules.set('six'))).toEqual(['2001:db8::/32', '::1'])
  expect(await values(rules.set('ports'))).toEqual([53, { from: 1000, to: 2000 }, { from: 65_000, to: 65_535 }])
  expect(await values(rules.set('marks'))).toEqual([1, 0x80000000])
  expect(await values(rules.set('ranged'))).toEqual([1, { from: 5, to: 9 }])
  expect(await values(rules.set('names'))).toEqual(['eth0', 'lo'])
  expect(await values(rules.set('wild'))).toEqual(['eth*', 'lo'])
  expect(await values(rules.set('cards'))).toEqual(['02:00:00:00:00:01'])
  const [expiring] = (await rules.set('blocked').list()).filter(({ value }) => value === '10.0.0.2')
  expect(expiring?.timeout).toBe(5000)
  expect(expiring?.expires).toBeLessThanOrEqual(5000)
  const nets = rules.set('nets')
  expect([await nets.has('10.1.2.3'), await nets.has('11.0.0.0'), await nets.has('192.168.0.9')]).toEqual([
    true,
    false,
    true,
  ])
  expect([await rules.set('ranged').has(7), await rules.set('marks').has(7)]).toEqual([true, false])
  await nets.delete('10.0.0.0/8')
  expect(await values(nets)).toEqual(['192.168.0.1', '192.168.0.2-192.168.0.9', '224.0.0.0/3'])
  await nets.replace(['1.0.0.0/8', '3.0.0.0/8'])
  expect(await values(nets)).toEqual(['1.0.0.0/8', '3.0.0.0/8'])
  await nets.clear()
  expect(await values(nets)).toEqual([])
  const all = Array.from({ length: 10_000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`)
  const many = rules.set('many')
  await many.add(all)
  expect(await many.list()).toHaveLength(all.length)
  await many.replace(all.slice(5000))
  expect([await many.has(all[0] ?? ''), await many.has(all.at(-1) ?? '')]).toEqual([false, true])
}

/** What cannot be done is refused, and nothing of it is done. */
export async function refuseElements(rules: Rules): Promise<void> {
  const [small, cards, nets] = [rules.set('small'), rules.set('cards'), rules.set('nets')]
  await expect(small.add([1, 2, 3])).rejects.toMatchObject({ code: 'SET_FULL' })
  expect(await small.list()).toEqual([])
  await small.add([1, 2])
  await expect(small.add([2], { exclusive: true })).rejects.toMatchObject({ code: 'ELEMENT_EXISTS' })
  await expect(small.delete([1, 9])).rejects.toMatchObject({ code: 'ELEMENT_MISSING' })
  expect(await values(small)).toEqual([1, 2])
  await expect(small.replace([3, 4, 5])).rejects.toMatchObject({ code: 'SET_FULL' })
  expect(await values(small)).toEqual([1, 2])
  // More than one message has: the last element of the last one is refused, and those before it are not added.
  const many = rules.set('many')
  const others = Array.from({ length: 10_000 }, (_, i) => `10.10.${i >> 8}.${i & 255}`)
  const known = (await many.list()).length
  await many.add('10.8.0.1')
  await expect(many.add([...others, '10.8.0.1'], { exclusive: true })).rejects.toMatchObject({ code: 'ELEMENT_EXISTS' })
  await expect(many.delete([...others.slice(0, 1), '10.8.0.1'])).rejects.toMatchObject({ code: 'ELEMENT_MISSING' })
  await expect(many.add([...others, '10.8.0.256'])).rejects.toMatchObject({
    code: 'VALUE_RANGE',
    path: `elements[${others.length}]`,
  })
  expect([(await many.list()).length, await many.has('10.8.0.1')]).toEqual([known + 1, true])
  await nets.replace(['5.0.0.0/8'])
  await expect(nets.replace(['6.0.0.0/8', '6.0.0.1'])).rejects.toMatchObject({ code: 'ARGUMENT', path: 'elements[1]' })
  await expect(nets.add(['5.5.0.0/16', '7.0.0.0/8'])).rejects.toMatchObject({ code: 'ELEMENT_EXISTS' })
  expect(await values(nets)).toEqual(['5.0.0.0/8'])
  await expect(nets.add(['1.0.0.0/8', '1.2.0.0/16'])).rejects.toMatchObject({
    code: 'ARGUMENT',
    path: 'elements[1]',
    message: expect.stringContaining('overlaps elements[0]'),
  })
  await expect(nets.add('::1')).rejects.toMatchObject({ code: 'VALUE_RANGE', path: 'elements' })
  await expect(cards.add('02:00')).rejects.toMatchObject({ code: 'VALUE_RANGE' })
  await expect(small.add({ from: 3, to: 4 })).rejects.toMatchObject({ code: 'ARGUMENT', path: 'elements' })
  expect(() => rules.set('nothing')).toThrow('must be the name of a set of these rules')
}
