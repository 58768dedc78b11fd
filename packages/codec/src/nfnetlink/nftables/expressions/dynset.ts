/**
 * The expression `dynset` of nf_tables rules, which adds what is in a register to a set
 * (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order.
 */
import { be32, be64, bytes, list, nested, text, union } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'
import { counterAttributes, MAXIMUM_NFTABLES_NAME } from '../messages.ts'
import { connlimitAttributes, limitAttributes, quotaAttributes } from './match.ts'
import { lastAttributes } from './statement.ts'

/** What the expression `dynset` does with an element. */
export const DynamicSetOperation = {
  /** NFT_DYNSET_OP_ADD: unless it is there */
  Add: 0,
  /** NFT_DYNSET_OP_UPDATE: adds it, or starts its time again */
  Update: 1,
  /** NFT_DYNSET_OP_DELETE; Linux 5.4 */
  Delete: 2,
} as const
export type DynamicSetOperation = (typeof DynamicSetOperation)[keyof typeof DynamicSetOperation]

/** Flags of the expression `dynset`. */
export const DynamicSetFlag = {
  /** NFT_DYNSET_F_INV: a packet that could not be added continues */
  Invert: 0x1,
  /** NFT_DYNSET_F_EXPR: there may be more than one expression */
  Expression: 0x2,
} as const
export type DynamicSetFlag = (typeof DynamicSetFlag)[keyof typeof DynamicSetFlag]

/** NFTA_EXPR_*: an expression that each element of a set has for itself. */
export const elementExpressionAttributes = attributeSet('NFTA_EXPR', {
  name: text(1, 'NFTA_EXPR_NAME', 63),
  data: union(2, 'NFTA_EXPR_DATA', 'name', {
    connlimit: connlimitAttributes,
    counter: counterAttributes,
    last: lastAttributes,
    limit: limitAttributes,
    quota: quotaAttributes,
  }),
})

/** NFTA_DYNSET_*: expression `dynset`. */
export const dynsetAttributes = attributeSet('NFTA_DYNSET', {
  set: text(1, 'NFTA_DYNSET_SET_NAME', MAXIMUM_NFTABLES_NAME),
  /** of the set, within the batch */
  setId: be32(2, 'NFTA_DYNSET_SET_ID'),
  /** of `DynamicSetOperation` */
  operation: be32(3, 'NFTA_DYNSET_OP'),
  keyRegister: be32(4, 'NFTA_DYNSET_SREG_KEY'),
  /** of a map: where its value is */
  dataRegister: be32(5, 'NFTA_DYNSET_SREG_DATA'),
  /** milliseconds; without it, the set's */
  timeout: be64(6, 'NFTA_DYNSET_TIMEOUT'),
  /** what the element does with a packet: where it ends the rule, so does `dynset` */
  expression: nested(7, 'NFTA_DYNSET_EXPR', elementExpressionAttributes),
  padding: bytes(8, 'NFTA_DYNSET_PAD'),
  /** bits of `DynamicSetFlag` */
  flags: be32(9, 'NFTA_DYNSET_FLAGS'),
  expressions: list(10, 'NFTA_DYNSET_EXPRESSIONS', elementExpressionAttributes),
})
