/** CRC32c (Castagnoli, reflected polynomial 0x82f63b78): the checksum of SCTP (RFC 9260 appendix A). */
import type { Memory } from '@ringlink/codec/memory'

let table: Uint32Array | undefined

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    return value
  })
}

/** The CRC of the `length` bytes at `offset`, of which the four at `zeroed` count as 0. */
export function crc32c(memory: Memory, offset: number, length: number, zeroed = -1): number {
  table ??= makeTable()
  const { u8 } = memory
  let crc = 0xffffffff
  for (let at = offset; at < offset + length; at++) {
    const byte = at >= zeroed && at < zeroed + 4 && zeroed >= 0 ? 0 : (u8[at] as number)
    crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
