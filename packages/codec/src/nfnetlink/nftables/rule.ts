/**
 * The rules of nf_tables: the attribute tables of their messages and of their expressions
 * (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order.
 *
 * rule: table | chain | … | NFTA_RULE_EXPRESSIONS: element, element, … element: NFTA_LIST_ELEM: NFTA_EXPR_NAME "meta" |
 * NFTA_EXPR_DATA: attributes of the table that the name selects
 *
 * Expressions are evaluated in order. One that does not match ends the rule; one that gives a verdict ends the chain.
 */

import { be32, be64, bytes, list, nested, text, union } from '../../schema/describe.ts'
import { type Attribute, type AttributeValues, attributeSet, type UnknownAttribute } from '../../schema/format.ts'
import { AttributeIterator, type AttributeView } from '../../wire/attribute.ts'
import type { Memory } from '../../wire/memory.ts'
import { readText } from '../../wire/text.ts'
import { matchAttributes, targetAttributes } from './compat.ts'
import { ctAttributes } from './expressions/ct.ts'
import { dynsetAttributes } from './expressions/dynset.ts'
import { exthdrAttributes } from './expressions/exthdr.ts'
import { immediateAttributes, metaAttributes, payloadAttributes } from './expressions/load.ts'
import { fibAttributes, rtAttributes, socketAttributes } from './expressions/lookup.ts'
import {
  bitwiseAttributes,
  byteorderAttributes,
  cmpAttributes,
  connlimitAttributes,
  limitAttributes,
  lookupAttributes,
  quotaAttributes,
  rangeAttributes,
} from './expressions/match.ts'
import { hashAttributes, numgenAttributes } from './expressions/number.ts'
import { osfAttributes } from './expressions/osf.ts'
import {
  dupAttributes,
  flowOffloadAttributes,
  fwdAttributes,
  lastAttributes,
  logExpressionAttributes,
  masqAttributes,
  natAttributes,
  notrackAttributes,
  objrefAttributes,
  queueExpressionAttributes,
  redirAttributes,
  rejectAttributes,
  tproxyAttributes,
} from './expressions/statement.ts'
import { synproxyAttributes } from './expressions/synproxy.ts'
import { tunnelAttributes } from './expressions/tunnel.ts'
import { xfrmAttributes } from './expressions/xfrm.ts'
import { counterAttributes, MAXIMUM_NFTABLES_NAME, MAXIMUM_NFTABLES_USER_DATA } from './messages.ts'

/** The tables of the expressions' data, by the kernel's names of the expressions. */
export const expressionTables = {
  bitwise: bitwiseAttributes,
  byteorder: byteorderAttributes,
  cmp: cmpAttributes,
  connlimit: connlimitAttributes,
  counter: counterAttributes,
  ct: ctAttributes,
  dup: dupAttributes,
  dynset: dynsetAttributes,
  exthdr: exthdrAttributes,
  fib: fibAttributes,
  flow_offload: flowOffloadAttributes,
  fwd: fwdAttributes,
  hash: hashAttributes,
  immediate: immediateAttributes,
  last: lastAttributes,
  limit: limitAttributes,
  log: logExpressionAttributes,
  lookup: lookupAttributes,
  masq: masqAttributes,
  match: matchAttributes,
  meta: metaAttributes,
  nat: natAttributes,
  notrack: notrackAttributes,
  numgen: numgenAttributes,
  objref: objrefAttributes,
  osf: osfAttributes,
  payload: payloadAttributes,
  queue: queueExpressionAttributes,
  quota: quotaAttributes,
  range: rangeAttributes,
  redir: redirAttributes,
  reject: rejectAttributes,
  rt: rtAttributes,
  socket: socketAttributes,
  synproxy: synproxyAttributes,
  target: targetAttributes,
  tproxy: tproxyAttributes,
  tunnel: tunnelAttributes,
  xfrm: xfrmAttributes,
} as const
/** The name of an expression that has a table. */
export type ExpressionName = keyof typeof expressionTables
/** The data of the expression `Name`. */
export type ExpressionData<Name extends ExpressionName> = AttributeValues<(typeof expressionTables)[Name]>

/** NFTA_EXPR_*: one expression. */
export const expressionAttributes = attributeSet('NFTA_EXPR', {
  name: text(1, 'NFTA_EXPR_NAME', 63),
  data: union(2, 'NFTA_EXPR_DATA', 'name', expressionTables),
})

