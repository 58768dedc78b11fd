/** Random valid rules, and mutations of them. */
import type { ConnectionState, FirewallRule, NumberRange, RuleFamily, RuleProperties } from '@ringlink/client'
import fc from 'fast-check'

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 6, 17, 1, 58, 132] as const
const PORT_PROTOCOLS = ['tcp', 'udp', 6, 17] as const
const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const
export const DEVICES = ['lo', 'eth0', 'eth10'] as const
export const PORTS = [0, 1, 22, 53, 54, 255, 256, 65534, 65535] as const
export const MARKS = [0, 1, 5, 0x15, 0x80000000, 0xffffffff] as const
export const USERS = [0, 1000, 0xfffffffe] as const
export const ADDRESSES = {
  4: ['0.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.1.1', '138.0.0.1', '255.255.255.255'],
  6: ['::1', '2001:db8::1', '2001:db8::2', '2001:db8:1::1', 'a001:db8::1', 'fe80::1'],
} as const
const LENGTHS = { 4: [0, 1, 7, 8, 23, 24, 31, 32], 6: [0, 1, 31, 32, 47, 48, 127, 128] } as const
const INTERNET = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const

/** A value that is left out half of the time. */
function maybe<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(value, { nil: undefined, freq: 2 })
}

function oneOrSeveral<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | Value[]> {
  return fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 }))
}

function rangeOf(numbers: fc.Arbitrary<number>): fc.Arbitrary<NumberRange> {
  return fc.tuple(numbers, numbers).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
}

/** An address or a network, in which the bits after the prefix are 0. */
function networkOf(version: 4 | 6): fc.Arbitrary<string> {
  const address = fc.constantFrom<string>(...ADDRESSES[version])
  return fc.oneof(
    address,
    fc.tuple(address, fc.constantFrom<number>(...LENGTHS[version])).map(([text, length]) => {
      const bits = version === 4 ? 32 : 128
      const rest = BigInt(bits - length)
      return `${addressText((addressNumber(text) >> rest) << rest, version)}/${length}`
    }),
  )
}

/** An address as a number. */
export function addressNumber(text: string): bigint {
  if (!text.includes(':')) return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
  const [head = '', tail] = text.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':'))
  const [first, last] = [words(head), words(tail ?? '')]
  const middle = new Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...middle, ...last].reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n)
}

function addressText(value: bigint, version: 4 | 6): string {
  const parts = version === 4 ? 4 : 8
  const size = version === 4 ? 8n : 16n
  const numbers = Array.from(
    { length: parts },
    (_, i) => (value >> (BigInt(parts - 1 - i) * size)) & ((1n << size) - 1n),
  )
  return version === 4 ? numbers.join('.') : numbers.map((word) => word.toString(16)).join(':')
}

interface Place {
  readonly family: RuleFamily
  readonly hook: FirewallRule['hook']
  readonly version: 4 | 6
  readonly isTracked: boolean
  readonly hasPorts: boolean
}

/** Properties that make sense together with `place`. */
function properties({ family, hook, version, isTracked, hasPorts }: Place): fc.Arbitrary<RuleProperties> {
  const never = fc.constant(undefined)
  const isArp = family === 'arp'
  const ports = oneOrSeveral(fc.oneof(fc.constantFrom(...PORTS), rangeOf(fc.constantFrom(...PORTS))))
  const name = fc.constantFrom<string>(...DEVICES, 'eth*', 'eth1*', 'l*')
  const addresses = oneOrSeveral(networkOf(version))
  const cut = (value: number, mask: number) => ({ value: (value & mask) >>> 0, mask })
  const bits = fc.tuple(fc.constantFrom(...MARKS), fc.constantFrom(1, 0xf0, 0x80000001, 0xffffffff))
  const hasInput = hook !== 'output' && hook !== 'egress'
  const hasOutput = hook !== 'prerouting' && hook !== 'input' && hook !== 'ingress'
  return fc
    .record({
      sourcePort: hasPorts ? maybe(ports) : never,
      destinationPort: hasPorts ? maybe(ports) : never,
      sourceAddress: isArp ? never : maybe(addresses),
      destinationAddress: isArp ? never : maybe(addresses),
      inputInterface: hasInput ? maybe(name) : never,
      outputInterface: hasOutput ? maybe(name) : never,
      mark: maybe(
        fc.oneof(
          fc.constantFrom(...MARKS),
          bits.map(([value, mask]) => cut(value, mask)),
        ),
      ),
      ctState: isTracked ? maybe(oneOrSeveral(fc.constantFrom<ConnectionState>(...STATES))) : never,
      userId: isArp || family === 'netdev' || family === 'bridge' ? never : maybe(fc.constantFrom(...USERS)),
    })
    .chain((all) =>
      fc.subarray(Object.entries(all), { maxLength: 3 }).map((some) => withoutUndefined(Object.fromEntries(some))),
    )
}

/** The same object without members that are undefined, at any depth. */
function withoutUndefined<Value>(value: Value): Value {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, withoutUndefined(member)])) as Value
}

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

/** A rule that is valid in `family`. */
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
  })
  return seed.chain(({ hook, priority, version, hasPorts }) => {
    const isTracked = (isInternet || family === 'bridge') && priority !== 'raw'
    const some = properties({ family, hook, version, isTracked, hasPorts })
    const protocol = hasPorts
      ? fc.constantFrom(...PORT_PROTOCOLS)
      : family === 'arp'
        ? fc.constant(undefined)
        : maybe(fc.constantFrom(...PROTOCOLS))
    const match = fc
      .record({ protocol, some, not: maybe(some) })
      .map(({ protocol, some, not }) => ({ protocol, ...some, not }))
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
