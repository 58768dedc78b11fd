/**
 * Locates the headers of a queued or logged packet: which header the kernel's message begins with depends on family and
 * hook.
 */
import { Family, type Memory } from '@ringlink/codec'
import { EtherType, isVlan, type PacketView } from '@ringlink/packet'

/** NF_NETDEV_EGRESS: the hook of family `netdev` where a packet already has its Ethernet header. */
const EGRESS = 1
const ETHER_TYPE_OFFSET = 12
const ETHERNET_HEADER_LENGTH = 14

/** The members that `QueuePacketView` and `LogRecordView` share. */
export interface PacketMessage {
  readonly memory: Memory
  readonly payloadOffset: number
  readonly payloadLength: number
  readonly family: number
  readonly protocol: number
  readonly hook: number
  readonly vlanTag: number | undefined
}

/** Aims at the packet that the message carries, at its network header. */
export function aimHeaders(view: PacketView, message: PacketMessage): PacketView {
  const { memory, payloadOffset, payloadLength, family, protocol } = message
  if (family === Family.NetworkDevice && message.hook === EGRESS && beginsWithEthernet(message)) {
    return view.wrapEthernet(memory, payloadOffset, payloadLength)
  }
  return view.wrapNetwork(memory, payloadOffset, payloadLength, etherTypeOf(protocol, family), message.vlanTag ?? -1)
}

/** What a packet is. Before Linux 4.8, those that this machine sends have protocol 0; then their family says it. */
export function etherTypeOf(protocol: number, family: number): number {
  return protocol === 0 ? etherTypeOfFamily(family) : protocol
}

/** Packets of devices without a link layer (tun, wireguard) have no Ethernet header at egress. */
function beginsWithEthernet({ memory, payloadOffset, payloadLength, protocol }: PacketMessage): boolean {
  if (payloadLength < ETHERNET_HEADER_LENGTH) return false
  const at = payloadOffset + ETHER_TYPE_OFFSET
  const etherType = ((memory.u8[at] as number) << 8) | (memory.u8[at + 1] as number)
  return protocol === 0 || etherType === protocol || isVlan(etherType)
}

function etherTypeOfFamily(family: number): number {
  switch (family) {
    case Family.Ipv4:
      return EtherType.Ipv4
    case Family.Ipv6:
      return EtherType.Ipv6
    case Family.Arp:
      return EtherType.Arp
    default:
      return 0
  }
}
