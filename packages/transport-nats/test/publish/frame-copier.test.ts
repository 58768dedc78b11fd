/** Copies of frames equal those by a view of each, at all places and of all lengths. */
import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { FrameCopier } from '../../src/publish/frame-copier.ts'

const SIZE = 16_384

function filledMemory(seed: number): Memory {
  const memory = new Memory(SIZE)
  memory.u8.forEach((_, index, bytes) => {
    bytes[index] = (index * 31 + seed) ^ (index >> 8)
  })
  return memory
}

const memories = [filledMemory(1), filledMemory(77)]
const copies = fc.array(
  fc.record({
    memory: fc.constantFrom(...memories),
    // Frames have places of their own in some transports, and in others they have none.
    offset: fc.oneof(fc.constantFrom(0, 4096, 8192, SIZE - 100), fc.integer({ min: 0, max: SIZE })),
    length: fc.oneof(fc.constantFrom(0, 1, 1023, 1024, 1025), fc.integer({ min: 0, max: 4000 })),
    gap: fc.integer({ min: 0, max: 20 }),
  }),
  { maxLength: 40 },
)

describe('FrameCopier', () => {
  it('copies the same bytes as views do, and nothing before them', () => {
    fc.assert(
      fc.property(copies, fc.integer({ min: 1, max: 60_000 }), (list, room) => {
        const copier = new FrameCopier()
        const [actual, expected] = [new Uint8Array(room), new Uint8Array(room)]
        let at = 0
        for (const { memory, offset, length, gap } of list) {
          const taken = Math.min(length, SIZE - offset)
          if (at + taken > room) break
          copier.copy(memory, offset, taken, actual, at)
          expected.set(memory.u8.subarray(offset, offset + taken), at)
          actual.fill(0, at + taken, at + taken + gap)
          at += taken + gap
          expect(actual.subarray(0, at)).toEqual(expected.subarray(0, at))
        }
      }),
    )
  })

  it('makes one view of a place for all lengths of a kibibyte', () => {
    const memory = filledMemory(5)
    const copier = new FrameCopier()
    const views = vi.spyOn(memory.u8, 'subarray')
    const to = new Uint8Array(4096)
    for (let length = 1025; length <= 2048; length++) copier.copy(memory, 4096, length, to, 0)
    expect(views).toHaveBeenCalledTimes(1)
  })

  it('keeps a bounded number of views, where frames have no places of their own', () => {
    const memory = filledMemory(9)
    const copier = new FrameCopier()
    const to = new Uint8Array(2048)
    for (let round = 0; round < 2; round++) {
      for (let offset = 0; offset < 10_000; offset++) {
        copier.copy(memory, offset, 16, to, 0)
        expect(to.subarray(0, 16)).toEqual(memory.u8.slice(offset, offset + 16))
      }
    }
  })
})
