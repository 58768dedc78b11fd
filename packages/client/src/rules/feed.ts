import { type OpenTransport, type Transport, TransportError } from '@ringlink/transport'
import { badRules } from './errors.ts'
import { planRules } from './install.ts'
import type { FirewallRule, InstallOptions, RuleFamily, RuleLog } from './options.ts'
import { installRules, type Rules } from './rules.ts'

/** A rule that feeds a queue, which `openQueue` installs for it. */
export interface QueueRule extends Omit<FirewallRule, 'queue' | 'bypass' | 'fanout' | 'verdict'> {
  /**
   * what becomes of the packets when the program is gone, closed or killed. 'bypass' (the default): they go on as if there had never
   * been a rule; it is in a table that the kernel removes with the program, and lets packets pass where nobody has the queue.
   * 'block': they are dropped, until a program opens the queue again; the rule stays in table `ringlink-queue-<number>`, also when
   * the queue is closed, and `queue.rules.remove()` takes it out. The same in all rules of a queue
   */
  readonly onExit?: 'bypass' | 'block' | undefined
  /** default 'inet'; the same in all rules of a queue */
  readonly family?: RuleFamily | undefined
}

/** A rule that feeds a log group, which `openLog` installs for it, and which goes with the log or with the program. */
export interface LogRule extends Omit<FirewallRule, 'log' | 'queue' | 'bypass' | 'fanout'>, Omit<RuleLog, 'group'> {
  /** default 'inet'; the same in all rules of a log */
  readonly family?: RuleFamily | undefined
}

/** One rule, or several. */
type OneOrMany<Rule> = Rule | readonly Rule[]

interface Feed {
  readonly transport: Transport | OpenTransport
  readonly ruleTransport?: OpenTransport | undefined
  readonly requestTimeout?: number | undefined
}

/** Installs rules that were checked. Rejects as {@link installRules}. */
export type InstallFeed = () => Promise<Rules | undefined>

/** Checks the rules of queue `number`, if there are any; what installs them. Throws code `VALUE_RANGE`, `ARGUMENT`. */
export function prepareQueueRules(number: number, given: OneOrMany<QueueRule> | undefined, feed: Feed): InstallFeed {
  if (given === undefined) return noRules
  const list = listOf(given)
  const onExit = common(list, 'onExit', 'bypass')
  if (onExit !== 'bypass' && onExit !== 'block') throw badRules(`onExit: 'bypass' or 'block' wanted, not ${onExit}`)
  const rules = list.map(
    ({ onExit: _, family: __, ...rule }): FirewallRule => ({ ...rule, queue: number, bypass: onExit === 'bypass' }),
  )
  const table = onExit === 'block' ? { table: `ringlink-queue-${number}`, persistent: true } : {}
  return prepare(rules, list, feed, table)
}

/** Checks the rules of a log, if there are any; what installs them. Throws code `VALUE_RANGE`, `ARGUMENT`. */
export function prepareLogRules(
  groups: readonly number[],
  given: OneOrMany<LogRule> | undefined,
  feed: Feed,
): InstallFeed {
  if (given === undefined) return noRules
  const list = listOf(given)
  const [group = 0, ...more] = groups
  if (more.length > 0) throw badRules('a log of several groups: which is the rule to log to? Use installRules')
  const rules = list.map(({ prefix, copyRange, threshold, family: _, ...rule }): FirewallRule => {
    return { ...rule, log: { group, prefix, copyRange, threshold } }
  })
  return prepare(rules, list, feed, {})
}

async function noRules(): Promise<undefined> {}

function prepare(
  rules: readonly FirewallRule[],
  given: readonly { readonly family?: RuleFamily | undefined }[],
  { transport: theirs, ruleTransport, requestTimeout }: Feed,
  more: Pick<InstallOptions, 'table' | 'persistent'>,
): InstallFeed {
  const transport = ruleTransport ?? theirs
  if (typeof transport !== 'function') {
    throw new TransportError('ARGUMENT', 'install rules', 'they need a socket of their own: give what opens transports')
  }
  const options: InstallOptions = { ...more, transport, requestTimeout, family: common(given, 'family', 'inet') }
  planRules(rules, options)
  return () => installRules(rules, options)
}

function listOf<Rule>(given: OneOrMany<Rule>): readonly Rule[] {
  return Array.isArray(given) ? (given as readonly Rule[]) : [given as Rule]
}

/** The value that all rules have. */
function common<Name extends string, Value>(
  list: readonly { readonly [Key in Name]?: Value | undefined }[],
  name: Name,
  usual: Value,
): Value {
  const values = new Set(list.map((rule) => rule[name] ?? usual))
  const [value = usual, ...others] = values
  if (others.length > 0)
    throw badRules(`${name}: the same is wanted in all of them, not ${[value, ...others].join(' and ')}`)
  return value
}
