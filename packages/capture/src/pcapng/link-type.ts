/**
 * Link types, that is, the header of the packets of an interface (tcpdump.org/linktypes.html): those of netlink and of
 * network packets.
 */
export const LinkType = {
  /** LINKTYPE_NULL: BSD loopback, the address family in the order of the machine that captured */
  Null: 0,
  /** LINKTYPE_ETHERNET */
  Ethernet: 1,
  /** LINKTYPE_RAW: an IPv4 or IPv6 header, by its first four bits */
  Raw: 101,
  /** LINKTYPE_LOOP: OpenBSD loopback, the address family in network order */
  Loop: 108,
  /** LINKTYPE_LINUX_SLL: Linux cooked capture, as written by `tcpdump -i any` */
  LinuxCooked: 113,
  /** LINKTYPE_IPV4 */
  Ipv4: 228,
  /** LINKTYPE_IPV6 */
  Ipv6: 229,
  /** LINKTYPE_NFLOG: a message of the packet log without its netlink header */
  Nflog: 239,
  /** LINKTYPE_NETLINK: a cooked header, then one datagram of a netlink socket */
  Netlink: 253,
  /** LINKTYPE_LINUX_SLL2: Linux cooked capture, version 2 */
  LinuxCooked2: 276,
} as const
export type LinkType = (typeof LinkType)[keyof typeof LinkType]

const names: ReadonlyMap<number, string> = new Map([
  [LinkType.Null, 'LINKTYPE_NULL'],
  [LinkType.Ethernet, 'LINKTYPE_ETHERNET'],
  [LinkType.Raw, 'LINKTYPE_RAW'],
  [LinkType.Loop, 'LINKTYPE_LOOP'],
  [LinkType.LinuxCooked, 'LINKTYPE_LINUX_SLL'],
  [LinkType.Ipv4, 'LINKTYPE_IPV4'],
  [LinkType.Ipv6, 'LINKTYPE_IPV6'],
  [LinkType.Nflog, 'LINKTYPE_NFLOG'],
  [LinkType.Netlink, 'LINKTYPE_NETLINK'],
  [LinkType.LinuxCooked2, 'LINKTYPE_LINUX_SLL2'],
])

/** The name of a link type, or its number if it is not one of {@link LinkType}. */
export function linkTypeName(linkType: number): string {
  return names.get(linkType) ?? `LINKTYPE ${linkType}`
}
