/** The bytes of a described packet. */
import { icmpPacket, icmpv6Packet, ipv4Packet, ipv6Packet, tcpPacket, udpPacket } from '@ringlink/packet'
import type { DescribedPacket } from './rule-reader.ts'

const flagBits: Readonly<Record<string, number>> = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 }
const FRAGMENT = 44

/** Its bytes from the network header on. */
export function bytesOf(packet: DescribedPacket): Uint8Array {
  const { version, protocol, source, destination, sourcePort, destinationPort, fragment } = packet
  const network = {
    source,
    destination,
    timeToLive: packet.timeToLive,
    trafficClass: packet.codePoint << 2,
  }
  const payload = new Uint8Array(packet.payload)
  const flags = packet.tcpFlags.reduce((bits, flag) => bits | (flagBits[flag] ?? 0), 0)
  const message = { ...network, type: packet.messageType, code: packet.messageCode, payload }
  const whole =
    protocol === 17
      ? udpPacket({ ...network, sourcePort, destinationPort, payload })
      : protocol === 6
        ? tcpPacket({ ...network, sourcePort, destinationPort, flags, payload })
        : (version === 4 ? icmpPacket : icmpv6Packet)(message)
  if (fragment === 'none') return whole
  const rest = whole.slice(version === 4 ? 20 : 40)
  const offset = fragment === 'later' ? 8 : 0
  if (version === 4) {
    return ipv4Packet({ ...network, protocol, payload: rest, fragmentOffset: offset, moreFragments: true })
  }
  const header = Uint8Array.of(protocol, 0, 0, offset | 1, 0, 0, 0, 7, ...rest)
  return ipv6Packet({ ...network, nextHeader: FRAGMENT, payload: header })
}
