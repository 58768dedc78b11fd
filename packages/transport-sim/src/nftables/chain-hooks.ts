/** The hooks of base chains, by family, according to nf_tables' chain types. */
import { Errno, Family, Hook, HookPriority, Verdict } from '@ringlink/codec'
import { hookAttributes, MAXIMUM_DEVICE_NAME } from '@ringlink/codec/internal'
import { type MessagePolicy, nested, policyOf, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame, blameAt } from './blame.ts'
import { isIpFamily } from './expressions/expression.ts'
import { CHAIN, HOOK } from './numbers.ts'
import type { ChainHook } from './ruleset.ts'

const hookPolicy: MessagePolicy = policyOf(hookAttributes, {
  number: u32,
  priority: u32,
  device: { kind: 'text', maximum: MAXIMUM_DEVICE_NAME },
  devices: nested,
})
const FILTER_HOOKS = [Hook.Prerouting, Hook.Input, Hook.Forward, Hook.Output, Hook.Postrouting] as const
const NAT_HOOKS = [Hook.Prerouting, Hook.Input, Hook.Output, Hook.Postrouting] as const

/** The hooks of a chain type in a family; `undefined` where the family has no such type. */
function hooksOf(type: ChainHook['type'], family: number): readonly number[] | undefined {
  if (type === 'filter') {
    if (family === Family.Inet) return [...FILTER_HOOKS, Hook.Ingress]
    if (family === Family.Arp || family === Family.NetworkDevice) return [0, 1]
    return isIpFamily(family) || family === Family.Bridge ? FILTER_HOOKS : undefined
  }
  if (!isIpFamily(family)) return undefined
  return type === 'nat' ? NAT_HOOKS : [Hook.Output]
}

function isChainType(text: string): text is ChainHook['type'] {
  return text === 'filter' || text === 'nat' || text === 'route'
}

/** Whether the chains of that hook are those of devices. */
function hasDevices(family: number, hook: number): boolean {
  return family === Family.NetworkDevice || (family === Family.Inet && hook === Hook.Ingress)
}

/** What hooks need from their kernel. */
export interface HookHost {
  /** whether chains can have that device */
  readonly knowsDevice: (name: string) => boolean
  /** see `NfTablesFeatures` */
  readonly optionalDevices: boolean
}

/** The hook that a new base chain requests, or a negative errno. */
export function parseHook(
  attributes: AttributeTable,
  family: number,
  { knowsDevice, optionalDevices }: HookHost,
  request: KernelRequest,
): ChainHook | number {
  const hook = attributes.nested(CHAIN.hook, hookPolicy)
  if (hook === undefined) return -Errno.ERANGE
  if (!hook.has(HOOK.number) || !hook.has(HOOK.priority))
    return optionalDevices ? blame(request, attributes, CHAIN.name, Errno.ENOENT) : -Errno.EINVAL
  const number = hook.be32(HOOK.number)
  const priority = hook.be32(HOOK.priority) | 0
  let type: ChainHook['type'] = 'filter'
  if (attributes.has(CHAIN.type)) {
    const text = attributes.text(CHAIN.type)
    if (!isChainType(text) || hooksOf(text, family) === undefined) {
      return blame(request, attributes, CHAIN.type, Errno.ENOENT)
    }
    type = text
  }
  if (hooksOf(type, family)?.includes(number) !== true) return -Errno.EOPNOTSUPP
  if (type === 'nat' && priority <= HookPriority.Conntrack) return -Errno.EOPNOTSUPP
  const devices: string[] | undefined = hasDevices(family, number) ? [] : undefined
  if (devices !== undefined) {
    const refused = parseDevices(hook, devices, knowsDevice, request)
    if (refused !== 0) {
      if (!optionalDevices) request.details.clear()
      return refused
    }
    if (devices.length === 0 && !optionalDevices) return -Errno.EINVAL
  } else if (hook.has(HOOK.device) || hook.has(HOOK.devices)) {
    return -Errno.EOPNOTSUPP
  }
  return { type, number, priority, devices, policy: Verdict.Accept, counters: undefined }
}

function parseDevices(
  hook: AttributeTable,
  devices: string[],
  knows: (name: string) => boolean,
  request: KernelRequest,
) {
  const list = hook.has(HOOK.device) ? deviceAt(hook) : hook.has(HOOK.devices) ? devicesIn(hook) : []
  for (const { name, at } of list) {
    if (!knows(name)) return blameAt(request, at, Errno.ENOENT)
    if (devices.includes(name)) return blameAt(request, at, Errno.EEXIST)
    devices.push(name)
  }
  if (hook.has(HOOK.devices) && devices.length === 0) return -Errno.EINVAL
  return 0
}

function deviceAt(hook: AttributeTable) {
  return [{ name: hook.text(HOOK.device), at: hook.at(HOOK.device) - 4 }]
}

function devicesIn(hook: AttributeTable) {
  return hook.elements(HOOK.devices).map(({ at, text }) => ({ name: text, at }))
}

/**
 * The devices that the hook in an update of a base chain names, if it is otherwise like the existing one; or a negative
 * errno. Before chains could be without a device, those of an update had to be the same.
 */
export function parseHookUpdate(
  attributes: AttributeTable,
  family: number,
  own: ChainHook,
  host: HookHost,
  request: KernelRequest,
  named: number,
): readonly string[] | number {
  if (!host.optionalDevices) {
    const parsed = parseHook(attributes, family, host, request)
    if (typeof parsed === 'number') return parsed
    return isSameHook(parsed, own) ? [] : blame(request, attributes, named, Errno.EEXIST)
  }
  const hook = attributes.nested(CHAIN.hook, hookPolicy)
  if (hook === undefined) return -Errno.ERANGE
  if (hook.has(HOOK.number) && hook.be32(HOOK.number) !== own.number) return -Errno.EOPNOTSUPP
  if (hook.has(HOOK.priority) && (hook.be32(HOOK.priority) | 0) !== own.priority) return -Errno.EOPNOTSUPP
  let type: string = own.type
  if (attributes.has(CHAIN.type)) {
    type = attributes.text(CHAIN.type)
    if (!isChainType(type) || hooksOf(type, family) === undefined)
      return blame(request, attributes, CHAIN.type, Errno.ENOENT)
  }
  const devices: string[] = []
  if (hasDevices(family, own.number)) {
    const refused = parseDevices(hook, devices, host.knowsDevice, request)
    if (refused !== 0) return refused
  } else if (hook.has(HOOK.device) || hook.has(HOOK.devices)) {
    return -Errno.EOPNOTSUPP
  }
  return type === own.type ? devices : blame(request, attributes, named, Errno.EEXIST)
}

function isSameHook(one: ChainHook, other: ChainHook): boolean {
  const devices = ({ devices: names = [] }: ChainHook) => [...names].sort().join()
  return (
    one.type === other.type &&
    one.number === other.number &&
    one.priority === other.priority &&
    devices(one) === devices(other)
  )
}
