/**
 * Guards against a decoder that becomes slow, with a ratio instead of a time: the view against a naive decoder, in one
 * process, in alternating rounds. The best round of each counts, so that a busy machine affects neither. The bounds are
 * far below the measured ratios (`npm run bench -- --only codec`), so that the test never fails by chance.
 */

import { loadVector, messagesOf } from '@ringlink/test-support/vectors'
import { expect, test } from 'vitest'
import { LogRecordView, Memory, QueueMessage, QueuePacketView, VerdictTemplate } from '../src/index.ts'

const MESSAGES = 10_000
const ROUNDS = 12
/** Measured on a busy machine: 29 to 69. */
const PACKET_RATIO = 6
/** 38 to 67. */
const RECORD_RATIO = 6
/** 16 to 45. */
const VERDICT_RATIO = 4

const SLOTS = 64
const SLOT = 512

test('a packet is decoded several times faster than by a naive decoder', () => {
  const { memory, bytes, length } = slotsOf(loadVector('queue', 'packet-udp-full').bytes)
  const view = new QueuePacketView()
  const ratio = compare(
    (slot) => {
      view.wrap(memory, slot, length)
      const { u8 } = memory
      const at = view.payloadOffset
      return view.id + (view.mark ?? 0) + (view.outputDevice ?? 0) + (u8[at + 9] as number) + (u8[at + 22] as number)
    },
    (slot) => {
      const { attributes } = parseNaively(bytes.subarray(slot, slot + length))
      const payload = attributes.get(10) as Uint8Array
      const sum = word(attributes.get(1)) + word(attributes.get(3)) + word(attributes.get(6))
      return sum + (payload[9] as number) + (payload[22] as number)
    },
  )
  expect(ratio).toBeGreaterThan(PACKET_RATIO)
})

test('a log record is decoded several times faster than by a naive decoder', () => {
  const [record] = messagesOf(loadVector('log', 'datagram-threshold-seq'))
  const { memory, bytes, length } = slotsOf((record as { bytes: Uint8Array }).bytes)
  const view = new LogRecordView()
  const ratio = compare(
    (slot) => {
      view.wrap(memory, slot, length)
      const { u8 } = memory
      const at = view.payloadOffset
      return (view.sequence ?? 0) + (view.mark ?? 0) + (u8[at + 9] as number) + (u8[at + 22] as number)
    },
    (slot) => {
      const { attributes } = parseNaively(bytes.subarray(slot, slot + length))
      const payload = attributes.get(9) as Uint8Array
      return word(attributes.get(12)) + word(attributes.get(2)) + (payload[9] as number) + (payload[22] as number)
    },
  )
  expect(ratio).toBeGreaterThan(RECORD_RATIO)
})

test('a verdict is written several times faster than field by field into a new buffer', () => {
  const memory = new Memory(SLOTS * SLOT)
  const template = new VerdictTemplate(5, QueueMessage.Verdict)
  const ratio = compare(
    (slot) => {
      template.write(memory, slot, slot + 1, 1)
      return memory.u32[(slot + 24) >> 2] as number
    },
    (slot) => {
      const view = new DataView(new ArrayBuffer(32))
      view.setUint32(0, 32, true)
      view.setUint16(4, QueueMessage.Verdict, true)
      view.setUint16(6, 1, true)
      view.setUint16(18, 5)
      view.setUint16(20, 12, true)
      view.setUint16(22, 2, true)
      view.setUint32(24, 1)
      view.setUint32(28, slot + 1)
      return view.getUint32(24, true)
    },
  )
  expect(ratio).toBeGreaterThan(VERDICT_RATIO)
})

/** How many times faster `ours` is than `naive`; both must return the same sum. */
function compare(ours: (slot: number) => number, naive: (slot: number) => number): number {
  let best = Number.POSITIVE_INFINITY
  let bestNaive = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const [time, sum] = timed(ours)
    const [timeNaive, sumNaive] = timed(naive)
    expect(sum).toBe(sumNaive)
    best = Math.min(best, time)
    bestNaive = Math.min(bestNaive, timeNaive)
  }
  return bestNaive / best
}

function timed(work: (slot: number) => number): [number, number] {
  let sum = 0
  const start = performance.now()
  for (let message = 0; message < MESSAGES; message++) sum += work((message % SLOTS) * SLOT)
  return [performance.now() - start, sum]
}

function slotsOf(message: Uint8Array): { memory: Memory; bytes: Uint8Array; length: number } {
  const memory = new Memory(SLOTS * SLOT)
  for (let slot = 0; slot < SLOTS; slot++) memory.u8.set(message, slot * SLOT)
  return { memory, bytes: memory.u8, length: message.length }
}

/** The naive decoder: a DataView, an object with the header, a map with a copy of every attribute. */
function parseNaively(bytes: Uint8Array): { type: number; attributes: Map<number, Uint8Array> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const attributes = new Map<number, Uint8Array>()
  for (let at = 20; at + 4 <= bytes.length; ) {
    const size = view.getUint16(at, true)
    if (size < 4) break
    attributes.set(view.getUint16(at + 2, true) & 0x3fff, bytes.slice(at + 4, at + size))
    at += (size + 3) & ~3
  }
  return { type: view.getUint16(4, true), attributes }
}

function word(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0)
}
