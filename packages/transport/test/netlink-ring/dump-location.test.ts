import { describe, expect, test } from 'vitest'
import { BothEnds, drain, frames, message, numberOf } from './support.ts'

describe('dumps (section 8)', () => {
  test('continue while the frame at the head and the one half a ring further are free: "8 frames: 5 used"', () => {
    const ends = new BothEnds(frames(8))
    let used = 0
    while (ends.kernel.dumpSpace()) {
      ends.direct(message(used))
      used++
    }
    expect(used).toBe(5)
  })

  test.each([1, 2, 3])('"tiny rings work": %i frames', (count) => {
    const ends = new BothEnds(frames(count, 4096))
    expect(ends.kernel.dumpSpace()).toBe(true)
    while (ends.kernel.dumpSpace()) ends.direct(message(1))
    drain(ends)
    expect(ends.kernel.dumpSpace()).toBe(true)
  })

  test.each([
    [4096, 3776, 296],
    [8192, 3776, 4392],
    [16384, 3776, 12584],
    [32768, 3776, 28968],
    [3800, 3776, 0],
    [16408, 16384, 0],
    [32768, 16384, 16360],
  ])('trimmed: frame %i, allocation %i, data at +%i after the header, found there', (frameSize, allocation, offset) => {
    const ends = new BothEnds(frames(2, frameSize), { dumpTrim: true })
    if (allocation === 16384) {
      // One long receive, and dumps are allocated with its size.
      ends.copied(message(9))
      drain(ends)
    }
    const frame = ends.kernel.reserve(allocation)
    const at = ends.kernel.dumpData(frame, allocation)
    expect(at - ends.kernel.frames.data(frame)).toBe(offset)
    ends.complete(frame, message(1, 400), at)
    expect(numberOf(ends.read(ends.user.take()))).toBe(1)
  })

  test('several messages of a trimmed dump, and stale bytes of longer messages around them', () => {
    const ends = new BothEnds(frames(1, 8192), { dumpTrim: true })
    const rows = [...message(3, 40), ...message(4, 20)]
    for (let lap = 0; lap < 4; lap++) {
      ends.direct(message(1, 8000))
      drain(ends)
      const frame = ends.kernel.reserve(3776)
      ends.complete(frame, Uint8Array.from(rows), ends.kernel.dumpData(frame, 3776))
      expect([...ends.read(ends.user.take())]).toEqual(rows)
      ends.user.release(0)
    }
  })

  test('the rest of an acknowledgement at the usual place is not taken for the start of a dump', () => {
    const ends = new BothEnds(frames(1, 8192), { dumpTrim: true })
    for (let lap = 0; lap < 3; lap++) {
      ends.direct(message(1, 36))
      drain(ends)
      const frame = ends.kernel.reserve(3776)
      ends.complete(frame, message(2, 400), ends.kernel.dumpData(frame, 3776))
      expect(drain(ends)).toEqual([2])
    }
  })

  test('an allocation specific to the protocol is found when it is given', () => {
    const ends = new BothEnds(frames(1, 16384), { dumpTrim: true }, { dumpAllocations: [8192] })
    const frame = ends.kernel.reserve(8192)
    ends.complete(frame, message(5), ends.kernel.dumpData(frame, 8192))
    expect(numberOf(ends.read(ends.user.take()))).toBe(5)
  })

  test('bytes that are not a message are at the usual place', () => {
    const ends = new BothEnds(frames(1, 8192), { dumpTrim: true })
    for (const bytes of [Uint8Array.of(7), new Uint8Array(15).fill(1), new Uint8Array(64).fill(0xff)]) {
      ends.direct(bytes)
      expect(ends.read(ends.user.take())).toEqual(bytes)
      ends.user.release(0)
    }
  })
})
