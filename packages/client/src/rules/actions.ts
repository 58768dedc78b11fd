import {
  type Expression,
  LimitType,
  logTargetInformation,
  MatchFlag,
  NfTablesObjectType,
  queueTargetInformation,
  Register,
  RuleQueueFlag,
  RuleVerdict,
} from '@ringlink/codec'
import { LOG_TARGET_REVISION, QUEUE_TARGET_REVISION } from '@ringlink/codec/internal'
import { compileChanges } from './changes.ts'
import type { Facts } from './fields/fields.ts'
import { isMapLookUp } from './keys.ts'
import { addressLimit, addToSet, type LimitContext } from './limit-by.ts'
import { loadFromMap } from './map.ts'
import type { RuleActions, RuleFamily, RuleLimit, RuleLog } from './options.ts'
import type { NumberRange } from './properties.ts'
import { rejectExpression } from './reject.ts'
import type { RuleSet } from './set.ts'
import type { RuleSets } from './sets/types.ts'

/** How a kernel queues and logs: with its own expression (newer kernels), or with an xtables target (older ones). */
export interface Dialect {
  readonly queue: 'expression' | 'target'
  readonly log: 'expression' | 'target'
}

/** Where actions are compiled. */
export interface ActionContext extends LimitContext {
  readonly dialect: Dialect
  readonly family: RuleFamily
  /** named ones */
  readonly named: RuleSets
}

/** What a rule's actions are made of: expressions, and the sets that they write to. */
export interface CompiledActions {
  readonly expressions: readonly Expression[]
  readonly sets: readonly RuleSet[]
}

const limitSeconds: Readonly<Record<RuleLimit['per'], number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
}

const DEFAULT_BURST = 5

/**
 * The expressions for what a rule does, in their order; the counter counts the packets that all the rest is done with.
 */
export function compileActions(actions: RuleActions, context: ActionContext): CompiledActions {
  const { limit, quota, counter, log, addTo, queue, reject } = actions
  const { dialect, family, facts, named } = context
  const expressions: Expression[] = []
  const sets: RuleSet[] = []
  if (limit?.by !== undefined) {
    const data = limitData(limit)
    const { set, load, update } = addressLimit(limit, data, limitSeconds[limit.per], context)
    sets.push(set)
    expressions.push(load, update)
  } else if (limit !== undefined) expressions.push({ name: 'limit', data: limitData(limit) })
  if (quota !== undefined) {
    const flags = quota.over === true ? MatchFlag.Invert : 0
    expressions.push({ name: 'quota', data: { bytes: BigInt(quota.bytes), flags } })
  }
  expressions.push({ name: 'counter', data: { bytes: 0n, packets: 0n } })
  if (counter !== undefined) {
    expressions.push({ name: 'objref', data: { type: NfTablesObjectType.Counter, name: counter } })
  }
  if (log !== undefined) expressions.push(dialect.log === 'target' ? logTarget(log) : logExpression(log))
  if (addTo !== undefined) expressions.push(...addToSet(addTo, facts, named))
  expressions.push(...compileChanges(actions, facts, named))
  if (queue !== undefined) expressions.push(queueStatement(queue, actions, dialect))
  if (reject !== undefined) expressions.push(rejectExpression(reject, family))
  expressions.push(...decision(actions, facts, named))
  return { expressions, sets }
}

const verdictCodes = {
  accept: RuleVerdict.Accept,
  drop: RuleVerdict.Drop,
  return: RuleVerdict.Return,
} as const

function decision({ jump, goto, verdict }: RuleActions, facts: Facts, named: RuleSets): Expression[] {
  const chain = jump ?? goto
  if (chain !== undefined) {
    const code = jump !== undefined ? RuleVerdict.Jump : RuleVerdict.Goto
    return [{ name: 'immediate', data: { destinationRegister: Register.Verdict, data: { verdict: { code, chain } } } }]
  }
  if (verdict === undefined) return []
  if (isMapLookUp(verdict)) return loadFromMap(verdict, facts, named, Register.Verdict)
  const data = { verdict: { code: verdictCodes[verdict] } }
  return [{ name: 'immediate', data: { destinationRegister: Register.Verdict, data } }]
}

function limitData({ rate, per, burst = DEFAULT_BURST, over = false }: RuleLimit) {
  return {
    rate: BigInt(rate),
    unit: BigInt(limitSeconds[per]),
    burst,
    type: LimitType.Packets,
    flags: over ? MatchFlag.Invert : 0,
  }
}

function logExpression({ group, prefix, copyRange, threshold }: RuleLog): Expression {
  return { name: 'log', data: { group, prefix: prefix === '' ? undefined : prefix, copyRange, threshold } }
}

function logTarget({ group, prefix = '', copyRange, threshold = 0 }: RuleLog): Expression {
  const information = logTargetInformation({ group, copyRange, threshold, prefix })
  return { name: 'target', data: { name: 'NFLOG', revision: LOG_TARGET_REVISION, information } }
}

function queueStatement(queue: number | NumberRange, { bypass, fanout }: RuleActions, dialect: Dialect): Expression {
  const { from, to } = typeof queue === 'number' ? { from: queue, to: queue } : queue
  const total = to - from + 1
  const flags = (bypass === true ? RuleQueueFlag.Bypass : 0) | (fanout === true ? RuleQueueFlag.CpuFanout : 0)
  if (dialect.queue === 'expression') return { name: 'queue', data: { number: from, total, flags } }
  const information = queueTargetInformation({ number: from, total, flags })
  return { name: 'target', data: { name: 'NFQUEUE', revision: QUEUE_TARGET_REVISION, information } }
}
