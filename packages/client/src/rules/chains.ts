import { ArpHook, BridgeHookPriority, Family, Hook, HookPriority, NetworkDeviceHook } from '@ringlink/codec'
import { type OptionPlace, oneOf, type Schema } from '@ringlink/codec/options'
import type { FirewallRule, RuleFamily, RuleHook, RulePriority } from './options.ts'

/** The kernel's number for each family (`nfgen_family`, NFPROTO_*). */
export const familyNumbers: Readonly<Record<RuleFamily, number>> = {
  ip: Family.Ipv4,
  ip6: Family.Ipv6,
  inet: Family.Inet,
  bridge: Family.Bridge,
  netdev: Family.NetworkDevice,
  arp: Family.Arp,
}

type Numbers<Name extends string> = Readonly<Partial<Record<Name, number>>>

const internetHooks: Numbers<RuleHook> = {
  prerouting: Hook.Prerouting,
  input: Hook.Input,
  forward: Hook.Forward,
  output: Hook.Output,
  postrouting: Hook.Postrouting,
}

const hookNumbers: Readonly<Record<RuleFamily, Numbers<RuleHook>>> = {
  ip: internetHooks,
  ip6: internetHooks,
  inet: { ...internetHooks, ingress: Hook.Ingress },
  bridge: internetHooks,
  netdev: { ingress: NetworkDeviceHook.Ingress, egress: NetworkDeviceHook.Egress },
  arp: { input: ArpHook.Input, output: ArpHook.Output },
}

export const hookSchema: Schema<RuleHook> = oneOf(
  'prerouting',
  'input',
  'forward',
  'output',
  'postrouting',
  'ingress',
  'egress',
)

type PriorityName = Exclude<RulePriority, number>

const internetPriorities: Numbers<PriorityName> = {
  raw: HookPriority.Raw,
  mangle: HookPriority.Mangle,
  destinationNat: HookPriority.DestinationNat,
  filter: HookPriority.Filter,
  security: HookPriority.Security,
  sourceNat: HookPriority.SourceNat,
}

const filterOnly: Numbers<PriorityName> = { filter: HookPriority.Filter }

const priorityNumbers: Readonly<Record<RuleFamily, Numbers<PriorityName>>> = {
  ip: internetPriorities,
  ip6: internetPriorities,
  inet: internetPriorities,
  bridge: {
    destinationNat: BridgeHookPriority.DestinationNat,
    filter: BridgeHookPriority.Filter,
    bridgeOut: BridgeHookPriority.Out,
    sourceNat: BridgeHookPriority.SourceNat,
  },
  netdev: filterOnly,
  arp: filterOnly,
}

/** Where a base chain sees packets. */
export interface ChainBase {
  readonly hook: RuleHook
  readonly hookNumber: number
  readonly device: string | undefined
  readonly priority: number
}

/**
 * The rules of one hook and priority, what the kernel calls a base chain, or those of a chain that other rules jump to.
 */
export interface RuleChain {
  readonly name: string
  /** `undefined` for a chain that is jumped to */
  readonly base: ChainBase | undefined
  /** indexes of its rules, in their order */
  readonly rules: number[]
}

/**
 * Sorts rules into chains: those with the same hook, device and priority share one, in their order. Throws
 * `OptionError`, code `ARGUMENT`, for a hook or priority that the family does not have, a device that is missing or out
 * of place, for a jump to a chain without rules, and for priorities that overlap: a name in one rule and its number in
 * another would be two chains of one hook and one priority, whose order nobody promises.
 */
export function planChains(rules: readonly FirewallRule[], family: RuleFamily, placeOf: PlaceOf): RuleChain[] {
  const chains = new Map<string, RuleChain>()
  const spellings = new Map<string, { readonly rule: number; readonly spelling: RulePriority }>()
  const add = (key: string, name: () => string, base: ChainBase | undefined, index: number) => {
    const chain = chains.get(key) ?? { name: name(), base, rules: [] }
    chains.set(key, chain)
    chain.rules.push(index)
  }
  for (const [index, rule] of rules.entries()) {
    const at = placeOf(index)
    if (rule.chain !== undefined) {
      checkChainName(at, rule, family)
      const { chain } = rule
      add(`chain ${chain}`, () => chain, undefined, index)
      continue
    }
    const { device, priority: spelling = 'filter' } = rule
    const { hook, number: hookNumber } = checkHook(at, rule, family)
    const priority = priorityNumber(at, spelling, family)
    const place = `${hook} ${device ?? ''} ${priority}`
    const other = spellings.get(place)
    if (other !== undefined && other.spelling !== spelling) {
      const problem = `${spelling} at hook ${hook} is what ${placeOf(other.rule).path} calls ${other.spelling}`
      throw at.member('priority').conflict(`${problem}: write it the same way, or use another priority`)
    }
    spellings.set(place, { rule: index, spelling })
    const nameOf = () => {
      const same = [...chains.values()].filter(({ base }) => base?.hook === hook).length
      return same === 0 ? hook : `${hook}-${same + 1}`
    }
    add(place, nameOf, { hook, hookNumber, device, priority }, index)
  }
  checkJumps(rules, chains, placeOf)
  return [...chains.values()]
}

