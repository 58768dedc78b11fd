import { Errno } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import { describe, expect, test } from 'vitest'
import {
  checkMapping,
  checkRingRequest,
  FRAME_HEADER_LENGTH,
  NO_RING,
  planRing,
  RingFrames,
  type RingGeometry,
  type RingSetup,
  readRingRequest,
  ringSize,
  writeRingRequest,
} from '../../src/netlink-ring/index.ts'

const fresh: RingSetup = { pageSize: 4096, privileged: true, mapped: false, pending: false, set: false }
const geometry = (blockSize: number, blockCount: number, frameSize: number, frameCount: number): RingGeometry => ({
  blockSize,
  blockCount,
  frameSize,
  frameCount,
})
const good = geometry(16384, 4, 2048, 32)

describe('a ring request (section 2: checks in order and their errno)', () => {
  const cases: [string, RingGeometry, Partial<RingSetup>, number][] = [
    ['a common ring', good, {}, 0],
    ['no CAP_NET_ADMIN in the initial namespace', good, { privileged: false }, Errno.EPERM],
    ['any mapping of this socket exists', good, { mapped: true }, Errno.EBUSY],
    ['that ring has pending frames', good, { pending: true }, Errno.EBUSY],
    ['a release while mapped', NO_RING, { mapped: true, set: true }, Errno.EBUSY],
    ['no blocks, but frames', geometry(0, 0, 0, 1), {}, Errno.EINVAL],
    ['no blocks, but frames, of a ring that is set', geometry(0, 0, 0, 1), { set: true }, Errno.EINVAL],
    ['a release', NO_RING, { set: true }, 0],
    ['a release of nothing', NO_RING, {}, 0],
    ['a release; the rest of the struct is ignored', geometry(7, 0, 3, 0), { set: true }, 0],
    ['a ring that is set already', good, { set: true }, Errno.EBUSY],
    ['set already comes before the sizes', geometry(1, 1, 1, 1), { set: true }, Errno.EBUSY],
    ['a block size of 0', geometry(0, 1, 2048, 2), {}, Errno.EINVAL],
    ['a block size that is negative as an int', geometry(0x80000000, 1, 2048, 0x100000), {}, Errno.EINVAL],
    ['a block size that is not a multiple of the page size', geometry(4095, 1, 2048, 1), {}, Errno.EINVAL],
    ['three pages per block', geometry(12288, 1, 4096, 3), {}, 0],
    ['a frame size below its header', geometry(4096, 1, 20, 204), {}, Errno.EINVAL],
    ['frame_size 24 (zero payload) is legal', geometry(4096, 1, 24, 170), {}, 0],
    ['a frame size that is not a multiple of 4', geometry(4096, 1, 2046, 2), {}, Errno.EINVAL],
    ['a frame larger than a block', geometry(4096, 1, 4100, 0), {}, Errno.EINVAL],
    ['frame_size need not divide block_size', geometry(4096, 2, 3800, 2), {}, 0],
    ['too many frames', geometry(4096, 2, 2048, 5), {}, Errno.EINVAL],
    ['too few frames', geometry(4096, 2, 2048, 3), {}, Errno.EINVAL],
    ['a product that wraps to the frame count (u32 arithmetic)', geometry(4096, 0x80000001, 2048, 2), {}, 0],
  ]
  test.each(cases)('%s', (_, request, setup, errno) => {
    expect(checkRingRequest(writeRingRequest(request), { ...fresh, ...setup })).toBe(errno)
  })

  test('is refused when it is short ("len < 16 (longer is fine, extra ignored)")', () => {
    expect(checkRingRequest(new Uint32Array(3), fresh)).toBe(Errno.EINVAL)
    expect(checkRingRequest(Uint32Array.of(...writeRingRequest(good), 99), fresh)).toBe(0)
    expect(checkRingRequest(new Uint32Array(3), { ...fresh, privileged: false })).toBe(Errno.EPERM)
  })

  test('is read back as it was written', () => {
    expect(readRingRequest(writeRingRequest(good))).toEqual(good)
  })
})

describe('mapping (section 3)', () => {
  const transmit = geometry(4096, 3, 1024, 12)
  const cases: [string, number, number, RingGeometry | undefined, RingGeometry | undefined, number][] = [
    ['both rings', 65536 + 12288, 0, good, transmit, 0],
    ['one of two rings', 65536, 0, good, transmit, Errno.EINVAL],
    ['a receive ring alone', 65536, 0, good, undefined, 0],
    ['a transmit ring alone', 12288, 0, undefined, transmit, 0],
    ['less, within the last page', 12288 - 4095, 0, undefined, transmit, 0],
    ['a page less', 12288 - 4096, 0, undefined, transmit, Errno.EINVAL],
    ['an offset', 65536, 4096, good, undefined, Errno.EINVAL],
    ['no ring at all', 4096, 0, undefined, undefined, Errno.EINVAL],
    ['nothing of no ring', 0, 0, undefined, undefined, Errno.EINVAL],
  ]
  test.each(cases)('%s', (_, length, offset, receive, send, errno) => {
    expect(checkMapping(length, offset, 4096, receive, send)).toBe(errno)
  })
})

describe('frames in their blocks', () => {
  test('begin again in each block: "verified with 3800-byte frames in 4096-byte blocks"', () => {
    const frames = new RingFrames(new Memory(3 * 4096), geometry(4096, 3, 3800, 3))
    expect([0, 1, 2].map((frame) => frames.address(frame))).toEqual([0, 4096, 8192])
    expect(frames.capacity).toBe(3776)
  })

  test('lie after the receive ring if they are the transmit ring', () => {
    const receive = geometry(4096, 2, 1000, 8)
    const transmit = geometry(8192, 2, 3000, 4)
    const frames = new RingFrames(new Memory(ringSize(receive) + ringSize(transmit)), transmit, ringSize(receive))
    expect([0, 1, 2, 3].map((frame) => frames.address(frame))).toEqual([8192, 11192, 16384, 19384])
    expect(frames.data(3)).toBe(19384 + FRAME_HEADER_LENGTH)
    expect(frames.next(3)).toBe(0)
  })

  test('have the header that the kernel would write', () => {
    const memory = new Memory(4096)
    const frames = new RingFrames(memory, geometry(4096, 1, 2048, 2))
    frames.describe(1, { length: 77, group: 2, processId: 3, userId: 4, groupId: 5 })
    frames.setStatus(1, 2)
    expect([...memory.u32.subarray(512, 518)]).toEqual([2, 77, 2, 3, 4, 5])
    expect(frames.description(1)).toEqual({ length: 77, group: 2, processId: 3, userId: 4, groupId: 5 })
    expect([frames.status(1), frames.status(0)]).toEqual([2, 0])
  })
})

describe('planning a ring', () => {
  test.each([
    [64, 1],
    [1932, 100],
    [3776, 7],
    [16384, 64],
    [65648, 16],
    [1, 1],
  ])('for %i bytes, %i frames, the kernel accepts the result', (capacity, frameCount) => {
    const plan = planRing({ capacity, frameCount, pageSize: 4096 })
    expect(checkRingRequest(writeRingRequest(plan), fresh)).toBe(0)
    expect(plan.frameCount).toBeGreaterThanOrEqual(frameCount)
    expect(plan.frameSize - FRAME_HEADER_LENGTH).toBeGreaterThanOrEqual(capacity)
    expect(Math.log2(plan.blockSize / 4096) % 1).toBe(0)
  })
})
