/** Prefixes of addresses, as bytes. */

/** The first `length` bits of an address; the others are 0. */
export function prefixOf(address: Uint8Array, length: number): Uint8Array {
  return address.map((byte, at) => byte & maskAt(at, length))
}

/** The last address of a prefix: all other bits are 1. */
export function lastOf(address: Uint8Array, length: number): Uint8Array {
  return address.map((byte, at) => (byte & maskAt(at, length)) | (~maskAt(at, length) & 0xff))
}

export function isPrefix(address: Uint8Array, length: number): boolean {
  return sameBytes(address, prefixOf(address, length))
}

export function covers(prefix: Uint8Array, length: number, address: Uint8Array): boolean {
  return sameBytes(prefixOf(address, length), prefix)
}

export function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

/** Negative, 0 or positive, as the first byte that differs is smaller, none, or larger. */
export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  for (const [at, byte] of one.entries()) {
    const difference = byte - (other[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function maskAt(at: number, length: number): number {
  const bits = Math.max(0, Math.min(8, length - at * 8))
  return (0xff << (8 - bits)) & 0xff
}
