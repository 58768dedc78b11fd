/** NFT_MSG_NEWSETELEM and DELSETELEM. */
import { Errno, NewFlag, NfTablesMessage, SetElementFlag, SetFlag, setElementListAttributes } from '@ringlink/codec'
import { MAXIMUM_NFTABLES_VALUE, setElementAttributes } from '@ringlink/codec/internal'
import { type MessagePolicy, nested, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame, blameAt } from './blame.ts'
import { parseValue } from './expressions/expression.ts'
import { parseVerdict } from './expressions/immediate.ts'
import { ELEMENT, ELEMENTS, NAME, USER_DATA } from './numbers.ts'
import type { NfTablesChain, NfTablesTable } from './ruleset.ts'
import { type NfTablesSet, type SetElement, VERDICT_TYPE } from './sets.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import type { Transaction } from './transaction.ts'

export const elementsPolicy: MessagePolicy = policyOf(setElementListAttributes, {
  table: NAME,
  set: NAME,
  elements: nested,
  setId: u32,
})
const elementPolicy: MessagePolicy = policyOf(setElementAttributes, {
  key: nested,
  data: nested,
  flags: u32,
  timeout: u64,
  expiration: u64,
  userData: USER_DATA,
  expression: nested,
  object: NAME,
  keyEnd: nested,
  expressions: nested,
})
const ENFILE = 23
const NO_VERDICT = { verdict: undefined, target: undefined } as const
const NANOSECONDS = 1_000_000

export function newElements(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  if (!attributes.has(ELEMENTS.elements)) return -Errno.EINVAL
  const found = findElementSet(state, transaction, request, attributes)
  if (typeof found === 'number') return found
  const { table, set } = found
  if (set.use > 0 && (set.properties.flags & (SetFlag.Constant | SetFlag.Anonymous)) !== 0) return -Errno.EBUSY
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const element = parseElement(state, found, request, at, end)
    if (typeof element === 'number') return blameAt(request, at, -element)
    const known = set.isConcatenation ? set.lookUp(element.key, 0) : set.find(element.key, element.isEnd)
    const isOther = known !== undefined && set.isConcatenation && !isSameRange(known, element)
    if (
      isOther ||
      (known === undefined && element.keyEnd !== undefined && set.lookUp(element.keyEnd, 0) !== undefined)
    ) {
      return blameAt(request, at, Errno.EEXIST)
    }
    if (known !== undefined && ((request.flags & NewFlag.Exclusive) !== 0 || differs(known, element))) {
      return blameAt(request, at, Errno.EEXIST)
    }
    if (known === undefined) {
      if (set.isInterval && !set.isConcatenation && !set.isAnonymous && set.overlaps(element))
        return blameAt(request, at, Errno.EEXIST)
      if (set.isFull) return blameAt(request, at, ENFILE)
      transaction.perform(
        () => set.add(element),
        () => set.remove(element),
      )
      if (element.target === undefined) continue
      transaction.use(element.target, 1)
      if (set.use > 0) table.unvalidated = true
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
  const found = findElementSet(state, transaction, request, attributes)
  if (typeof found === 'number') return found
  const { set } = found
  if ((set.properties.flags & SetFlag.Anonymous) !== 0) return -Errno.EOPNOTSUPP
  if (set.use > 0 && (set.properties.flags & SetFlag.Constant) !== 0) return -Errno.EBUSY
  if (!attributes.has(ELEMENTS.elements)) {
    for (const element of [...set.elements]) removeElement(transaction, set, element)
    return 0
  }
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const requested = parseElement(state, found, request, at, end, true)
    if (typeof requested === 'number') return blameAt(request, at, -requested)
    // In a set of ranges of several parts the kernel finds the range that the key lies in.
    const element = set.isConcatenation ? set.lookUp(requested.key, 0) : set.find(requested.key, requested.isEnd)
    if (element !== undefined) removeElement(transaction, set, element)
    else if (request.type !== NfTablesMessage.DestroySetElement) return blameAt(request, at, Errno.ENOENT)
  }
  return 0
}

/** The elements that a request names, in whose ranges they lie; or an errno. */
export function findElements(
  state: NfTables,
  target: ElementTarget,
  request: KernelRequest,
  attributes: AttributeTable,
): SetElement[] | number {
  const { set } = target
  if (!attributes.has(ELEMENTS.elements)) return -Errno.EINVAL
  const found: SetElement[] = []
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const named = parseElement(state, target, request, at, end, true)
    if (typeof named === 'number') return blameAt(request, at, -named)
    const element = set.find(named.key, named.isEnd) ?? set.lookUp(named.key, 0)
    if (element === undefined) return blameAt(request, at, Errno.ENOENT)
    found.push(element)
  }
  return found
}

