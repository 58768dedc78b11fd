import { RELEASED_MEMORY } from '@ringlink/codec/memory'
import { describe, expect, test } from 'vitest'
import { FRAME_WORDS, FrameWord, POISON } from '../../src/index.ts'
import { FrameStatus, NoFrame, RING_FULL, TOO_LARGE } from '../../src/netlink-ring/index.ts'
import { BothEnds, drain, frames, message, numberOf } from './support.ts'

describe('the life of a received frame (section 5)', () => {
  test('direct: UNUSED, RESERVED, VALID, UNUSED', () => {
    const ends = new BothEnds(frames(4))
    const { kernel, user } = ends
    const frame = kernel.reserve(32)
    expect([frame, kernel.head, kernel.pending, user.frames.status(0)]).toEqual([0, 1, 1, FrameStatus.Reserved])
    expect(user.take()).toBe(NoFrame.Reserved)
    ends.complete(frame, message(1, 32))
    expect([kernel.pending, user.frames.status(0)]).toEqual([0, FrameStatus.Valid])
    expect(user.take()).toBe(0)
    expect(ends.read(0)).toEqual(message(1, 32))
    user.release(0)
    expect(user.frames.status(0)).toBe(FrameStatus.Unused)
    expect(user.take()).toBe(NoFrame.Empty)
  })

  test('"order in the ring is thus order of allocation": the reader waits for the first reservation', () => {
    const ends = new BothEnds(frames(4))
    const first = ends.kernel.reserve(16)
    ends.direct(message(2))
    expect(ends.user.take()).toBe(NoFrame.Reserved)
    ends.complete(first, message(1))
    expect(drain(ends)).toEqual([1, 2])
  })

  test('"head frame not UNUSED -> allocation fails"; "S+D too large -> ordinary skb, nothing reserved"', () => {
    const { kernel } = new BothEnds(frames(2))
    expect(kernel.reserve(2052 - 24 + 1)).toBe(TOO_LARGE)
    expect([kernel.reserve(2052 - 24), kernel.reserve(1), kernel.reserve(1)]).toEqual([0, 1, RING_FULL])
    expect(kernel.reserve(3000)).toBe(TOO_LARGE)
    expect(kernel.pending).toBe(2)
  })

  test('"freed without delivery: status := VALID with length 0. Reader must release such empty frames"', () => {
    const ends = new BothEnds(frames(4))
    const aborted = ends.kernel.reserve(16)
    ends.direct(message(2))
    ends.kernel.abort(aborted)
    expect(ends.kernel.readable()).toBe(true)
    expect(drain(ends)).toEqual([2])
    expect(ends.user.empty).toBe(1)
    expect(ends.user.frames.status(aborted)).toBe(FrameStatus.Unused)
  })

  test('copied: a token for one message of the queue, in any frame', () => {
    const ends = new BothEnds(frames(4))
    ends.copied(message(1))
    ends.direct(message(2))
    expect(ends.user.frames.status(0)).toBe(FrameStatus.Copy)
    expect(ends.user.frames.length(0)).toBe(message(1).length)
    expect(drain(ends)).toEqual([1, 2])
    expect(ends.queue).toEqual([])
  })

  test('"EAGAIN => token without message (someone else read): status := UNUSED"', () => {
    const ends = new BothEnds(frames(4))
    ends.copied(message(1))
    ends.direct(message(2))
    ends.queue.length = 0
    expect(drain(ends)).toEqual([2])
    expect(ends.user.frames.status(0)).toBe(FrameStatus.Unused)
  })

  test('"a later frame may already be VALID while this one still reads UNUSED for an instant"', () => {
    const ends = new BothEnds(frames(4))
    const token = ends.kernel.beginCopied()
    ends.queue.push(message(1))
    ends.direct(message(2))
    expect(ends.user.take()).toBe(NoFrame.Empty)
    ends.kernel.finishCopied(token, { length: message(1).length })
    expect(drain(ends)).toEqual([1, 2])
  })

  test('a token passed by a scan is found again: its message keeps poll readable', () => {
    const ends = new BothEnds(frames(4))
    const token = ends.kernel.beginCopied()
    ends.queue.push(message(1))
    ends.direct(message(2))
    expect(ends.user.resynchronise()).toBe(true)
    expect(drain(ends)).toEqual([2])
    ends.kernel.finishCopied(token, { length: message(1).length })
    expect([drain(ends), ends.readable()]).toEqual([[], true])
    expect(ends.user.resynchronise()).toBe(true)
    expect(drain(ends)).toEqual([1])
  })

  test('a failed receive leaves the token where it is', () => {
    let failing = true
    const ends = new BothEnds(
      frames(2),
      {},
      {
        receiveCopy: () => {
          if (failing) throw new Error('receive')
          return false
        },
      },
    )
    ends.copied(message(1))
    expect(() => ends.user.take()).toThrow('receive')
    expect([ends.user.cursor, ends.user.frames.status(0)]).toEqual([0, FrameStatus.Copy])
    failing = false
    expect(ends.user.take()).toBe(NoFrame.Empty)
    expect(ends.user.frames.status(0)).toBe(FrameStatus.Unused)
  })

  test('a message longer than its frame is truncated and marked', () => {
    const ends = new BothEnds(frames(2))
    ends.copied(message(1, 2300))
    const frame = ends.user.take()
    const words = ends.user.words.subarray(frame * FRAME_WORDS)
    expect([words[FrameWord.Length], words[FrameWord.FullLength]]).toEqual([2028, 2300])
    expect(ends.read(frame)).toEqual(message(1, 2300).subarray(0, 2028))
  })

  test('a length beyond the frame is not trusted', () => {
    const ends = new BothEnds(frames(2))
    ends.kernel.deliver(ends.kernel.reserve(16), { length: 5000 })
    expect(ends.read(ends.user.take()).length).toBe(2028)
  })

  test('a group number becomes a mask of the first 32', () => {
    const ends = new BothEnds(frames(4))
    for (const group of [0, 1, 32, 33]) ends.kernel.deliver(ends.kernel.reserve(16), { length: 16, group })
    const masks = [0, 1, 2, 3].map(() => ends.user.words[ends.user.take() * FRAME_WORDS + FrameWord.Groups])
    expect(masks).toEqual([0, 1, 0x80000000, 0])
  })

  test('"any value other than the one it looks for just means not that"', () => {
    const { kernel, user } = new BothEnds(frames(2))
    kernel.frames.setStatus(0, 99)
    expect(kernel.reserve(16)).toBe(RING_FULL)
    expect(user.take()).toBe(NoFrame.Empty)
  })

  test('poisons released frames', () => {
    const ends = new BothEnds(frames(2), {}, { poison: true })
    ends.direct(message(1, 100))
    const frame = ends.user.take()
    ends.user.release(frame)
    const data = ends.user.frames.data(frame)
    expect([...ends.user.frames.memory.u8.subarray(data + 4, data + 2028)].every((byte) => byte === POISON)).toBe(true)
    expect(RELEASED_MEMORY.byteLength).toBe(0)
  })
})

