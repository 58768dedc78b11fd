/** What is known of a packet: where its parts lie, and what of it is cut or damaged. */
import type { Memory } from '@ringlink/codec/memory'
import { checkAvailable, NO_MEMORY } from './header.ts'

/** The part of a packet that its bytes end in: what follows it is not there, or not whole. */
export type PacketCut = 'link' | 'vlan' | 'network' | 'extension' | 'transport' | 'payload'

/**
 * What contradicts the rest of the packet: `version` (an IP version that is not what the EtherType says), `header-length` (an IPv4
 * header below 20 bytes), `total-length` (less than the header), `extension-count`, `transport-length` (a UDP length, UDP-Lite
 * coverage or TCP data offset that cannot be).
 */
export type PacketProblem = 'version' | 'header-length' | 'total-length' | 'extension-count' | 'transport-length'

/** Where the bytes begin. */
export interface PacketStart {
  /** at an Ethernet header, or at the network header */
  readonly from: 'ethernet' | 'network'
  /** from `network`: the EtherType; absent or 0 to go by the version in the first byte */
  readonly protocol?: number | undefined
  /** from `network`: a VLAN tag that was taken off the packet (the kernel's `vlan_tci`) */
  readonly vlanTag?: number | undefined
}

/** Where the parts of a packet lie. All offsets count from the start of the memory. */
export class PacketFields {
  memory: Memory = NO_MEMORY
  /** where the bytes begin that were given */
  offset = 0
  /** bytes that were given */
  length = 0
  /** where the packet ends, or what was copied of it: padding after the network packet is not part of it */
  end = 0
  /** where the Ethernet header lies; -1 if the bytes began at the network header */
  linkOffset = -1
  /** where the first VLAN tag lies; -1 if there is none in the bytes */
  vlanOffset = -1
  /** VLAN tags in the bytes */
  vlanCount = 0
  /** what the network header is (`EtherType`); `undefined` if it was cut off */
  etherType: number | undefined
  /** where the network header lies; -1 if it was cut off */
  networkOffset = -1
  /** 4 or 6 if the fixed part of an IP header is there; else 0 */
  version: 0 | 4 | 6 = 0
  /** bytes of the network packet as its header says, which can be more than are there; as there are if it does not say */
  networkLength = 0
  /** where the first extension header lies (IPv6, or AH in IPv4); -1 if there is none */
  extensionOffset = -1
  /** kind of that extension header; -1 if there is none */
  firstExtension = -1
  /** where the IPv6 Fragment header lies; -1 if there is none */
  fragmentHeaderOffset = -1
  /** bytes of the packet before this fragment; 0 in a whole packet and in a first fragment */
  fragmentOffset = 0
  /** whether fragments follow this one */
  moreFragments = false
  /** an authentication header protects addresses, ports and payload against changes */
  isAuthenticated = false
  /** a Routing header has segments left: the destination is the next hop, and checksums cover the final destination */
  isRouted = false
  /** where the final destination lies, if a Routing header has segments left; -1 if there is none, or if it is of an unknown kind */
  finalDestinationOffset = -1
  /**
   * The transport protocol: what follows network header and extension headers (`IpProtocol` or another). Of a later fragment that
   * of the first one, of a tunnel that of the tunnel. `undefined` if it is not IP, or if the chain of headers is cut.
   */
  protocol: number | undefined
  /** where the transport header begins; -1 if there is none: not IP, a later fragment, no next header, or cut before it */
  transportOffset = -1
  /** where source and destination port lie; -1 if the packet has none, or if they are in another fragment or cut off */
  portsOffset = -1
  /** bytes of the transport header; 0 if the protocol is not known here, or if the header is cut or damaged */
  transportHeaderLength = 0
  /** where the bytes of the application begin; {@link end} if a header before them is cut */
  payloadOffset = 0
  /** where they end: before padding and before what the UDP length leaves out */
  payloadEnd = 0
  /** the part that the bytes end in; `undefined` if the packet is whole */
  cut: PacketCut | undefined
  /** a field that cannot be; `undefined` if all make sense */
  problem: PacketProblem | undefined
  /** the EtherType that the bytes begin with: of the first VLAN tag or network header; 0 if it is not known */
  firstEtherType = 0
  /** the VLAN tag that was given apart; -1 if there is none */
  vlanTag = -1
  /** Whether fields of VLAN tags or extension headers are set: most packets have neither, and need not reset them. */
  protected hasRareHeaders = false

  /** Aims at the bytes, with nothing found in them yet. Throws `DecodeError`, code `SHORT_HEADER`, if they are not in the memory. */
  protected begin(memory: Memory, offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= memory.byteLength)) {
      checkAvailable(memory, offset, length, 0, 'packet')
    }
    this.memory = memory
    this.offset = offset
    this.length = length
    const end = offset + length
    this.end = end
    this.linkOffset = -1
    this.vlanTag = -1
    this.firstEtherType = 0
    this.etherType = undefined
    this.networkOffset = -1
    this.version = 0
    this.networkLength = 0
    this.fragmentOffset = 0
    this.moreFragments = false
    this.protocol = undefined
    this.transportOffset = -1
    this.portsOffset = -1
    this.transportHeaderLength = 0
    this.payloadOffset = end
    this.payloadEnd = end
    this.cut = undefined
    this.problem = undefined
    if (this.hasRareHeaders) this.forgetRareHeaders()
  }

  protected forgetRareHeaders(): void {
    this.hasRareHeaders = false
    this.vlanOffset = -1
    this.vlanCount = 0
    this.extensionOffset = -1
    this.firstExtension = -1
    this.fragmentHeaderOffset = -1
    this.isAuthenticated = false
    this.isRouted = false
    this.finalDestinationOffset = -1
  }
}
