/** NFT_MSG_NEWCHAIN, DELCHAIN and DESTROYCHAIN. */
import { ChainFlag, chainAttributes, DeleteFlag, Errno, NewFlag, NfTablesMessage, Verdict } from '@ringlink/codec'
import { counterAttributes } from '@ringlink/codec/internal'
import { type MessagePolicy, nested, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame } from './blame.ts'
import { type HookHost, parseHook, parseHookUpdate } from './chain-hooks.ts'
import { CHAIN, COUNTER, NAME, USER_DATA } from './numbers.ts'
import { type ChainHook, NfTablesChain, type NfTablesTable } from './ruleset.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import { removeRule, type Transaction } from './transaction.ts'

const counterPolicy: MessagePolicy = policyOf(counterAttributes, { bytes: u64, packets: u64 })
export const chainPolicy: MessagePolicy = policyOf(chainAttributes, {
  table: NAME,
  handle: u64,
  name: NAME,
  hook: nested,
  policy: u32,
  // The longest name for which the kernel would load a module.
  type: { kind: 'text', maximum: 42 },
  counters: nested,
  flags: u32,
  id: u32,
  userData: USER_DATA,
})
const KNOWN_FLAGS = ChainFlag.Base | ChainFlag.HardwareOffload | ChainFlag.Binding

/** The chain that attribute `number` names; or an errno (positive). */
export function findChain(
  table: NfTablesTable,
  attributes: AttributeTable,
  number: number,
): NfTablesChain | typeof Errno.ENOENT | typeof Errno.EINVAL {
  if (!attributes.has(number)) return Errno.EINVAL
  const name = attributes.text(number)
  return table.chains.find((it) => it.name === name) ?? Errno.ENOENT
}

function chainOfHandle(table: NfTablesTable, handle: bigint): NfTablesChain | undefined {
  return table.chains.find((it) => it.handle === handle)
}

export function newChain(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const table = findTable(state, attributes, CHAIN.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, CHAIN.table, table)
  let chain: NfTablesChain | undefined
  let named: number = CHAIN.name
  if (attributes.has(CHAIN.handle)) {
    named = CHAIN.handle
    chain = chainOfHandle(table, attributes.be64(CHAIN.handle))
    if (chain === undefined) return blame(request, attributes, named, Errno.ENOENT)
  } else if (attributes.has(CHAIN.name)) {
    const found = findChain(table, attributes, CHAIN.name)
    chain = typeof found === 'number' ? undefined : found
  } else if (!attributes.has(CHAIN.id)) {
    return -Errno.EINVAL
  }
  let policy: number | undefined
  if (attributes.has(CHAIN.policy)) {
    const isBase = chain === undefined ? attributes.has(CHAIN.hook) : chain.hook !== undefined
    if (!isBase) return blame(request, attributes, CHAIN.policy, Errno.EOPNOTSUPP)
    policy = attributes.be32(CHAIN.policy)
    if (policy !== Verdict.Drop && policy !== Verdict.Accept) return -Errno.EINVAL
  }
  const own = chain === undefined ? 0 : shownFlags(chain)
  const flags = attributes.has(CHAIN.flags) ? attributes.be32(CHAIN.flags) : own
  if ((flags & ~KNOWN_FLAGS) !== 0) return -Errno.EOPNOTSUPP
  if (chain === undefined) return addChain(state, transaction, request, attributes, table, flags, policy)
  if ((chain.flags & ChainFlag.Binding) !== 0) return -Errno.EINVAL
  if ((request.flags & NewFlag.Exclusive) !== 0) return blame(request, attributes, named, Errno.EEXIST)
  if ((request.flags & NewFlag.Replace) !== 0) return -Errno.EOPNOTSUPP
  if ((flags | (own & ChainFlag.Base)) !== own) return -Errno.EOPNOTSUPP
  return updateChain(state, transaction, request, attributes, chain, policy, named)
}

function shownFlags({ flags, hook }: NfTablesChain): number {
  return hook === undefined ? flags : flags | ChainFlag.Base
}

function addChain(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
  table: NfTablesTable,
  flags: number,
  policy: number | undefined,
): number {
  let hook: ChainHook | undefined
  if (attributes.has(CHAIN.hook)) {
    if (transaction.updatedTables.has(table)) return -Errno.EINVAL
    if ((flags & ChainFlag.Binding) !== 0) return -Errno.EOPNOTSUPP
    const parsed = parseHook(attributes, table.family, hookHost(state), request)
    if (typeof parsed === 'number') return parsed
    hook = parsed
    if (attributes.has(CHAIN.counters)) {
      const counters = parseCounters(attributes)
      if (typeof counters === 'number') return counters
      hook = { ...parsed, counters }
    }
    if (policy !== undefined) hook.policy = policy
    if ((flags & ChainFlag.HardwareOffload) !== 0) return -Errno.EOPNOTSUPP
  } else {
    if ((flags & ChainFlag.Base) !== 0) return -Errno.EINVAL
    if ((flags & ChainFlag.HardwareOffload) !== 0) return -Errno.EOPNOTSUPP
  }
  const handle = table.nextHandle()
  const isNamed = attributes.has(CHAIN.name)
  if (!isNamed && (flags & ChainFlag.Binding) === 0) return -Errno.EINVAL
  const text = isNamed ? attributes.text(CHAIN.name) : state.nextChainName()
  const userData = attributes.has(CHAIN.userData) ? attributes.bytes(CHAIN.userData) : undefined
  const chain = new NfTablesChain(table, text, flags & ~ChainFlag.Base, hook, handle, userData)
  transaction.insert(table.chains, table.chains.length, chain)
  transaction.use(table, 1)
  if (attributes.has(CHAIN.id)) transaction.chainIds.set(attributes.be32(CHAIN.id), chain)
  if (hook !== undefined && !table.isDormant) state.register(transaction, chain)
  return 0
}

