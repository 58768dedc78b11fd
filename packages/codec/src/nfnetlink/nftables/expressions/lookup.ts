/**
 * Expressions of nf_tables rules that load what the kernel looks up for a packet: its route, its socket, its address in
 * the routing table (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order. `lookup`
 * in a set is in match.ts.
 */
import { be32 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The property of the packet's route that the expression `rt` loads. */
export const RouteKey = {
  /** NFT_RT_CLASSID: 4 bytes */
  Realm: 0,
  /** NFT_RT_NEXTHOP4: 4 bytes */
  NextHopIpv4: 1,
  /** NFT_RT_NEXTHOP6: 16 bytes */
  NextHopIpv6: 2,
  /** NFT_RT_TCPMSS: 2 bytes */
  MaximumSegmentSize: 3,
  /** NFT_RT_XFRM: 1 byte, whether it goes through IPsec */
  Ipsec: 4,
} as const
export type RouteKey = (typeof RouteKey)[keyof typeof RouteKey]

/** The property of the local socket that the expression `socket` loads. */
export const SocketKey = {
  /** NFT_SOCKET_TRANSPARENT: 1 byte */
  Transparent: 0,
  /** NFT_SOCKET_MARK: 4 bytes */
  Mark: 1,
  /** NFT_SOCKET_WILDCARD: 1 byte, whether it is bound to any address */
  Wildcard: 2,
  /** NFT_SOCKET_CGROUPV2: 8 bytes, the id of a control group */
  Cgroup: 3,
} as const
export type SocketKey = (typeof SocketKey)[keyof typeof SocketKey]

/** What the expression `fib` loads. */
export const FibResult = {
  /** NFT_FIB_RESULT_OIF: index of a device, 4 bytes */
  Device: 1,
  /** NFT_FIB_RESULT_OIFNAME: 16 bytes */
  DeviceName: 2,
  /** NFT_FIB_RESULT_ADDRTYPE: RTN_*, 4 bytes */
  AddressType: 3,
} as const
export type FibResult = (typeof FibResult)[keyof typeof FibResult]

/** What the expression `fib` looks up by. */
export const FibFlag = {
  /** NFTA_FIB_F_SADDR */
  Source: 0x01,
  /** NFTA_FIB_F_DADDR */
  Destination: 0x02,
  /** NFTA_FIB_F_MARK */
  Mark: 0x04,
  /** NFTA_FIB_F_IIF */
  InputDevice: 0x08,
  /** NFTA_FIB_F_OIF */
  OutputDevice: 0x10,
  /** NFTA_FIB_F_PRESENT: loads only whether there is a result */
  Present: 0x20,
} as const
export type FibFlag = (typeof FibFlag)[keyof typeof FibFlag]

/** NFTA_RT_*: expression `rt`, the packet's route. */
export const rtAttributes = attributeSet('NFTA_RT', {
  destinationRegister: be32(1, 'NFTA_RT_DREG'),
  /** of `RouteKey` */
  key: be32(2, 'NFTA_RT_KEY'),
})

/** NFTA_SOCKET_*: expression `socket`, the local socket that the packet is for. */
export const socketAttributes = attributeSet('NFTA_SOCKET', {
  /** of `SocketKey` */
  key: be32(1, 'NFTA_SOCKET_KEY'),
  destinationRegister: be32(2, 'NFTA_SOCKET_DREG'),
  /** for `SocketKey.Cgroup`: the ancestor's */
  level: be32(3, 'NFTA_SOCKET_LEVEL'),
})

/** NFTA_FIB_*: expression `fib`, a look-up in the routing table. */
export const fibAttributes = attributeSet('NFTA_FIB', {
  destinationRegister: be32(1, 'NFTA_FIB_DREG'),
  /** of `FibResult` */
  result: be32(2, 'NFTA_FIB_RESULT'),
  /** bits of `FibFlag` */
  flags: be32(3, 'NFTA_FIB_FLAGS'),
})
