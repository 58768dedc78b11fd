import type { Random } from '@ringlink/transport/faults'

/** So many random bytes. */
export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = random.below(256)
  return bytes
}

/** 0 to `length` - 1 in random order. */
export function randomOrder(random: Random, length: number): number[] {
  const order = Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const moved = order[last] as number
    order[last] = order[other] as number
    order[other] = moved
  }
  return order
}

/** The seed of the part `index` of something that has `seed`: parts differ, and none moves when another is added. */
export function partSeed(seed: number, index: number): number {
  // Neighbouring seeds and indexes must end up far apart (the finalizer of MurmurHash3).
  let word = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}