describe('borrowed frames', () => {
  test('are not delivered twice when the cursor returns to them: nothing can come until they are released', () => {
    const ends = new BothEnds(frames(3))
    for (const number of [1, 2, 3]) ends.direct(message(number))
    const taken = [ends.user.take(), ends.user.take(), ends.user.take()]
    expect(ends.user.take()).toBe(NoFrame.Ours)
    expect(ends.direct(message(4))).toBe(RING_FULL)
    ends.user.release(taken[1] as number)
    expect(ends.user.take()).toBe(NoFrame.Ours)
    ends.user.release(taken[0] as number)
    expect(ends.direct(message(5))).toBe(0)
    expect(drain(ends)).toEqual([5])
  })

  test('"holding VALID frames makes poll spin": parked ones do not', () => {
    const ends = new BothEnds(frames(3))
    ends.direct(message(1))
    const frame = ends.user.take()
    expect(ends.readable()).toBe(true)
    ends.user.park(frame)
    expect(ends.readable()).toBe(false)
    ends.direct(message(2))
    expect(ends.readable()).toBe(true)
    expect(ends.read(frame)).toEqual(message(1))
    ends.user.release(frame)
    expect(drain(ends)).toEqual([2])
  })

  test('are returned once', () => {
    const ends = new BothEnds(frames(3))
    ends.direct(message(1))
    const frame = ends.user.take()
    ends.user.release(frame)
    ends.direct(message(2))
    ends.user.release(frame)
    ends.user.hold(frame)
    expect([ends.user.borrowed, ends.user.held]).toEqual([0, 0])
    expect(drain(ends)).toEqual([2])
  })
})

