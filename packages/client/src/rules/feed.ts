import { OptionPlace } from '@ringlink/codec/options'
import type { OpenTransport, Transport } from '@ringlink/transport'
import type { Opening } from '../opening.ts'
import { isBeforeTracking, untracked } from './check-needs.ts'
import { planRules, type RulePlan } from './install.ts'
import { type OffloadPlan, planOffload } from './offload.ts'
import type { FirewallRule, InstallOptions, LogRule, QueueRule, RuleFamily } from './options.ts'
import { installPlan, type Rules } from './rules.ts'
import { logRules, queueRules } from './schema.ts'
import { listOf } from './set.ts'
import type { RuleSets } from './sets/types.ts'

/** One rule, or several. */
type OneOrMany<Rule> = Rule | readonly Rule[]

/** What a queue or log needs for its rules, besides the rules themselves. */
interface Feed extends Opening {
  readonly transport: Transport | OpenTransport
  readonly ruleTransport?: OpenTransport | undefined
  readonly sets?: RuleSets | undefined
  readonly requestTimeout?: number | undefined
  /** packets are to carry their connection */
  readonly conntrack?: boolean | undefined
}

/** Installs checked rules. Rejects as `installRules`. */
export type InstallFeed = () => Promise<Rules | undefined>

/** Plans the rules of queue `number`, if there are any; what installs them. Throws `OptionError`. */
export function prepareQueueRules(
  number: number,
  texts: OneOrMany<QueueRule | string> | undefined,
  feed: Feed,
): InstallFeed {
  if (texts === undefined) return noRules
  const given = queueRules.read(texts, new OptionPlace(feed.operation, 'rule'))
  const onExit = common<'onExit', 'bypass' | 'block'>(given, 'onExit', 'bypass', feed)
  const offload = planOffload(
    listOf(given),
    ({ onExit: _, family: __, offload: ___, ...rule }) => ({ ...rule, queue: number, bypass: onExit === 'bypass' }),
    {
      family: common<'family', RuleFamily>(given, 'family', 'inet', feed),
      placeOf: (index) => placeIn(given, index, feed.operation),
    },
  )
  const table = onExit === 'block' ? { table: `ringlink-queue-${number}`, persistent: true } : {}
  return prepare(offload.rules, given, feed, table, offload)
}

/** Plans the rules of a log, if there are any. Returns the function that installs them. Throws `OptionError`. */
export function prepareLogRules(
  groups: readonly number[],
  texts: OneOrMany<LogRule | string> | undefined,
  feed: Feed,
): InstallFeed {
  if (texts === undefined) return noRules
  const given = logRules.read(texts, new OptionPlace(feed.operation, 'rule'))
  const [group = 0, ...more] = groups
  if (more.length > 0) {
    const { operation } = feed
    throw new OptionPlace(operation, 'rule').conflict(
      'cannot go with several groups: use installRules, which says the group',
    )
  }
  const rules = listOf(given).map(({ prefix, copyRange, threshold, family: _, ...rule }): FirewallRule => {
    return { ...rule, log: { group, prefix, copyRange, threshold } }
  })
  return prepare(rules, given, feed, {})
}

async function noRules(): Promise<undefined> {}

function prepare(
  rules: readonly FirewallRule[],
  given: OneOrMany<QueueRule | LogRule>,
  feed: Feed,
  more: Pick<InstallOptions, 'table' | 'persistent'>,
  offload?: OffloadPlan,
): InstallFeed {
  const { operation, requestTimeout, signal, conntrack = false } = feed
  const transport = feed.ruleTransport ?? feed.transport
  if (typeof transport !== 'function') {
    const advice = 'give a function that opens one as ruleTransport, or as transport'
    throw new OptionPlace(operation, 'rule').conflict(`needs a socket of its own: ${advice}`)
  }
  const placeOf = (index: number) => placeIn(given, offload?.owners[index] ?? index, operation)
  const plan = planRules(rules, {
    family: common<'family', RuleFamily>(given, 'family', 'inet', feed),
    sets: feed.sets,
    offload,
    trackConnections: conntrack,
    placeOf,
    // Only a log's rule has it here; in a queue's rule it is a member of `log`.
    ...(isLogRule(rules) ? { prefixPlaceOf: (index: number) => placeOf(index).member('prefix') } : {}),
  })
  if (conntrack) checkTracking(plan)
  return () => installPlan(plan, { ...more, operation, transport, requestTimeout, signal })
}

/** Whether the rules belong to a log: their members include those of `log`. */
function isLogRule(rules: readonly FirewallRule[]): boolean {
  return rules.every(({ queue }) => queue === undefined)
}

/** Refuses rules at places where packets have no connection to carry. Throws code `ARGUMENT`. */
function checkTracking({ family, chains, placeOf }: RulePlan): void {
  for (const { base, rules } of chains) {
    if (base === undefined) continue
    const { priority } = base
    const at = placeOf(rules[0] ?? 0)
    if (family === 'arp' || family === 'netdev') {
      throw at.member('family').conflict(`${family} cannot go with conntrack: its packets have no connection`)
    }
    if (isBeforeTracking(family, priority)) {
      throw at.member('priority').conflict(`cannot go with conntrack: it is at ${untracked(priority)}`)
    }
  }
}

/** The path of a rule: `rule`, or `rule[1]` if an array was given. */
function placeIn(given: OneOrMany<object>, index: number, operation: string): OptionPlace {
  const place = new OptionPlace(operation, 'rule')
  return Array.isArray(given) ? place.element(index) : place
}

/** The value that all rules share. Throws code `ARGUMENT` if they differ. */
function common<Name extends string, Value>(
  given: OneOrMany<{ readonly [Key in Name]?: Value | undefined }>,
  name: Name,
  usual: Value,
  { operation }: Opening,
): Value {
  const list = listOf<{ readonly [Key in Name]?: Value | undefined }>(given)
  const values = list.map((rule) => rule[name] ?? usual)
  const [first = usual] = values
  const other = values.findIndex((value) => value !== first)
  if (other >= 0) {
    const problem = `must be the same in all rules, got ${values[other]} after ${first}`
    throw placeIn(given, other, operation).member(name).conflict(problem)
  }
  return first
}
