import {
  type Expression,
  LimitType,
  logTargetInformation,
  MatchFlag,
  MetaKey,
  queueTargetInformation,
  Register,
  RuleQueueFlag,
  RuleVerdict,
} from '@ringlink/codec'
import { LOG_TARGET_REVISION, QUEUE_TARGET_REVISION } from '@ringlink/codec/internal'
import { hostOrder32 } from './match.ts'
import type { NumberRange, RuleActions, RuleLimit, RuleLog } from './options.ts'

/** How a kernel queues and logs: with its own expression (newer kernels), or with an xtables target (older ones). */
export interface Dialect {
  readonly queue: 'expression' | 'target'
  readonly log: 'expression' | 'target'
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
 * The expressions for the actions of a rule, in order; the counter counts the packets that the following actions apply
 * to.
 */
export function compileActions(actions: RuleActions, dialect: Dialect): Expression[] {
  const { limit, log, setMark, queue, verdict } = actions
  const expressions: Expression[] = []
  if (limit !== undefined) expressions.push(limitExpression(limit))
  expressions.push({ name: 'counter', data: { bytes: 0n, packets: 0n } })
  if (log !== undefined) expressions.push(dialect.log === 'target' ? logTarget(log) : logExpression(log))
  if (setMark !== undefined) {
    const data = { value: hostOrder32(setMark) }
    expressions.push({ name: 'immediate', data: { destinationRegister: Register.Wide1, data } })
    expressions.push({ name: 'meta', data: { key: MetaKey.Mark, sourceRegister: Register.Wide1 } })
  }
  if (queue !== undefined) expressions.push(queueStatement(queue, actions, dialect))
  if (verdict !== undefined) {
    const code = verdict === 'accept' ? RuleVerdict.Accept : RuleVerdict.Drop
    const data = { verdict: { code } }
    expressions.push({ name: 'immediate', data: { destinationRegister: Register.Verdict, data } })
  }
  return expressions
}

function limitExpression({ rate, per, burst = DEFAULT_BURST, over = false }: RuleLimit): Expression {
  const data = {
    rate: BigInt(rate),
    unit: BigInt(limitSeconds[per]),
    burst,
    type: LimitType.Packets,
    flags: over ? MatchFlag.Invert : 0,
  }
  return { name: 'limit', data }
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
