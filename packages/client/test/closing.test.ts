import { Hook, MINIMUM_MESSAGE_TYPE } from '@ringlink/codec'
import type { FrameBatch } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { openLog, openQueue } from '../src/index.ts'

/** Frames after which a transport lets the event loop run. */
const FRAMES_PER_TURN = 1024
/** More steps than a loop takes in one turn. */
const MOST_STEPS = 10_000

function packet(): Uint8Array {
  const bytes = new Uint8Array(48)
  bytes[0] = 0x45
  return bytes
}

/**
 * Leaves a loop waiting that has had its turn, so that the packets that come now wake it later than a timer of this
 * turn.
 */
async function giveTurn(kernel: SimKernel, count: () => number): Promise<void> {
  for (let sent = 0; sent < FRAMES_PER_TURN; sent++) kernel.inject(packet())
  // The loop runs in this turn of the event loop, and answers to requests are among its frames.
  for (let step = 0; step < MOST_STEPS; step++) await Promise.resolve()
  expect(count()).toBeGreaterThan(FRAMES_PER_TURN - 64)
}

test.each(['accept', 'drop'] as const)(
  'a queue answers packets that its waiting loop has not been woken for, when it is closed (unanswered: %s)',
  async (unanswered) => {
    const kernel = new SimKernel()
    kernel.addRule({ hook: Hook.Output, queue: 5 })
    const transport = (needs: Parameters<typeof kernel.open>[0]) => kernel.open(needs)
    const queue = await openQueue({ number: 5, transport, unanswered, maxLength: 4096, receiveBufferSize: 8_000_000 })
    const loop = (async () => {
      for await (const packets of queue) packets.accept()
    })()
    await giveTurn(kernel, () => queue.stats.packets)
    for (let sent = 0; sent < 100; sent++) kernel.inject(packet())
    await queue.close()
    await loop
    expect(queue.stats).toMatchObject({ packets: FRAMES_PER_TURN + 100, lost: 0 })
    expect(queue.stats.unanswered).toBeGreaterThanOrEqual(100)
    expect(kernel.delivered).toBe(queue.stats.accepted)
  },
)

test('a log counts records that its waiting loop has not been woken for, when it is closed', async () => {
  const kernel = new SimKernel()
  kernel.addRule({ hook: Hook.Output, log: { group: 5 } })
  const transport = (needs: Parameters<typeof kernel.open>[0]) => kernel.open(needs)
  const log = await openLog({ group: 5, transport, readInterval: 0, threshold: 1, receiveBufferSize: 8_000_000 })
  const loop = (async () => {
    for await (const _records of log);
  })()
  await giveTurn(kernel, () => log.stats.records)
  for (let sent = 0; sent < 100; sent++) kernel.inject(packet())
  await log.close()
  await loop
  expect(log.stats).toMatchObject({ records: FRAMES_PER_TURN + 100, lost: 0, untold: 0 })
})

test('a log on a full ring is finished although its loop still works on a batch', async () => {
  const kernel = new SimKernel()
  kernel.addRule({ hook: Hook.Output, log: { group: 5 } })
  const transport = (needs: Parameters<typeof kernel.open>[0]) => kernel.open({ ...needs, ring: {} })
  const log = await openLog({ group: 5, transport, readInterval: 0, threshold: 1 })
  let shown = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const loop = (async () => {
    for await (const records of log) {
      for (const _record of records) shown++
      await released
    }
  })()
  // The loop has the first frames, the ring goes round to them, and the kernel drops the rest.
  for (let sent = 0; sent < 5000; sent++) kernel.inject(packet())
  await new Promise(setImmediate)
  expect(shown).toBeGreaterThan(0)
  for (let sent = 0; sent < 5000; sent++) kernel.inject(packet())
  const finished = log.finish()
  await new Promise(setImmediate)
  release()
  await finished
  await loop
  expect(log.stats.records).toBe(shown)
  expect(log.stats.lost).toBeGreaterThan(0)
})

/** Frames that are not answers to requests. */
function countRecords(batch: FrameBatch): number {
  const { memory, length } = batch
  let count = 0
  for (let i = 0; i < length; i++) {
    if ((memory.u16[(batch.offset(i) + 4) >> 1] as number) >= MINIMUM_MESSAGE_TYPE) count++
  }
  return count
}

test.each([
  ['records', 'close'],
  ['records', 'finish'],
  ['frames', 'close'],
  ['frames', 'finish'],
] as const)(
  'a loop over %s that pauses between two reads ends at once by %s()',
  { timeout: 5000 },
  async (what, end) => {
    const kernel = new SimKernel()
    kernel.addRule({ hook: Hook.Output, log: { group: 5 } })
    const transport = (needs: Parameters<typeof kernel.open>[0]) => kernel.open(needs)
    // A pause lasts longer than the test may take.
    const log = await openLog({ group: 5, transport, readInterval: 10_000, threshold: 1 })
    let seen = 0
    const loop = (async () => {
      if (what === 'frames') for await (const batch of log.frames()) seen += countRecords(batch)
      else for await (const records of log) for (const _record of records) seen++
    })()
    kernel.inject(packet())
    while (seen === 0) await new Promise(setImmediate)
    // The loop has read everything, and pauses.
    await new Promise(setImmediate)
    kernel.inject(packet())
    await log[end]()
    await loop
    expect(seen + log.stats.unread).toBe(2)
  },
)
