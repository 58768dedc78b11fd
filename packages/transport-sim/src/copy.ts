import type { Memory } from '@ringlink/codec'

/** Copies this short are faster word by word than through a view of the part. */
const SHORT_COPY = 256

/** Copies `length` bytes between offsets that are multiples of four. */
export function copyBytes(from: Memory, fromOffset: number, to: Memory, toOffset: number, length: number): void {
  if (length > SHORT_COPY) {
    to.u8.set(from.u8.subarray(fromOffset, fromOffset + length), toOffset)
    return
  }
  const source = from.u32
  const target = to.u32
  const start = fromOffset >> 2
  const shift = (toOffset >> 2) - start
  const words = length >> 2
  for (let word = start; word < start + words; word++) target[word + shift] = source[word] as number
  for (let at = words * 4; at < length; at++) to.u8[toOffset + at] = from.u8[fromOffset + at] as number
}
