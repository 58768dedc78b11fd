/** Constants of rtnetlink that its specifications leave out (uapi/linux/rtnetlink.h). */

/** Who made a route or rule: `protocol` of rtmsg and of FRA_PROTOCOL. */
export const RouteProtocol = {
  /** RTPROT_UNSPEC */
  Unspec: 0,
  /** RTPROT_REDIRECT: an ICMP redirect */
  Redirect: 1,
  /** RTPROT_KERNEL: the kernel itself */
  Kernel: 2,
  /** RTPROT_BOOT: a program that says nothing else */
  Boot: 3,
  /** RTPROT_STATIC: an administrator */
  Static: 4,
  /** RTPROT_GATED */
  Gated: 8,
  /** RTPROT_RA: a router advertisement */
  Ra: 9,
  /** RTPROT_MRT */
  Mrt: 10,
  /** RTPROT_ZEBRA */
  Zebra: 11,
  /** RTPROT_BIRD */
  Bird: 12,
  /** RTPROT_DNROUTED */
  Dnrouted: 13,
  /** RTPROT_XORP */
  Xorp: 14,
  /** RTPROT_NTK */
  Ntk: 15,
  /** RTPROT_DHCP: a DHCP client */
  Dhcp: 16,
  /** RTPROT_MROUTED */
  Mrouted: 17,
  /** RTPROT_KEEPALIVED */
  Keepalived: 18,
  /** RTPROT_BABEL */
  Babel: 42,
  /** RTPROT_OPENR */
  Openr: 99,
  /** RTPROT_BGP */
  Bgp: 186,
  /** RTPROT_ISIS */
  Isis: 187,
  /** RTPROT_OSPF */
  Ospf: 188,
  /** RTPROT_RIP */
  Rip: 189,
  /** RTPROT_EIGRP */
  Eigrp: 192,
} as const
export type RouteProtocol = (typeof RouteProtocol)[keyof typeof RouteProtocol]

/** How far the destination of a route, or an address, is. */
export const RouteScope = {
  /** RT_SCOPE_UNIVERSE: anywhere */
  Universe: 0,
  /** RT_SCOPE_SITE */
  Site: 200,
  /** RT_SCOPE_LINK: on this link */
  Link: 253,
  /** RT_SCOPE_HOST: on this machine */
  Host: 254,
  /** RT_SCOPE_NOWHERE */
  Nowhere: 255,
} as const
export type RouteScope = (typeof RouteScope)[keyof typeof RouteScope]

/** Tables of routes; others are any number up to 2^32 - 1. */
export const RouteTable = {
  /** RT_TABLE_UNSPEC */
  Unspec: 0,
  /** RT_TABLE_COMPAT */
  Compat: 252,
  /** RT_TABLE_DEFAULT */
  Default: 253,
  /** RT_TABLE_MAIN */
  Main: 254,
  /** RT_TABLE_LOCAL */
  Local: 255,
} as const
export type RouteTable = (typeof RouteTable)[keyof typeof RouteTable]

/** Bits of `flags` of rtmsg. */
export const RouteFlag = {
  /** RTM_F_NOTIFY: changes of the route are announced */
  Notify: 0x100,
  /** RTM_F_CLONED: of a cache */
  Cloned: 0x200,
  /** RTM_F_EQUALIZE */
  Equalize: 0x400,
  /** RTM_F_PREFIX */
  Prefix: 0x800,
  /** RTM_F_LOOKUP_TABLE: of a request: the answer names the table */
  LookupTable: 0x1000,
  /** RTM_F_FIB_MATCH: of a request: the answer is the entry that matched */
  FibMatch: 0x2000,
  /** RTM_F_OFFLOAD: in hardware */
  Offload: 0x4000,
  /** RTM_F_TRAP: hardware hands its packets to the kernel */
  Trap: 0x8000,
  /** RTM_F_OFFLOAD_FAILED */
  OffloadFailed: 0x20000000,
} as const
export type RouteFlag = (typeof RouteFlag)[keyof typeof RouteFlag]

