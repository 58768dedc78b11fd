/**
 * Expressions of nf_tables rules that compare registers or limit rates: the rule continues after them or ends
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order. The data that a register is
 * compared with is bytes, compared as by memcmp.
 */
import { be32, be64, bytes, nested, text } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'
import { MAXIMUM_NFTABLES_NAME } from '../messages.ts'
import { dataAttributes } from './load.ts'

/** How the expression `cmp` compares. */
export const CompareOperation = {
  /** NFT_CMP_EQ */
  Equal: 0,
  /** NFT_CMP_NEQ */
  NotEqual: 1,
  /** NFT_CMP_LT */
  Less: 2,
  /** NFT_CMP_LTE */
  LessOrEqual: 3,
  /** NFT_CMP_GT */
  Greater: 4,
  /** NFT_CMP_GTE */
  GreaterOrEqual: 5,
} as const
export type CompareOperation = (typeof CompareOperation)[keyof typeof CompareOperation]

/** Whether the expression `range` matches values inside or outside the range. */
export const RangeOperation = {
  /** NFT_RANGE_EQ */
  Within: 0,
  /** NFT_RANGE_NEQ */
  Outside: 1,
} as const
export type RangeOperation = (typeof RangeOperation)[keyof typeof RangeOperation]

/** The operation of the expression `bitwise`. */
export const BitwiseOperation = {
  /** NFT_BITWISE_MASK_XOR: (register & mask) ^ xor */
  MaskXor: 0,
  /** NFT_BITWISE_LSHIFT */
  LeftShift: 1,
  /** NFT_BITWISE_RSHIFT */
  RightShift: 2,
  /** NFT_BITWISE_AND: of two registers; Linux 6.13 */
  And: 3,
  /** NFT_BITWISE_OR */
  Or: 4,
  /** NFT_BITWISE_XOR */
  Xor: 5,
} as const
export type BitwiseOperation = (typeof BitwiseOperation)[keyof typeof BitwiseOperation]

/** The unit that the expression `limit` counts. */
export const LimitType = {
  /** NFT_LIMIT_PKTS */
  Packets: 0,
  /** NFT_LIMIT_PKT_BYTES */
  Bytes: 1,
} as const
export type LimitType = (typeof LimitType)[keyof typeof LimitType]

/** A property of the expressions `limit`, `quota` and `connlimit`, and of `lookup`. */
export const MatchFlag = {
  /** NFT_LIMIT_F_INV, NFT_QUOTA_F_INV, NFT_CONNLIMIT_F_INV, NFT_LOOKUP_F_INV: inverts the match */
  Invert: 0x1,
} as const
export type MatchFlag = (typeof MatchFlag)[keyof typeof MatchFlag]

/** Flags of the expression and the object `quota`. */
export const QuotaFlag = {
  /** NFT_QUOTA_F_INV: matches once it is used up */
  Invert: 0x1,
  /** NFT_QUOTA_F_DEPLETED: from the kernel, it is used up */
  Depleted: 0x2,
} as const
export type QuotaFlag = (typeof QuotaFlag)[keyof typeof QuotaFlag]

/** What the expression `byteorder` converts to. */
export const ByteorderOperation = {
  /** NFT_BYTEORDER_NTOH */
  ToHost: 0,
  /** NFT_BYTEORDER_HTON */
  ToNetwork: 1,
} as const
export type ByteorderOperation = (typeof ByteorderOperation)[keyof typeof ByteorderOperation]

/** NFTA_CMP_*: expression `cmp`. */
export const cmpAttributes = attributeSet('NFTA_CMP', {
  sourceRegister: be32(1, 'NFTA_CMP_SREG'),
  /** of `CompareOperation` */
  operation: be32(2, 'NFTA_CMP_OP'),
  data: nested(3, 'NFTA_CMP_DATA', dataAttributes),
})

/** NFTA_RANGE_*: expression `range`. */
export const rangeAttributes = attributeSet('NFTA_RANGE', {
  sourceRegister: be32(1, 'NFTA_RANGE_SREG'),
  /** of `RangeOperation` */
  operation: be32(2, 'NFTA_RANGE_OP'),
  from: nested(3, 'NFTA_RANGE_FROM_DATA', dataAttributes),
  /** the last value inside the range */
  to: nested(4, 'NFTA_RANGE_TO_DATA', dataAttributes),
})

