/** The properties of a packet: the positions of its parts, and which part is truncated or damaged. */
import type { Memory } from '@ringlink/codec/memory'
import { checkAvailable, NO_MEMORY } from './header.ts'

/** The part of a packet in which its bytes end: later parts are missing, or not whole. */
export type PacketCut = 'link' | 'vlan' | 'network' | 'extension' | 'transport' | 'payload'

/**
 * The field that contradicts the rest of the packet: `version` (an IP version that differs from the EtherType),
 * `header-length` (an IPv4 header below 20 bytes), `total-length` (less than the header), `extension-count`,
 * `transport-length` (an invalid UDP length, UDP-Lite coverage or TCP data offset).
 */
export type PacketProblem = 'version' | 'header-length' | 'total-length' | 'extension-count' | 'transport-length'

/** The header at which the bytes begin. */
export interface PacketStart {
  /** at an Ethernet header, or at the network header */
  readonly from: 'ethernet' | 'network'
  /** from `network`: the EtherType; absent or 0 to go by the version in the first byte */
  readonly protocol?: number | undefined
  /** from `network`: a VLAN tag that was removed from the packet (the kernel's `vlan_tci`) */
  readonly vlanTag?: number | undefined
}

/** Where the parts of a packet lie. All offsets count from the start of the memory. */
export class PacketFields {
  memory: Memory = NO_MEMORY
  /** offset of the input */
  offset = 0
  /** length of the input in bytes */
  length = 0
  /** offset of the end of the packet, or of its copied part; without padding after the network packet */
  end = 0
  /** offset of the Ethernet header; -1 if the bytes began at the network header */
  linkOffset = -1
  /** offset of the first VLAN tag; -1 if there is none in the bytes */
  vlanOffset = -1
  /** VLAN tags in the bytes */
  vlanCount = 0
  /** type of the network header (`EtherType`); `undefined` if it was cut off */
  etherType: number | undefined
  /** offset of the network header; -1 if it was cut off */
  networkOffset = -1
  /** 4 or 6 if the fixed part of an IP header is present; else 0 */
  version: 0 | 4 | 6 = 0
  /**
   * length of the network packet according to its header, which can exceed the available bytes; the available bytes if
   * the header has no length
   */
  networkLength = 0
  /** offset of the first extension header (IPv6, or AH in IPv4); -1 if there is none */
  extensionOffset = -1
  /** kind of that extension header; -1 if there is none */
  firstExtension = -1
  /** offset of the IPv6 Fragment header; -1 if there is none */
  fragmentHeaderOffset = -1
  /** bytes of the packet before this fragment; 0 in a whole packet and in a first fragment */
  fragmentOffset = 0
  /** whether fragments follow this one */
  moreFragments = false
  /** an authentication header protects addresses, ports and payload against changes */
  isAuthenticated = false
  /** a Routing header has segments left: the destination is the next hop, and checksums cover the final destination */
  isRouted = false
  /**
   * offset of the final destination, if a Routing header has segments left; -1 if there is none, or if it is of an
   * unknown kind
   */
  finalDestinationOffset = -1
  /**
   * The transport protocol after the network header and extension headers (`IpProtocol` or another). For a later
   * fragment that of the first one, for a tunnel that of the tunnel. `undefined` if it is not IP, or if the chain of
   * headers is truncated.
   */
  protocol: number | undefined
  /** offset of the transport header; -1 if there is none: not IP, a later fragment, no next header, or cut before it */
  transportOffset = -1
  /** offset of source and destination port; -1 if the packet has none, or if they are in another fragment or cut off */
  portsOffset = -1
  /** bytes of the transport header; 0 if the protocol is not known here, or if the header is cut or damaged */
  transportHeaderLength = 0
  /** offset of the application's bytes; {@link end} if a header before them is truncated */
  payloadOffset = 0
  /** offset of their end: before padding and bytes beyond the UDP length */
  payloadEnd = 0
  /** the part in which the bytes end; `undefined` if the packet is whole */
  cut: PacketCut | undefined
  /** an invalid field; `undefined` if all are valid */
  problem: PacketProblem | undefined
  /** the first EtherType: of the first VLAN tag or network header; 0 if unknown */
  firstEtherType = 0
  /** the VLAN tag given in the options; -1 if there is none */
  vlanTag = -1
  /** Whether fields of VLAN tags or extension headers are set: most packets have neither, and need not reset them. */
  protected hasRareHeaders = false

  /**
   * Aims at the bytes, with nothing found in them yet. Throws `DecodeError`, code `SHORT_HEADER`, if they are not in
   * the memory.
   */
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