describe('SKIP (section 6)', () => {
  const heldAtHead = (skip: 'forwards' | 'broken') => {
    const ends = new BothEnds(frames(3), { skip })
    for (const number of [1, 2, 3]) ends.direct(message(number))
    const [held = 0, ...others] = [ends.user.take(), ends.user.take(), ends.user.take()]
    ends.user.hold(held)
    for (const frame of others) ends.user.release(frame)
    return { ends, held }
  }

  test('"the allocator of path A advances head while the frame is SKIP, up to one lap"', () => {
    const { ends, held } = heldAtHead('forwards')
    expect([ends.direct(message(4)), ends.direct(message(5)), ends.direct(message(6))]).toEqual([1, 2, RING_FULL])
    expect(drain(ends)).toEqual([4, 5])
    expect(ends.read(held)).toEqual(message(1))
  })

  test('"with SKIP at head every COPY-type message is dropped until some direct message moves head on"', () => {
    const { ends } = heldAtHead('forwards')
    expect(ends.copied(message(4))).toBe(RING_FULL)
    ends.direct(message(5))
    expect(ends.copied(message(6))).toBe(2)
    expect(drain(ends)).toEqual([5, 6])
  })

  test('before 4.3: "SKIP never works, ring is full while head is SKIP"', () => {
    const { ends, held } = heldAtHead('broken')
    expect(ends.direct(message(4))).toBe(RING_FULL)
    expect(ends.kernel.head).toBe(0)
    ends.user.release(held)
    expect(ends.direct(message(5))).toBe(0)
    expect(drain(ends)).toEqual([5])
  })

  test('"a held VALID frame at head is not stepped over"', () => {
    const ends = new BothEnds(frames(2))
    ends.direct(message(1))
    ends.user.take()
    ends.direct(message(2))
    expect(ends.direct(message(3))).toBe(RING_FULL)
  })

  test('the kernel stepped over a frame that was then released: the cursor does not stop before it indefinitely', () => {
    const { ends, held } = heldAtHead('forwards')
    ends.direct(message(4))
    ends.user.release(held)
    expect(ends.user.frames.status(ends.user.cursor)).not.toBe(FrameStatus.Unused)
    expect(drain(ends)).toEqual([4])
  })

  test('nor does it when it reaches such a frame later', () => {
    const ends = new BothEnds(frames(3))
    for (const number of [1, 2, 3]) ends.direct(message(number))
    const [first = 0, held = 0, last = 0] = [ends.user.take(), ends.user.take(), ends.user.take()]
    ends.user.hold(held)
    ends.user.release(first)
    ends.user.release(last)
    expect([ends.direct(message(4)), ends.direct(message(5))]).toEqual([first, last])
    ends.user.release(held)
    expect(drain(ends)).toEqual([4, 5])
  })

  test('a kernel that stepped over a frame may stay ahead indefinitely: frames that it fills are found after borrowed ones', () => {
    const ends = new BothEnds(frames(2))
    ends.direct(message(1))
    const held = ends.user.take()
    ends.user.hold(held)
    ends.direct(message(2))
    expect(ends.direct(message(3))).toBe(RING_FULL)
    ends.user.release(held)
    expect(drain(ends)).toEqual([2])
    expect([ends.direct(message(4)), ends.direct(message(5))]).toEqual([1, 0])
    const borrowed = ends.user.take()
    ends.user.release(ends.user.take())
    expect(ends.direct(message(6))).toBe(1)
    expect(drain(ends)).toEqual([6])
    expect(numberOf(ends.read(borrowed))).toBe(5)
  })

  test('a frame released before the kernel reached it is filled like any other', () => {
    const { ends, held } = heldAtHead('forwards')
    ends.user.release(held)
    expect(ends.user.take()).toBe(NoFrame.Empty)
    expect(ends.direct(message(4))).toBe(0)
    expect(drain(ends)).toEqual([4])
  })

  test('a scan leaves a frame that is being filled alone', () => {
    const ends = new BothEnds(frames(3))
    ends.kernel.reserve(16)
    ends.direct(message(2))
    expect(ends.user.resynchronise()).toBe(false)
    expect(ends.user.take()).toBe(NoFrame.Reserved)
  })

  test('all frames held: nothing can come', () => {
    const { ends } = heldAtHead('forwards')
    ends.direct(message(4))
    ends.direct(message(5))
    for (let frame = ends.user.take(); frame >= 0; frame = ends.user.take()) ends.user.hold(frame)
    expect(ends.user.held).toBe(3)
    expect(ends.user.take()).toBe(NoFrame.Ours)
    expect(ends.direct(message(6))).toBe(RING_FULL)
  })
})

