/** NFT_MSG_NEWSET, DELSET, NEWSETELEM and DELSETELEM, for sets of keys and of intervals; maps are refused. */
import { Errno, NewFlag, NfTablesMessage, SetElementFlag, SetFlag } from '@ringlink/codec'
import type { MessagePolicy } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame, blameAt } from './blame.ts'
import { parseValue } from './expressions/expression.ts'
import { UNMODELLED_SETS } from './expressions/matches.ts'
import type { NfTablesTable } from './ruleset.ts'
import { NfTablesSet, type SetElement } from './sets.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import type { Transaction } from './transaction.ts'

export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  policy: 8,
  description: 9,
  id: 10,
  userData: 13,
  handle: 16,
  maximum: 20,
} as const
const u32 = { kind: 'u32' } as const
const u64 = { kind: 'u64' } as const
const nested = { kind: 'nested' } as const
const name = { kind: 'text', maximum: 255 } as const
const data = { kind: 'binary', maximum: 256 } as const
export const setPolicy: MessagePolicy = [
  undefined,
  name,
  name,
  u32,
  u32,
  u32,
  u32,
  u32,
  u32,
  nested,
  u32,
  u64,
  u32,
  data,
  undefined,
  u32,
  u64,
  nested,
  nested,
]
const DESCRIPTION_SIZE = 1
const descriptionPolicy: MessagePolicy = [undefined, u32, nested]
const ELEMENTS = { table: 1, set: 2, elements: 3, setId: 4, maximum: 4 } as const
export const elementsPolicy: MessagePolicy = [undefined, name, name, nested, u32]
const ELEMENT = { key: 1, flags: 3, userData: 6, maximum: 11 } as const
const elementPolicy: MessagePolicy = [
  undefined,
  nested,
  nested,
  u32,
  u64,
  u64,
  data,
  nested,
  undefined,
  name,
  nested,
  nested,
]
const ENFILE = 23
const ALL_FLAGS = 0x1ff
const MAXIMUM_KEY = 64
/** NFT_SET_MAX_ANONLEN */
const MAXIMUM_PATTERN = 16

export function newSet(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  for (const number of [SET.table, SET.name, SET.keyLength, SET.id]) if (!attributes.has(number)) return -Errno.EINVAL
  const keyLength = attributes.be32(SET.keyLength)
  if (keyLength === 0 || keyLength > MAXIMUM_KEY) return -Errno.EINVAL
  const flags = attributes.has(SET.flags) ? attributes.be32(SET.flags) : 0
  if ((flags & ~ALL_FLAGS) !== 0 || (flags & UNMODELLED_SETS) !== 0) return -Errno.EOPNOTSUPP
  const table = findTable(state, attributes, SET.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, SET.table, table)
  const requested = attributes.text(SET.name)
  if (table.sets.some((it) => it.properties.name === requested)) {
    if ((request.flags & NewFlag.Exclusive) !== 0) return blame(request, attributes, SET.name, Errno.EEXIST)
    return (request.flags & NewFlag.Replace) !== 0 ? -Errno.EOPNOTSUPP : 0
  }
  if ((request.flags & NewFlag.Create) === 0) return -Errno.ENOENT
  const description = attributes.has(SET.description)
    ? attributes.nested(SET.description, 2, descriptionPolicy)
    : undefined
  const text = setName(table, requested)
  if (typeof text === 'number') return text
  const set = new NfTablesSet({
    name: text,
    handle: table.nextHandle(),
    flags,
    keyType: attributes.has(SET.keyType) ? attributes.be32(SET.keyType) : undefined,
    keyLength,
    policy: attributes.has(SET.policy) ? attributes.be32(SET.policy) : undefined,
    size: description?.has(DESCRIPTION_SIZE) === true ? description.be32(DESCRIPTION_SIZE) : undefined,
    userData: attributes.has(SET.userData) ? attributes.bytes(SET.userData) : undefined,
  })
  transaction.insert(table.sets, table.sets.length, set)
  transaction.use(table, 1)
  transaction.setIds.set(attributes.be32(SET.id), set)
  if (set.isAnonymous) {
    transaction.unboundSets.add(set)
    // It goes with its rule, so it does not keep the table in use.
    transaction.atCommit(() => {
      table.use--
    })
  }
  return 0
}

/** The name of a new set, with `%d` replaced by the lowest free number; or a negative errno. */
function setName(table: NfTablesTable, requested: string): string | number {
  const at = requested.indexOf('%')
  if (at < 0) return requested
  if (requested[at + 1] !== 'd' || requested.includes('%', at + 2) || requested.length >= MAXIMUM_PATTERN)
    return -Errno.EINVAL
  const taken = new Set(table.sets.map(({ properties }) => properties.name))
  let number = 0
  while (taken.has(requested.replace('%d', String(number)))) number++
  const name = requested.replace('%d', String(number))
  return name.length > 255 ? -ENFILE : name
}

