/**
 * Edits of a packet: new addresses, ports or payload, with all dependent lengths and checksums: IPv4 and IPv6 lengths,
 * the IPv4 header checksum, UDP lengths, and the checksums of TCP, UDP, UDP-Lite, ICMP, ICMPv6, SCTP and GRE.
 *
 * A wrong checksum stays wrong: if the payload stays, checksums are updated by the change (RFC 1624), so that a damaged
 * packet is still detected. A new payload gets a new checksum, and a partial one (packet-checksum.ts) is completed.
 */
import { EncodeError, NetlinkError } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import { type Address, addressOfVersion } from './address.ts'
import { field, read16, show, write16 } from './bytes.ts'
import { sumBytes, updateChecksum, updateChecksumBySums } from './checksum.ts'
import {
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TIME_TO_LIVE,
  IPV4_TOTAL_LENGTH,
} from './ipv4.ts'
import {
  IPV6_DESTINATION,
  IPV6_HEADER_LENGTH,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from './ipv6.ts'
import { PacketView } from './packet.ts'
import { checksumOffset, completeChecksums, transportChecksum, writeTransportChecksum } from './packet-checksum.ts'
import { IpProtocol } from './protocol.ts'
import { UDP_LENGTH } from './udp.ts'
import { UDP_LITE_COVERAGE } from './udp-lite.ts'

/** The changes; properties left out stay as they are. */
export interface PacketChanges {
  /** of the same IP version as the packet */
  readonly source?: Address | undefined
  /** as {@link source} */
  readonly destination?: Address | undefined
  /** of TCP, UDP, UDP-Lite, SCTP and DCCP */
  readonly sourcePort?: number | undefined
  /** as {@link sourcePort} */
  readonly destinationPort?: number | undefined
  /** hop limit in IPv6 */
  readonly timeToLive?: number | undefined
  /**
   * the bytes after the transport header, of any length that fits; text is written as UTF-8. A TCP payload of another
   * length shifts the sequence numbers of the connection, which the edit of one segment cannot correct
   */
  readonly payload?: Uint8Array | string | undefined
}

export interface EditOptions {
  /**
   * whether the packet's transport checksum is partial (NFQA_SKB_CSUMNOTREADY); detected from the packet if not given
   */
  readonly isChecksumPartial?: boolean | undefined
}

const KEYS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'source',
  'destination',
  'sourcePort',
  'destinationPort',
  'timeToLive',
  'payload',
])
const MAXIMUM_LENGTH = 0xffff

/** Applies changes to copies of packets. Each edit reuses its memory. */
export class PacketEditor {
  /** a view of the edited packet, valid until the next edit */
  readonly packet: PacketView = new PacketView()
  #memory = new Memory(2048)

  /**
   * Copies the packet, applies the changes, and returns the bytes, which are valid until the next edit: from the first
   * header (Ethernet or network) to the end. Throws `NetlinkError`: `ARGUMENT` for an unknown change, `VALUE_RANGE` for
   * one that is not possible on this packet (a port of a later fragment, an address of another version, any change of a
   * truncated or damaged packet, or of one that AH authenticates), `NO_SPACE` for a payload that exceeds the length
   * fields.
   */
  edit(packet: PacketView, changes: PacketChanges, options: EditOptions = {}): Uint8Array {
    checkChanges(packet, changes)
    const payload = typeof changes.payload === 'string' ? new TextEncoder().encode(changes.payload) : changes.payload
    const isPartial = options.isChecksumPartial ?? transportChecksum(packet) === 'partial'
    this.#copy(packet, payload)
    const edited = this.packet
    setAddress(edited, 'source', changes.source, IPV4_SOURCE, IPV6_SOURCE)
    setAddress(edited, 'destination', changes.destination, IPV4_DESTINATION, IPV6_DESTINATION)
    setPort(edited, changes.sourcePort, 0)
    setPort(edited, changes.destinationPort, 2)
    setTimeToLive(edited, changes.timeToLive)
    if (payload !== undefined) finishPayload(edited)
    else if (isPartial) completeChecksums(edited)
    else if (edited.protocol === IpProtocol.Sctp && hasPortChange(changes)) writeTransportChecksum(edited)
    return edited.memory.u8.subarray(edited.offset, edited.offset + edited.length)
  }

