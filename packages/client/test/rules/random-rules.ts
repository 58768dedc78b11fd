/** Random rules that are valid, and mutations of them. */
import type { FirewallRule, RuleFamily, RuleMatch, RuleProperties } from '@ringlink/client'
import fc from 'fast-check'
import { INTERNET, MARKS, maybe, PORT_PROTOCOLS, PROTOCOLS, properties, withoutUndefined } from './random-values.ts'

const limit = fc.record(
  {
    rate: fc.integer({ min: 1, max: 1000 }),
    per: fc.constantFrom('second', 'minute', 'hour', 'day', 'week'),
    burst: fc.integer({ min: 1, max: 9 }),
    over: fc.boolean(),
  },
  { requiredKeys: ['rate', 'per'] },
)

const log = fc.record(
  {
    group: fc.constantFrom(0, 5, 65535),
    prefix: fc.constantFrom('a', 'in: ', 'p'.repeat(63)),
    copyRange: fc.constantFrom(1, 64, 65535),
    threshold: fc.constantFrom(1, 9, 65535),
  },
  { requiredKeys: ['group'] },
)

type Decision = Pick<FirewallRule, 'queue' | 'bypass' | 'fanout' | 'verdict'>

function decisions(canQueue: boolean): fc.Arbitrary<Decision> {
  const verdict = fc.record({ verdict: maybe(fc.constantFrom('accept', 'drop')) })
  if (!canQueue) return verdict
  const queue = fc.record({ queue: fc.constantFrom(0, 7, 65535), bypass: maybe(fc.boolean()) })
  const several = fc.record({
    queue: fc.constantFrom({ from: 0, to: 3 }, { from: 65534, to: 65535 }),
    bypass: maybe(fc.boolean()),
    fanout: maybe(fc.boolean()),
  })
  return fc.oneof(verdict, verdict, queue, several)
}

/** Whether properties need to know the IP version, and nothing says it. */
function needsVersion(some: RuleProperties, not: RuleProperties = {}): boolean {
  return [some, not].some(({ dscp, fragment }) => dscp !== undefined || fragment !== undefined)
}

/** The match without what excludes all that it asks for. */
function possible(match: RuleMatch): RuleMatch {
  const { not = {}, ...wanted } = match
  const kept = Object.entries(not).filter(([name]) => wanted[name as keyof RuleProperties] === undefined)
  return { ...match, not: match.not === undefined ? undefined : Object.fromEntries(kept) }
}

/** A rule that `family` takes. */
function ruleOf(family: RuleFamily): fc.Arbitrary<FirewallRule> {
  const hooks =
    family === 'netdev'
      ? (['ingress', 'egress'] as const)
      : family === 'arp'
        ? (['input', 'output'] as const)
        : INTERNET
  const isInternet = family === 'ip' || family === 'ip6' || family === 'inet'
  const priorities = isInternet ? (['raw', 'mangle', 'filter', 7] as const) : (['filter', 7] as const)
  const seed = fc.record({
    hook: fc.constantFrom<FirewallRule['hook']>(...hooks),
    priority: maybe(fc.constantFrom<NonNullable<FirewallRule['priority']>>(...priorities)),
    version:
      family === 'ip'
        ? fc.constant(4 as const)
        : family === 'ip6'
          ? fc.constant(6 as const)
          : fc.constantFrom(4 as const, 6 as const),
    hasPorts: family === 'arp' ? fc.constant(false) : fc.boolean(),
    protocols: fc.record({
      withPorts: fc.oneof(fc.constantFrom(...PORT_PROTOCOLS), fc.constant(['tcp', 'udp'] as const)),
      any: maybe(fc.constantFrom(...PROTOCOLS)),
    }),
  })
  return seed.chain(({ hook, priority, version, hasPorts, protocols }) => {
    const isTracked = (isInternet || family === 'bridge') && priority !== 'raw'
    const wanted = family === 'arp' ? undefined : hasPorts ? protocols.withPorts : protocols.any
    const isForeign = wanted === (version === 4 ? 'icmpv6' : 'icmp') || wanted === (version === 4 ? 58 : 1)
    const protocol = isForeign ? undefined : wanted
    const some = properties({ family, hook, version, isTracked, hasPorts, protocol })
    const match = fc
      .record({ some, not: maybe(some) })
      .map(({ some, not }) =>
        possible({ version: needsVersion(some, not) ? version : undefined, protocol, ...some, not }),
      )
    const device = family === 'netdev' ? 'lo' : undefined
    return fc
      .record({
        match: hasPorts ? match : maybe(match),
        limit: maybe(limit),
        log: family === 'arp' ? fc.constant(undefined) : maybe(log),
        setMark: maybe(fc.constantFrom(...MARKS)),
        decision: decisions(family !== 'netdev' && family !== 'arp'),
      })
      .map(({ decision, ...rest }) => withoutUndefined({ hook, device, priority, ...rest, ...decision }))
  })
}

