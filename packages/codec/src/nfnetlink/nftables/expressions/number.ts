/**
 * Expressions of nf_tables rules that load a number for a packet: a generated one, or a hash
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order.
 */
import { be32, text } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'
import { MAXIMUM_NFTABLES_NAME } from '../messages.ts'

/** How the expression `numgen` makes numbers. */
export const NumberGenerator = {
  /** NFT_NG_INCREMENTAL */
  Incremental: 0,
  /** NFT_NG_RANDOM */
  Random: 1,
} as const
export type NumberGenerator = (typeof NumberGenerator)[keyof typeof NumberGenerator]

/** What the expression `hash` hashes. */
export const HashType = {
  /** NFT_HASH_JENKINS: the bytes in the source register */
  Jenkins: 0,
  /** NFT_HASH_SYM: the connection, the same in both directions */
  Symmetric: 1,
} as const
export type HashType = (typeof HashType)[keyof typeof HashType]

/** NFTA_NG_*: expression `numgen`, an incrementing or random number. */
export const numgenAttributes = attributeSet('NFTA_NG', {
  destinationRegister: be32(1, 'NFTA_NG_DREG'),
  modulus: be32(2, 'NFTA_NG_MODULUS'),
  /** of `NumberGenerator` */
  type: be32(3, 'NFTA_NG_TYPE'),
  offset: be32(4, 'NFTA_NG_OFFSET'),
  /** not used by the kernel */
  setName: text(5, 'NFTA_NG_SET_NAME', MAXIMUM_NFTABLES_NAME),
  /** not used by the kernel */
  setId: be32(6, 'NFTA_NG_SET_ID'),
})

/** NFTA_HASH_*: expression `hash`. */
export const hashAttributes = attributeSet('NFTA_HASH', {
  sourceRegister: be32(1, 'NFTA_HASH_SREG'),
  destinationRegister: be32(2, 'NFTA_HASH_DREG'),
  length: be32(3, 'NFTA_HASH_LEN'),
  modulus: be32(4, 'NFTA_HASH_MODULUS'),
  seed: be32(5, 'NFTA_HASH_SEED'),
  offset: be32(6, 'NFTA_HASH_OFFSET'),
  /** of `HashType` */
  type: be32(7, 'NFTA_HASH_TYPE'),
  /** not used by the kernel */
  setName: text(8, 'NFTA_HASH_SET_NAME', MAXIMUM_NFTABLES_NAME),
  /** not used by the kernel */
  setId: be32(9, 'NFTA_HASH_SET_ID'),
})
