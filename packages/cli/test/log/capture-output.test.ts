import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodePcapng, nflogMessage } from '@ringlink/capture'
import { LogRecordView, Memory } from '@ringlink/codec'
import { loadVector } from '@ringlink/test-support/vectors'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CaptureOutput, type Rotation } from '../../src/log/capture-output.ts'

const { bytes } = loadVector('log', 'packet-prefix')
const record = new LogRecordView().wrap(Memory.from(bytes), 0, bytes.length)
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringlink-log-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Writes ten records, one a second, of which the third says that two were lost before it; the packets of each file. */
async function write(rotation: Rotation) {
  const output = new CaptureOutput(join(folder, 'log.pcapng'), [5], rotation)
  for (let i = 0; i < 10; i++) output.write(record, BigInt(i) * 1_000_000_000n, i === 2 ? 2 : 0)
  await output.close()
  return readdirSync(folder)
    .sort()
    .map((name) => [...decodePcapng(readFileSync(join(folder, name)))].filter((block) => block.type === 'packet'))
}

test('writes what can be read back', async () => {
  const [packets = [], ...more] = await write({})
  expect(more).toEqual([])
  expect(packets.map(({ dropCount }) => dropCount ?? 0n)).toEqual([0n, 0n, 2n, ...Array<bigint>(7).fill(0n)])
  const [first] = packets
  const message = first && nflogMessage(first)
  const back = message && new LogRecordView().wrap(Memory.from(message), 0, message.length)
  expect(back?.prefix()).toBe(record.prefix())
  expect(back?.payload()).toEqual(record.payload())
})

test('begins a new file by time, and keeps the last ones', async () => {
  expect((await write({ time: 4000 })).map((packets) => packets.length)).toEqual([4, 4, 2])
  rmSync(folder, { recursive: true })
  folder = mkdtempSync(join(tmpdir(), 'ringlink-log-test-'))
  expect((await write({ time: 4000, keep: 2 })).map((packets) => packets.length)).toEqual([4, 2])
})

test('begins a new file by size', async () => {
  const files = await write({ size: 600 })
  expect(files.length).toBeGreaterThan(2)
  expect(files.flat()).toHaveLength(10)
})
