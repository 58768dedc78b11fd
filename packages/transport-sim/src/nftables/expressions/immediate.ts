/** Expression `immediate`: a constant for a register, or the verdict of a rule. */
import { Errno, expressionTables, Register, RuleVerdict, Verdict } from '@ringlink/codec'
import { attributeNumbers, verdictAttributes } from '@ringlink/codec/internal'
import { nested, policyOf, u32 } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { ReplyWriter } from '../../nfnetlink/reply.ts'
import { DATA, NAME, VERDICT } from '../numbers.ts'
import type { NfTablesChain, RuleExpression } from '../ruleset.ts'
import type { Evaluation } from './evaluate.ts'
import {
  dataPolicy,
  type ExpressionContext,
  type ExpressionKind,
  parseValue,
  registerNumber,
  storeRegister,
} from './expression.ts'

const { Break, Continue, Goto, Jump, Return } = RuleVerdict

const IMMEDIATE = attributeNumbers(expressionTables.immediate)
const verdictPolicy = policyOf(verdictAttributes, { code: u32, chain: NAME, chainId: u32 })

/** Expression `immediate`. */
export const immediate: ExpressionKind = {
  name: 'immediate',
  policy: policyOf(expressionTables.immediate, { destinationRegister: u32, data: nested }),
  make: (attributes, context) => {
    if (!attributes.has(IMMEDIATE.destinationRegister) || !attributes.has(IMMEDIATE.data)) return -Errno.EINVAL
    const register = attributes.be32(IMMEDIATE.destinationRegister)
    return register === Register.Verdict
      ? giveVerdict(attributes, context)
      : loadConstant(attributes, context, register)
  },
}

function loadConstant(attributes: AttributeTable, context: ExpressionContext, register: number) {
  const value = parseValue(attributes, IMMEDIATE.data)
  if (typeof value === 'number') return value
  const word = storeRegister(context, register, value.length)
  if (word < 0) return word
  return {
    name: 'immediate',
    evaluate: (evaluation: Evaluation) => {
      // Constants are copied in 32-bit words; the rest of the last one is 0.
      evaluation.words[word + ((value.length - 1) >> 2)] = 0
      evaluation.bytes.set(value, word * 4)
      return Continue
    },
    dump: (reply: ReplyWriter) => {
      reply.be32(IMMEDIATE.destinationRegister, registerNumber(word))
      reply.value(IMMEDIATE.data, value)
    },
  }
}

function giveVerdict(attributes: AttributeTable, context: ExpressionContext): RuleExpression | number {
  const data = attributes.nested(IMMEDIATE.data, dataPolicy)
  if (data === undefined) return -Errno.ERANGE
  // A value would be for a register of data.
  if (data.has(DATA.value) || !data.has(DATA.verdict)) return -Errno.EINVAL
  const verdict = data.nested(DATA.verdict, verdictPolicy)
  if (verdict === undefined) return -Errno.ERANGE
  if (!verdict.has(VERDICT.code)) return -Errno.EINVAL
  const code = verdict.be32(VERDICT.code) | 0
  if (code === Jump || code === Goto) return jumpTo(code, verdict, context)
  const isPlain = code === Verdict.Accept || code === Verdict.Drop || code === Break || code === Return
  if (!isPlain && code !== Continue) return -Errno.EINVAL
  return { name: 'immediate', evaluate: () => code, dump: (reply) => dumpVerdict(reply, code) }
}

/** A verdict, and the chain of a jump. */
export interface ParsedVerdict {
  readonly verdict: number
  readonly target: NfTablesChain | undefined
}

/** The verdict that a map has for a key; or a negative errno. */
export function parseVerdict(attributes: AttributeTable, number: number, context: JumpContext): ParsedVerdict | number {
  const data = attributes.nested(number, dataPolicy)
  const verdict = data?.has(DATA.verdict) === true ? data.nested(DATA.verdict, verdictPolicy) : undefined
  if (verdict === undefined || !verdict.has(VERDICT.code)) return -Errno.EINVAL
  const code = verdict.be32(VERDICT.code) | 0
  if (code === Jump || code === Goto) {
    const target = targetOf(verdict, context)
    return typeof target === 'number' ? target : { verdict: code, target }
  }
  const isKnown = [Verdict.Accept, Verdict.Drop, Break, Return, Continue].some((it) => it === code)
  return isKnown ? { verdict: code, target: undefined } : -Errno.EINVAL
}

/** Where chains that are jumped to are looked up. */
type JumpContext = Pick<ExpressionContext, 'table' | 'findChain'>

/** The chain that is jumped to; or a negative errno. */
function targetOf(verdict: AttributeTable, { table, findChain }: JumpContext): NfTablesChain | number {
  let target: NfTablesChain | undefined
  if (verdict.has(VERDICT.chain)) {
    const name = verdict.text(VERDICT.chain)
    target = table.chains.find((it) => it.name === name)
  } else if (verdict.has(VERDICT.chainId)) {
    target = findChain(verdict.be32(VERDICT.chainId))
  } else {
    return -Errno.EINVAL
  }
  if (target === undefined) return -Errno.ENOENT
  return target.hook !== undefined ? -Errno.EOPNOTSUPP : target
}

function jumpTo(code: number, verdict: AttributeTable, context: ExpressionContext): RuleExpression | number {
  const chain = targetOf(verdict, context)
  if (typeof chain === 'number') return chain
  return {
    name: 'immediate',
    target: chain,
    evaluate: (evaluation) => {
      evaluation.target = chain
      return code
    },
    dump: (reply) => dumpVerdict(reply, code, chain),
  }
}

function dumpVerdict(reply: ReplyWriter, code: number, chain?: NfTablesChain): void {
  reply.be32(IMMEDIATE.destinationRegister, Register.Verdict)
  reply.nest(IMMEDIATE.data, () => {
    reply.nest(DATA.verdict, () => {
      reply.be32(VERDICT.code, code)
      if (chain !== undefined) reply.text(VERDICT.chain, chain.name)
    })
  })
}
