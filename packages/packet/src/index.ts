/**
 * Packet headers in place. `PacketView` finds every header of a packet in one walk; a view for each kind of header
 * reads its fields; writers, checksums, edits, builders and text complete them. Everything works on `(memory, offset,
 * length)` and allocates nothing unless it says so.
 */
export {
  type Address,
  addressBytes,
  compareAddresses,
  formatAddress,
  formatHardwareAddress,
  HARDWARE_ADDRESS_LENGTH,
  IPV4_ADDRESS_LENGTH,
  IPV6_ADDRESS_LENGTH,
  parseAddress,
  parseHardwareAddress,
  tryParseAddress,
} from './address.ts'
export { AddressView } from './address-view.ts'
export { ARP_HEADER_LENGTH, type Arp, ArpOperation, ArpView, writeArp } from './arp.ts'
export {
  arpPacket,
  type EthernetFrameOptions,
  type EthernetTag,
  ethernetFrame,
  type IcmpPacketOptions,
  type Ipv4PacketOptions,
  type Ipv6PacketOptions,
  icmpPacket,
  icmpv6Packet,
  ipv4Packet,
  ipv6Packet,
  type NetworkOptions,
  type Payload,
  type TcpPacketOptions,
  tcpPacket,
  type UdpPacketOptions,
  udpPacket,
  withChecksums,
} from './build.ts'
export {
  checksumOf,
  foldSum,
  internetChecksum,
  pseudoHeaderSum,
  sumBytes,
  updateChecksum,
  updateChecksumBySums,
} from './checksum.ts'
export { crc32c } from './crc32c.ts'
export { type EditOptions, type PacketChanges, PacketEditor } from './edit.ts'
export {
  ETHERNET_HEADER_LENGTH,
  type Ethernet,
  EthernetView,
  EtherType,
  MINIMUM_ETHER_TYPE,
  writeEthernet,
} from './ethernet.ts'
export { GRE_HEADER_LENGTH, type Gre, GreView, writeGre } from './gre.ts'
export { HeaderView, type NetworkLocation, type TransportLocation } from './header.ts'
export { ICMP_HEADER_LENGTH, type Icmp, IcmpMessageView, IcmpType, IcmpView, writeIcmp } from './icmp.ts'
export { Icmpv6Type, Icmpv6View } from './icmpv6.ts'
export { IPV4_HEADER_LENGTH, type Ipv4, Ipv4Option, Ipv4View, writeIpv4 } from './ipv4.ts'
export { IPV6_HEADER_LENGTH, type Ipv6, Ipv6View, writeIpv6 } from './ipv6.ts'
export {
  type ExtensionLocation,
  extensionFragmentOffset,
  extensionHeaderLength,
  type Ipv6Extension,
  Ipv6ExtensionView,
  type Ipv6Fragment,
  isExtensionHeader,
  RoutingType,
  writeIpv6Extension,
  writeIpv6Fragment,
} from './ipv6-extension.ts'
export {
  type Neighbour,
  NeighbourOption,
  NeighbourOptionIterator,
  NeighbourView,
  writeNeighbour,
} from './neighbour.ts'
export { OptionIterator } from './option-iterator.ts'
export { MAXIMUM_TUNNELS, networkName, type Packet, PacketView } from './packet.ts'
export {
  type ChecksumState,
  completeChecksums,
  networkChecksum,
  transportChecksum,
  writeChecksums,
  writeNetworkChecksum,
  writeTransportChecksum,
} from './packet-checksum.ts'
export type { PacketCut, PacketFields, PacketProblem, PacketStart } from './packet-fields.ts'
export { MAXIMUM_EXTENSION_HEADERS, PacketLayout } from './packet-layout.ts'
export { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixOf, tryParsePrefix } from './prefix.ts'
export { IpProtocol, protocolName } from './protocol.ts'
export { SCTP_HEADER_LENGTH, type Sctp, SctpChunkIterator, SctpChunkType, SctpView, writeSctp } from './sctp.ts'
export { TCP_HEADER_LENGTH, type Tcp, TcpFlag, TcpView, writeTcp } from './tcp.ts'
export { TcpOption, TcpOptionIterator } from './tcp-options.ts'
export { packetContents, packetEnds, packetText } from './text.ts'
export { UDP_HEADER_LENGTH, type Udp, UdpView, writeUdp } from './udp.ts'
export { UDP_LITE_HEADER_LENGTH, type UdpLite, UdpLiteView, writeUdpLite } from './udp-lite.ts'
export { isVlan, VLAN_TAG_LENGTH, type Vlan, VlanView, vlanIdOf, writeVlan } from './vlan.ts'
