import { Attribute, type Decoder, HEADERS, PAYLOAD_BYTES } from './decoder.ts'

interface NaivePacket {
  length: number
  type: number
  flags: number
  sequence: number
  portId: number
  family: number
  resourceId: number
  id: number
  mark: number
  outputDevice: number
  payload: Uint8Array
  others: Map<number, Uint8Array>
}

/** The naive decoder: a DataView, an object with all values, a copy of the payload. */
export function naiveDecoder(slots: Uint8Array, slot: number, length: number): Decoder {
  return {
    decode(index) {
      const { id, mark, outputDevice, payload } = parse(slots.subarray(index * slot, index * slot + length))
      return id + mark + outputDevice + PAYLOAD_BYTES.reduce((sum, at) => sum + (payload[at] ?? 0), 0)
    },
  }
}

function parse(bytes: Uint8Array): NaivePacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packet: NaivePacket = {
    length: view.getUint32(0, true),
    type: view.getUint16(4, true),
    flags: view.getUint16(6, true),
    sequence: view.getUint32(8, true),
    portId: view.getUint32(12, true),
    family: view.getUint8(16),
    resourceId: view.getUint16(18),
    id: 0,
    mark: 0,
    outputDevice: 0,
    payload: new Uint8Array(0),
    others: new Map(),
  }
  for (let at = HEADERS; at + 4 <= bytes.length; ) {
    const size = view.getUint16(at, true)
    if (size < 4) break
    const type = view.getUint16(at + 2, true) & 0x3fff
    if (type === Attribute.PacketHeader) packet.id = view.getUint32(at + 4)
    else if (type === Attribute.Mark) packet.mark = view.getUint32(at + 4)
    else if (type === Attribute.OutputDevice) packet.outputDevice = view.getUint32(at + 4)
    else if (type === Attribute.Payload) packet.payload = bytes.slice(at + 4, at + size)
    else packet.others.set(type, bytes.slice(at + 4, at + size))
    at += (size + 3) & ~3
  }
  return packet
}
