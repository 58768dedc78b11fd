/** ICMP and ICMPv6 messages in tcpdump's format, up to their length. */

import { formatAddress } from './address.ts'
import { IcmpType, IcmpView } from './icmp.ts'
import { Icmpv6Type, Icmpv6View } from './icmpv6.ts'
import { NeighbourView } from './neighbour.ts'
import type { PacketView } from './packet.ts'
import { IpProtocol } from './protocol.ts'

/** Where the packet that an error quotes was going: `198.51.100.7`, and the port with its protocol if it has one. */
interface Quoted {
  readonly destination: string
  readonly port: string | undefined
  readonly protocol: number | undefined
}

function quotedOf(packet: PacketView): Quoted {
  const quoted = packet.quoted()
  const protocol = quoted?.protocol
  const port = quoted?.destinationPort
  const name = protocol === IpProtocol.Tcp ? 'tcp' : protocol === IpProtocol.Udp ? 'udp' : undefined
  return {
    destination: quoted?.destination?.toString() ?? '?',
    port: name === undefined || port === undefined ? undefined : `${name} port ${port}`,
    protocol,
  }
}

/** `echo request, id 77, seq 3` */
export function icmpText(packet: PacketView): string {
  const icmp = new IcmpView()
  if (!icmp.find(packet)) return '[|icmp]'
  switch (icmp.type) {
    case IcmpType.EchoRequest:
      return `echo request, id ${icmp.identifier}, seq ${icmp.sequence}`
    case IcmpType.EchoReply:
      return `echo reply, id ${icmp.identifier}, seq ${icmp.sequence}`
    case IcmpType.DestinationUnreachable:
      return unreachableText(icmp, quotedOf(packet))
    case IcmpType.TimeExceeded:
      return icmp.code === 1 ? 'ip reassembly time exceeded' : 'time exceeded in-transit'
    case IcmpType.Redirect: {
      const router = formatAddress(icmp.memory.u8.subarray(icmp.offset + 4, icmp.offset + 8))
      const kind = ['net', 'host', 'tos-net', 'tos-host'][icmp.code] ?? `code ${icmp.code}`
      return `redirect ${quotedOf(packet).destination} to ${kind} ${router}`
    }
    case IcmpType.SourceQuench:
      return 'source quench'
    case IcmpType.ParameterProblem:
      return `parameter problem - octet ${icmp.rest >>> 24}`
    case IcmpType.RouterAdvertisement:
      return 'router advertisement'
    case IcmpType.RouterSolicitation:
      return 'router solicitation'
    case IcmpType.TimestampRequest:
      return `time stamp query id ${icmp.identifier} seq ${icmp.sequence}`
    case IcmpType.TimestampReply:
      return `time stamp reply id ${icmp.identifier} seq ${icmp.sequence}`
    default:
      return `type-#${icmp.type}`
  }
}

/** Codes of "destination unreachable" that name the host, with what follows `unreachable`. */
const HOST_CODES: Readonly<Record<number, string>> = {
  1: '',
  10: ' - admin prohibited',
  12: ' - tos prohibited',
  13: ' - admin prohibited filter',
  14: ' - host precedence violation',
}

function unreachableText(icmp: IcmpView, { destination, port, protocol }: Quoted): string {
  const { code } = icmp
  if (code === 0) return `net ${destination} unreachable`
  if (code === 2) return `${destination} protocol ${protocol ?? '?'} unreachable`
  if (code === 3) return `${destination} ${port ?? 'port'} unreachable`
  if (code === 4)
    return `${destination} unreachable - need to frag${icmp.nextHopMtu > 0 ? ` (mtu ${icmp.nextHopMtu})` : ''}`
  if (code === 5) return `${destination} unreachable - source route failed`
  const reason = HOST_CODES[code]
  return reason === undefined ? `${destination} unreachable - #${code}` : `host ${destination} unreachable${reason}`
}

/** `echo request, id 77, seq 3` */
export function icmpv6Text(packet: PacketView): string {
  const icmp = new Icmpv6View()
  if (!icmp.find(packet)) return '[|icmp6]'
  switch (icmp.type) {
    case Icmpv6Type.EchoRequest:
      return `echo request, id ${icmp.identifier}, seq ${icmp.sequence}`
    case Icmpv6Type.EchoReply:
      return `echo reply, id ${icmp.identifier}, seq ${icmp.sequence}`
    case Icmpv6Type.DestinationUnreachable: {
      const { destination, port } = quotedOf(packet)
      if (icmp.code === 4) return `destination unreachable, unreachable port, ${destination} ${port ?? 'port'}`
      const reason = ['unreachable route', 'unreachable prohibited', 'beyond scope', 'unreachable address'][icmp.code]
      return `destination unreachable, ${reason ?? `code-#${icmp.code}`} ${destination}`
    }
    case Icmpv6Type.PacketTooBig:
      return `packet too big, mtu ${icmp.mtu}`
    case Icmpv6Type.TimeExceeded:
      return `${icmp.code === 1 ? 'ip6 reassembly time exceeded' : `time exceeded in-transit for ${quotedOf(packet).destination}`}`
    case Icmpv6Type.ParameterProblem:
      return `parameter problem, code ${icmp.code} - octet ${icmp.rest}`
    case Icmpv6Type.RouterSolicitation:
      return 'router solicitation'
    case Icmpv6Type.RouterAdvertisement:
      return 'router advertisement'
    case Icmpv6Type.NeighbourSolicitation:
    case Icmpv6Type.NeighbourAdvertisement:
    case Icmpv6Type.Redirect:
      return neighbourText(packet)
    case Icmpv6Type.MulticastListenerQuery:
      return 'multicast listener query'
    case Icmpv6Type.MulticastListenerReport:
      return 'multicast listener report'
    case Icmpv6Type.MulticastListenerDone:
      return 'multicast listener done'
    case Icmpv6Type.MulticastListenerReport2:
      return `multicast listener report v2, ${icmp.sequence} group record(s)`
    default:
      return `type-#${icmp.type}`
  }
}

function neighbourText(packet: PacketView): string {
  const message = new NeighbourView()
  if (!message.find(packet)) return '[|icmp6]'
  const { target } = message
  if (message.type === Icmpv6Type.NeighbourSolicitation) return `neighbor solicitation, who has ${target}`
  if (message.type === Icmpv6Type.NeighbourAdvertisement) return `neighbor advertisement, tgt is ${target}`
  return `redirect, ${message.destination} to ${target}`
}