/** Bits of a next hop, which `flags` of rtmsg has, too. */
export const NextHopFlag = {
  /** RTNH_F_DEAD: its device is down */
  Dead: 0x1,
  /** RTNH_F_PERVASIVE */
  Pervasive: 0x2,
  /** RTNH_F_ONLINK: the gateway counts as on the link */
  Onlink: 0x4,
  /** RTNH_F_OFFLOAD */
  Offload: 0x8,
  /** RTNH_F_LINKDOWN: its device has no carrier */
  Linkdown: 0x10,
  /** RTNH_F_UNRESOLVED */
  Unresolved: 0x20,
  /** RTNH_F_TRAP */
  Trap: 0x40,
} as const
export type NextHopFlag = (typeof NextHopFlag)[keyof typeof NextHopFlag]

/** Multicast groups of rtnetlink. */
export const RtnetlinkGroup = {
  /** RTNLGRP_LINK */
  Link: 1,
  /** RTNLGRP_NOTIFY */
  Notify: 2,
  /** RTNLGRP_NEIGH */
  Neigh: 3,
  /** RTNLGRP_TC */
  Tc: 4,
  /** RTNLGRP_IPV4_IFADDR */
  Ipv4Ifaddr: 5,
  /** RTNLGRP_IPV4_MROUTE */
  Ipv4Mroute: 6,
  /** RTNLGRP_IPV4_ROUTE */
  Ipv4Route: 7,
  /** RTNLGRP_IPV4_RULE */
  Ipv4Rule: 8,
  /** RTNLGRP_IPV6_IFADDR */
  Ipv6Ifaddr: 9,
  /** RTNLGRP_IPV6_MROUTE */
  Ipv6Mroute: 10,
  /** RTNLGRP_IPV6_ROUTE */
  Ipv6Route: 11,
  /** RTNLGRP_IPV6_IFINFO */
  Ipv6Ifinfo: 12,
  /** RTNLGRP_DECnet_IFADDR */
  DecnetIfaddr: 13,
  /** RTNLGRP_DECnet_ROUTE */
  DecnetRoute: 15,
  /** RTNLGRP_DECnet_RULE */
  DecnetRule: 16,
  /** RTNLGRP_IPV6_PREFIX */
  Ipv6Prefix: 18,
  /** RTNLGRP_IPV6_RULE */
  Ipv6Rule: 19,
  /** RTNLGRP_ND_USEROPT */
  NdUseropt: 20,
  /** RTNLGRP_PHONET_IFADDR */
  PhonetIfaddr: 21,
  /** RTNLGRP_PHONET_ROUTE */
  PhonetRoute: 22,
  /** RTNLGRP_DCB */
  Dcb: 23,
  /** RTNLGRP_IPV4_NETCONF */
  Ipv4Netconf: 24,
  /** RTNLGRP_IPV6_NETCONF */
  Ipv6Netconf: 25,
  /** RTNLGRP_MDB */
  Mdb: 26,
  /** RTNLGRP_MPLS_ROUTE */
  MplsRoute: 27,
  /** RTNLGRP_NSID */
  Nsid: 28,
  /** RTNLGRP_MPLS_NETCONF */
  MplsNetconf: 29,
  /** RTNLGRP_IPV4_MROUTE_R */
  Ipv4MrouteR: 30,
  /** RTNLGRP_IPV6_MROUTE_R */
  Ipv6MrouteR: 31,
  /** RTNLGRP_NEXTHOP */
  Nexthop: 32,
  /** RTNLGRP_BRVLAN */
  Brvlan: 33,
  /** RTNLGRP_MCTP_IFADDR */
  MctpIfaddr: 34,
  /** RTNLGRP_TUNNEL */
  Tunnel: 35,
  /** RTNLGRP_STATS */
  Stats: 36,
} as const
export type RtnetlinkGroup = (typeof RtnetlinkGroup)[keyof typeof RtnetlinkGroup]
