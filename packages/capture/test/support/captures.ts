import { type CaptureBlock, decodePcapng, type PacketBlock } from '../../src/index.ts'

/** The bytes of hexadecimal text; comments after a `#` are ignored. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, '').replace(/\s+/g, '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  )
}

/** All blocks of a complete capture. */
export function blocksOf(bytes: Uint8Array): CaptureBlock[] {
  const blocks: CaptureBlock[] = []
  const decoder = decodePcapng(bytes)
  for (;;) {
    const { done, value } = decoder.next()
    if (done !== true) blocks.push(value)
    else if (value === undefined) return blocks
    else throw value
  }
}

export function packetsOf(bytes: Uint8Array): PacketBlock[] {
  return blocksOf(bytes).filter((block) => block.type === 'packet')
}

/** An IPv4 packet with a UDP datagram from 192.0.2.1 port 4660 to 198.51.100.`last` port 9, its checksums left out. */
export function udpPacket(last: number, payload = 'ringlink'): Uint8Array {
  const data = new TextEncoder().encode(payload)
  const packet = new Uint8Array(28 + data.length)
  const view = new DataView(packet.buffer)
  packet.set([0x45, 0])
  view.setUint16(2, packet.length)
  packet.set([64, 17], 8)
  packet.set([192, 0, 2, 1, 198, 51, 100, last], 12)
  view.setUint16(20, 0x1234)
  view.setUint16(22, 9)
  view.setUint16(24, 8 + data.length)
  packet.set(data, 28)
  return packet
}
