import { formatAddress, formatHardwareAddress, hexadecimal } from './address.ts'
import { describeDns } from './dns.ts'
import { arp, arpAddresses, ethernet, icmp, ipv4, ipv6, ipv6Extension, tcp, udp, vlanTag } from './layouts.ts'

export const EtherType = { Ipv4: 0x0800, Arp: 0x0806, Vlan: 0x8100, Ipv6: 0x86dd, ProviderVlan: 0x88a8 } as const
export type EtherType = (typeof EtherType)[keyof typeof EtherType]

/** What can be said of a packet. */
export interface PacketText {
  /** `IP`, `IP6`, `ARP`, or `0x…`: what follows the link layer */
  readonly network: string
  /** the innermost protocol that was recognised: `UDP`, `DNS`, `protocol 47` */
  readonly protocol: string
  readonly source?: string
  readonly destination?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  /** bytes from the network header on, as that says; of which not all need have been copied */
  readonly length: number
  /** everything else, for people */
  readonly text: string
}

/** What stands behind the addresses. */
interface Contents {
  readonly protocol: string
  readonly text: string
  readonly sourcePort?: number
  readonly destinationPort?: number
}

const Protocol = { Icmp: 1, Tcp: 6, Udp: 17, Icmpv6: 58, NoNext: 59 } as const
const FRAGMENT = 44
const AUTHENTICATION = 51
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, FRAGMENT, AUTHENTICATION, 60, 135])
const MAXIMUM_EXTENSIONS = 16
const DNS_PORTS: ReadonlySet<number> = new Set([53, 5353])

/** Describes a packet that begins with its network header. Never throws, whatever the bytes are. */
export function describePacket(etherType: number, bytes: Uint8Array): PacketText {
  return describe(etherType, bytes, true)
}

/** Describes the header of the link layer: who sent it to whom. */
export function describeEthernet(bytes: Uint8Array): string | undefined {
  const header = ethernet.read(bytes, 0)
  if (header === undefined) return undefined
  return `${formatHardwareAddress(header.source)} > ${formatHardwareAddress(header.destination)}`
}

/** Where the network header of an Ethernet frame begins, behind tags of VLANs, and what it is. */
export function openEthernet(frame: Uint8Array): { etherType: number; offset: number } | undefined {
  let found = ethernet.read(frame, 0)?.etherType
  let offset = ethernet.length
  while (found === EtherType.Vlan || found === EtherType.ProviderVlan) {
    found = vlanTag.read(frame, offset)?.etherType
    offset += vlanTag.length
  }
  return found === undefined ? undefined : { etherType: found, offset }
}

/** @param opensErrors whether a packet inside of an ICMP error is described too: that of one inside it is not */
function describe(etherType: number, bytes: Uint8Array, opensErrors: boolean): PacketText {
  switch (etherType) {
    case EtherType.Ipv4:
      return describeIpv4(bytes, opensErrors) ?? cut('IP', bytes)
    case EtherType.Ipv6:
      return describeIpv6(bytes, opensErrors) ?? cut('IP6', bytes)
    case EtherType.Arp:
      return describeArp(bytes) ?? cut('ARP', bytes)
    default: {
      const network = `0x${hexadecimal(etherType).padStart(4, '0')}`
      return { network, protocol: network, length: bytes.length, text: `length ${bytes.length}` }
    }
  }
}

function cut(network: string, bytes: Uint8Array): PacketText {
  return { network, protocol: network, length: bytes.length, text: `${bytes.length} bytes of it` }
}

function describeIpv4(bytes: Uint8Array, opensErrors: boolean): PacketText | undefined {
  const header = ipv4.read(bytes, 0)
  if (header === undefined || header.versionAndLength >> 4 !== 4) return undefined
  const start = (header.versionAndLength & 0xf) * 4
  if (start < ipv4.length) return undefined
  const fragmentOffset = (header.fragment & 0x1fff) * 8
  const contents =
    fragmentOffset > 0
      ? laterFragment(header.protocol, fragmentOffset)
      : describeContents(header.protocol, bytes.subarray(start, header.length || bytes.length), {
          length: Math.max(0, header.length - start),
          opensErrors,
        })
  return {
    ...contents,
    network: 'IP',
    source: formatAddress(header.source),
    destination: formatAddress(header.destination),
    length: header.length,
  }
}

