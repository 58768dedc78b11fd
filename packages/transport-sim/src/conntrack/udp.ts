/** The tracker of UDP (nf_conntrack_proto_udp). */
import { ConntrackEventBit, ConntrackStatus } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import { hasValidChecksum } from './checksum.ts'
import type { Connection } from './connection.ts'
import { Outcome, type TrackedPacket, type TrackingHost } from './tracking.ts'

const HEADER_LENGTH = 8
/** Traffic in both directions for longer than this is a stream. */
const STREAM_AFTER = 2000

/** Takes a datagram of a connection. */
export function trackUdp(host: TrackingHost, connection: Connection, packet: TrackedPacket): Outcome {
  if (!isSound(packet, connection.protocol)) return Outcome.Invalid
  const { udp, udpStream } = host.settings.timeouts
  if (!connection.isConfirmed) connection.streamSince = host.now + STREAM_AFTER
  const isStream = connection.has(ConntrackStatus.SeenReply) && host.now > connection.streamSince
  host.refresh(connection, isStream ? udpStream : udp)
  connection.count(packet.direction, packet.bytes.length)
  if (isStream && !connection.has(ConntrackStatus.Assured) && !connection.has(ConntrackStatus.NatClash)) {
    connection.status |= ConntrackStatus.Assured
    host.note(connection, ConntrackEventBit.Assured)
  }
  return Outcome.Accept
}

function isSound({ bytes, at, verify }: TrackedPacket, protocol: number): boolean {
  const length = bytes.length - at
  if (length < HEADER_LENGTH) return false
  const said = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number)
  const hasChecksum = ((bytes[at + 6] as number) | (bytes[at + 7] as number)) !== 0
  if (protocol === IpProtocol.UdpLite) {
    // Of UDP-Lite the field says how much the checksum covers, and there must be one.
    if (said !== 0 && (said < HEADER_LENGTH || said > length)) return false
    return hasChecksum && (!verify || hasValidChecksum(bytes))
  }
  if (said < HEADER_LENGTH || said > length) return false
  return !hasChecksum || !verify || hasValidChecksum(bytes)
}
