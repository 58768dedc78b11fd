import { OptionPlace } from '@ringlink/codec/options'
import { describe, expect, test } from 'vitest'
import { openQueue, type QueueRule } from '../../src/index.ts'
import { planOffload } from '../../src/rules/offload.ts'

const RULE: QueueRule = { hook: 'output', match: { protocol: 'tcp' }, offload: { packets: 20 } }
const placeOf = (index: number) => new OptionPlace('test', 'rule').element(index)
const plan = (rules: readonly QueueRule[]) =>
  planOffload(rules, ({ offload: _, ...rule }) => ({ ...rule, queue: 3 }), { family: 'inet', placeOf })

describe('the rules of offloading', () => {
  test('decide in the kernel, queue the first packets, and save decisions at the next priority', () => {
    const { rules, owners, shown, handled, bits } = plan([{ hook: 'input' }, RULE])
    expect(rules).toEqual([
      { hook: 'input', queue: 3 },
      { hook: 'output', match: { protocol: 'tcp', ctMark: { value: 0x80000000, mask: 0x80000000 } }, verdict: 'drop' },
      {
        hook: 'output',
        match: { protocol: 'tcp', ctMark: { value: 0x40000000, mask: 0x40000000 } },
        verdict: 'accept',
      },
      { hook: 'output', match: { protocol: 'tcp', ctMark: { value: 0x20000000, mask: 0x20000000 } }, queue: 3 },
      {
        hook: 'output',
        match: { protocol: 'tcp', ctPackets: { from: 21, to: Number.MAX_SAFE_INTEGER } },
        verdict: 'accept',
      },
      { hook: 'output', match: { protocol: 'tcp' }, queue: 3 },
      {
        hook: 'output',
        priority: 1,
        match: { mark: { value: 0x80000000, mask: 0x80000000 } },
        setMark: { value: 0, mask: 0xc0000000 },
        setCtMark: { value: 0x80000000, mask: 0xe0000000 },
        verdict: 'drop',
      },
      {
        hook: 'output',
        priority: 1,
        match: { mark: { value: 0x40000000, mask: 0x40000000 } },
        setMark: { value: 0, mask: 0xc0000000 },
        setCtMark: { value: 0x40000000, mask: 0xe0000000 },
      },
    ])
    expect(owners).toEqual([0, 1, 1, 1, 1, 1, 1, 1])
    expect(shown).toEqual([[0], [3, 5]])
    expect(handled).toEqual({ dropped: [1], accepted: [2], later: [4] })
    expect(bits).toEqual({ accept: 0x40000000, drop: 0x80000000, ask: 0x20000000 })
  })
})

const own = { accept: 1, drop: 2, ask: 4 }

test.each([
  [[{ ...RULE, offload: { packets: 0 } }], 'rule[0].offload.packets'],
  [[{ ...RULE, offload: { packets: 1, bits: { accept: 3, drop: 4, ask: 8 } } }], 'rule[0].offload.bits.accept'],
  [[{ ...RULE, offload: { packets: 1, bits: { accept: 4, drop: 4, ask: 8 } } }], 'rule[0].offload.bits'],
  [[RULE, { ...RULE, offload: { packets: 1, bits: own } }], 'rule[1].offload.bits'],
  [[{ ...RULE, match: { ctMark: 5 } }], 'rule[0].match.ctMark'],
  [[{ ...RULE, family: 'bridge' }], 'rule[0].offload'],
  [[{ ...RULE, chain: 'mine', hook: undefined }], 'rule[0].offload'],
])('offload that makes no sense is refused: %j', async (rule, path) => {
  const transport = () => {
    throw new Error('it was opened')
  }
  await expect(openQueue({ number: 1, transport, rule: rule as never })).rejects.toMatchObject({
    name: 'OptionError',
    path,
  })
})
