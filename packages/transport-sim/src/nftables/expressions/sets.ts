/** Expressions that look a register up in a set, or add it to one: lookup, dynset. */
import {
  DynamicSetOperation,
  Errno,
  expressionTables,
  MatchFlag,
  Register,
  RuleVerdict,
  SetFlag,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { nested, policyOf, u32, u64 } from '../../netlink/attribute-policy.ts'
import { AttributeTable } from '../../netlink/policy.ts'
import { EXPRESSION, NAME } from '../numbers.ts'
import type { RuleExpression } from '../ruleset.ts'
import { type NfTablesSet, type SetElement, VERDICT_TYPE } from '../sets.ts'
import { type Evaluation, REGISTER_BYTES } from './evaluate.ts'
import {
  type ExpressionContext,
  type ExpressionKind,
  expressionPolicy,
  loadRegister,
  registerNumber,
  storeRegister,
} from './expression.ts'

const { Break, Continue } = RuleVerdict
const invertible = { kind: 'flags', mask: MatchFlag.Invert } as const

/** Flags of sets that are not modelled. */
export const UNMODELLED_SETS: number = SetFlag.Object

const LOOKUP = attributeNumbers(expressionTables.lookup)

/** Expression `lookup`. */
export const lookup: ExpressionKind = {
  name: 'lookup',
  policy: policyOf(expressionTables.lookup, {
    set: NAME,
    sourceRegister: u32,
    destinationRegister: u32,
    setId: u32,
    flags: invertible,
  }),
  make: (attributes, context) => {
    if (!attributes.has(LOOKUP.set) || !attributes.has(LOOKUP.sourceRegister)) return -Errno.EINVAL
    const set = findSet(attributes, context, LOOKUP)
    if (set === undefined) return -Errno.ENOENT
    const word = loadRegister(context, attributes.be32(LOOKUP.sourceRegister), set.properties.keyLength)
    if (word < 0) return word
    const flags = attributes.has(LOOKUP.flags) ? attributes.be32(LOOKUP.flags) : 0
    const target = attributes.has(LOOKUP.destinationRegister) ? attributes.be32(LOOKUP.destinationRegister) : undefined
    if (target !== undefined && flags !== 0) return -Errno.EINVAL
    const isMapOnly = set.isMap && (set.isAnonymous || !context.features.mapsAsSets)
    if (target === undefined && isMapOnly) return -Errno.EINVAL
    if (set.isAnonymous && set.use > 0) return -Errno.EBUSY
    const give = target === undefined ? plainResult(flags === 0) : mapResult(set, target, context)
    if (typeof give === 'number') return give
    return {
      name: 'lookup',
      set,
      evaluate: (evaluation) => give(set.lookUp(evaluation.bytes, word * 4), evaluation),
      dump: (reply) => {
        reply.text(LOOKUP.set, set.properties.name)
        reply.be32(LOOKUP.sourceRegister, registerNumber(word))
        if (target !== undefined) reply.be32(LOOKUP.destinationRegister, target)
        reply.be32(LOOKUP.flags, flags)
      },
    }
  },
}

/** What becomes of a packet whose key was found, or was not. */
type Result = (element: SetElement | undefined, evaluation: Evaluation) => number

function plainResult(expected: boolean): Result {
  return (element) => ((element !== undefined) === expected ? Continue : Break)
}

function mapResult(set: NfTablesSet, target: number, context: ExpressionContext): Result | number {
  const { dataType, dataLength } = set.properties
  if (!set.isMap) return -Errno.EINVAL
  if (dataType === VERDICT_TYPE) {
    if (target !== Register.Verdict) return -Errno.EINVAL
    return (element, evaluation) => {
      evaluation.target = element?.target
      return element?.verdict ?? Break
    }
  }
  const word = storeRegister(context, target, dataLength)
  if (word < 0) return word
  return (element, { bytes: registers }) => {
    if (element?.data === undefined) return Break
    registers.fill(0, word * 4, Math.min(REGISTER_BYTES, word * 4 + ((dataLength + 3) & ~3)))
    registers.set(element.data, word * 4)
    return Continue
  }
}

function findSet(
  attributes: AttributeTable,
  { table, findSet }: ExpressionContext,
  numbers: { readonly set: number; readonly setId: number },
): NfTablesSet | undefined {
  const name = attributes.text(numbers.set)
  const named = table.sets.find((it) => it.properties.name === name)
  return named ?? (attributes.has(numbers.setId) ? findSet(attributes.be32(numbers.setId)) : undefined)
}

const DYNSET = attributeNumbers(expressionTables.dynset)
/** NFT_DYNSET_F_INV */
const INVERT = 1
const NANOSECONDS = 1_000_000

/** Expression `dynset`, with one expression for each element or without. */
export const dynset: ExpressionKind = {
  name: 'dynset',
  policy: policyOf(expressionTables.dynset, {
    set: NAME,
    setId: u32,
    operation: u32,
    keyRegister: u32,
    dataRegister: u32,
    timeout: u64,
    expression: nested,
    flags: u32,
    expressions: nested,
  }),
  make: (attributes, context) => {
    const { set: setName, operation: operationNumber, keyRegister: key } = DYNSET
    for (const number of [setName, operationNumber, key]) if (!attributes.has(number)) return -Errno.EINVAL
    const flags = attributes.has(DYNSET.flags) ? attributes.be32(DYNSET.flags) : 0
    if ((flags & ~INVERT) !== 0 || attributes.has(DYNSET.dataRegister)) return -Errno.EOPNOTSUPP
    const set = findSet(attributes, context, DYNSET)
    if (set === undefined) return -Errno.ENOENT
    const { properties } = set
    if ((properties.flags & SetFlag.Evaluated) === 0) return -Errno.EOPNOTSUPP
    if ((properties.flags & SetFlag.Constant) !== 0) return -Errno.EBUSY
    const operation = attributes.be32(operationNumber)
    if (operation > DynamicSetOperation.Delete) return -Errno.EOPNOTSUPP
    const hasTime = attributes.has(DYNSET.timeout) || operation === DynamicSetOperation.Update
    if (hasTime && (properties.flags & SetFlag.Timeout) === 0) return -Errno.EOPNOTSUPP
    const own = attributes.has(DYNSET.timeout) ? attributes.be64(DYNSET.timeout) : undefined
    const word = loadRegister(context, attributes.be32(key), properties.keyLength)
    if (word < 0) return word
    const make = elementExpression(attributes, context)
    if (typeof make === 'number') return make
    const sample = make?.()
    if (typeof sample === 'number') return sample
    const lifetime = own ?? properties.timeout
    const { host } = context
    const expires = () =>
      lifetime === undefined || lifetime === 0n ? undefined : host.now() + Number(lifetime) * NANOSECONDS
    const [done, failed] = (flags & INVERT) === 0 ? [Continue, Break] : [Break, Continue]
    return {
      name: 'dynset',
      set,
      evaluate: (evaluation) => {
        const bytes = evaluation.bytes.slice(word * 4, word * 4 + properties.keyLength)
        let element = set.find(bytes, false)
        if (operation === DynamicSetOperation.Delete) {
          if (element === undefined) return failed
          set.remove(element)
          return done
        }
        if (element === undefined) {
          if (set.isFull) return failed
          const expression = make?.()
          element = {
            key: bytes,
            keyEnd: undefined,
            isEnd: false,
            userData: undefined,
            data: undefined,
            verdict: undefined,
            target: undefined,
            timeout: own,
            expires: expires(),
            expression: typeof expression === 'object' ? expression : undefined,
          }
          set.add(element)
        } else if (operation === DynamicSetOperation.Update) element.expires = expires()
        return element.expression === undefined ? done : element.expression.evaluate(evaluation)
      },
      dump: (reply) => {
        reply.be32(DYNSET.keyRegister, registerNumber(word))
        reply.be32(DYNSET.operation, operation)
        reply.text(DYNSET.set, properties.name)
        if (own !== undefined) reply.be64(DYNSET.timeout, own)
        if (typeof sample === 'object') {
          reply.nest(DYNSET.expression, () => {
            reply.text(EXPRESSION.name, sample.name)
            reply.nest(EXPRESSION.data, () => sample.dump?.(reply, false))
          })
        }
        reply.be32(DYNSET.flags, flags)
      },
    }
  },
}

/** What makes the expression that each element has for itself; or a negative errno. */
function elementExpression(
  attributes: AttributeTable,
  context: ExpressionContext,
): (() => RuleExpression | number) | number | undefined {
  if (!attributes.has(DYNSET.expression)) return attributes.has(DYNSET.expressions) ? -Errno.EOPNOTSUPP : undefined
  const element = attributes.nested(DYNSET.expression, expressionPolicy)
  if (element === undefined) return -Errno.ERANGE
  if (!element.has(EXPRESSION.name)) return -Errno.EINVAL
  const kind = context.kindOf(element.text(EXPRESSION.name))
  if (kind === undefined) return -Errno.ENOENT
  if (!STATEFUL.has(kind.name)) return -Errno.EOPNOTSUPP
  const data = element.has(EXPRESSION.data)
    ? element.nested(EXPRESSION.data, kind.policy)
    : AttributeTable.of(kind.policy)
  if (data === undefined) return -Errno.ERANGE
  const refused = kind.select?.(data, context) ?? 0
  if (refused !== 0) return refused
  // The message is gone when the first packet comes: what it said is made again from a copy.
  const copy = data.detached()
  return () => kind.make(copy, context)
}

/** NFT_EXPR_STATEFUL */
const STATEFUL: ReadonlySet<string> = new Set(['counter', 'limit', 'quota'])
