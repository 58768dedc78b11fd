/**
 * The expression `exthdr` of nf_tables rules, which loads or sets bytes of an optional part of a header
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order.
 */
import { be32, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The part of the packet that the expression `exthdr` looks for (`enum nft_exthdr_op`). */
export const ExtensionHeaderKind = {
  /** NFT_EXTHDR_OP_IPV6: an extension header of IPv6 */
  Ipv6: 0,
  /** NFT_EXTHDR_OP_TCPOPT: a TCP option */
  TcpOption: 1,
  /** NFT_EXTHDR_OP_IPV4: an option of IPv4 */
  Ipv4Option: 2,
  /** NFT_EXTHDR_OP_SCTP: an SCTP chunk */
  SctpChunk: 3,
  /** NFT_EXTHDR_OP_DCCP: a DCCP option */
  DccpOption: 4,
} as const
export type ExtensionHeaderKind = (typeof ExtensionHeaderKind)[keyof typeof ExtensionHeaderKind]

/** Flags of the expression `exthdr`. */
export const ExtensionHeaderFlag = {
  /** NFT_EXTHDR_F_PRESENT: loads only whether it exists */
  Present: 0x1,
} as const
export type ExtensionHeaderFlag = (typeof ExtensionHeaderFlag)[keyof typeof ExtensionHeaderFlag]

/** NFTA_EXTHDR_*: expression `exthdr`, bytes of an IPv6 extension header, an IP or TCP option, or an SCTP chunk. */
export const exthdrAttributes = attributeSet('NFTA_EXTHDR', {
  destinationRegister: be32(1, 'NFTA_EXTHDR_DREG'),
  type: u8(2, 'NFTA_EXTHDR_TYPE'),
  offset: be32(3, 'NFTA_EXTHDR_OFFSET'),
  length: be32(4, 'NFTA_EXTHDR_LEN'),
  /** bits of `ExtensionHeaderFlag` */
  flags: be32(5, 'NFTA_EXTHDR_FLAGS'),
  /** of `ExtensionHeaderKind` */
  operation: be32(6, 'NFTA_EXTHDR_OP'),
  sourceRegister: be32(7, 'NFTA_EXTHDR_SREG'),
})
