/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words. A `sum` here is
 * such a sum, folded to 16 bits and not complemented; a `checksum` is the value in a header.
 */
import type { Memory } from '@ringlink/codec/memory'
import { hostIsLittleEndian, read16 } from './bytes.ts'

/** The sum of the `length` bytes at `offset`; an odd last byte is the upper half of a word. */
export function sumBytes(memory: Memory, offset: number, length: number): number {
  const end = offset + length
  const even = end - (length & 1)
  let sum = 0
  if ((offset & 1) === 0) {
    // In host order, swapped once at the end: one's complement sums do not depend on the byte order (RFC 1071 section 2
    // (B)).
    const { u16 } = memory
    for (let at = offset >> 1; at < even >> 1; at++) sum += u16[at] as number
    sum = foldSum(sum)
    if (hostIsLittleEndian) sum = ((sum & 0xff) << 8) | (sum >> 8)
  } else {
    for (let at = offset; at < even; at += 2) sum += read16(memory, at)
  }
  return foldSum(even === end ? sum : sum + ((memory.u8[even] as number) << 8))
}

/** Folds a number up to 2^53 into 16 bits, carries added. */
export function foldSum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return folded
}

/** The checksum of a header for a sum over everything that it covers, with its own field as 0. */
export function checksumOf(sum: number): number {
  return ~foldSum(sum) & 0xffff
}

/** The checksum of a region whose checksum field holds 0. It is 0 for a region that includes its correct checksum. */
export function internetChecksum(memory: Memory, offset: number, length: number): number {
  return checksumOf(sumBytes(memory, offset, length))
}

/**
 * The sum of the pseudo header: both addresses, the protocol and the length of transport header and payload. It is the
 * same for IPv4 (RFC 9293 section 3.1) and IPv6 (RFC 8200 section 8.1), which writes wider fields with zeros in front.
 */
export function pseudoHeaderSum(
  memory: Memory,
  addressesOffset: number,
  addressesLength: number,
  protocol: number,
  transportLength: number,
): number {
  return foldSum(sumBytes(memory, addressesOffset, addressesLength) + protocol + foldSum(transportLength))
}

/** The checksum after one of the 16-bit words that it covers has changed (RFC 1624 equation 3). */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return ~foldSum((~checksum & 0xffff) + (~before & 0xffff) + after) & 0xffff
}

/**
 * The checksum after bytes that it covers were replaced: `before` and `after` are the sums of the old and of the new
 * ones, which must begin at an even distance from the start of what is covered.
 */
export function updateChecksumBySums(checksum: number, before: number, after: number): number {
  return updateChecksum(checksum, foldSum(before), foldSum(after))
}