/** The names that base chains get. */
const BASE_NAME = /^(prerouting|input|forward|output|postrouting|ingress|egress)(-\d+)?$/

function checkChainName(
  at: OptionPlace,
  { chain = '', hook, device, priority }: FirewallRule,
  family: RuleFamily,
): void {
  if (hook !== undefined) throw at.member('hook').conflict('cannot go with chain: a rule is at a hook or in a chain')
  for (const [name, value] of Object.entries({ device, priority })) {
    if (value !== undefined) throw at.member(name).conflict('belongs to a hook, and the rule is in a chain')
  }
  if (BASE_NAME.test(chain))
    throw at.member('chain').conflict(`cannot be ${chain}, which is a name of the rules at hooks of family ${family}`)
}

function checkJumps(rules: readonly FirewallRule[], chains: ReadonlyMap<string, RuleChain>, placeOf: PlaceOf): void {
  for (const [index, rule] of rules.entries()) {
    for (const name of ['jump', 'goto'] as const) {
      const target = rule[name]
      if (target === undefined || chains.has(`chain ${target}`)) continue
      throw placeOf(index).member(name).conflict(`needs a chain with rules: no rule has chain '${target}'`)
    }
  }
  for (const chain of chains.values()) checkLoops([chain], rules, chains, placeOf)
}

/** Refuses chains that jump round and round. */
function checkLoops(
  path: readonly RuleChain[],
  rules: readonly FirewallRule[],
  chains: ReadonlyMap<string, RuleChain>,
  placeOf: PlaceOf,
): void {
  for (const index of path.at(-1)?.rules ?? []) {
    for (const name of ['jump', 'goto'] as const) {
      const next = chains.get(`chain ${rules[index]?.[name]}`)
      if (rules[index]?.[name] === undefined || next === undefined) continue
      const at = placeOf(index).member(name)
      if (path.includes(next)) throw at.conflict(`leads back to chain ${next.name}, which leads here`)
      if (path.length > MOST_JUMPS) throw at.conflict(`is more than ${MOST_JUMPS} jumps deep`)
      checkLoops([...path, next], rules, chains, placeOf)
    }
  }
}

/** NFT_JUMP_STACK_SIZE */
const MOST_JUMPS = 16

/** Where rule `index` is among the arguments, for errors. */
export type PlaceOf = (index: number) => OptionPlace

function checkHook(at: OptionPlace, rule: FirewallRule, family: RuleFamily) {
  const { hook, device, allowMissingDevice } = rule
  const hooks = hookNumbers[family]
  if (hook === undefined) throw at.member('hook').missing(hookSchema.expected)
  const number = hooks[hook]
  if (number === undefined) {
    throw at
      .member('hook')
      .conflict(`${hook} is not one of family ${family}, which has ${Object.keys(hooks).join(', ')}`)
  }
  const needsDevice = hook === 'ingress' || hook === 'egress'
  if (needsDevice && device === undefined) throw at.member('device').missing(`the device whose ${hook} this is`)
  if (!needsDevice && device !== undefined) {
    const advice = 'match by match.inputInterface or match.outputInterface'
    throw at.member('device').conflict(`does not belong to hook ${hook}; ${advice}`)
  }
  if (!needsDevice && allowMissingDevice !== undefined) {
    throw at.member('allowMissingDevice').conflict(`does not belong to hook ${hook}, which has no device`)
  }
  return { hook, number }
}

/** The number of a priority in a family. Throws code `ARGUMENT`. */
export function priorityNumber(at: OptionPlace, priority: RulePriority, family: RuleFamily): number {
  if (typeof priority === 'number') return priority
  const names = priorityNumbers[family]
  const number = names[priority]
  if (number !== undefined) return number
  const known = `${Object.keys(names).join(', ')}, and numbers`
  throw at.member('priority').conflict(`${priority} is not one of family ${family}, which has ${known}`)
}
