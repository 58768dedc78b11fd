import { Errno } from '@ringlink/codec'
import { MAXIMUM_LOG_TARGET_PREFIX } from '@ringlink/codec/internal'
import { OptionPlace } from '@ringlink/codec/options'
import type { Session } from '../session.ts'
import { compileActions, type Dialect } from './actions.ts'
import { type BatchPart, type BatchRefusal, batchLength, performBatch } from './batch.ts'
import { type PlaceOf, planChains, type RuleChain } from './chains.ts'
import { checkRule } from './check.ts'
import { explainBatch, explainDialects, type RulesError } from './errors.ts'
import { addedKeys, mapKeys } from './keys.ts'
import { compileMatch, loadConnection } from './match.ts'
import {
  deleteTable,
  newChain,
  newCounter,
  newNamedSet,
  newRule,
  newSet,
  newSetElements,
  newTable,
  type RuleTable,
} from './messages.ts'
import type { OffloadPlan } from './offload.ts'
import type { FirewallRule, RuleFamily } from './options.ts'
import { askForNfTables } from './presence.ts'
import { rejectVersion } from './reject.ts'
import type { RuleSets } from './sets/types.ts'

/** Checked rules, sorted into chains. */
export interface RulePlan {
  readonly rules: readonly FirewallRule[]
  readonly family: RuleFamily
  readonly chains: readonly RuleChain[]
  readonly sets: RuleSets
  /** for each rule that was given, those of `rules` that count for it */
  readonly shown: readonly (readonly number[])[]
  /** what offloads connections, where a rule does */
  readonly offload: Pick<OffloadPlan, 'handled' | 'bits'> | undefined
  /** the kernel is to track connections, even if no rule matches on them */
  readonly trackConnections: boolean
  /** the path of each rule and its log prefix, for errors */
  readonly placeOf: PlaceOf
  readonly prefixPlaceOf: PlaceOf
}

/** Options of {@link planRules}. */
export interface PlanOptions {
  readonly family?: RuleFamily | undefined
  readonly sets?: RuleSets | undefined
  readonly offload?: OffloadPlan | undefined
  readonly trackConnections?: boolean
  readonly placeOf: PlaceOf
  readonly prefixPlaceOf?: PlaceOf
}

/** Checks that the members of parsed rules fit together. Throws `OptionError`. */
export function planRules(rules: readonly FirewallRule[], options: PlanOptions): RulePlan {
  const { family = 'inet', sets = {}, offload, trackConnections = false, placeOf } = options
  const prefixPlaceOf = options.prefixPlaceOf ?? ((index: number) => placeOf(index).member('log').member('prefix'))
  const chains = planChains(rules, family, placeOf)
  for (const chain of chains) {
    for (const index of chain.rules) checkRule(placeOf(index), rules[index] as FirewallRule, { family, sets }, chain)
  }
  const shown = offload?.shown ?? rules.map((_, index) => [index])
  return { rules, family, chains, sets, shown, offload, trackConnections, placeOf, prefixPlaceOf }
}

/** How a table is created. */
export type TableKind = 'owned' | 'plain' | 'persistent'

/** How rules were installed. */
export interface Way {
  readonly kind: TableKind
  readonly dialect: Dialect
}

/** Where errors would be, of which checked rules have none. */
const NOWHERE = new OptionPlace('compile a rule')

const NATIVE: Dialect = { queue: 'expression', log: 'expression' }

/** The dialect that worked last in this process: where the next installation begins. The kernel's answer decides. */
const found = new Map<RuleFamily, Dialect>()

/** The messages that install `plan`. */
export function installParts(plan: RulePlan, table: RuleTable, { kind, dialect }: Way): BatchPart[] {
  const { rules, chains, sets: named } = plan
  const isOwned = kind === 'owned'
  const parts =
    kind === 'persistent'
      ? // After these two messages no table of that name exists, whether or not there was one before.
        [newTable(table, false, false), deleteTable(table), newTable(table, false, false)]
      : [newTable(table, isOwned, true)]
  let setId = 0
  const nextSetId = () => ++setId
  const { family } = table
  // Those that are jumped to come before the rules that do it.
  for (const chain of chains) parts.push(newChain(table, chain))
  for (const name of new Set(rules.flatMap(({ counter }) => counter ?? []))) parts.push(newCounter(table, name))
  for (const [name, options] of Object.entries(named)) parts.push(newNamedSet(table, name, options, nextSetId()))
  for (const chain of chains) {
    for (const index of chain.rules) {
      const rule = rules[index] as FirewallRule
      const needsVersion =
        rule.limit?.by !== undefined || rule.setDscp !== undefined || rejectVersion(rule.reject) !== undefined
      const keys = [...mapKeys(rule, NOWHERE), ...addedKeys(rule, NOWHERE)]
      const match = compileMatch(rule.match ?? {}, { family, needsVersion, sets: named, keys, nextSetId })
      if (dialect.log === 'target') checkTargetPrefix(plan, index)
      const actions = compileActions(rule, { dialect, family, facts: match.facts, named, index, nextSetId })
      for (const set of [...match.sets, ...actions.sets]) {
        parts.push(newSet(table, set, index))
        if (set.elements.length > 0) parts.push(newSetElements(table, set, index))
      }
      // Any load of a connection has the kernel track them in the whole namespace, for as long as the rule is there.
      const tracking = plan.trackConnections && index === chains[0]?.rules[0] ? [loadConnection] : []
      parts.push(newRule(table, chain.name, [...tracking, ...match.expressions, ...actions.expressions], index))
    }
  }
  return parts
}

