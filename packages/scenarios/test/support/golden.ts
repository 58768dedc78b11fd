import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../../../vectors/queue/', import.meta.url)

/** A packet that a kernel queued (vectors/README.md). */
export interface GoldenPacket {
  name: string
  packet: Uint8Array
  /** bits of `PacketInformation` */
  information: number
}

/** The payloads of all golden queue packets: real IP packets, from their network header on. */
export function goldenPackets(): GoldenPacket[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('packet-') && name.endsWith('.hex'))
  return names.sort().flatMap((file) => {
    const message = parseHex(readFileSync(new URL(file, folder), 'utf8'))
    const view = new DataView(message.buffer)
    let packet: Uint8Array | undefined
    let information = 0
    for (let at = 20; at + 4 <= message.length; at += (view.getUint16(at, true) + 3) & ~3) {
      const length = view.getUint16(at, true)
      const type = view.getUint16(at + 2, true) & 0x3fff
      if (type === 10) packet = message.slice(at + 4, at + length)
      if (type === 14) information = view.getUint32(at + 4)
    }
    return packet === undefined ? [] : [{ name: file.slice(0, -4), packet, information }]
  })
}

export function golden(name: string): Uint8Array {
  const found = goldenPackets().find((packet) => packet.name === name)
  if (found === undefined) throw new Error(`no golden packet ${name}`)
  return found.packet
}

/** Hex with comments from # on. */
export function parseHex(text: string): Uint8Array {
  const digits = text.replace(/#.*/g, '').replace(/\s+/g, '')
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
