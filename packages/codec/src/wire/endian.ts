/**
 * Host order and network order: the only place that knows the machine. Netlink framing (headers, lengths, types) is in
 * host order; netfilter's attribute values are in network order (big endian) unless their table says otherwise.
 */
export const hostIsLittleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Reverses the four bytes of a word; the result is unsigned. */
export function swap32(value: number): number {
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}

/** Reverses the two bytes of a half word. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff)
}

// Functions that ask, not constants that hold one of two functions: engines see through the former only.

/** `htonl` and `ntohl`: between a word as the host stores it and as the wire does. */
export function networkOrder32(value: number): number {
  return hostIsLittleEndian ? swap32(value) : value >>> 0
}

/** `htons` and `ntohs`. */
export function networkOrder16(value: number): number {
  return hostIsLittleEndian ? swap16(value) : value & 0xffff
}
