import { describe, expect, test } from 'vitest'
import { tcpFlow } from '../src/flows.ts'
import { verifyChecksums } from '../src/headers.ts'
import { type Scenario, scenarioSteps } from '../src/scenario.ts'
import { scenarios } from '../src/scenarios.ts'
import { type PacketSource, sourcePackets } from '../src/sources.ts'

const client = { address: '192.0.2.1', port: 40000 }
const server = { address: '192.0.2.2', port: 80 }

describe('the named scenarios', () => {
  test('have names and seeds of their own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
    expect(new Set(scenarios.map(({ seed }) => seed)).size).toBe(scenarios.length)
    for (const { name } of scenarios) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
  })

  test.each(scenarios)('$name is data', (scenario) => {
    expect(structuredClone(scenario)).toEqual(scenario)
  })

  test.each(scenarios)('$name injects packets with valid checksums, in order of time', (scenario) => {
    for (const { step, seed } of scenarioSteps(scenario)) {
      if (step.kind !== 'inject') continue
      let last = 0n
      let count = 0
      for (const { packet, at } of sourcePackets(step.source, seed)) {
        expect(at >= last).toBe(true)
        last = at
        // A sample of a flood is enough: flood.test.ts has the rest.
        if (count++ % 50 === 0) expect(Object.values(verifyChecksums(packet))).not.toContain('invalid')
      }
      expect(count).toBeGreaterThan(0)
    }
  })
})

test('repetitions are unfolded, and each step has its own seed', () => {
  const scenario: Scenario = {
    name: 'nested',
    description: '',
    seed: 1,
    rules: [],
    steps: [
      { kind: 'advance', milliseconds: 1 },
      {
        kind: 'repeat',
        times: 2,
        steps: [
          { kind: 'repeat', times: 2, steps: [{ kind: 'advance', milliseconds: 2 }] },
          { kind: 'repeat', times: 0, steps: [{ kind: 'advance', milliseconds: 9 }] },
          { kind: 'advance', milliseconds: 3 },
        ],
      },
    ],
  }
  const steps = [...scenarioSteps(scenario)]
  expect(steps.map(({ step }) => step.kind === 'advance' && step.milliseconds)).toEqual([1, 2, 2, 3, 2, 2, 3])
  expect(new Set(steps.map(({ seed }) => seed)).size).toBe(7)
  expect([...scenarioSteps(scenario)]).toEqual(steps)
  expect([...scenarioSteps({ ...scenario, seed: 2 })]).not.toEqual(steps)
})

describe('sources', () => {
  const owned = (source: PacketSource, seed = 1) =>
    Array.from(sourcePackets(source, seed), ({ packet, at }) => ({ packet: packet.slice(), at }))

  test('a flood is paced, counted, and begins again with each iteration', () => {
    const source: PacketSource = { kind: 'udpFlood', client, server, count: 3, interval: 10n }
    const packets = sourcePackets(source, 1)
    const times = () => Array.from(packets, ({ at }) => at)
    expect(times()).toEqual([0n, 10n, 20n])
    expect(times()).toEqual([0n, 10n, 20n])
    expect(owned(source)).toEqual(owned(source))
    expect(owned(source, 2)).not.toEqual(owned(source))
  })

  test('given packets count from the first', () => {
    const packets = [5n, 7n].map((at) => ({ packet: Uint8Array.of(1), at }))
    expect(owned({ kind: 'packets', packets }).map(({ at }) => at)).toEqual([0n, 2n])
    expect(owned({ kind: 'packets', packets: [] })).toEqual([])
  })

  test('a mix holds what its parts hold, floods too', () => {
    const flood: PacketSource = { kind: 'synFlood', client, server, count: 50, interval: 100n }
    const tcp: PacketSource = { kind: 'tcp', client, server, request: 10, response: 10 }
    const mix = owned({ kind: 'mix', sources: [flood, tcp, { kind: 'mix', sources: [flood] }] })
    const single = tcpFlow({ client, server, seed: 1, request: 10, response: 10 }).length
    expect(mix.length).toBe(50 + single + 50)
    expect(new Set(mix.map(({ packet }) => packet.join())).size).toBe(mix.length)
  })
})
