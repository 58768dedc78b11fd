export interface PcapLayout {
  readonly order: 'little' | 'big'
  readonly unit: 'microseconds' | 'nanoseconds'
  readonly linkType: number
}

export interface PcapPacket {
  readonly seconds: number
  readonly fraction: number
  readonly bytes: Uint8Array
  /** bytes that were cut off */
  readonly cut: number
}

/** A classic pcap file. */
export function pcapFile({ order, unit, linkType }: PcapLayout, packets: readonly PcapPacket[]): Uint8Array {
  const little = order === 'little'
  const file = new Uint8Array(packets.reduce((length, { bytes }) => length + 16 + bytes.length, 24))
  const view = new DataView(file.buffer)
  const words = (offset: number, ...values: number[]) => {
    for (const [index, value] of values.entries()) view.setUint32(offset + index * 4, value, little)
  }
  words(0, unit === 'microseconds' ? 0xa1b2c3d4 : 0xa1b23c4d)
  view.setUint16(4, 2, little)
  view.setUint16(6, 4, little)
  words(16, 262_144, linkType)
  let offset = 24
  for (const { seconds, fraction, bytes, cut } of packets) {
    words(offset, seconds, fraction, bytes.length, bytes.length + cut)
    file.set(bytes, offset + 16)
    offset += 16 + bytes.length
  }
  return file
}
