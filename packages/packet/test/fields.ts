/** The values that this package reads from a packet, with the names and formats of Wireshark's fields. */
import {
  ArpView,
  type ChecksumState,
  EthernetView,
  GreView,
  type IcmpMessageView,
  IcmpView,
  Icmpv6View,
  IpProtocol,
  Ipv4View,
  Ipv6ExtensionView,
  Ipv6View,
  isVlan,
  NeighbourOption,
  NeighbourView,
  networkChecksum,
  type PacketView,
  SctpView,
  TcpView,
  transportChecksum,
  UdpLiteView,
  UdpView,
  VlanView,
} from '../src/index.ts'

export type Fields = Map<string, string[]>

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`

function add(fields: Fields, name: string, value: number | string | boolean | undefined): void {
  if (value === undefined) return
  const text = typeof value === 'boolean' ? String(Number(value)) : String(value)
  const values = fields.get(name)
  if (values === undefined) fields.set(name, [text])
  else values.push(text)
}

/** Wireshark's numbers for what became of a checksum: 0 bad, 1 good, 2 not checked, 3 absent. */
function status(state: ChecksumState): number {
  return { valid: 1, invalid: 0, partial: 0, none: 3, unknown: 2 }[state]
}

/** All fields of a packet, those of tunnelled and quoted packets after those of the packet around them. */
export function fieldsOf(packet: PacketView, fields: Fields = new Map()): Fields {
  addLink(packet, fields)
  addNetwork(packet, fields)
  addTransport(packet, fields)
  const inside = packet.inner() ?? packet.quoted()
  return inside === undefined ? fields : fieldsOf(inside, fields)
}

function addLink(packet: PacketView, fields: Fields): void {
  const ethernet = new EthernetView()
  let kind = 0
  if (ethernet.find(packet)) {
    add(fields, 'eth.dst', ethernet.destination.toString())
    add(fields, 'eth.src', ethernet.source.toString())
    kind = ethernet.etherType
    add(fields, 'eth.type', hex(kind, 4))
  }
  const vlan = new VlanView()
  for (let index = 0; vlan.find(packet, index); index++) {
    const name = kind === 0x88a8 ? 'ieee8021ad' : 'vlan'
    add(fields, `${name}.priority`, vlan.priority)
    add(fields, `${name}.dei`, vlan.isDropEligible)
    add(fields, `${name}.id`, vlan.id)
    kind = vlan.etherType
    if (name === 'vlan') add(fields, 'vlan.etype', hex(kind, 4))
    if (!isVlan(kind)) break
  }
  const arp = new ArpView()
  if (!arp.find(packet)) return
  add(fields, 'arp.hw.type', arp.hardwareType)
  add(fields, 'arp.proto.type', hex(arp.protocolType, 4))
  add(fields, 'arp.hw.size', arp.hardwareLength)
  add(fields, 'arp.proto.size', arp.protocolLength)
  add(fields, 'arp.opcode', arp.operation)
  add(fields, 'arp.src.hw_mac', arp.senderHardware.toString())
  add(fields, 'arp.src.proto_ipv4', arp.sender.toString())
  add(fields, 'arp.dst.hw_mac', arp.targetHardware.toString())
  add(fields, 'arp.dst.proto_ipv4', arp.target.toString())
}

function addNetwork(packet: PacketView, fields: Fields): void {
  const ipv4 = new Ipv4View()
  if (ipv4.find(packet)) {
    add(fields, 'ip.version', 4)
    add(fields, 'ip.hdr_len', ipv4.headerLength)
    add(fields, 'ip.dsfield.dscp', ipv4.trafficClass >> 2)
    add(fields, 'ip.dsfield.ecn', ipv4.trafficClass & 3)
    add(fields, 'ip.len', ipv4.totalLength)
    add(fields, 'ip.id', hex(ipv4.identification, 4))
    add(fields, 'ip.flags.df', ipv4.dontFragment)
    add(fields, 'ip.flags.mf', ipv4.moreFragments)
    add(fields, 'ip.frag_offset', ipv4.fragmentOffset / 8)
    add(fields, 'ip.ttl', ipv4.timeToLive)
    add(fields, 'ip.proto', ipv4.protocol)
    add(fields, 'ip.checksum', hex(ipv4.checksum, 4))
    add(fields, 'ip.checksum.status', status(networkChecksum(packet)))
    add(fields, 'ip.src', ipv4.source.toString())
    add(fields, 'ip.dst', ipv4.destination.toString())
    const { options } = ipv4
    while (options.next()) {
      add(fields, 'ip.opt.type', options.kind)
      if (options.length > 1) add(fields, 'ip.opt.len', options.length)
    }
  }
  const ipv6 = new Ipv6View()
  if (ipv6.find(packet)) {
    add(fields, 'ip.version', 6)
    add(fields, 'ipv6.version', 6)
    add(fields, 'ipv6.tclass.dscp', ipv6.trafficClass >> 2)
    add(fields, 'ipv6.tclass.ecn', ipv6.trafficClass & 3)
    add(fields, 'ipv6.flow', hex(ipv6.flowLabel, 6))
    add(fields, 'ipv6.plen', ipv6.payloadLength)
    add(fields, 'ipv6.nxt', ipv6.nextHeader)
    add(fields, 'ipv6.hlim', ipv6.hopLimit)
    add(fields, 'ipv6.src', ipv6.source.toString())
    add(fields, 'ipv6.dst', ipv6.destination.toString())
  }
  const extension = new Ipv6ExtensionView()
  for (let found = extension.find(packet); found; found = extension.next()) addExtension(extension, fields)
}

const EXTENSION_NAMES: Readonly<Record<number, string>> = {
  [IpProtocol.HopByHop]: 'ipv6.hopopts',
  [IpProtocol.Routing]: 'ipv6.routing',
  [IpProtocol.Fragment]: 'ipv6.fraghdr',
  [IpProtocol.DestinationOptions]: 'ipv6.dstopts',
  [IpProtocol.Authentication]: 'ah',
}

function addExtension(extension: Ipv6ExtensionView, fields: Fields): void {
  const name = EXTENSION_NAMES[extension.type] ?? `extension ${extension.type}`
  add(fields, name === 'ah' ? 'ah.next_header' : `${name}.nxt`, extension.nextHeader)
  if (name === 'ah') add(fields, 'ah.length', extension.length / 4 - 2)
  else if (extension.type !== IpProtocol.Fragment) add(fields, `${name}.len`, extension.length / 8 - 1)
  add(fields, 'ipv6.routing.type', extension.routingType)
  add(fields, 'ipv6.routing.segleft', extension.segmentsLeft)
  // Wireshark shows the offset in units of 8 bytes.
  if (extension.fragmentOffset !== undefined) add(fields, 'ipv6.fraghdr.offset', extension.fragmentOffset / 8)
  add(fields, 'ipv6.fraghdr.more', extension.moreFragments)
  if (extension.identification !== undefined) add(fields, 'ipv6.fraghdr.ident', hex(extension.identification, 8))
}

function addTransport(packet: PacketView, fields: Fields): void {
  const state = status(transportChecksum(packet))
  const tcp = new TcpView()
  if (tcp.find(packet)) addTcp(tcp, fields, state)
  const udp = new UdpView()
  if (udp.find(packet)) {
    add(fields, 'udp.srcport', udp.sourcePort)
    add(fields, 'udp.dstport', udp.destinationPort)
    add(fields, 'udp.length', udp.length)
    add(fields, 'udp.checksum', hex(udp.checksum, 4))
    add(fields, 'udp.checksum.status', state)
  }
  const lite = new UdpLiteView()
  if (lite.find(packet)) {
    add(fields, 'udp.srcport', lite.sourcePort)
    add(fields, 'udp.dstport', lite.destinationPort)
    // Wireshark's: UDP-Lite has no such field.
    add(fields, 'udp.length', lite.available)
    add(fields, 'udp.checksum_coverage', lite.coverage)
    add(fields, 'udp.checksum', hex(lite.checksum, 4))
    add(fields, 'udp.checksum.status', state)
  }
  const icmp = new IcmpView()
  if (icmp.find(packet)) addIcmp(icmp, fields, state, 'icmp')
  const icmpv6 = new Icmpv6View()
  if (icmpv6.find(packet)) addIcmp(icmpv6, fields, state, 'icmpv6')
  const neighbour = new NeighbourView()
  if (neighbour.find(packet)) addNeighbour(neighbour, fields)
  const sctp = new SctpView()
  if (sctp.find(packet)) {
    add(fields, 'sctp.srcport', sctp.sourcePort)
    add(fields, 'sctp.dstport', sctp.destinationPort)
    add(fields, 'sctp.verification_tag', hex(sctp.verificationTag, 8))
    add(fields, 'sctp.checksum', hex(sctp.checksum, 8))
    add(fields, 'sctp.checksum.status', state)
    const { chunks } = sctp
    while (chunks.next()) {
      add(fields, 'sctp.chunk_type', chunks.type)
      add(fields, 'sctp.chunk_flags', hex(chunks.flags, 2))
      add(fields, 'sctp.chunk_length', chunks.length)
    }
  }
  const gre = new GreView()
  if (gre.find(packet)) {
    add(fields, 'gre.flags_and_version', hex(gre.flags, 4))
    add(fields, 'gre.proto', hex(gre.etherType, 4))
    if (gre.checksum !== undefined) add(fields, 'gre.checksum', hex(gre.checksum, 4))
    if (gre.checksum !== undefined) add(fields, 'gre.checksum.status', state)
    if (gre.key !== undefined) add(fields, 'gre.key', hex(gre.key, 8))
    add(fields, 'gre.sequence_number', gre.sequence)
  }
}

function addTcp(tcp: TcpView, fields: Fields, state: number): void {
  add(fields, 'tcp.srcport', tcp.sourcePort)
  add(fields, 'tcp.dstport', tcp.destinationPort)
  add(fields, 'tcp.seq_raw', tcp.sequence)
  add(fields, 'tcp.ack_raw', tcp.acknowledgement)
  add(fields, 'tcp.hdr_len', tcp.headerLength)
  add(fields, 'tcp.flags', hex(tcp.flags, 4))
  add(fields, 'tcp.window_size_value', tcp.window)
  add(fields, 'tcp.checksum', hex(tcp.checksum, 4))
  add(fields, 'tcp.checksum.status', state)
  add(fields, 'tcp.urgent_pointer', tcp.urgentPointer)
  const { options } = tcp
  while (options.next()) {
    add(fields, 'tcp.option_kind', options.kind)
    if (options.length > 1) add(fields, 'tcp.option_len', options.length)
    add(fields, 'tcp.options.mss_val', options.maximumSegmentSize)
    add(fields, 'tcp.options.wscale.shift', options.windowScale)
    add(fields, 'tcp.options.timestamp.tsval', options.timestampValue)
    add(fields, 'tcp.options.timestamp.tsecr', options.timestampEcho)
    for (let block = 0; block < options.sackBlocks; block++) {
      add(fields, 'tcp.options.sack_le', options.sackStart(block))
      add(fields, 'tcp.options.sack_re', options.sackEnd(block))
    }
  }
}

function addIcmp(view: IcmpMessageView, fields: Fields, state: number, name: 'icmp' | 'icmpv6'): void {
  add(fields, `${name}.type`, view.type)
  add(fields, `${name}.code`, view.code)
  add(fields, `${name}.checksum`, hex(view.checksum, 4))
  add(fields, `${name}.checksum.status`, state)
  const isEcho = name === 'icmp' ? view.type === 0 || view.type === 8 : view.type === 128 || view.type === 129
  if (isEcho && name === 'icmp') {
    add(fields, 'icmp.ident', view.identifier)
    add(fields, 'icmp.seq', view.sequence)
  } else if (isEcho) {
    add(fields, 'icmpv6.echo.identifier', hex(view.identifier, 4))
    add(fields, 'icmpv6.echo.sequence_number', view.sequence)
  }
  if (view instanceof IcmpView && view.type === 3 && view.code === 4) add(fields, 'icmp.mtu', view.nextHopMtu)
  if (view instanceof Icmpv6View && view.type === 2) add(fields, 'icmpv6.mtu', view.mtu)
}

function addNeighbour(view: NeighbourView, fields: Fields): void {
  const target = view.target?.toString()
  if (view.type === 135) add(fields, 'icmpv6.nd.ns.target_address', target)
  if (view.type === 136) {
    add(fields, 'icmpv6.nd.na.target_address', target)
    add(fields, 'icmpv6.nd.na.flag.r', view.isRouter)
    add(fields, 'icmpv6.nd.na.flag.s', view.isSolicited)
    add(fields, 'icmpv6.nd.na.flag.o', view.isOverride)
  }
  if (view.type === 137) {
    add(fields, 'icmpv6.nd.rd.target_address', target)
    add(fields, 'icmpv6.rd.na.destination_address', view.destination?.toString())
  }
  if (view.type === 134) {
    add(fields, 'icmpv6.nd.ra.cur_hop_limit', view.hopLimit)
    add(fields, 'icmpv6.nd.ra.flag.m', view.isManaged)
    add(fields, 'icmpv6.nd.ra.flag.o', view.hasOtherConfiguration)
    add(fields, 'icmpv6.nd.ra.router_lifetime', view.routerLifetime)
    add(fields, 'icmpv6.nd.ra.reachable_time', view.reachableTime)
    add(fields, 'icmpv6.nd.ra.retrans_timer', view.retransmitTimer)
  }
  const { options } = view
  while (options.next()) {
    add(fields, 'icmpv6.opt.type', options.type)
    add(fields, 'icmpv6.opt.length', options.length / 8)
    add(fields, 'icmpv6.opt.mtu', options.mtu)
    add(fields, 'icmpv6.opt.linkaddr', options.linkAddress?.toString())
    if (options.type !== NeighbourOption.PrefixInformation) continue
    add(fields, 'icmpv6.opt.prefix.length', options.prefixLength)
    add(fields, 'icmpv6.opt.prefix', options.prefix?.toString())
  }
}