/** The prefix of target NFLOG can hold less than that of the expression. Throws code `VALUE_RANGE` for a longer one. */
function checkTargetPrefix({ rules, prefixPlaceOf }: RulePlan, index: number): void {
  const prefix = rules[index]?.log?.prefix ?? ''
  if (new TextEncoder().encode(prefix).length <= MAXIMUM_LOG_TARGET_PREFIX) return
  const expected = `text of at most ${MAXIMUM_LOG_TARGET_PREFIX} bytes on this kernel, which has only the xtables target NFLOG`
  throw prefixPlaceOf(index).outOfRange(expected, prefix)
}

/** Length in bytes of the largest batch for `plan`. */
export function largestBatch(plan: RulePlan, table: RuleTable): number {
  // A target has the same length with and without a prefix.
  const rules = plan.rules.map((rule) =>
    rule.log === undefined ? rule : { ...rule, log: { ...rule.log, prefix: '' } },
  )
  const sizes = (['expression', 'target'] as const).map((form) => {
    const way: Way = { kind: 'persistent', dialect: { queue: form, log: form } }
    const planned = form === 'target' ? { ...plan, rules } : plan
    return batchLength(installParts(planned, table, way))
  })
  return Math.max(...sizes)
}

/**
 * Installs `plan` in the dialect that the kernel supports: prefers an owned table, and the expressions queue and log
 * over the targets NFQUEUE and NFLOG. Rejects with a {@link RulesError}; then nothing is installed.
 */
export async function install(session: Session, plan: RulePlan, table: RuleTable, persistent: boolean): Promise<Way> {
  let way: Way = { kind: persistent ? 'persistent' : 'owned', dialect: found.get(plan.family) ?? NATIVE }
  const tried = new Map<string, BatchRefusal>()
  const absence = await askForNfTables(session)
  if (absence !== undefined) throw explainBatch(absence, table.name)
  for (;;) {
    const refusal = await performBatch(session, installParts(plan, table, way))
    if (refusal === undefined) {
      found.set(plan.family, way.dialect)
      return way
    }
    tried.set(wayKey(way), refusal)
    const next = otherWay(way, refusal, plan.rules)
    if (next === undefined || tried.has(wayKey(next))) throw explain(refusal, tried, table)
    way = next
  }
}

/** The dialect to try next after a refusal, if any. */
function otherWay({ kind, dialect }: Way, refusal: BatchRefusal, rules: readonly FirewallRule[]): Way | undefined {
  const { part, error } = refusal
  const { errno } = error
  if (part.kind === 'table' && kind === 'owned' && (errno === Errno.EINVAL || errno === Errno.EOPNOTSUPP)) {
    return { kind: 'plain', dialect }
  }
  if (part.rule === undefined || !isLack(refusal)) return undefined
  const suspect = refusal.expression ?? suspectOf(rules[part.rule], dialect)
  if (suspect === 'queue') return { kind, dialect: { ...dialect, queue: 'target' } }
  if (suspect === 'log') return { kind, dialect: { ...dialect, log: 'target' } }
  // The target is missing: the remembered dialect came from another kernel.
  return suspect === 'target' ? { kind, dialect: NATIVE } : undefined
}

/** Whether the kernel lacks the requested feature, as opposed to rejecting its arguments. */
function isLack({ part, error }: BatchRefusal): boolean {
  return part.kind === 'rule' && (error.errno === Errno.ENOENT || error.errno === Errno.EOPNOTSUPP)
}

/** The expression that a kernel most likely lacks if it does not report which. */
function suspectOf({ queue, log }: Partial<FirewallRule> = {}, dialect: Dialect): string | undefined {
  if (queue !== undefined && dialect.queue === 'expression') return 'queue'
  if (log !== undefined && dialect.log === 'expression') return 'log'
  return queue === undefined && log === undefined ? undefined : 'target'
}

function wayKey({ kind, dialect }: Way): string {
  return `${kind} ${dialect.queue} ${dialect.log}`
}

/**
 * If a target was refused, the expression that it replaces was refused before: report that one, which the user asked
 * for.
 */
function explain(refusal: BatchRefusal, tried: ReadonlyMap<string, BatchRefusal>, table: RuleTable): RulesError {
  const { rule } = refusal.part
  const native = [...tried.values()].find((it) => isLack(it) && it.part.rule === rule && it.expression !== 'target')
  if (!isLack(refusal) || native === undefined || native === refusal) return explainBatch(refusal, table.name)
  return explainDialects(native, refusal)
}
