/** scripts/check-kernel.mjs on simulated kernels, sound and sabotaged. */

import { openQueue, Session } from '@ringlink/client'
import { FrameStatus, type RingSystem, stepsOverSkip } from '@ringlink/transport/netlink-ring'
import { DATABASE_GROUP, DATABASE_PROTOCOL, type RingKernelOptions, SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { udp } from '../../../transport-sim/test/support.ts'
import { openNetlinkRingOn } from '../../src/netlink/open.ts'
import { checkNetlinkRingOptions } from '../../src/netlink/options.ts'
import type { RingKernel } from '../../src/netlink/system.ts'
import type { RingProbe } from '../../src/probe.ts'
import { simulated } from './support.ts'

interface Result {
  name: string
  status: 'PASS' | 'FAIL' | 'SKIP'
  detail: string
}
const { runChecks, CHECK_NAMES } = (await import(new URL('../../scripts/checks.mjs', import.meta.url).href)) as {
  runChecks(kernel: object, report?: (result: Result) => void, limit?: number): Promise<Result[]>
  CHECK_NAMES: string[]
}

const ROWS = 400
const GET = 18

/** Sabotages a system. */
type Sabotage = (system: RingSystem) => void

/** Overwrites frames with status SKIP (with one frame per page) on every send. */
function scribble(system: RingSystem): void {
  const map = system.map.bind(system)
  const send = system.send.bind(system)
  let words: Uint32Array = new Uint32Array(0)
  system.map = (length) => {
    const buffer = map(length)
    if (typeof buffer !== 'number') words = new Uint32Array(buffer)
    return buffer
  }
  system.send = (memory, offset, length) => {
    for (let frame = 0; frame < words.length; frame += 1024) {
      if (words[frame] === FrameStatus.Skip) words.fill(0xffffffff, frame + 8, frame + 256)
    }
    return send(memory, offset, length)
  }
}

function machine(options: RingKernelOptions = {}, sabotage: Sabotage = () => {}, probe?: RingProbe): object {
  const sim = new SimKernel({ seed: 3 })
  for (let key = 1; key <= ROWS; key++) sim.database.set(key, new Uint8Array(key % 100))
  const ring = simulated(sim, options)
  const kernel: RingKernel = {
    pageSize: ring.pageSize,
    system: (checked) => (onReadable) => {
      const system = ring.system(checked)(onReadable)
      sabotage(system)
      return system
    },
  }
  return {
    lib: { openNetlinkRingOn, checkNetlinkRingOptions, stepsOverSkip, Session, openQueue },
    kernel,
    probe: () => probe,
    openPlain: async (needs: { protocol: number }) => sim.open(needs),
    dumps: [{ name: 'the table', protocol: DATABASE_PROTOCOL, type: GET, body: [] }],
    single: { name: 'one row', protocol: DATABASE_PROTOCOL, type: GET, body: [8, 0, 1, 0, 5, 0, 0, 0] },
    notify: {
      protocol: DATABASE_PROTOCOL,
      group: DATABASE_GROUP,
      cause: () => sim.database.set(sim.database.size + 1, new Uint8Array(4)),
    },
    queue: {
      prepare: async (number: number) => {
        const rule = sim.addRule({ hook: 3, queue: number })
        let arrived = 0
        sim.onDelivered(() => arrived++)
        return {
          send: (count: number) => {
            for (let i = 0; i < count; i++) sim.inject(udp(5000, `${i}`))
          },
          arrived: () => arrived,
          close: () => sim.removeRule(rule),
        }
      },
    },
    leftovers: () => [],
  }
}

const statuses = (results: Result[]) => Object.fromEntries(results.map(({ name, status }) => [name, status]))
const failed = (results: Result[]) => results.filter(({ status }) => status === 'FAIL').map(({ name }) => name)

describe('the checks of check-kernel.mjs', () => {
  test.each<[string, RingKernelOptions]>([
    ['Linux 4.5', {}],
    ['Linux 4.4 with its trimmed dumps', { dumpTrim: true }],
    ['Linux 4.0', { skip: 'broken' }],
    ['Linux 3.10', { skip: 'broken', readable: 'previous' }],
    ['pages of 64 KiB', { pageSize: 65536 }],
  ])('all pass on the simulated kernel: %s', async (_, options) => {
    const reported: string[] = []
    const results = await runChecks(machine(options), ({ name }) => reported.push(name))
    expect(results.filter(({ status }) => status !== 'PASS')).toEqual([])
    expect(reported).toEqual(CHECK_NAMES)
  })

  test.each<[string, string[], Sabotage]>([
    ['claims to count its losses, and does not', ['overrun'], (system) => Object.assign(system, { drops: () => 0 })],
    ['does not look at the transmit ring', ['transmit ring'], (system) => Object.assign(system, { trigger: () => 0 })],
    [
      'accepts a second ring',
      ['ring set-up and its refusals'],
      (system) => Object.assign(system, { setRing: () => 0 }),
    ],
    ['writes to held frames', ['hold', 'packet queue'], scribble],
    [
      'has nothing in its receive queue',
      ['a notification, through the receive queue', 'dumps in large frames, before and after a long receive'],
      (system) => Object.assign(system, { receive: () => -11 }),
    ],
  ])('find a kernel that %s', async (_, expected, sabotage) => {
    expect(failed(await runChecks(machine({}, sabotage), undefined, 1500))).toEqual(expect.arrayContaining(expected))
  })

  test('say why they were skipped, and what the probe found', async () => {
    const probe: RingProbe = { backend: 'netlink', step: 'setsockopt', errno: 92, explanation: 'none here' }
    const kernel = { ...machine({}, undefined, probe), queue: { skip: 'no rules can be made' } }
    const results = await runChecks(kernel)
    expect(statuses(results)).toMatchObject({ probe: 'FAIL', 'packet queue': 'SKIP', hold: 'PASS' })
    expect(results.find(({ name }) => name === 'packet queue')?.detail).toBe('no rules can be made')
    expect(results[0]?.detail).toBe('setsockopt: none here')
  })
})