/** NFTA_BITWISE_*: expression `bitwise`, from one register into another. */
export const bitwiseAttributes = attributeSet('NFTA_BITWISE', {
  sourceRegister: be32(1, 'NFTA_BITWISE_SREG'),
  destinationRegister: be32(2, 'NFTA_BITWISE_DREG'),
  /** bytes */
  length: be32(3, 'NFTA_BITWISE_LEN'),
  /** of MaskXor, `length` bytes */
  mask: nested(4, 'NFTA_BITWISE_MASK', dataAttributes),
  /** of MaskXor, `length` bytes */
  xor: nested(5, 'NFTA_BITWISE_XOR', dataAttributes),
  /** of `BitwiseOperation`; without it, MaskXor */
  operation: be32(6, 'NFTA_BITWISE_OP'),
  /** for shifts the number of bits, 4 bytes in host order; for And, Or and Xor the other operand */
  data: nested(7, 'NFTA_BITWISE_DATA', dataAttributes),
  secondSourceRegister: be32(8, 'NFTA_BITWISE_SREG2'),
})

/** NFTA_BYTEORDER_*: expression `byteorder`. */
export const byteorderAttributes = attributeSet('NFTA_BYTEORDER', {
  sourceRegister: be32(1, 'NFTA_BYTEORDER_SREG'),
  destinationRegister: be32(2, 'NFTA_BYTEORDER_DREG'),
  /** of `ByteorderOperation` */
  operation: be32(3, 'NFTA_BYTEORDER_OP'),
  /** total bytes */
  length: be32(4, 'NFTA_BYTEORDER_LEN'),
  /** bytes of each number */
  size: be32(5, 'NFTA_BYTEORDER_SIZE'),
})

/** NFTA_LOOKUP_*: expression `lookup`, in a set. */
export const lookupAttributes = attributeSet('NFTA_LOOKUP', {
  set: text(1, 'NFTA_LOOKUP_SET', MAXIMUM_NFTABLES_NAME),
  sourceRegister: be32(2, 'NFTA_LOOKUP_SREG'),
  /** for a map: the register that its value goes to */
  destinationRegister: be32(3, 'NFTA_LOOKUP_DREG'),
  /** id of the set within the batch */
  setId: be32(4, 'NFTA_LOOKUP_SET_ID'),
  /** bits of `MatchFlag` */
  flags: be32(5, 'NFTA_LOOKUP_FLAGS'),
})

/** NFTA_LIMIT_*: expression `limit`, a maximum rate. */
export const limitAttributes = attributeSet('NFTA_LIMIT', {
  /** packets or bytes per `unit` */
  rate: be64(1, 'NFTA_LIMIT_RATE'),
  /** seconds */
  unit: be64(2, 'NFTA_LIMIT_UNIT'),
  /** packets or bytes allowed beyond the rate; for packets, 0 means 5 */
  burst: be32(3, 'NFTA_LIMIT_BURST'),
  /** of `LimitType` */
  type: be32(4, 'NFTA_LIMIT_TYPE'),
  /** bits of `MatchFlag` */
  flags: be32(5, 'NFTA_LIMIT_FLAGS'),
  padding: bytes(6, 'NFTA_LIMIT_PAD'),
})

/** NFTA_QUOTA_*: expression `quota`, a maximum number of bytes. */
export const quotaAttributes = attributeSet('NFTA_QUOTA', {
  bytes: be64(1, 'NFTA_QUOTA_BYTES'),
  /** bits of `QuotaFlag` */
  flags: be32(2, 'NFTA_QUOTA_FLAGS'),
  padding: bytes(3, 'NFTA_QUOTA_PAD'),
  consumed: be64(4, 'NFTA_QUOTA_CONSUMED'),
})

/** NFTA_CONNLIMIT_*: expression `connlimit`, a maximum number of connections. */
export const connlimitAttributes = attributeSet('NFTA_CONNLIMIT', {
  count: be32(1, 'NFTA_CONNLIMIT_COUNT'),
  /** bits of `MatchFlag` */
  flags: be32(2, 'NFTA_CONNLIMIT_FLAGS'),
})
