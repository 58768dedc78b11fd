/**
 * Host order and network order: the only place that knows the machine. Netlink framing (headers, lengths, types) is in
 * host order; netfilter's attribute values are in network order (big endian) unless their table says otherwise.
 */
export const hostIsLittleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Reverses the bytes of a 32-bit number; the result is unsigned. */
export function swap32(value: number): number {
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}

/** Reverses the bytes of a 16-bit number. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff)
}

// Functions with a condition, not constants that hold one of two functions: engines inline only the former.

/** `htonl` and `ntohl`: converts a 32-bit number between host and network order. */
export function networkOrder32(value: number): number {
  return hostIsLittleEndian ? swap32(value) : value >>> 0
}

/** `htons` and `ntohs`: converts a 16-bit number between host and network order. */
export function networkOrder16(value: number): number {
  return hostIsLittleEndian ? swap16(value) : value & 0xffff
}
