/** NFT_MSG_NEWRULE, DELRULE and DESTROYRULE. */
import { Errno, NewFlag, NfTablesMessage, ruleAttributes } from '@ringlink/codec'
import { type MessagePolicy, nested, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame, blameAt } from './blame.ts'
import { findChain } from './chains.ts'
import { type ExpressionContext, type ExpressionKind, expressionPolicy } from './expressions/expression.ts'
import { EXPRESSION, LIST_ELEMENT, NAME, RULE, USER_DATA } from './numbers.ts'
import type { RuleExpression } from './ruleset.ts'
import { type NfTablesChain, NfTablesRule, type NfTablesTable } from './ruleset.ts'
import { VERDICT_TYPE } from './sets.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import { removeRule, type Transaction } from './transaction.ts'
import { validateTable } from './validate.ts'

export const rulePolicy: MessagePolicy = policyOf(ruleAttributes, {
  table: NAME,
  chain: NAME,
  handle: u64,
  expressions: nested,
  compat: nested,
  position: u64,
  userData: USER_DATA,
  id: u32,
  positionId: u32,
  chainId: u32,
})

/** NFT_RULE_MAXEXPRS */
const MAXIMUM_EXPRESSIONS = 128

/** The table, chain and rule of a rule message. */
interface RuleTarget {
  readonly table: NfTablesTable
  readonly chain: NfTablesChain
}

export function newRule(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const target = findRuleChain(state, transaction, request, attributes)
  if (typeof target === 'number') return target
  const { table, chain } = target
  const { flags } = request
  let near: NfTablesRule | undefined
  let handle: bigint
  if (attributes.has(RULE.handle)) {
    handle = attributes.be64(RULE.handle)
    near = ruleOfHandle(chain, handle)
    if (near === undefined) return blame(request, attributes, RULE.handle, Errno.ENOENT)
    if ((flags & NewFlag.Exclusive) !== 0) return blame(request, attributes, RULE.handle, Errno.EEXIST)
    if ((flags & NewFlag.Replace) === 0) return -Errno.EOPNOTSUPP
  } else {
    if ((flags & NewFlag.Create) === 0 || (flags & NewFlag.Replace) !== 0) return -Errno.EINVAL
    handle = table.nextHandle()
    const position = findPosition(transaction, request, attributes, chain)
    if (typeof position === 'number') return position
    near = position
  }
  const expressions = makeExpressions(state, transaction, request, attributes, target)
  if (typeof expressions === 'number') return expressions
  const userData = attributes.has(RULE.userData) ? attributes.bytes(RULE.userData) : undefined
  const rule = new NfTablesRule(handle, expressions, userData?.length === 0 ? undefined : userData)
  if ((flags & NewFlag.Replace) !== 0 && near !== undefined) {
    if (near.removed) return -Errno.ENOENT
    removeRule(transaction, chain, near)
  }
  place(transaction, chain, rule, near, flags)
  if (attributes.has(RULE.id)) transaction.ruleIds.set(attributes.be32(RULE.id), { chain, rule })
  if (!transaction.validateAtOnce || !table.unvalidated) return 0
  return validateTable(table)
}

function findRuleChain(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): RuleTarget | number {
  const table = findTable(state, attributes, RULE.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, RULE.table, table)
  if (attributes.has(RULE.chain)) {
    const chain = findChain(table, attributes, RULE.chain)
    return typeof chain === 'number' ? blame(request, attributes, RULE.chain, chain) : { table, chain }
  }
  if (!attributes.has(RULE.chainId)) return -Errno.EINVAL
  const chain = transaction.chainIds.get(attributes.be32(RULE.chainId))
  if (chain === undefined || chain.table !== table) return blame(request, attributes, RULE.chainId, Errno.ENOENT)
  return { table, chain }
}

function ruleOfHandle(chain: NfTablesChain, handle: bigint): NfTablesRule | undefined {
  return chain.rules.find((it) => it.handle === handle)
}

function ruleOfId(transaction: Transaction, chain: NfTablesChain, id: number): NfTablesRule | undefined {
  const named = transaction.ruleIds.get(id)
  return chain.rules.find((it) => it === named?.rule)
}

/** The rule that a new one is placed after or before, if the message names one. */
function findPosition(
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
  chain: NfTablesChain,
): NfTablesRule | number | undefined {
  if (attributes.has(RULE.position)) {
    const rule = ruleOfHandle(chain, attributes.be64(RULE.position))
    return rule ?? blame(request, attributes, RULE.position, Errno.ENOENT)
  }
  if (!attributes.has(RULE.positionId)) return undefined
  const rule = ruleOfId(transaction, chain, attributes.be32(RULE.positionId))
  return rule ?? blame(request, attributes, RULE.positionId, Errno.ENOENT)
}

