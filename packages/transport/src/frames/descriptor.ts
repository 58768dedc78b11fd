/**
 * The 32-bit words that describe a received frame, {@link FRAME_WORDS} per frame, at `frame * FRAME_WORDS`. The addon
 * writes them too; packages/native/src/frame.h declares the same for C.
 */
export const FrameWord = {
  /** bytes in the frame */
  Length: 0,
  /** length of the whole message in bytes; if more than {@link FrameWord.Length}, it was truncated */
  FullLength: 1,
  /** port id of the sender (`nl_pid`); 0 is the kernel */
  PortId: 2,
  /** multicast groups that the message was sent to (`nl_groups`), a mask of the first 32 */
  Groups: 3,
} as const

/** 32-bit words per frame. */
export const FRAME_WORDS = 4

/** The byte that fills released frames, if poisoning is on. */
export const POISON = 0xa5

/** Writes the descriptor words of `frame`. */
export function describeFrame(
  words: Uint32Array,
  frame: number,
  byteLength: number,
  fullLength: number,
  portId: number,
  groups: number,
): void {
  const word = frame * FRAME_WORDS
  words[word + FrameWord.Length] = byteLength
  words[word + FrameWord.FullLength] = fullLength
  words[word + FrameWord.PortId] = portId
  words[word + FrameWord.Groups] = groups
}

/**
 * Bytes from one frame to the next: an odd number of cache lines. With a stride of a power of two, the first cache
 * lines of all frames, which are the ones that are read, would share a few sets of the processor's cache.
 */
export function frameStride(byteLength: number): number {
  return (Math.ceil(byteLength / 64) | 1) * 64
}
