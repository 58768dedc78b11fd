/**
 * One line for each packet, as `tcpdump -n -t -S` prints it. For any bytes, the text is plain ASCII of bounded length.
 */
import { ArpOperation, ArpView } from './arp.ts'
import { read16, read32 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { GreView } from './gre.ts'
import { ipv4HeaderLength } from './ipv4.ts'
import { Ipv6ExtensionView } from './ipv6-extension.ts'
import { MAXIMUM_TUNNELS, type PacketView } from './packet.ts'
import { IpProtocol } from './protocol.ts'
import { SctpChunkType, SctpView } from './sctp.ts'
import { TcpView } from './tcp.ts'
import { TcpOption, type TcpOptionIterator } from './tcp-options.ts'
import { icmpText, icmpv6Text } from './text-icmp.ts'
import { UDP_LENGTH } from './udp.ts'

/** The packet on one line: `IP 192.0.2.1.53 > 198.51.100.7.40000: UDP, length 12`. */
export function packetText(packet: PacketView, tunnels = 0): string {
  switch (packet.etherType) {
    case EtherType.Ipv4:
      return `IP ${ipText(packet, tunnels)}`
    case EtherType.Ipv6:
      return `IP6 ${ipText(packet, tunnels)}`
    case EtherType.Arp:
      return `ARP, ${arpText(packet)}`
    case undefined:
      return packet.cut === 'vlan' ? '[|vlan]' : '[|ether]'
    default: {
      const etherType = packet.etherType.toString(16).padStart(4, '0')
      return `ethertype 0x${etherType}, length ${packet.networkLength}`
    }
  }
}

/** Source and destination: `192.0.2.1.53 > 198.51.100.7.40000`; empty if the packet is not IP. */
export function packetEnds(packet: PacketView): string {
  const { source, destination } = packet
  if (source === undefined || destination === undefined) return ''
  // After extension headers tcpdump writes the ports separately from the addresses; here they are together.
  const { sourcePort, destinationPort } = packet
  if (sourcePort === undefined || destinationPort === undefined) return `${source} > ${destination}`
  return `${source}.${sourcePort} > ${destination}.${destinationPort}`
}

/** The text after source and destination: `UDP, length 12`. */
export function packetContents(packet: PacketView): string {
  if (packet.etherType === EtherType.Arp) return arpText(packet)
  return packet.version === 0 ? packetText(packet) : contentsText(packet, 0)
}

function ipText(packet: PacketView, tunnels: number): string {
  const { version, memory, networkOffset: at, missing } = packet
  if (packet.problem === 'header-length') return `bad-hlen ${ipv4HeaderLength(memory, at)}`
  if (packet.problem === 'total-length') return `bad-len ${read16(memory, at + 2)}`
  if (packet.problem === 'version') return `bad-version ${(memory.u8[at] as number) >> 4}`
  const name = packet.etherType === EtherType.Ipv6 ? 'ip6' : 'ip'
  if (version === 0) return `[|${name}]`
  const cut = missing > 0 ? `truncated-${name} - ${missing} bytes missing! ` : ''
  if (packet.extensionOffset < 0) return `${cut}${packetEnds(packet)}: ${contentsText(packet, tunnels)}`
  const { sourcePort, destinationPort } = packet
  const ports = sourcePort === undefined ? '' : `${sourcePort} > ${destinationPort}: `
  return `${cut}${packet.source} > ${packet.destination}: ${extensionsText(packet)}${ports}${contentsText(packet, tunnels)}`.trimEnd()
}

/** Minimum length of an authentication header, up to its integrity value; a header can claim less. */
const AUTHENTICATION_LENGTH = 12

const EXTENSION_NAMES: Readonly<Record<number, string>> = {
  [IpProtocol.HopByHop]: 'HBH',
  [IpProtocol.DestinationOptions]: 'DSTOPT',
  [IpProtocol.Mobility]: 'mobility',
  [IpProtocol.HostIdentity]: 'HIP',
  [IpProtocol.Shim6]: 'SHIM6',
}

function extensionsText(packet: PacketView): string {
  const extension = new Ipv6ExtensionView()
  let text = ''
  for (let found = extension.find(packet); found; found = extension.next()) {
    const { type, memory, offset } = extension
    if (type === IpProtocol.Fragment) {
      const length = packet.networkOffset + packet.networkLength - offset - extension.length
      text += `frag (${extension.fragmentOffset}|${length}) `
    } else if (type === IpProtocol.Routing) {
      text += `RT6 (type=${extension.routingType}, segleft=${extension.segmentsLeft}) `
    } else if (type === IpProtocol.Authentication && extension.length < AUTHENTICATION_LENGTH) {
      text += 'AH [|ah]: '
    } else if (type === IpProtocol.Authentication) {
      const spi = read32(memory, offset + 4)
        .toString(16)
        .padStart(8, '0')
      text += `AH(spi=0x${spi},seq=0x${read32(memory, offset + 8).toString(16)}): `
    } else {
      text += `${EXTENSION_NAMES[type] ?? type} `
    }
  }
  return text
}

/** Length of transport header and payload in bytes, according to the packet. */
function transportLength(packet: PacketView): number {
  return packet.networkOffset + packet.networkLength - packet.transportOffset
}

function contentsText(packet: PacketView, tunnels: number): string {
  const { protocol, cut } = packet
  if (cut === 'network') return '[|ip]'
  if (cut === 'extension') return '[|extension]'
  if (packet.problem === 'extension-count' || protocol === undefined) return 'too many extension headers'
  if (packet.fragmentOffset > 0) return packet.version === 4 ? `ip-proto-${protocol}` : ''
  if (protocol === IpProtocol.NoNext) return 'no next header'
  if (cut === 'transport') return `[|${TRANSPORT_NAMES[protocol] ?? `ip-proto-${protocol}`}]`
  if (packet.problem === 'transport-length') return badLength(packet)
  switch (protocol) {
    case IpProtocol.Udp:
      return `UDP, length ${read16(packet.memory, packet.transportOffset + UDP_LENGTH) - 8}`
    case IpProtocol.Tcp:
      return tcpText(packet)
    case IpProtocol.Icmp:
      return `ICMP ${icmpText(packet)}, length ${transportLength(packet)}`
    case IpProtocol.Icmpv6:
      return `ICMP6, ${icmpv6Text(packet)}, length ${transportLength(packet)}`
    case IpProtocol.UdpLite:
      return `UDP-Lite, length ${transportLength(packet) - 8}`
    case IpProtocol.Dccp:
      return `DCCP, length ${transportLength(packet)}`
    case IpProtocol.Sctp:
      return `sctp${chunksText(packet)}`
    case IpProtocol.Esp: {
      const spi = read32(packet.memory, packet.transportOffset).toString(16).padStart(8, '0')
      const sequence = read32(packet.memory, packet.transportOffset + 4).toString(16)
      return `ESP(spi=0x${spi},seq=0x${sequence}), length ${transportLength(packet)}`
    }
    case IpProtocol.Gre:
      return greText(packet, tunnels)
    case IpProtocol.Ipv4:
    case IpProtocol.Ipv6:
      return innerText(packet, tunnels)
    default: {
      const length = packet.networkOffset + packet.networkLength - packet.payloadOffset
      return ` ip-proto-${protocol} ${length}`
    }
  }
}

const TRANSPORT_NAMES: Readonly<Record<number, string>> = {
  [IpProtocol.Tcp]: 'tcp',
  [IpProtocol.Udp]: 'udp',
  [IpProtocol.Icmp]: 'icmp',
  [IpProtocol.Icmpv6]: 'icmp6',
  [IpProtocol.Sctp]: 'sctp',
  [IpProtocol.Gre]: 'gre',
}

function badLength(packet: PacketView): string {
  const { memory, transportOffset, protocol } = packet
  if (protocol === IpProtocol.Udp) return `bad-udplength ${read16(memory, transportOffset + UDP_LENGTH)}`
  const length = ((memory.u8[transportOffset + 12] as number) >> 4) * 4
  const name = protocol === undefined ? '' : (TRANSPORT_NAMES[protocol] ?? `ip-proto-${protocol}`)
  if (protocol !== IpProtocol.Tcp) return `${name} ${transportLength(packet)} [bad hdr length]`
  return `tcp ${transportLength(packet) - length} [bad hdr length ${length} - too short, < 20]`
}

/** As tcpdump writes them, from the lowest bit: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
const TCP_FLAGS = 'FSRP.UEW'
/** SYN, FIN and RST use a sequence number without data. */
const USES_SEQUENCE = 0x07
const ACKNOWLEDGES = 0x10
const URGENT = 0x20

function tcpText(packet: PacketView): string {
  const tcp = new TcpView()
  if (!tcp.find(packet)) return '[|tcp]'
  const { flags, sequence } = tcp
  const letters = [...TCP_FLAGS].filter((_, bit) => (flags & (1 << bit)) !== 0).join('')
  const length = transportLength(packet) - tcp.headerLength
  const parts = [`Flags [${letters || 'none'}]`]
  if (length > 0) parts.push(`seq ${sequence}:${(sequence + length) >>> 0}`)
  else if ((flags & USES_SEQUENCE) !== 0) parts.push(`seq ${sequence}`)
  if ((flags & ACKNOWLEDGES) !== 0) parts.push(`ack ${tcp.acknowledgement}`)
  parts.push(`win ${tcp.window}`)
  if ((flags & URGENT) !== 0) parts.push(`urg ${tcp.urgentPointer}`)
  const options = optionsText(tcp.options)
  if (options !== '') parts.push(`options [${options}]`)
  parts.push(`length ${length}`)
  return parts.join(', ')
}

function optionsText(options: TcpOptionIterator): string {
  const texts: string[] = []
  while (options.next()) texts.push(optionText(options))
  if (options.isMalformed) texts.push('bad opt')
  return texts.join(',')
}

function optionText(option: TcpOptionIterator): string {
  switch (option.kind) {
    case TcpOption.NoOperation:
      return 'nop'
    case TcpOption.MaximumSegmentSize:
      return `mss ${option.maximumSegmentSize ?? '?'}`
    case TcpOption.WindowScale:
      return `wscale ${option.windowScale ?? '?'}`
    case TcpOption.SackPermitted:
      return 'sackOK'
    case TcpOption.Sack: {
      const blocks = Array.from({ length: option.sackBlocks }, (_, block) => {
        return `{${option.sackStart(block)}:${option.sackEnd(block)}}`
      })
      return `sack ${blocks.length} ${blocks.join('')}`
    }
    case TcpOption.Timestamps:
      return `TS val ${option.timestampValue ?? '?'} ecr ${option.timestampEcho ?? '?'}`
    default:
      return `unknown-${option.kind}`
  }
}

const CHUNK_NAMES: Readonly<Record<number, string>> = {
  [SctpChunkType.Data]: 'DATA',
  [SctpChunkType.Init]: 'INIT',
  [SctpChunkType.InitAck]: 'INIT ACK',
  [SctpChunkType.Sack]: 'SACK',
  [SctpChunkType.Heartbeat]: 'HB REQ',
  [SctpChunkType.HeartbeatAck]: 'HB ACK',
  [SctpChunkType.Abort]: 'ABORT',
  [SctpChunkType.Shutdown]: 'SHUTDOWN',
  [SctpChunkType.ShutdownAck]: 'SHUTDOWN ACK',
  [SctpChunkType.Error]: 'OP ERR',
  [SctpChunkType.CookieEcho]: 'COOKIE ECHO',
  [SctpChunkType.CookieAck]: 'COOKIE ACK',
  [SctpChunkType.ShutdownComplete]: 'SHUTDOWN COMPLETE',
}
/** Maximum chunks that one line names; a datagram has room for thousands of empty ones. */
const MAXIMUM_CHUNKS = 16

function chunksText(packet: PacketView): string {
  const sctp = new SctpView()
  if (!sctp.find(packet)) return ' [|sctp]'
  const { chunks } = sctp
  let text = ''
  for (let count = 1; chunks.next(); count++) {
    if (count > MAXIMUM_CHUNKS) return `${text} ...`
    const name = CHUNK_NAMES[chunks.type] ?? `Unknown chunk type: 0x${chunks.type.toString(16)}`
    text += `${count > 1 ? ',' : ''} (${count}) [${name}]`
  }
  return text
}

function greText(packet: PacketView, tunnels: number): string {
  const gre = new GreView()
  if (!gre.find(packet)) return '[|gre]'
  const parts = [`GREv${gre.version}`]
  if (gre.checksum !== undefined) parts.push('off 0x0')
  if (gre.key !== undefined) parts.push(`key=0x${gre.key.toString(16)}`)
  if (gre.sequence !== undefined) parts.push(`seq ${gre.sequence}`)
  parts.push(`length ${transportLength(packet)}`)
  return `${parts.join(', ')}: ${innerText(packet, tunnels, gre.etherType)}`
}

function innerText(packet: PacketView, tunnels: number, etherType = 0): string {
  const inner = tunnels < MAXIMUM_TUNNELS ? packet.inner() : undefined
  if (inner !== undefined) return packetText(inner, tunnels + 1)
  return etherType === 0 ? 'more tunnels' : `gre-proto-0x${etherType.toString(16).padStart(4, '0')}`
}

function arpText(packet: PacketView): string {
  const arp = new ArpView()
  if (!arp.find(packet)) return '[|arp]'
  // With the padding of short frames, as tcpdump counts it.
  const length = packet.offset + packet.length - packet.networkOffset
  const { sender, target, senderHardware, operation } = arp
  if (operation === ArpOperation.Request) return `Request who-has ${target} tell ${sender}, length ${length}`
  if (operation === ArpOperation.Reply) return `Reply ${sender} is-at ${senderHardware}, length ${length}`
  return `operation ${operation}, ${sender} > ${target}, length ${length}`
}