describe('poll (section 9)', () => {
  test('"any VALID frame -> POLLIN (COPY, RESERVED, SKIP do not count)"', () => {
    const { kernel } = new BothEnds(frames(4))
    const readable = [FrameStatus.Copy, FrameStatus.Reserved, FrameStatus.Skip, FrameStatus.Valid].map((status) => {
      kernel.frames.setStatus(2, status)
      return kernel.readable()
    })
    expect(readable).toEqual([false, false, false, true])
  })

  test('older: "POLLIN iff the frame just before kernel head is not UNUSED (so RESERVED and SKIP count)"', () => {
    const ends = new BothEnds(frames(4), { readable: 'previous' })
    expect(ends.kernel.readable()).toBe(false)
    ends.kernel.reserve(16)
    expect(ends.kernel.readable()).toBe(true)
    const second = ends.direct(message(2))
    ends.kernel.abort(0)
    ends.user.take()
    ends.user.release(second)
    expect(ends.kernel.readable()).toBe(false)
  })
})

describe('free frames, which bound the requests in flight (section 7)', () => {
  test("count from the kernel's head to the first frame in use", () => {
    const ends = new BothEnds(frames(8))
    expect(ends.user.freeFrames()).toBe(8)
    for (const number of [1, 2, 3]) ends.direct(message(number))
    expect(ends.user.freeFrames()).toBe(5)
    const first = ends.user.take()
    const second = ends.user.take()
    expect(ends.user.freeFrames()).toBe(5)
    ends.user.release(second)
    expect(ends.user.freeFrames()).toBe(5)
    ends.user.hold(first)
    expect(ends.user.freeFrames()).toBe(6)
    ends.user.release(first)
    expect(ends.user.freeFrames()).toBe(7)
  })

  test('as many replies fit as were promised', () => {
    const ends = new BothEnds(frames(8))
    for (let lap = 0; lap < 20; lap++) {
      const promised = ends.user.freeFrames()
      for (let i = 0; i < promised; i++) expect(ends.direct(message(i))).toBeGreaterThanOrEqual(0)
      const taken = ends.user.take()
      for (let i = 0; i < lap % 7; i++) drain(ends)
      if (lap % 3 === 0 && ends.user.held < 5) ends.user.hold(taken)
      else ends.user.release(taken)
      drain(ends)
    }
  })
})
