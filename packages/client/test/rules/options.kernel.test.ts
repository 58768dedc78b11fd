import { spawnSync } from 'node:child_process'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FirewallRule } from '../../src/index.ts'
import { isListedMatch, readListing } from './nft-reader.ts'
import { randomRules } from './random-rules.ts'
import { isMatched, packetFor, priorityOf } from './rule-reader.ts'

const SEED = 20_261_126
const hasNft = spawnSync('nft', ['--version']).error === undefined

/** The actions of a rule as nft prints them. An xtables target, on a kernel without the expression, is `{ xt }`. */
function statementsOf({ limit, log, setMark, queue, bypass, fanout, verdict }: FirewallRule): unknown[] {
  const list: unknown[] = []
  if (limit !== undefined) {
    const { rate, per, burst = 5, over = false } = limit
    list.push({ limit: { rate, burst, per, ...(over ? { inv: true } : {}) } })
  }
  list.push({ counter: { packets: 0, bytes: 0 } })
  if (log !== undefined) {
    const { group, prefix, copyRange, threshold } = log
    const members = { prefix, group, snaplen: copyRange, 'queue-threshold': threshold }
    list.push({ log: Object.fromEntries(Object.entries(members).filter(([, it]) => it !== undefined)) })
  }
  if (setMark !== undefined) list.push({ mangle: { key: { meta: { key: 'mark' } }, value: setMark } })
  if (queue !== undefined) {
    const flags = [...(bypass === true ? ['bypass'] : []), ...(fanout === true ? ['fanout'] : [])]
    const num = typeof queue === 'number' ? queue : { range: [queue.from, queue.to] }
    list.push({ queue: { num, ...(flags.length === 0 ? {} : { flags: flags.length === 1 ? flags[0] : flags }) } })
  }
  if (typeof verdict === 'string') list.push({ [verdict]: null })
  return list
}

describe.skipIf(kernelUnavailable)(kernelTests('options of rules on the real kernel'), () => {
  let namespace: Namespace

  beforeAll(async () => {
    namespace = await Namespace.open()
  })

  afterAll(async () => {
    await namespace.close()
  })

  test.skipIf(!hasNft)(`nft reads random rules back${hasNft ? '' : ' (skipped: nft is missing)'}`, async () => {
    const sample = randomRules(['ip', 'ip6', 'inet', 'netdev', 'arp']).chain(({ family, rules }) => {
      const packets = rules.map((rule) => fc.noShrink(fc.array(packetFor(rule), { minLength: 50, maxLength: 50 })))
      return fc.record({ family: fc.constant(family), rules: fc.constant(rules), packets: fc.tuple(...packets) })
    })
    const property = fc.asyncProperty(sample, async ({ family, rules, packets }) => {
      // Not owned by a socket: nft 1.0.6 prints the flags of such a table only sometimes, and then no more.
      const installed = await namespace.install(rules, { family, persistent: true })
      const listed = readListing(await namespace.run('nft', '-j', 'list', 'ruleset'))
      await installed.remove()
      expect(listed).toHaveLength(rules.length)
      for (const [index, rule] of rules.entries()) {
        const isBeside = (it: FirewallRule) => it.hook === rule.hook && priorityOf(it) === priorityOf(rule)
        const position = rules.slice(0, index).filter(isBeside).length
        const inChain = listed.filter(({ hook, priority }) => hook === rule.hook && priority === priorityOf(rule))
        const found = inChain[position]
        if (found === undefined) throw new Error(`rule ${index} is not listed`)
        const expected = statementsOf(rule)
        const isTarget = found.statements.map((it) => 'xt' in it)
        expect(found.statements.filter((_, at) => isTarget[at] !== true)).toEqual(
          expected.filter((_, at) => isTarget[at] !== true),
        )
        for (const packet of packets[index] ?? []) {
          if ((family === 'ip' && packet.version === 6) || (family === 'ip6' && packet.version === 4)) continue
          expect([packet, isListedMatch(found, packet)]).toEqual([packet, isMatched(rule, packet)])
        }
      }
    })
    await fc.assert(property, { seed: SEED, numRuns: 40 })
  })

  test('a missing device is refused, and allowMissingDevice lets the kernel decide', async () => {
    const rule = { hook: 'ingress', device: 'missing0' } as const
    await expect(namespace.install([rule], { family: 'netdev' })).rejects.toMatchObject({
      code: 'RULES_REFUSED',
      message: expect.stringContaining("rules[0].device: there is no network device 'missing0'"),
    })
    const allowed = namespace.install([{ ...rule, allowMissingDevice: true }], { family: 'netdev' })
    const outcome = await allowed.then(
      () => 'waits',
      ({ code }) => code,
    )
    // Kernels before 6.16 have no chains that wait for a device.
    expect(['waits', 'RULES_UNSUPPORTED']).toContain(outcome)
  })
})
