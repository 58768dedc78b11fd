/**
 * Numbers of the protocols over IP (IANA "Protocol Numbers"): the IPv4 field `protocol`, the IPv6 field `next header`.
 */
export const IpProtocol = {
  /** IPPROTO_HOPOPTS: the IPv6 extension header Hop-by-Hop Options */
  HopByHop: 0,
  /** IPPROTO_ICMP */
  Icmp: 1,
  /** IPPROTO_IGMP */
  Igmp: 2,
  /** IPPROTO_IPIP: IPv4 inside IP */
  Ipv4: 4,
  /** IPPROTO_TCP */
  Tcp: 6,
  /** IPPROTO_UDP */
  Udp: 17,
  /** IPPROTO_DCCP */
  Dccp: 33,
  /** IPPROTO_IPV6: IPv6 inside IP */
  Ipv6: 41,
  /** IPPROTO_ROUTING: an IPv6 extension header */
  Routing: 43,
  /** IPPROTO_FRAGMENT: an IPv6 extension header */
  Fragment: 44,
  /** IPPROTO_GRE */
  Gre: 47,
  /** IPPROTO_ESP: what follows is encrypted */
  Esp: 50,
  /** IPPROTO_AH: the authentication header, in IPv4 as well as in IPv6 */
  Authentication: 51,
  /** IPPROTO_ICMPV6 */
  Icmpv6: 58,
  /** IPPROTO_NONE: nothing follows */
  NoNext: 59,
  /** IPPROTO_DSTOPTS: the IPv6 extension header Destination Options */
  DestinationOptions: 60,
  /** IPPROTO_SCTP */
  Sctp: 132,
  /** IPPROTO_MH: the IPv6 extension header Mobility */
  Mobility: 135,
  /** IPPROTO_UDPLITE */
  UdpLite: 136,
  /** Host Identity Protocol: an IPv6 extension header (RFC 7401) */
  HostIdentity: 139,
  /** Shim6: an IPv6 extension header (RFC 5533) */
  Shim6: 140,
} as const
export type IpProtocol = (typeof IpProtocol)[keyof typeof IpProtocol]

const names: Readonly<Record<number, string>> = {
  [IpProtocol.Icmp]: 'ICMP',
  [IpProtocol.Igmp]: 'IGMP',
  [IpProtocol.Ipv4]: 'IPv4',
  [IpProtocol.Tcp]: 'TCP',
  [IpProtocol.Udp]: 'UDP',
  [IpProtocol.Dccp]: 'DCCP',
  [IpProtocol.Ipv6]: 'IPv6',
  [IpProtocol.Gre]: 'GRE',
  [IpProtocol.Esp]: 'ESP',
  [IpProtocol.Authentication]: 'AH',
  [IpProtocol.Icmpv6]: 'ICMP6',
  [IpProtocol.NoNext]: 'no next header',
  [IpProtocol.Sctp]: 'SCTP',
  [IpProtocol.UdpLite]: 'UDP-Lite',
}

/** The protocol's usual name, or `protocol 253`. */
export function protocolName(protocol: number): string {
  return names[protocol] ?? `protocol ${protocol}`
}
