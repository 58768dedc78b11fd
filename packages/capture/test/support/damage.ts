import fc from 'fast-check'
import { LinkType, PcapngEncoder } from '../../src/pcapng/index.ts'

const ENHANCED_PACKET = 6
/** Offset of the options of a block, by its type; for statistics, the whole body. */
const optionsAt: Readonly<Record<number, number>> = { 168627466: 24, 1: 16, 5: 8 }

/** Packets with options around them, and statistics between them. */
export function richCapture(byteOrder: 'little' | 'big', packets: readonly Uint8Array[]): Uint8Array {
  const encoder = new PcapngEncoder({ application: 'ringlink', comment: 'a comment', byteOrder })
  const number = encoder.addInterface({ linkType: LinkType.Raw, name: 'raw', description: 'an interface' })
  for (const [index, bytes] of packets.entries()) {
    const at = BigInt(index) * 1_000_000n
    encoder.writePacket({ interface: number, at, bytes, comment: 'packet', dropCount: 3n, direction: 'inbound' })
    encoder.writeStatistics({ interface: number, at, received: 6n, dropped: 5n, startedAt: 1n, endedAt: at })
  }
  return encoder.take()
}

/** Offsets of all bytes of options and statistics, which are not needed to read packets. */
export function sideInformation(capture: Uint8Array, byteOrder: 'little' | 'big'): number[] {
  const view = new DataView(capture.buffer, capture.byteOffset, capture.length)
  const little = byteOrder === 'little'
  const offsets: number[] = []
  for (let at = 0; at < capture.length; ) {
    const type = view.getUint32(at, little)
    const length = view.getUint32(at + 4, little)
    const captured = type === ENHANCED_PACKET ? view.getUint32(at + 20, little) : 0
    const start = at + (optionsAt[type] ?? 28 + ((captured + 3) & ~3))
    for (let offset = start; offset < at + length - 4; offset++) offsets.push(offset)
    at += length
  }
  return offsets
}

/** A capture whose options and statistics are damaged, and the packets in it. */
export const damagedCaptures: fc.Arbitrary<{ capture: Uint8Array; packets: Uint8Array[] }> = fc
  .record({
    byteOrder: fc.constantFrom('little' as const, 'big' as const),
    packets: fc.array(fc.uint8Array({ minLength: 20, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
    changes: fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 4, 9, 14, 0xff))), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ byteOrder, packets, changes }) => {
    const capture = richCapture(byteOrder, packets)
    const offsets = sideInformation(capture, byteOrder)
    for (const [index, value] of changes) capture[offsets[index % offsets.length] as number] = value
    return { capture, packets }
  })
