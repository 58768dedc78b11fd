import fc from 'fast-check'

/** Addresses of one family for both ends. */
export const endsArbitrary: fc.Arbitrary<{ source: Uint8Array; destination: Uint8Array }> = fc
  .constantFrom(4, 16)
  .chain((length) => {
    const address = fc.uint8Array({ minLength: length, maxLength: length })
    return fc.record({ source: address, destination: address })
  })

export const half: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff })
export const byte: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xff })
export const word: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffffffff })
export const payload: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 })
export const seed: fc.Arbitrary<number> = fc.nat(0xffffffff)

/**
 * A checksum written down naively from RFC 1071, to hold ours against: remainder of 16-bit words, padded by a zero
 * byte.
 */
export function naiveChecksum(...regions: Uint8Array[]): number {
  const bytes = regions.flatMap((region) => [...region])
  if (bytes.length % 2 === 1) bytes.push(0)
  let sum = 0n
  for (let at = 0; at < bytes.length; at += 2) sum += BigInt((bytes[at] as number) * 256 + (bytes[at + 1] as number))
  while (sum >> 16n) sum = (sum & 0xffffn) + (sum >> 16n)
  return Number(0xffffn - sum)
}
