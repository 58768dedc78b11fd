import { udpPacket } from '@ringlink/packet'
import type { TransportNeeds } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { formatRule, installRules, parseRule } from '../../src/index.ts'
import { changeElements, refuseElements, setRules, sets } from './set-scenario.ts'

function simulated() {
  const kernel = new SimKernel()
  let delivered = 0
  kernel.onDelivered(() => delivered++)
  const send = (destination: string) =>
    kernel.inject(udpPacket({ source: '10.0.0.9', destination, sourcePort: 1, destinationPort: 9100, payload: 'x' }))
  return { kernel, send, transport: (needs: TransportNeeds) => kernel.open(needs), delivered: () => delivered }
}

test('elements of sets are changed and listed', async () => {
  await using rules = await installRules(setRules, { transport: simulated().transport, sets })
  await changeElements(rules)
  await refuseElements(rules)
})

test('packets are looked up in what a set has now, and rules add to sets', async () => {
  const { kernel, send, transport, delivered } = simulated()
  await using rules = await installRules(setRules, { transport, sets })
  const [blocked, nets, seen] = [rules.set('blocked'), rules.set('nets'), rules.set('seen')]
  await blocked.add('10.1.0.1', { timeout: 5000 })
  await nets.add('10.1.0.0/16')
  for (const address of ['10.1.0.1', '10.1.0.2', '10.2.0.1']) send(address)
  expect(delivered()).toBe(2)
  expect((await rules.counters()).slice(0, 3).map(({ packets }) => packets)).toEqual([1, 2, 1])
  expect((await seen.list()).map(({ value }) => value).sort()).toEqual(['10.1.0.2', '10.2.0.1'])
  kernel.clock.advance(5000)
  send('10.1.0.1')
  expect(delivered()).toBe(3)
  expect(await blocked.list()).toEqual([])
})

test('a set is watched', async () => {
  const { transport } = simulated()
  await using rules = await installRules(setRules, { transport, sets })
  const marks = rules.set('marks')
  await marks.add([1, 2])
  const seen: unknown[] = []
  for await (const change of marks.watch({ interval: 1 })) {
    seen.push(change)
    if (seen.length === 1) await marks.replace([2, 3])
    else break
  }
  expect(seen).toEqual([
    { added: [1, 2], removed: [] },
    { added: [3], removed: [1] },
  ])
})

test.each([
  [{ nothing: { type: 'ipv4' } }, 'rules[0].match.sourceAddress.in', "must be a set of sets, got 'blocked'"],
  [{ blocked: { type: 'port' } }, 'rules[0].match.sourceAddress.in', 'must be a set of type ipv4 or ipv6'],
  [{ blocked: { type: 'ip' } }, 'sets.blocked.type', "must be 'ipv4', 'ipv6'"],
  [{ blocked: { type: 'ipv4', ranges: true, dynamic: true } }, 'sets.blocked.dynamic', 'cannot go with ranges'],
  [{ blocked: { type: 'ipv4' }, ['x'.repeat(256)]: { type: 'port' } }, `sets.${'x'.repeat(256)}`, 'at most 255'],
])('sets that make no sense are refused: %j', async (given, path, text) => {
  const { transport } = simulated()
  const rule = { hook: 'input', match: { sourceAddress: { in: 'blocked' } } } as const
  const error = await installRules([rule], { transport, sets: given as never }).catch((it: unknown) => it)
  expect(error).toMatchObject({ name: 'OptionError', path, message: expect.stringContaining(text) })
})

test("sets have nft's words", () => {
  const text = 'output ip saddr @blocked udp dport != @ports update @seen { ip daddr timeout 90000ms } drop'
  expect(parseRule(text)).toEqual({
    hook: 'output',
    match: { version: 4, protocol: 'udp', sourceAddress: { in: 'blocked' }, not: { destinationPort: { in: 'ports' } } },
    addTo: { set: 'seen', by: 'destinationAddress', timeout: 90_000 },
    verdict: 'drop',
  })
  expect(formatRule(parseRule(text))).toBe(text)
})