function place(
  transaction: Transaction,
  chain: NfTablesChain,
  rule: NfTablesRule,
  near: NfTablesRule | undefined,
  flags: number,
): void {
  const appends = (flags & NewFlag.Append) !== 0 && (flags & NewFlag.Replace) === 0
  const index = near === undefined ? (appends ? chain.rules.length : 0) : chain.rules.indexOf(near) + (appends ? 1 : 0)
  transaction.insert(chain.rules, index, rule)
  transaction.use(chain, 1)
  transaction.touched.add(chain)
  for (const { target, set, object, validate } of rule.expressions) {
    if (target !== undefined) transaction.use(target, 1)
    if (object !== undefined) transaction.use(object, 1)
    const mayJump = set?.properties.dataType === VERDICT_TYPE
    if (target !== undefined || validate !== undefined || mayJump) chain.table.unvalidated = true
    if (set === undefined) continue
    transaction.use(set, 1)
    transaction.unboundSets.delete(set)
  }
}

/** Checks all of them first and then creates all, so that errors come in the kernel's order. */
function makeExpressions(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
  { table }: RuleTarget,
): RuleExpression[] | number {
  if (!attributes.has(RULE.expressions)) return []
  const context: ExpressionContext = {
    host: state.host,
    features: state.features,
    kindOf: (name) => state.expressionKind(name),
    table,
    written: 0,
    findChain: (id) => {
      const found = transaction.chainIds.get(id)
      return found?.table === table ? found : undefined
    },
    findSet: (id) => transaction.setIds.get(id),
  }
  const selected: { kind: ExpressionKind; data: AttributeTable; at: number }[] = []
  for (const { type, at, end } of attributes.elements(RULE.expressions)) {
    if (type !== LIST_ELEMENT || selected.length === MAXIMUM_EXPRESSIONS) return -Errno.EINVAL
    const chosen = selectExpression(state, transaction, context, request, at, end)
    if (typeof chosen === 'number') return blameAt(request, at, -chosen)
    selected.push({ ...chosen, at })
  }
  const expressions: RuleExpression[] = []
  for (const { kind, data, at } of selected) {
    const expression = kind.make(data, context)
    if (typeof expression === 'number') return blameAt(request, at, -expression)
    expressions.push(expression)
  }
  return expressions
}

/**
 * Whether the kernel looks for a module of an expression, and then begins the batch again: first for one of the family,
 * then for one of all, each once in a batch.
 */
function looksForModule(state: NfTables, { requested }: Transaction, family: number, name: string): boolean {
  if (!state.hasModules) return false
  const module = [`${family}-${name}`, name].find((it) => !requested.has(it))
  if (module === undefined) return false
  requested.add(module)
  return true
}

function selectExpression(
  state: NfTables,
  transaction: Transaction,
  context: ExpressionContext,
  request: KernelRequest,
  at: number,
  end: number,
) {
  const element = AttributeTable.of(expressionPolicy)
  if (element.parseRange(request.memory, at + 4, end, expressionPolicy) !== undefined) return -Errno.ERANGE
  if (!element.has(EXPRESSION.name)) return -Errno.EINVAL
  const name = element.text(EXPRESSION.name)
  const kind = state.expressionKind(name)
  if (kind === undefined) {
    return looksForModule(state, transaction, familyOf(request), name) ? -Errno.EAGAIN : -Errno.ENOENT
  }
  const data = AttributeTable.of(kind.policy)
  if (element.has(EXPRESSION.data)) {
    const start = element.at(EXPRESSION.data)
    const refused = data.parseRange(request.memory, start, start + element.length(EXPRESSION.data), kind.policy)
    if (refused !== undefined) return -refused.errno
  }
  const refused = kind.select?.(data, context) ?? 0
  return refused !== 0 ? refused : { kind, data }
}

export function deleteRule(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const isTolerant = request.type === NfTablesMessage.DestroyRule
  const table = findTable(state, attributes, RULE.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, RULE.table, table)
  if (!attributes.has(RULE.chain)) {
    for (const chain of table.chains) removeAll(transaction, chain)
    return 0
  }
  const chain = findChain(table, attributes, RULE.chain)
  if (typeof chain === 'number') {
    return isTolerant && chain === Errno.ENOENT ? 0 : blame(request, attributes, RULE.chain, chain)
  }
  const named = attributes.has(RULE.handle) ? RULE.handle : attributes.has(RULE.id) ? RULE.id : undefined
  if (named === undefined) {
    removeAll(transaction, chain)
    return 0
  }
  const rule =
    named === RULE.handle
      ? ruleOfHandle(chain, attributes.be64(RULE.handle))
      : ruleOfId(transaction, chain, attributes.be32(RULE.id))
  if (rule === undefined) {
    return isTolerant && named === RULE.handle ? 0 : blame(request, attributes, named, Errno.ENOENT)
  }
  if (rule.removed) return -Errno.ENOENT
  removeRule(transaction, chain, rule)
  return 0
}

function removeAll(transaction: Transaction, chain: NfTablesChain): void {
  for (const rule of chain.rules) if (!rule.removed) removeRule(transaction, chain, rule)
}