function describeIpv6(bytes: Uint8Array, opensErrors: boolean): PacketText | undefined {
  const header = ipv6.read(bytes, 0)
  if (header === undefined || (bytes[0] ?? 0) >> 4 !== 6) return undefined
  const length = ipv6.length + header.payloadLength
  return {
    ...describeIpv6Contents(header.next, bytes.subarray(0, length), length, opensErrors),
    network: 'IP6',
    source: formatAddress(header.source),
    destination: formatAddress(header.destination),
    length,
  }
}

function describeIpv6Contents(first: number, bytes: Uint8Array, length: number, opensErrors: boolean): Contents {
  let next = first
  let offset = ipv6.length
  for (let count = 0; EXTENSIONS.has(next); count++) {
    const extension = ipv6Extension.read(bytes, offset)
    if (extension === undefined || count === MAXIMUM_EXTENSIONS) {
      return { protocol: 'IP6', text: `extension header ${next}, cut` }
    }
    const fragmentOffset = next === FRAGMENT ? extension.fragment & 0xfff8 : 0
    offset += extensionLength(next, extension.length)
    next = extension.next
    if (fragmentOffset > 0) return laterFragment(next, fragmentOffset)
  }
  return describeContents(next, bytes.subarray(offset), { length: Math.max(0, length - offset), opensErrors })
}

function extensionLength(type: number, words: number): number {
  if (type === FRAGMENT) return 8
  return type === AUTHENTICATION ? (words + 2) * 4 : (words + 1) * 8
}

function laterFragment(protocol: number, offset: number): Contents {
  return { protocol: protocolName(protocol), text: `${protocolName(protocol)} fragment at ${offset}` }
}

interface Situation {
  /** bytes that there were before the packet was cut */
  readonly length: number
  readonly opensErrors: boolean
}

function describeContents(protocol: number, bytes: Uint8Array, situation: Situation): Contents {
  const described =
    protocol === Protocol.Tcp
      ? describeTcp(bytes, situation.length)
      : protocol === Protocol.Udp
        ? describeUdp(bytes)
        : protocol === Protocol.Icmp || protocol === Protocol.Icmpv6
          ? describeIcmp(protocol, bytes, situation)
          : undefined
  const name = protocolName(protocol)
  return described ?? { protocol: name, text: `${name}, length ${situation.length}` }
}

function protocolName(protocol: number): string {
  const name = protocolNames.get(protocol)
  return name ?? `protocol ${protocol}`
}

const protocolNames: ReadonlyMap<number, string> = new Map([
  [Protocol.Icmp, 'ICMP'],
  [2, 'IGMP'],
  [Protocol.Tcp, 'TCP'],
  [Protocol.Udp, 'UDP'],
  [33, 'DCCP'],
  [47, 'GRE'],
  [50, 'ESP'],
  [Protocol.Icmpv6, 'ICMP6'],
  [Protocol.NoNext, 'no next header'],
  [132, 'SCTP'],
])

/** As tcpdump writes them, from the lowest bit: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR. */
const TCP_FLAGS = 'FSRP.UEW'
const ACKNOWLEDGES = 0x10

function describeTcp(bytes: Uint8Array, length: number): Contents | undefined {
  const header = tcp.read(bytes, 0)
  if (header === undefined) return undefined
  const flags = [...TCP_FLAGS].filter((_, bit) => (header.flags & (1 << bit)) !== 0).join('')
  const data = Math.max(0, length - (header.dataOffset >> 4) * 4)
  const sequence = data > 0 ? `${header.sequence}:${(header.sequence + data) >>> 0}` : `${header.sequence}`
  const acknowledged = (header.flags & ACKNOWLEDGES) === 0 ? '' : `, ack ${header.acknowledgement}`
  const { sourcePort, destinationPort } = header
  const text = `TCP [${flags || 'none'}], seq ${sequence}${acknowledged}, win ${header.window}, length ${data}`
  return { protocol: 'TCP', sourcePort, destinationPort, text }
}

function describeUdp(bytes: Uint8Array): Contents | undefined {
  const header = udp.read(bytes, 0)
  if (header === undefined) return undefined
  const { sourcePort, destinationPort } = header
  const ports = { sourcePort, destinationPort }
  const isDns = DNS_PORTS.has(sourcePort) || DNS_PORTS.has(destinationPort)
  const question = isDns ? describeDns(bytes.subarray(udp.length)) : undefined
  if (question !== undefined) return { protocol: 'DNS', ...ports, text: `DNS ${question}` }
  return { protocol: 'UDP', ...ports, text: `UDP, length ${Math.max(0, header.length - udp.length)}` }
}