function parseCounters(attributes: AttributeTable): { packets: number; bytes: number } | number {
  const counters = attributes.nested(CHAIN.counters, counterPolicy)
  if (counters === undefined) return -Errno.ERANGE
  if (!counters.has(COUNTER.bytes) || !counters.has(COUNTER.packets)) return -Errno.EINVAL
  return { packets: Number(counters.be64(COUNTER.packets)), bytes: Number(counters.be64(COUNTER.bytes)) }
}

function hookHost(state: NfTables): HookHost {
  return {
    knowsDevice: (name) => state.features.missingDevices || state.knowsDevice(name),
    optionalDevices: state.features.optionalDevices,
  }
}

function updateChain(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
  chain: NfTablesChain,
  policy: number | undefined,
  named: number,
): number {
  const { table, hook } = chain
  const { addedDevices } = transaction
  const pending = addedDevices.get(table) ?? []
  let added: readonly string[] = []
  if (attributes.has(CHAIN.hook)) {
    if (hook === undefined) return blame(request, attributes, named, Errno.EEXIST)
    const devices = parseHookUpdate(attributes, table.family, hook, hookHost(state), request, named)
    if (typeof devices === 'number') return devices
    added = devices.filter((name) => hook.devices?.includes(name) === false)
    if (added.some((name) => pending.includes(name))) return -Errno.EEXIST
    if (added.length > 0 && transaction.updatedTables.has(table))
      return blame(request, attributes, named, Errno.EOPNOTSUPP)
  }
  const renames = attributes.has(CHAIN.handle) && attributes.has(CHAIN.name)
  if (renames && typeof findChain(table, attributes, CHAIN.name) !== 'number') {
    return blame(request, attributes, CHAIN.name, Errno.EEXIST)
  }
  let counters: { packets: number; bytes: number } | undefined
  if (attributes.has(CHAIN.counters)) {
    if (hook === undefined) return -Errno.EOPNOTSUPP
    const parsed = parseCounters(attributes)
    if (typeof parsed === 'number') return parsed
    counters = parsed
  }
  if (attributes.has(CHAIN.id)) transaction.chainIds.set(attributes.be32(CHAIN.id), chain)
  // Kernels whose chains take no other devices have no reason to refuse a change of the table after that.
  if (state.features.optionalDevices) transaction.pendingChains.add(table)
  addedDevices.set(table, [...pending, ...added])
  const name = renames ? attributes.text(CHAIN.name) : chain.name
  transaction.atCommit(() => {
    chain.name = name
    if (hook === undefined) return
    if (policy !== undefined) hook.policy = policy
    if (counters !== undefined) hook.counters = counters
    if (added.length > 0) hook.devices = [...added, ...(hook.devices ?? [])]
  })
  return 0
}

export function deleteChain(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const table = findTable(state, attributes, CHAIN.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, CHAIN.table, table)
  const named = attributes.has(CHAIN.handle) ? CHAIN.handle : CHAIN.name
  const chain =
    named === CHAIN.handle
      ? (chainOfHandle(table, attributes.be64(CHAIN.handle)) ?? Errno.ENOENT)
      : findChain(table, attributes, CHAIN.name)
  if (typeof chain === 'number') {
    const isTolerant = request.type === NfTablesMessage.DestroyChain && chain === Errno.ENOENT
    return isTolerant ? 0 : blame(request, attributes, named, chain)
  }
  if ((chain.flags & ChainFlag.Binding) !== 0) return -Errno.EOPNOTSUPP
  if (attributes.has(CHAIN.hook) && state.features.optionalDevices) {
    if (request.type === NfTablesMessage.DestroyChain) return -Errno.EOPNOTSUPP
    if (chain.hook?.devices !== undefined)
      return removeDevices(state, transaction, request, attributes, table, chain.hook, named)
  }
  if ((request.flags & DeleteFlag.NonRecursive) !== 0 && chain.use > 0) return -Errno.EBUSY
  for (const rule of chain.rules) if (!rule.removed) removeRule(transaction, chain, rule)
  if (chain.use > 0) return blame(request, attributes, named, Errno.EBUSY)
  if (chain.hook !== undefined) transaction.pendingChains.add(table)
  transaction.use(table, -1)
  transaction.remove(table.chains, chain)
  transaction.atCommit(() => state.unregister([chain]))
  return 0
}

/** Takes devices away from a chain, which stays. */
function removeDevices(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
  table: NfTablesTable,
  hook: ChainHook,
  named: number,
): number {
  if (transaction.updatedTables.has(table)) return -Errno.EOPNOTSUPP
  const devices = parseHookUpdate(attributes, table.family, hook, hookHost(state), request, named)
  if (typeof devices === 'number') return devices
  const before = hook.devices ?? []
  if (devices.some((name) => !before.includes(name))) return -Errno.ENOENT
  transaction.pendingChains.add(table)
  transaction.perform(
    () => {
      hook.devices = before.filter((name) => !devices.includes(name))
    },
    () => {
      hook.devices = before
    },
  )
  return 0
}
