import { IpProtocol, type PacketView } from '@ringlink/packet'
import type { QueuePacket } from 'ringlink'

/** The reason for dropping a datagram. */
export interface Unwanted {
  /** its destination port */
  readonly port: number
  /** bytes in it */
  readonly text: string
}

/** Tells UDP datagrams that go to a port or contain a text. */
export function datagramFilter({ port, text }: Unwanted): (packet: QueuePacket) => boolean {
  return (packet) => {
    const headers = packet.headers()
    if (headers.protocol !== IpProtocol.Udp) return false
    return headers.destinationPort === port || (text !== '' && contains(headers, text))
  }
}

function contains({ memory, payloadOffset, payloadLength }: PacketView, text: string): boolean {
  const { buffer, byteOffset } = memory.u8
  return Buffer.from(buffer, byteOffset + payloadOffset, payloadLength).includes(text)
}
