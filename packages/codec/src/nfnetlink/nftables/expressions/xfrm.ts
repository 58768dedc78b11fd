/**
 * The expression `xfrm` of nf_tables rules, which loads a property of the IPsec state that a packet passed or will pass
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order.
 */
import { be32, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The property that the expression `xfrm` loads. */
export const XfrmKey = {
  /** NFT_XFRM_KEY_DADDR_IP4: 4 bytes */
  DestinationIpv4: 1,
  /** NFT_XFRM_KEY_DADDR_IP6: 16 bytes */
  DestinationIpv6: 2,
  /** NFT_XFRM_KEY_SADDR_IP4: 4 bytes */
  SourceIpv4: 3,
  /** NFT_XFRM_KEY_SADDR_IP6: 16 bytes */
  SourceIpv6: 4,
  /** NFT_XFRM_KEY_REQID: 4 bytes in host order */
  RequestId: 5,
  /** NFT_XFRM_KEY_SPI: 4 bytes in network order */
  SecurityParameterIndex: 6,
} as const
export type XfrmKey = (typeof XfrmKey)[keyof typeof XfrmKey]

/** NFTA_XFRM_*: expression `xfrm`. */
export const xfrmAttributes = attributeSet('NFTA_XFRM', {
  destinationRegister: be32(1, 'NFTA_XFRM_DREG'),
  /** of `XfrmKey` */
  key: be32(2, 'NFTA_XFRM_KEY'),
  /** 0 the states that the packet passed, 1 those that it will pass */
  direction: u8(3, 'NFTA_XFRM_DIR'),
  /** which of several states, from 0 */
  index: be32(4, 'NFTA_XFRM_SPNUM'),
})
