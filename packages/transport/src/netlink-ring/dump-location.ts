import type { RingFrames } from './layout.ts'

const MESSAGE_HEADER_LENGTH = 16

/**
 * Offset of the message of a VALID frame: after the frame's header, except for dumps of some kernels (4.3, 4.4). Those
 * begin so late that exactly their allocated size is left, and nothing states that size.
 *
 *     frame 8192, allocation 3776:   | header 24 | 4392 bytes untouched | 3776 bytes for the messages |
 *
 * @param allocations the possible allocation sizes, likely ones first
 */
export function locateMessage(
  frames: RingFrames,
  frame: number,
  length: number,
  allocations: readonly number[],
): number {
  const { u32 } = frames.memory
  const data = frames.data(frame)
  if (length < MESSAGE_HEADER_LENGTH) return data
  const messageLength = u32[data >> 2] as number
  if (messageLength >= MESSAGE_HEADER_LENGTH && messageLength <= length) return data
  const end = frames.address(frame) + frames.geometry.frameSize
  for (const allocation of allocations) {
    const start = end - allocation
    if (allocation >= length && start > data && holdsMessages(u32, start, length)) return start
  }
  return data
}

/** Whether consecutive messages fill `length` bytes exactly. */
function holdsMessages(u32: Uint32Array, start: number, length: number): boolean {
  let at = 0
  while (at < length) {
    const messageLength = u32[(start + at) >> 2] as number
    if (messageLength < MESSAGE_HEADER_LENGTH || messageLength > length - at) return false
    at += (messageLength + 3) & ~3
  }
  return true
}