  /** Copies the packet with its new payload, sets its lengths and aims at it. */
  #copy(packet: PacketView, payload: Uint8Array | undefined): void {
    const { memory, offset, payloadOffset, networkOffset } = packet
    const kept = (payload === undefined ? packet.end : payloadOffset) - offset
    const length = kept + (payload?.length ?? 0)
    if (length > this.#memory.byteLength) this.#memory = new Memory(length * 2)
    const target = this.#memory
    target.u8.set(memory.u8.subarray(offset, offset + kept))
    const network = networkOffset - offset
    if (payload !== undefined) {
      target.u8.set(payload, kept)
      setLengths(packet, target, network, length - network)
    }
    if (packet.linkOffset >= 0) this.packet.wrapEthernet(target, 0, length)
    else this.packet.wrapNetwork(target, 0, length, packet.firstEtherType, packet.vlanTag)
  }
}

function hasPortChange({ sourcePort, destinationPort }: PacketChanges): boolean {
  return sourcePort !== undefined || destinationPort !== undefined
}

/** Refuses impossible changes, before anything is copied. */
function checkChanges(packet: PacketView, changes: PacketChanges): void {
  if (typeof changes !== 'object' || changes === null) {
    throw new NetlinkError('ARGUMENT', `cannot edit a packet: changes must be an object, got ${show(changes)}`)
  }
  const unknown = Object.keys(changes).find((key) => !KEYS.has(key))
  if (unknown !== undefined) {
    const known = [...KEYS].join(', ')
    throw new NetlinkError('ARGUMENT', `cannot edit a packet: unknown key ${show(unknown)}, expected one of ${known}`)
  }
  const { version, cut, problem } = packet
  const { payload } = changes
  if (version === 0) throw refusal('only IPv4 and IPv6 packets can be edited')
  // A truncated payload may be replaced, because it is not needed. Everything else must be present, or the packet would
  // arrive shorter.
  if (cut !== undefined && !(cut === 'payload' && payload !== undefined)) {
    throw refusal(`it was truncated in its ${cut} (a larger copyRange gets the whole packet)`)
  }
  if (problem !== undefined) throw refusal(`it is damaged (${problem})`)
  if (packet.isAuthenticated) throw refusal('an authentication header protects it')
  if (hasPortChange(changes) && !packet.hasPorts) throw refusal('it has no ports')
  if (payload !== undefined) checkPayload(packet)
}

function checkPayload(packet: PacketView): void {
  if (packet.isFragment) throw refusal('the payload of a fragment cannot be replaced')
  if (packet.isRouted && packet.finalDestinationOffset < 0) {
    throw refusal('its Routing header is of an unknown kind, so it is not known what its checksum covers')
  }
  const { memory, protocol, transportOffset } = packet
  if (protocol === IpProtocol.Gre && (read16(memory, transportOffset) & 7) !== 0) {
    throw refusal('the payload of GRE version 1 cannot be replaced')
  }
}

function refusal(why: string): EncodeError {
  return new EncodeError('VALUE_RANGE', `cannot edit the packet: ${why}`)
}

/**
 * Writes the lengths of a packet whose network header lies at `network` of `target` and that has `length` bytes from
 * there on.
 */
function setLengths(packet: PacketView, target: Memory, network: number, length: number): void {
  const isIpv4 = packet.version === 4
  const counted = isIpv4 ? length : length - IPV6_HEADER_LENGTH
  // A packet of segmentation offload above 64 KiB has length 0, which may stay.
  const at = network + (isIpv4 ? IPV4_TOTAL_LENGTH : IPV6_PAYLOAD_LENGTH)
  const mayBeLong = read16(target, at) === 0
  if (counted > MAXIMUM_LENGTH && !mayBeLong) {
    const what = `${counted} bytes do not fit into the length field of IPv${packet.version}`
    throw new EncodeError('NO_SPACE', `cannot edit the packet: ${what}`)
  }
  const isJumbogram = !isIpv4 && mayBeLong && target.u8[network + IPV6_NEXT_HEADER] === IpProtocol.HopByHop
  if (isJumbogram) throw refusal('the payload of a jumbogram cannot be replaced')
  if (isIpv4) {
    const before = read16(target, at)
    const checksum = read16(target, network + IPV4_CHECKSUM)
    const after = counted > MAXIMUM_LENGTH ? 0 : counted
    write16(target, network + IPV4_CHECKSUM, updateChecksum(checksum, before, after))
  }
  write16(target, at, counted > MAXIMUM_LENGTH ? 0 : counted)
  if (packet.transportOffset < 0) return
  const transport = network + packet.transportOffset - packet.networkOffset
  const transportLength = network + length - transport
  if (packet.protocol === IpProtocol.Udp) {
    write16(target, transport + UDP_LENGTH, transportLength > MAXIMUM_LENGTH ? 0 : transportLength)
  } else if (packet.protocol === IpProtocol.UdpLite) {
    const coverage = read16(target, transport + UDP_LITE_COVERAGE)
    // A checksum over the whole datagram covers it again; one over its beginning covers at most the new length.
    const whole = packet.networkOffset + packet.networkLength - packet.transportOffset
    const covers = coverage >= whole ? 0 : Math.min(coverage, transportLength)
    write16(target, transport + UDP_LITE_COVERAGE, covers)
  }
}