/** An expression with a table: the name selects the type of its data. */
export type KnownExpression = {
  [Name in ExpressionName]: {
    name: Name
    data?: ExpressionData<Name> | undefined
    unknown?: UnknownAttribute[] | undefined
  }
}[ExpressionName]

/** An expression without a table: its data, attribute 2, is among the unknown attributes. */
export interface OtherExpression {
  name?: string | undefined
  data?: undefined
  unknown?: UnknownAttribute[] | undefined
}

/** An expression of a rule. If `name` is one of `ExpressionName`, `data` has that expression's type or is missing. */
export type Expression = KnownExpression | OtherExpression

/** Flags of `NFTA_RULE_COMPAT_FLAGS`. */
export const RuleCompatFlag = {
  /** NFT_RULE_COMPAT_F_UNUSED: not used by the kernel */
  Unused: 0x1,
  /** NFT_RULE_COMPAT_F_INV: the protocol is not this one */
  Invert: 0x2,
} as const
export type RuleCompatFlag = (typeof RuleCompatFlag)[keyof typeof RuleCompatFlag]

/** NFTA_RULE_COMPAT_*: the protocol that a rule's xtables targets and matches may rely on; some require it. */
export const ruleCompatAttributes = attributeSet('NFTA_RULE_COMPAT', {
  /** IPPROTO_*: the protocol that the rule's other expressions match */
  protocol: be32(1, 'NFTA_RULE_COMPAT_PROTO'),
  /** bits of `RuleCompatFlag` */
  flags: be32(2, 'NFTA_RULE_COMPAT_FLAGS'),
})

/** NFTA_RULE_*. */
export const ruleAttributes = attributeSet('NFTA_RULE', {
  table: text(1, 'NFTA_RULE_TABLE', MAXIMUM_NFTABLES_NAME),
  chain: text(2, 'NFTA_RULE_CHAIN', MAXIMUM_NFTABLES_NAME),
  /** from the kernel; in requests, names the rule to delete or replace */
  handle: be64(3, 'NFTA_RULE_HANDLE'),
  // The same elements with the type of their data bound to the name, which attributeSet cannot infer.
  expressions: list(4, 'NFTA_RULE_EXPRESSIONS', expressionAttributes) as Attribute<Expression[]>,
  compat: nested(5, 'NFTA_RULE_COMPAT', ruleCompatAttributes),
  /** handle of the rule after or before which to insert this one; from the kernel, of the previous rule */
  position: be64(6, 'NFTA_RULE_POSITION'),
  userData: bytes(7, 'NFTA_RULE_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
  padding: bytes(8, 'NFTA_RULE_PAD'),
  /** within its batch */
  id: be32(9, 'NFTA_RULE_ID'),
  /** as `position`, but an id within the batch */
  positionId: be32(10, 'NFTA_RULE_POSITION_ID'),
  /** instead of the chain's name, its id within the batch */
  chainId: be32(11, 'NFTA_RULE_CHAIN_ID'),
})
/** A rule as an owned value. */
export type Rule = AttributeValues<typeof ruleAttributes>

/** An expression of a rule by its place. */
export interface ExpressionPlace {
  /** among the rule's expressions, from 0 */
  index: number
  name: string | undefined
}

/**
 * The expression that contains byte `at` of the memory, in a rule whose attributes are the `length` bytes at `offset`.
 * Finds the expression that an extended ack's offset points at. `undefined` if there is none.
 */
export function expressionAt(memory: Memory, offset: number, length: number, at: number): ExpressionPlace | undefined {
  const { expressions } = ruleAttributes.members
  const list = attributeAt(memory, offset, length, at)
  if (list === undefined || list.view.type !== expressions.number) return undefined
  const { payloadOffset, payloadLength } = list.view
  const element = attributeAt(memory, payloadOffset, payloadLength, at)
  return element && { index: element.index, name: expressionName(memory, element.view) }
}

/** The attribute that contains byte `at`, and its index; `undefined` if there is none. */
function attributeAt(memory: Memory, offset: number, length: number, at: number) {
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  for (let index = 0; iterator.next(); index++) {
    if (at >= view.offset && at < view.payloadOffset + view.payloadLength) return { index, view }
  }
  return undefined
}

function expressionName(memory: Memory, { payloadOffset, payloadLength }: AttributeView): string | undefined {
  const { number } = expressionAttributes.members.name
  const iterator = new AttributeIterator().wrap(memory, payloadOffset, payloadLength)
  const { view } = iterator
  while (iterator.next()) if (view.type === number) return readText(memory, view.payloadOffset, view.payloadLength)
  return undefined
}