interface IcmpType {
  readonly text: string
  readonly kind?: 'echo' | 'error' | 'neighbour'
  readonly codes?: readonly string[]
}

const UNREACHABLE = ['network', 'host', 'protocol', 'port', 'fragmentation needed']
const icmpTypes: ReadonlyMap<number, IcmpType> = new Map<number, IcmpType>([
  [0, { text: 'echo reply', kind: 'echo' }],
  [3, { text: 'unreachable', kind: 'error', codes: UNREACHABLE }],
  [5, { text: 'redirect', kind: 'error' }],
  [8, { text: 'echo request', kind: 'echo' }],
  [11, { text: 'time exceeded', kind: 'error' }],
  [12, { text: 'parameter problem', kind: 'error' }],
])
const icmpv6Types: ReadonlyMap<number, IcmpType> = new Map<number, IcmpType>([
  [1, { text: 'unreachable', kind: 'error', codes: ['route', 'prohibited', 'scope', 'address', 'port'] }],
  [2, { text: 'packet too big', kind: 'error' }],
  [3, { text: 'time exceeded', kind: 'error' }],
  [4, { text: 'parameter problem', kind: 'error' }],
  [128, { text: 'echo request', kind: 'echo' }],
  [129, { text: 'echo reply', kind: 'echo' }],
  [133, { text: 'router solicitation' }],
  [134, { text: 'router advertisement' }],
  [135, { text: 'neighbour solicitation, who has', kind: 'neighbour' }],
  [136, { text: 'neighbour advertisement, it is', kind: 'neighbour' }],
  [143, { text: 'multicast listener report' }],
])

function describeIcmp(protocol: number, bytes: Uint8Array, { length, opensErrors }: Situation): Contents | undefined {
  const header = icmp.read(bytes, 0)
  if (header === undefined) return undefined
  const isFour = protocol === Protocol.Icmp
  const name = isFour ? 'ICMP' : 'ICMP6'
  const type = (isFour ? icmpTypes : icmpv6Types).get(header.type)
  const rest = bytes.subarray(icmp.length)
  const details = (): string => {
    switch (type?.kind) {
      case 'echo':
        return `, id ${header.identifier}, seq ${header.sequence}, length ${length}`
      case 'neighbour':
        return rest.length < 16 ? '' : ` ${formatAddress(rest.subarray(0, 16))}`
      case 'error': {
        const code = type.codes?.[header.code]
        const reason = code === undefined ? '' : ` (${code})`
        if (!opensErrors) return reason
        return `${reason}, for ${formatPacket(describe(isFour ? EtherType.Ipv4 : EtherType.Ipv6, rest, false))}`
      }
      default:
        return `, length ${length}`
    }
  }
  return { protocol: name, text: `${name} ${type?.text ?? `type ${header.type}, code ${header.code}`}${details()}` }
}

function describeArp(bytes: Uint8Array): PacketText | undefined {
  const header = arp.read(bytes, 0)
  if (header === undefined) return undefined
  const length = arp.length + 2 * (header.hardwareLength + header.protocolLength)
  const isEthernet = header.hardwareLength === 6 && header.protocolLength === 4
  const addresses = isEthernet ? arpAddresses.read(bytes, arp.length) : undefined
  const base = { network: 'ARP', protocol: 'ARP', length } as const
  if (addresses === undefined) return { ...base, text: `operation ${header.operation}, length ${length}` }
  const [sender, target] = [formatAddress(addresses.sender), formatAddress(addresses.target)]
  const text =
    header.operation === 1
      ? `who has ${target}, tell ${sender}`
      : header.operation === 2
        ? `${sender} is at ${formatHardwareAddress(addresses.senderHardware)}`
        : `operation ${header.operation}, ${sender} > ${target}`
  return { ...base, source: sender, destination: target, text }
}

/** A packet as tcpdump shows it: `IP 10.0.0.1.53 > 10.0.0.2.40000: UDP, length 12`. */
export function formatPacket(packet: PacketText): string {
  return `${packet.network}${formatEnds(packet)} ${packet.text}`
}

/** From where to where, where that is not in the text already. */
export function formatEnds({ network, source, destination, sourcePort, destinationPort }: PacketText): string {
  if (network === 'ARP' || source === undefined || destination === undefined) return ''
  return ` ${formatEnd(source, sourcePort)} > ${formatEnd(destination, destinationPort)}:`
}

function formatEnd(address: string, port: number | undefined): string {
  return port === undefined ? address : `${address}.${port}`
}
