/** A whole packet in place: the positions of its parts (packet-layout.ts) and their values. */
import { RELEASED_MEMORY } from '@ringlink/codec/memory'
import { IPV4_ADDRESS_LENGTH, IPV6_ADDRESS_LENGTH } from './address.ts'
import { AddressView } from './address-view.ts'
import { read16, read32 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { IPV4_DESTINATION, IPV4_IDENTIFICATION, IPV4_SOURCE, IPV4_TIME_TO_LIVE } from './ipv4.ts'
import { IPV6_DESTINATION, IPV6_HOP_LIMIT, IPV6_SOURCE } from './ipv6.ts'
import { PacketLayout } from './packet-layout.ts'
import { protocolName } from './protocol.ts'
import { encapsulatedEtherType, quotedEtherType } from './transport.ts'
import { vlanIdOf } from './vlan.ts'

/** Maximum nested tunnels that `innermost` opens. */
export const MAXIMUM_TUNNELS = 8

/**
 * A packet in place. One view is aimed at packet after packet; only methods that say so allocate. Its values hold until
 * the memory is released or written to.
 */
export class PacketView extends PacketLayout {
  readonly #source = new AddressView()
  readonly #destination = new AddressView()
  #inner: PacketView | undefined

  /** Releases the memory: later reads throw code `RELEASED`. */
  release(): void {
    this.memory = RELEASED_MEMORY
    this.#inner?.release()
  }

  /** source address; `undefined` if it is not IP. One view, re-aimed by each access */
  get source(): AddressView | undefined {
    const { version, networkOffset } = this
    if (version === 4) return this.#source.wrap(this.memory, networkOffset + IPV4_SOURCE, IPV4_ADDRESS_LENGTH)
    if (version === 6) return this.#source.wrap(this.memory, networkOffset + IPV6_SOURCE, IPV6_ADDRESS_LENGTH)
    return undefined
  }

  /** destination address; as {@link source} */
  get destination(): AddressView | undefined {
    const { version, networkOffset } = this
    if (version === 4) return this.#destination.wrap(this.memory, networkOffset + IPV4_DESTINATION, IPV4_ADDRESS_LENGTH)
    if (version === 6) return this.#destination.wrap(this.memory, networkOffset + IPV6_DESTINATION, IPV6_ADDRESS_LENGTH)
    return undefined
  }

  /**
   * of TCP, UDP, UDP-Lite, SCTP and DCCP; `undefined` if the packet has no ports, or if they are in another fragment or
   * cut off
   */
  get sourcePort(): number | undefined {
    return this.portsOffset < 0 ? undefined : read16(this.memory, this.portsOffset)
  }

  /** as {@link sourcePort} */
  get destinationPort(): number | undefined {
    return this.portsOffset < 0 ? undefined : read16(this.memory, this.portsOffset + 2)
  }

  get hasPorts(): boolean {
    return this.portsOffset >= 0
  }

  /** available bytes of the application */
  get payloadLength(): number {
    return this.payloadEnd - this.payloadOffset
  }

  /** The available bytes of the application, as a window on the memory, valid as long as that. */
  payload(): Uint8Array<ArrayBufferLike> {
    return this.memory.u8.subarray(this.payloadOffset, this.payloadEnd)
  }

  /** bytes of the network packet that were not copied */
  get missing(): number {
    return this.networkOffset < 0 ? 0 : Math.max(0, this.networkOffset + this.networkLength - this.end)
  }

  /** whether the packet is a fragment: the first one, which has ports, or a later one, which has none */
  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset > 0
  }

  /** the number that the fragments of one packet share; in IPv6 only fragments have one */
  get identification(): number | undefined {
    if (this.version === 4) return read16(this.memory, this.networkOffset + IPV4_IDENTIFICATION)
    return this.fragmentHeaderOffset < 0 ? undefined : read32(this.memory, this.fragmentHeaderOffset + 4)
  }

  /** hop limit in IPv6; `undefined` if the packet is not IP */
  get timeToLive(): number | undefined {
    if (this.version === 0) return undefined
    return this.memory.u8[this.networkOffset + (this.version === 4 ? IPV4_TIME_TO_LIVE : IPV6_HOP_LIMIT)]
  }

  /** id of the outermost VLAN tag, in the bytes or given in the options; `undefined` if there is none */
  get vlanId(): number | undefined {
    if (this.vlanTag >= 0) return vlanIdOf(this.vlanTag)
    return this.vlanCount > 0 ? vlanIdOf(read16(this.memory, this.vlanOffset)) : undefined
  }

  /**
   * The packet inside an IP-in-IP or GRE tunnel; `undefined` if it is not one, or if the tunnel's header is truncated.
   * One view for each packet view, made at the first call and aimed again by each.
   */
  inner(): PacketView | undefined {
    const etherType = this.transportOffset < 0 || this.cut === 'transport' ? -1 : encapsulatedEtherType(this)
    return etherType < 0 ? undefined : this.#wrapInner(etherType)
  }

  /** The packet inside all tunnels: the packet itself if there is no tunnel. */
  innermost(): PacketView {
    let packet: PacketView = this
    for (let tunnels = 0; tunnels < MAXIMUM_TUNNELS; tunnels++) {
      const next = packet.inner()
      if (next === undefined) break
      packet = next
    }
    return packet
  }

  /** The packet that an ICMP error quotes, usually truncated; `undefined` in other packets. As {@link inner}. */
  quoted(): PacketView | undefined {
    const etherType = this.transportHeaderLength === 0 ? -1 : quotedEtherType(this)
    return etherType < 0 ? undefined : this.#wrapInner(etherType)
  }

  /** The values of the packet, owned. */
  copy(): Packet {
    const { source, destination, protocol, sourcePort, destinationPort, vlanId, cut, problem } = this
    return {
      network: networkName(this.etherType),
      ...(source === undefined ? {} : { source: source.toString() }),
      ...(destination === undefined ? {} : { destination: destination.toString() }),
      ...(protocol === undefined ? {} : { protocol: protocolName(protocol) }),
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
      length: this.networkLength,
      payloadLength: this.payloadLength,
      ...(vlanId === undefined ? {} : { vlanId }),
      ...(this.isFragment ? { fragmentOffset: this.fragmentOffset } : {}),
      ...(cut === undefined ? {} : { cut }),
      ...(problem === undefined ? {} : { problem }),
    }
  }

  toJSON(): Packet {
    return this.copy()
  }

  #wrapInner(etherType: number): PacketView {
    this.#inner ??= new PacketView()
    const { memory, payloadOffset, payloadLength } = this
    if (etherType === EtherType.TransparentEthernet) {
      return this.#inner.wrapEthernet(memory, payloadOffset, payloadLength)
    }
    return this.#inner.wrapNetwork(memory, payloadOffset, payloadLength, etherType)
  }
}

/** The values of a packet, owned and suitable for `JSON.stringify`. Missing values are absent. */
export interface Packet {
  /** `IPv4`, `IPv6`, `ARP`, or the EtherType: `0x88cc` */
  readonly network: string
  readonly source?: string
  readonly destination?: string
  /** name of the transport protocol, or `protocol 253` */
  readonly protocol?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  /** length of the network packet according to its header */
  readonly length: number
  /** available bytes of the application */
  readonly payloadLength: number
  readonly vlanId?: number
  /** of a fragment: bytes of the packet before it */
  readonly fragmentOffset?: number
  /** see `PacketView.cut` */
  readonly cut?: string
  /** see `PacketView.problem` */
  readonly problem?: string
}

/** `IPv4`, `IPv6`, `ARP`, or the number of the EtherType. */
export function networkName(etherType: number | undefined): string {
  switch (etherType) {
    case EtherType.Ipv4:
      return 'IPv4'
    case EtherType.Ipv6:
      return 'IPv6'
    case EtherType.Arp:
      return 'ARP'
    default:
      return `0x${(etherType ?? 0).toString(16).padStart(4, '0')}`
  }
}