/** Rules, and the family that they are valid in. */
export function randomRules(
  families: readonly RuleFamily[],
): fc.Arbitrary<{ family: RuleFamily; rules: FirewallRule[] }> {
  return fc
    .constantFrom(...families)
    .chain((family) =>
      fc.record({ family: fc.constant(family), rules: fc.array(ruleOf(family), { minLength: 1, maxLength: 3 }) }),
    )
}

/** The result of a mutation of rules. */
export interface Mutation {
  readonly rules: unknown
  /** the path at which the rules must be refused; undefined: they may still be valid */
  readonly fault: string | undefined
  readonly what: string
}

interface Member {
  readonly path: readonly (string | number)[]
  readonly value: unknown
}

function membersOf(value: unknown, path: readonly (string | number)[] = []): Member[] {
  if (typeof value !== 'object' || value === null) return []
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return keys.flatMap((key) => {
    const member: unknown = (value as Record<string | number, unknown>)[key]
    return [{ path: [...path, key], value: member }, ...membersOf(member, [...path, key])]
  })
}

function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${key}`), 'rules')
}

/** A copy of `tree` in which `change` was applied to the parent of the member at `path`. */
function changed(
  tree: unknown,
  path: readonly (string | number)[],
  change: (holder: Record<string | number, unknown>, key: string | number) => void,
): unknown {
  const copy: unknown = structuredClone(tree)
  let holder = copy as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>
  change(holder, path.at(-1) as string | number)
  return copy
}

/** The rules with one random mutation. */
export function mutated(rules: readonly FirewallRule[]): fc.Arbitrary<Mutation> {
  const all = membersOf(rules)
  const named = all.filter(({ path }) => typeof path.at(-1) === 'string')
  const numbers = all.filter(({ value }) => typeof value === 'number')
  const replace = ({ path }: Member, value: unknown, mustFail: boolean): Mutation => ({
    rules: changed(rules, path, (holder, key) => {
      holder[key] = value
    }),
    fault: mustFail ? pathText(path) : undefined,
    what: `${pathText(path)} becomes ${typeof value} ${String(value)}`,
  })
  const renamed = fc.tuple(fc.constantFrom(...named), fc.nat({ max: 2 })).map(([{ path }, kind]): Mutation => {
    const key = String(path.at(-1))
    const name = [key.slice(0, -1), `${key}s`, key.charAt(0).toUpperCase() + key.slice(1)][kind] as string
    const tree = changed(rules, path, (holder) => {
      holder[name] = holder[key]
      delete holder[key]
    })
    return { rules: tree, fault: pathText([...path.slice(0, -1), name]), what: `${pathText(path)} becomes ${name}` }
  })
  const removed = fc.constantFrom(...named).map(
    ({ path }): Mutation => ({
      rules: changed(rules, path, (holder, key) => {
        delete holder[key]
      }),
      fault: undefined,
      what: `${pathText(path)} is removed`,
    }),
  )
  const retyped = fc.constantFrom(...all).chain((member) => {
    const { value } = member
    const wrong: unknown[] = [null, true === value ? 'true' : true, () => value, 10n]
    if (typeof value === 'number') wrong.push(String(value))
    const perhaps: unknown[] = [[value], {}, [], 6, member.path.at(-1) === 'device' ? 'lo' : 'udp']
    return fc.oneof(
      fc.constantFrom(...wrong).map((it) => replace(member, it, true)),
      fc.constantFrom(...perhaps).map((it) => replace(member, it, false)),
    )
  })
  const kinds = [renamed, removed, retyped]
  if (numbers.length > 0) {
    const values = fc.constantFrom(-0x80000001, 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY)
    kinds.push(fc.tuple(fc.constantFrom(...numbers), values).map(([member, value]) => replace(member, value, true)))
  }
  return fc.oneof(...kinds)
}
