import { Errno } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameStatus, KernelTransmitRing, RingFrames, TransmitRing } from '../../src/netlink-ring/index.ts'
import { frames as geometryOf, message, numberOf } from './support.ts'

function bothEnds(count: number) {
  const geometry = geometryOf(count)
  const buffer = new ArrayBuffer(geometry.blockSize * geometry.blockCount)
  const kernel = new KernelTransmitRing(new RingFrames(new Memory(buffer), geometry))
  const user = new TransmitRing(new RingFrames(new Memory(buffer), geometry))
  const received: number[] = []
  return { kernel, user, received, accept: (bytes: Uint8Array) => received.push(numberOf(bytes)) && bytes.length }
}

function put(user: TransmitRing, number: number, length?: number): boolean {
  const frame = user.reserve()
  if (frame < 0) return false
  const bytes = message(number, length)
  user.frames.memory.u8.set(bytes, user.frames.data(frame))
  user.commit(bytes.length)
  return true
}

describe('the transmit ring (section 10)', () => {
  test('"the sum of nm_len is returned; 0 if head was not VALID"; "all processed frames are UNUSED"', () => {
    const { kernel, user, received, accept } = bothEnds(4)
    expect(kernel.trigger(accept)).toBe(0)
    for (const number of [1, 2, 3]) put(user, number, 20)
    expect(user.settle(kernel.trigger(accept))).toEqual({ sent: 3, errno: 0 })
    expect(received).toEqual([1, 2, 3])
    expect([0, 1, 2, 3].map((frame) => user.frames.status(frame))).toEqual([0, 0, 0, 0])
  })

  test('"nm_len > frame_size-24 -> EINVAL, stop (frame stays VALID, head stays, every later send fails again)"', () => {
    const { kernel, user, received, accept } = bothEnds(4)
    for (const number of [1, 2, 3]) put(user, number)
    user.frames.setLength(1, user.frames.capacity + 1)
    expect(kernel.trigger(accept)).toBe(-Errno.EINVAL)
    expect(kernel.trigger(accept)).toBe(-Errno.EINVAL)
    expect(user.settle(-Errno.EINVAL)).toEqual({ sent: 1, errno: Errno.EINVAL })
    expect(user.pending).toBe(2)
    user.frames.setLength(1, 16)
    expect(user.settle(kernel.trigger(accept))).toEqual({ sent: 2, errno: 0 })
    expect(received).toEqual([1, 2, 3])
  })

  test('ENOBUFS: "stop, frame stays VALID"', () => {
    const { kernel, user, received, accept } = bothEnds(4)
    for (const number of [1, 2, 3]) put(user, number)
    let allocations = 0
    expect(user.settle(kernel.trigger(accept, () => ++allocations < 2))).toEqual({ sent: 1, errno: Errno.ENOBUFS })
    expect([user.frames.status(0), user.frames.status(1)]).toEqual([FrameStatus.Unused, FrameStatus.Valid])
    expect(user.settle(kernel.trigger(accept))).toEqual({ sent: 2, errno: 0 })
    expect(received).toEqual([1, 2, 3])
  })

  test('"negative result -> stop: frames after it stay VALID unsent, bytes already sent are not reported"', () => {
    const { kernel, user, received, accept } = bothEnds(3)
    for (const number of [1, 2, 3]) put(user, number)
    const refuseSecond = (bytes: Uint8Array) => (numberOf(bytes) === 2 ? -Errno.ECONNREFUSED : accept(bytes))
    const result = kernel.trigger(refuseSecond)
    expect(result).toBe(-Errno.ECONNREFUSED)
    expect([0, 1, 2].map((frame) => user.frames.status(frame))).toEqual([0, 0, FrameStatus.Valid])
    expect(user.settle(result)).toEqual({ sent: 1, errno: Errno.ECONNREFUSED })
    // The refused message is first again, at the frame where the kernel continues.
    expect(user.pending).toBe(2)
    expect(user.settle(kernel.trigger(accept))).toEqual({ sent: 2, errno: 0 })
    expect(received).toEqual([1, 2, 3])
  })

  test('a failure before the first frame was looked at changes nothing', () => {
    const { kernel, user, received, accept } = bothEnds(2)
    put(user, 1)
    expect(user.settle(-Errno.EPERM)).toEqual({ sent: 0, errno: Errno.EPERM })
    expect(user.settle(kernel.trigger(accept))).toEqual({ sent: 1, errno: 0 })
    expect(received).toEqual([1])
  })

  test('"nm_len 0 is accepted: returns 0 bytes, frame released"', () => {
    const { kernel, user } = bothEnds(2)
    user.commit(0)
    expect(user.settle(kernel.trigger((bytes) => bytes.length))).toEqual({ sent: 1, errno: 0 })
  })

  test('"a gap (UNUSED at head) means nothing is sent"', () => {
    const { kernel, accept } = bothEnds(3)
    kernel.frames.setStatus(1, FrameStatus.Valid)
    expect(kernel.trigger(accept)).toBe(0)
    expect(kernel.writable()).toBe(true)
  })

  test('cancels frames that are not to be sent', () => {
    const { kernel, user, accept } = bothEnds(3)
    put(user, 1)
    put(user, 2)
    user.discard()
    expect(kernel.trigger(accept)).toBe(0)
    expect(user.reserve()).toBe(0)
  })

  test('never loses a commit, sends none twice and keeps the order, at any failure of the kernel', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), length: fc.integer({ min: 16, max: 200 }) }),
      fc.record({
        kind: fc.constant('send' as const),
        // The message at which the kernel fails, counted within the send, and how.
        failAt: fc.nat(6),
        errno: fc.constantFrom(0, Errno.ECONNREFUSED, Errno.EAGAIN, Errno.ENOBUFS, Errno.EINVAL, Errno.EPERM),
      }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60, size: 'max' }), (count, steps) => {
        const { kernel, user, received, accept } = bothEnds(count)
        let committed = 0
        let sent = 0
        for (const step of steps) {
          if (step.kind === 'put') {
            if (put(user, committed + 1, step.length)) committed++
            else expect(user.pending).toBe(count)
            continue
          }
          let looked = 0
          const fails = () => step.errno !== 0 && looked++ === step.failAt
          const result =
            step.errno === Errno.ENOBUFS
              ? kernel.trigger(accept, () => !fails())
              : kernel.trigger((bytes) => (fails() ? -step.errno : accept(bytes)))
          sent += user.settle(result).sent
          expect(received.length).toBe(sent)
          expect(user.pending).toBe(committed - sent)
        }
        user.settle(kernel.trigger(accept))
        expect(received).toEqual(Array.from({ length: committed }, (_, i) => i + 1))
      }),
      { numRuns: 1000 },
    )
  })
})