export function deleteSet(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const table = findTable(state, attributes, SET.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, SET.table, table)
  const named = attributes.has(SET.handle) ? SET.handle : SET.name
  if (!attributes.has(named)) return -Errno.EINVAL
  const set =
    named === SET.handle
      ? table.sets.find((it) => it.properties.handle === attributes.be64(SET.handle))
      : table.sets.find((it) => it.properties.name === attributes.text(SET.name))
  if (set === undefined) {
    return request.type === NfTablesMessage.DestroySet ? 0 : blame(request, attributes, named, Errno.ENOENT)
  }
  if (set.use > 0) return blame(request, attributes, named, Errno.EBUSY)
  transaction.use(table, -1)
  transaction.unboundSets.delete(set)
  transaction.remove(table.sets, set)
  return 0
}

export function newElements(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  if (!attributes.has(ELEMENTS.elements)) return -Errno.EINVAL
  const set = findElementSet(state, transaction, request, attributes)
  if (typeof set === 'number') return set
  if (set.use > 0 && (set.properties.flags & (SetFlag.Constant | SetFlag.Anonymous)) !== 0) return -Errno.EBUSY
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const element = parseElement(set, request, at, end)
    if (typeof element === 'number') return blameAt(request, at, -element)
    const isKnown = set.find(element.key, element.isEnd) !== undefined
    if (isKnown && (request.flags & NewFlag.Exclusive) !== 0) return blameAt(request, at, Errno.EEXIST)
    if (!isKnown) {
      transaction.perform(
        () => set.add(element),
        () => set.remove(element),
      )
    }
  }
  return 0
}

export function deleteElements(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const set = findElementSet(state, transaction, request, attributes)
  if (typeof set === 'number') return set
  if ((set.properties.flags & SetFlag.Anonymous) !== 0) return -Errno.EOPNOTSUPP
  if (set.use > 0 && (set.properties.flags & SetFlag.Constant) !== 0) return -Errno.EBUSY
  if (!attributes.has(ELEMENTS.elements)) {
    for (const element of [...set.elements]) removeElement(transaction, set, element)
    return 0
  }
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const requested = parseElement(set, request, at, end)
    if (typeof requested === 'number') return blameAt(request, at, -requested)
    const element = set.find(requested.key, requested.isEnd)
    if (element !== undefined) removeElement(transaction, set, element)
    else if (request.type !== NfTablesMessage.DestroySetElement) return blameAt(request, at, Errno.ENOENT)
  }
  return 0
}

function removeElement(transaction: Transaction, set: NfTablesSet, element: SetElement): void {
  transaction.perform(
    () => set.remove(element),
    () => set.add(element),
  )
}

function findElementSet(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): NfTablesSet | number {
  const table = findTable(state, attributes, ELEMENTS.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, ELEMENTS.table, table)
  const text = attributes.has(ELEMENTS.set) ? attributes.text(ELEMENTS.set) : undefined
  const named = table.sets.find((it) => it.properties.name === text)
  const byId = attributes.has(ELEMENTS.setId) ? transaction.setIds.get(attributes.be32(ELEMENTS.setId)) : undefined
  return named ?? byId ?? blame(request, attributes, ELEMENTS.set, text === undefined ? Errno.EINVAL : Errno.ENOENT)
}

function parseElement(set: NfTablesSet, request: KernelRequest, at: number, end: number): SetElement | number {
  const element = new AttributeTable(ELEMENT.maximum)
  const refused = element.parseRange(request.memory, at + 4, end, elementPolicy)
  if (refused !== undefined) return -refused.errno
  const flags = element.has(ELEMENT.flags) ? element.be32(ELEMENT.flags) : 0
  if (flags > SetElementFlag.IntervalEnd) return -Errno.EOPNOTSUPP
  const isEnd = flags === SetElementFlag.IntervalEnd
  if (isEnd && !set.isInterval) return -Errno.EINVAL
  if (!element.has(ELEMENT.key)) return -Errno.EINVAL
  const key = parseValue(element, ELEMENT.key, set.properties.keyLength, MAXIMUM_KEY)
  if (typeof key === 'number') return key
  const userData = element.has(ELEMENT.userData) ? element.bytes(ELEMENT.userData) : undefined
  return { key, isEnd, userData }
}
export const ELEMENT_LIST: typeof ELEMENTS = ELEMENTS
