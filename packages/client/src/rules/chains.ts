import { ArpHook, BridgeHookPriority, Family, Hook, HookPriority, NetworkDeviceHook } from '@ringlink/codec'
import { badRule } from './errors.ts'
import type { FirewallRule, RuleFamily, RuleHook, RulePriority } from './options.ts'

/** The kernel's number of each family (`nfgen_family`). */
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

/** The rules of one hook and priority: what the kernel calls a base chain. */
export interface RuleChain {
  readonly name: string
  readonly hook: RuleHook
  readonly hookNumber: number
  readonly device: string | undefined
  readonly priority: number
  /** indexes of its rules, in their order */
  readonly rules: number[]
}

/**
 * Sorts rules into chains: those with the same hook, device and priority share one, in their order. Throws code `VALUE_RANGE`
 * for a hook or priority that the family has not, a device that is missing or too much, and for priorities that overlap: a word
 * in one rule and its number in another would be two chains of one hook and one priority, whose order nobody promises.
 */
export function planChains(rules: readonly FirewallRule[], family: RuleFamily): RuleChain[] {
  const chains = new Map<string, RuleChain>()
  const spellings = new Map<string, { readonly rule: number; readonly spelling: RulePriority }>()
  for (const [index, rule] of rules.entries()) {
    const { hook, device, priority: spelling = 'filter' } = rule
    const hookNumber = checkHook(index, rule, family)
    const priority = priorityNumber(index, spelling, family)
    const place = `${hook} ${device ?? ''} ${priority}`
    const other = spellings.get(place)
    if (other !== undefined && other.spelling !== spelling) {
      const problem = `priority ${spelling} at hook ${hook} is where rule ${other.rule} has ${other.spelling}`
      throw badRule(index, `${problem}: say it the same way, or another priority`)
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

function checkHook(index: number, { hook, device }: FirewallRule, family: RuleFamily): number {
  const hooks = hookNumbers[family]
  const number = hooks[hook]
  if (number === undefined) throw badRule(index, `hook ${hook}: family ${family} has ${Object.keys(hooks).join(', ')}`)
  const needsDevice = hook === 'ingress' || hook === 'egress'
  if (needsDevice && device === undefined) throw badRule(index, `hook ${hook} belongs to a device: say which`)
  if (!needsDevice && device !== undefined) {
    throw badRule(index, `hook ${hook} has no device; match by inputInterface or outputInterface`)
  }
  if (device !== undefined && !isDeviceName(device)) throw badRule(index, `device '${device}' is no name of a device`)
  return number
}

const LONGEST_DEVICE_NAME = 15

/** Whether devices can have this name: 1 to 15 bytes, without white space, `/`. */
export function isDeviceName(name: string): boolean {
  return new TextEncoder().encode(name).length <= LONGEST_DEVICE_NAME && /^[^\s/\0]+$/.test(name)
}

function priorityNumber(index: number, priority: RulePriority, family: RuleFamily): number {
  if (typeof priority === 'number') {
    if (Number.isInteger(priority) && priority >= -0x80000000 && priority <= 0x7fffffff) return priority
    throw badRule(index, `priority ${priority}: a whole number of 32 bits is wanted`)
  }
  const words = priorityNumbers[family]
  const number = words[priority]
  if (number !== undefined) return number
  throw badRule(index, `priority ${priority}: family ${family} has ${Object.keys(words).join(', ')}, and numbers`)
}
