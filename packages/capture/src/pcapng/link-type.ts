/** What the packets of an interface begin with: the numbers of tcpdump.org/linktypes.html, those that netlink and its packets need. */
export const LinkType = {
  /** LINKTYPE_ETHERNET */
  Ethernet: 1,
  /** LINKTYPE_RAW: an IPv4 or an IPv6 header, as its first four bits say */
  Raw: 101,
  /** LINKTYPE_IPV4 */
  Ipv4: 228,
  /** LINKTYPE_IPV6 */
  Ipv6: 229,
  /** LINKTYPE_NFLOG: a message of the packet log without its netlink header */
  Nflog: 239,
  /** LINKTYPE_NETLINK: a cooked header, then what a netlink socket moves in one piece */
  Netlink: 253,
} as const
export type LinkType = (typeof LinkType)[keyof typeof LinkType]

const names: ReadonlyMap<number, string> = new Map([
  [LinkType.Ethernet, 'LINKTYPE_ETHERNET'],
  [LinkType.Raw, 'LINKTYPE_RAW'],
  [LinkType.Ipv4, 'LINKTYPE_IPV4'],
  [LinkType.Ipv6, 'LINKTYPE_IPV6'],
  [LinkType.Nflog, 'LINKTYPE_NFLOG'],
  [LinkType.Netlink, 'LINKTYPE_NETLINK'],
])

/** The name of a link type; its number where it is none of ours. */
export function linkTypeName(linkType: number): string {
  return names.get(linkType) ?? `LINKTYPE ${linkType}`
}
