import { ArpHook, BridgeHookPriority, Family, Hook, HookPriority, NetworkDeviceHook } from '@ringlink/codec'
import type { OptionPlace } from '@ringlink/codec/options'
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

/** The rules of one hook and priority: a base chain. */
export interface RuleChain {
  readonly name: string
  readonly hook: RuleHook
  readonly hookNumber: number
  readonly device: string | undefined
  readonly priority: number
  /** indexes of its rules, in order */
  readonly rules: number[]
}

/**
 * Sorts rules into chains: those with the same hook, device and priority share one, in order. Throws `OptionError`,
 * code `ARGUMENT`, for a hook or priority that the family does not have, for a device that is missing or out of place,
 * and for the same priority written in two ways: a name in one rule and its number in another would make two chains
 * with the same hook and priority, in no guaranteed order.
 */
export function planChains(rules: readonly FirewallRule[], family: RuleFamily, placeOf: PlaceOf): RuleChain[] {
  const chains = new Map<string, RuleChain>()
  const spellings = new Map<string, { readonly rule: number; readonly spelling: RulePriority }>()
  for (const [index, rule] of rules.entries()) {
    const { hook, device, priority: spelling = 'filter' } = rule
    const at = placeOf(index)
    const hookNumber = checkHook(at, rule, family)
    const priority = priorityNumber(at, spelling, family)
    const place = `${hook} ${device ?? ''} ${priority}`
    const other = spellings.get(place)
    if (other !== undefined && other.spelling !== spelling) {
      const problem = `${spelling} at hook ${hook} is what ${placeOf(other.rule).path} calls ${other.spelling}`
      throw at.member('priority').conflict(`${problem}: write it the same way, or use another priority`)
    }
    spellings.set(place, { rule: index, spelling })
    let chain = chains.get(place)
    if (chain === undefined) {
      const same = [...chains.values()].filter((it) => it.hook === hook).length
      const name = same === 0 ? hook : `${hook}-${same + 1}`
      chain = { name, hook, hookNumber, device, priority, rules: [] }
      chains.set(place, chain)
    }
    chain.rules.push(index)
  }
  return [...chains.values()]
}

/** The path of rule `index` in the options, for errors. */
export type PlaceOf = (index: number) => OptionPlace

function checkHook(at: OptionPlace, { hook, device, allowMissingDevice }: FirewallRule, family: RuleFamily): number {
  const hooks = hookNumbers[family]
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
  return number
}

function priorityNumber(at: OptionPlace, priority: RulePriority, family: RuleFamily): number {
  if (typeof priority === 'number') return priority
  const names = priorityNumbers[family]
  const number = names[priority]
  if (number !== undefined) return number
  const known = `${Object.keys(names).join(', ')}, and numbers`
  throw at.member('priority').conflict(`${priority} is not one of family ${family}, which has ${known}`)
}
