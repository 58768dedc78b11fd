/**
 * The expression `osf` of nf_tables rules, which loads the name of the operating system that a SYN packet comes from
 * (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order.
 */
import { be32, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** Flags of the expression `osf`. */
export const OsfFlag = {
  /** NFT_OSF_F_VERSION: the name has the version too */
  Version: 0x1,
} as const
export type OsfFlag = (typeof OsfFlag)[keyof typeof OsfFlag]

/** NFTA_OSF_*: expression `osf`. */
export const osfAttributes = attributeSet('NFTA_OSF', {
  destinationRegister: be32(1, 'NFTA_OSF_DREG'),
  /** how the packet's time to live is compared: 0 equal, 1 at most, 2 not at all */
  timeToLive: u8(2, 'NFTA_OSF_TTL'),
  /** bits of `OsfFlag` */
  flags: be32(3, 'NFTA_OSF_FLAGS'),
})