/** Whether an element has the same first and last key. */
function isSameRange(one: SetElement, other: SetElement): boolean {
  const isEqual = (first: Uint8Array, second: Uint8Array) => first.every((byte, index) => byte === second[index])
  return isEqual(one.key, other.key) && isEqual(one.keyEnd ?? one.key, other.keyEnd ?? other.key)
}

function removeElement(transaction: Transaction, set: NfTablesSet, element: SetElement): void {
  transaction.perform(
    () => set.remove(element),
    () => set.add(element),
  )
  if (element.target !== undefined) transaction.use(element.target, -1)
}

/** The set of a request, and what verdicts of its elements need: where chains are. */
export interface ElementTarget {
  readonly table: NfTablesTable
  readonly set: NfTablesSet
  findChain(id: number): NfTablesChain | undefined
}

function findElementSet(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): ElementTarget | number {
  const table = findTable(state, attributes, ELEMENTS.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, ELEMENTS.table, table)
  const text = attributes.has(ELEMENTS.set) ? attributes.text(ELEMENTS.set) : undefined
  const named = table.sets.find((it) => it.properties.name === text)
  const byId = attributes.has(ELEMENTS.setId) ? transaction.setIds.get(attributes.be32(ELEMENTS.setId)) : undefined
  const set = named ?? byId
  if (set === undefined) {
    return blame(request, attributes, ELEMENTS.set, text === undefined ? Errno.EINVAL : Errno.ENOENT)
  }
  return { table, set, findChain: (id) => transaction.chainIds.get(id) }
}

function differs(known: SetElement, element: SetElement): boolean {
  if (known.verdict !== undefined) return known.verdict !== element.verdict || known.target !== element.target
  return known.data !== undefined && known.data.join() !== element.data?.join()
}

/** An element of a message; `named`: one that is only to be found. Or a negative errno. */
function parseElement(
  state: NfTables,
  target: ElementTarget,
  request: KernelRequest,
  at: number,
  end: number,
  named = false,
): SetElement | number {
  const { set } = target
  const element = AttributeTable.of(elementPolicy)
  const refused = element.parseRange(request.memory, at + 4, end, elementPolicy)
  if (refused !== undefined) return -refused.errno
  const flags = element.has(ELEMENT.flags) ? element.be32(ELEMENT.flags) : 0
  if (flags > SetElementFlag.IntervalEnd) return -Errno.EOPNOTSUPP
  const isEnd = flags === SetElementFlag.IntervalEnd
  if (isEnd && !set.isInterval) return -Errno.EINVAL
  if (!element.has(ELEMENT.key)) return -Errno.EINVAL
  const { properties } = set
  const key = parseValue(element, ELEMENT.key, properties.keyLength, MAXIMUM_NFTABLES_VALUE)
  if (typeof key === 'number') return key
  const keyEnd = element.has(ELEMENT.keyEnd)
    ? parseValue(element, ELEMENT.keyEnd, properties.keyLength, MAXIMUM_NFTABLES_VALUE)
    : undefined
  if (typeof keyEnd === 'number') return keyEnd
  const userData = element.has(ELEMENT.userData) ? element.bytes(ELEMENT.userData) : undefined
  const bare = { key, keyEnd, isEnd, userData, data: undefined, ...NO_VERDICT, expression: undefined }
  if (named) return { ...bare, timeout: undefined, expires: undefined }
  const time = parseTime(state, set, element)
  if (typeof time === 'number') return time
  const value = parseData(target, element, isEnd)
  return typeof value === 'number' ? value : { ...bare, ...time, ...value }
}

function parseTime(state: NfTables, { properties }: NfTablesSet, element: AttributeTable) {
  const hasTime = element.has(ELEMENT.timeout) || element.has(ELEMENT.expiration)
  if (hasTime && (properties.flags & SetFlag.Timeout) === 0) return -Errno.EINVAL
  const own = element.has(ELEMENT.timeout) ? element.be64(ELEMENT.timeout) : undefined
  const timeout = own ?? properties.timeout
  const left = element.has(ELEMENT.expiration) ? element.be64(ELEMENT.expiration) : timeout
  const expires = left === undefined || left === 0n ? undefined : state.host.now() + Number(left) * NANOSECONDS
  return { timeout: own, expires }
}

/** What a map has for a key. */
function parseData(target: ElementTarget, element: AttributeTable, isEnd: boolean) {
  const { set } = target
  if (!set.isMap || isEnd) return element.has(ELEMENT.data) ? -Errno.EINVAL : {}
  if (!element.has(ELEMENT.data)) return -Errno.EINVAL
  if (set.properties.dataType === VERDICT_TYPE) {
    return parseVerdict(element, ELEMENT.data, target)
  }
  const data = parseValue(element, ELEMENT.data, set.properties.dataLength, MAXIMUM_NFTABLES_VALUE)
  return typeof data === 'number' ? data : { data }
}
