import { udpPacket } from '@ringlink/packet'
import { describe, expect, test } from 'vitest'
import type { ScenarioRing } from '../src/consumer.ts'
import { runScenario } from '../src/run.ts'
import type { Scenario, ScenarioStep } from '../src/scenario.ts'
import { manyQueues, scenarios } from '../src/scenarios.ts'

const transmit = { blockSize: 4096, blockCount: 4, frameSize: 2048, frameCount: 8 }
const modes: Record<string, ScenarioRing | undefined> = {
  'plain sockets': undefined,
  rings: {},
  'rings that hold, with transmit rings': { holdLimit: 8, transmit },
  'rings of Linux 3.10': { kernel: { skip: 'broken', readable: 'previous' } },
  'rings of Linux 4.4 with its trimmed dumps': { kernel: { dumpTrim: true } },
}

describe.each(Object.entries(modes))('on %s', (_, ring) => {
  test.each(scenarios)('$name goes as it expects', async (scenario) => {
    expect((await runScenario(scenario, { ring })).failures).toEqual([])
  })

  test.each(scenarios)('$name is the same twice', async (scenario) => {
    const { trace } = await runScenario(scenario, { ring })
    expect((await runScenario(structuredClone(scenario), { ring })).trace).toEqual(trace)
  })
})

test.each(scenarios)('$name shows something else for another seed', async (scenario) => {
  const { trace } = await runScenario(scenario)
  expect((await runScenario({ ...scenario, seed: scenario.seed + 100 })).trace).not.toEqual(trace)
})

test('many queues do share the packets', async () => {
  const { kernel } = await runScenario(manyQueues, {})
  expect(kernel.delivered).toBeGreaterThan(3000)
  expect(kernel.dropped.verdict).toBeGreaterThan(3000)
})

describe('a scenario', () => {
  const play = (...steps: ScenarioStep[]) => {
    const rules: Scenario['rules'] = [
      { kind: 'drop', match: { version: 6 } },
      { kind: 'accept', match: { protocol: 1 } },
      { kind: 'queue', number: 0 },
    ]
    return runScenario({ name: 'made', description: '', seed: 1, rules, steps })
  }
  const client = { address: '192.0.2.1', port: 40000 }
  const server = { address: '192.0.2.2', port: 80 }
  const open: ScenarioStep = { kind: 'openQueue', consumer: 'worker', number: 0, verdict: 'accept' }

  test('says which expectations were not met', async () => {
    const { failures } = await play(
      open,
      { kind: 'inject', source: { kind: 'udpFlood', client, server, count: 3 } },
      { kind: 'expectPath', accepted: 4, dropped: 'some' },
      { kind: 'expectReceived', consumers: ['worker'], packets: 3, overruns: 1 },
      { kind: 'expectQueue', number: 0, waiting: 1, lastId: 3 },
    )
    expect(failures).toEqual([
      { step: 2, what: 'accepted', expected: 4, actual: 3 },
      { step: 2, what: 'dropped', expected: 'some', actual: 0 },
      { step: 3, what: 'overruns', expected: 1, actual: 0 },
      { step: 4, what: 'waiting', expected: 1, actual: 0 },
    ])
  })

  test('has rules for versions and protocols', async () => {
    const client6 = { address: '2001:db8::1', port: 1 }
    const { kernel, failures } = await play(
      { kind: 'inject', source: { kind: 'udpFlood', client: client6, server: { ...client6, port: 2 }, count: 2 } },
      { kind: 'inject', source: { kind: 'echoFlood', client: '192.0.2.1', server: '192.0.2.2', count: 3 } },
      { kind: 'inject', source: { kind: 'synFlood', client, server, count: 4 } },
      { kind: 'expectPath', accepted: 3, dropped: 6 },
    )
    expect(failures).toEqual([])
    expect(kernel.dropped).toMatchObject({ rule: 2, 'no-queue': 4 })
  })

  test('takes packets that were captured, larger ones than are copied too', async () => {
    const packets = [100, 60_000, 1400].map((length, index) => ({
      packet: udpPacket({
        source: client.address,
        destination: server.address,
        sourcePort: 1,
        destinationPort: 2,
        payload: new Uint8Array(length),
      }),
      at: BigInt(index) * 2_000_000n,
    }))
    const { failures, kernel } = await play(
      open,
      { kind: 'inject', source: { kind: 'packets', packets } },
      { kind: 'expectReceived', consumers: ['worker'], packets: 3 },
      { kind: 'expectPath', accepted: 3, dropped: 0 },
    )
    expect([failures, kernel.clock.now]).toEqual([[], 4])
  })

  test('keeps the packets of a flood apart while they wait', async () => {
    const { failures } = await play(
      open,
      { kind: 'pause', consumer: 'worker' },
      { kind: 'inject', source: { kind: 'udpFlood', client, server, flows: 50, count: 50 } },
      { kind: 'consume', consumer: 'worker', packets: 20 },
      { kind: 'expectQueue', number: 0, waiting: 30 },
      { kind: 'close', consumer: 'worker' },
      { kind: 'expectPath', accepted: 20, dropped: 30 },
    )
    expect(failures).toEqual([])
  })

  test.each<[string, ScenarioStep[]]>([
    ["no step opened consumer 'worker'", [{ kind: 'pause', consumer: 'worker' }]],
    ["the name of consumer 'worker' is already taken", [open, { ...open, number: 1 }]],
    ["consumer 'worker' is not a session", [open, { kind: 'readDump', consumer: 'worker', rows: 1 }]],
    ['no consumer has bound queue 0', [{ kind: 'expectQueue', number: 0 }]],
    ["no step filled table 'rows'", [{ kind: 'changeRow', table: 'rows', key: 1 }]],
    [
      "table 'rows' has no row 9",
      [
        { kind: 'fillTable', table: 'rows', rows: 2, rowLength: 4 },
        { kind: 'changeRow', table: 'rows', key: 9 },
      ],
    ],
  ])('that is invalid is refused: %s', async (why, steps) => {
    await expect(play(...steps)).rejects.toThrow(why)
  })

  test('fails with the error of the client when the kernel refuses a step', async () => {
    await expect(play(open, { ...open, consumer: 'other' })).rejects.toMatchObject({ code: 'QUEUE_REFUSED' })
  })
})