/** Writes the transport checksum of a packet with a new payload; UDP over IPv4 without one stays without one. */
function finishPayload(packet: PacketView): void {
  const { protocol, memory, transportOffset } = packet
  if (transportOffset < 0) return
  const isUdp = protocol === IpProtocol.Udp
  if (isUdp && packet.version === 4 && read16(memory, transportOffset + checksumOffset(packet)) === 0) return
  // DCCP: the checksum would cover more bytes than the packet has.
  if (!writeTransportChecksum(packet) && checksumOffset(packet) >= 0)
    throw refusal('its checksum covers more than is left')
}

function setAddress(
  packet: PacketView,
  name: string,
  address: Address | undefined,
  ipv4Offset: number,
  ipv6Offset: number,
): void {
  if (address === undefined || packet.version === 0) return
  const { memory, networkOffset, version } = packet
  const bytes = addressOfVersion(name, address, version)
  const at = networkOffset + (version === 4 ? ipv4Offset : ipv6Offset)
  const before = sumBytes(memory, at, bytes.length)
  memory.u8.set(bytes, at)
  const after = sumBytes(memory, at, bytes.length)
  if (version === 4) updateAt(memory, networkOffset + IPV4_CHECKSUM, before, after)
  // On the way to the next hop, checksums cover the final destination, which is not changed.
  const isNextHop = name === 'destination' && packet.isRouted
  if (coversPseudoHeader(packet.protocol) && !isNextHop) updateTransport(packet, before, after)
}

function setPort(packet: PacketView, port: number | undefined, at: number): void {
  if (port === undefined) return
  const { memory, transportOffset } = packet
  const name = at === 0 ? 'sourcePort' : 'destinationPort'
  const before = read16(memory, transportOffset + at)
  write16(memory, transportOffset + at, field(name, port, 0xffff))
  if (packet.protocol !== IpProtocol.Sctp) updateTransport(packet, before, port)
}

function setTimeToLive(packet: PacketView, timeToLive: number | undefined): void {
  if (timeToLive === undefined) return
  const { memory, networkOffset, version } = packet
  const value = field('timeToLive', timeToLive, 0xff)
  if (version === 6) {
    memory.u8[networkOffset + IPV6_HOP_LIMIT] = value
    return
  }
  const before = read16(memory, networkOffset + IPV4_TIME_TO_LIVE)
  memory.u8[networkOffset + IPV4_TIME_TO_LIVE] = value
  const after = (value << 8) | (memory.u8[networkOffset + IPV4_PROTOCOL] as number)
  updateAt(memory, networkOffset + IPV4_CHECKSUM, before, after)
}

function coversPseudoHeader(protocol: number | undefined): boolean {
  switch (protocol) {
    case IpProtocol.Tcp:
    case IpProtocol.Udp:
    case IpProtocol.UdpLite:
    case IpProtocol.Icmpv6:
    case IpProtocol.Dccp:
      return true
    default:
      return false
  }
}

/**
 * Updates the transport checksum, if this packet carries one: a later fragment does not, and UDP without one stays so.
 */
function updateTransport(packet: PacketView, before: number, after: number): void {
  const { memory, protocol, transportOffset, end } = packet
  const at = transportOffset + checksumOffset(packet)
  if (transportOffset < 0 || at < transportOffset || at + 2 > end) return
  const isUdp = protocol === IpProtocol.Udp || protocol === IpProtocol.UdpLite
  if (protocol === IpProtocol.Udp && read16(memory, at) === 0) return
  updateAt(memory, at, before, after)
  if (isUdp && read16(memory, at) === 0) write16(memory, at, 0xffff)
}

function updateAt(memory: Memory, at: number, before: number, after: number): void {
  write16(memory, at, updateChecksumBySums(read16(memory, at), before, after))
}
