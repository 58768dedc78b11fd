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
const NANOSECONDS = 1_000_000

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
    const element = parseElement(state, set, request, at, end)
    if (typeof element === 'number') return blameAt(request, at, -element)
    const known = set.find(element.key, element.isEnd)
    if (known !== undefined && ((request.flags & NewFlag.Exclusive) !== 0 || differs(known, element))) {
      return blameAt(request, at, Errno.EEXIST)
    }
    if (known === undefined) {
      if (set.isFull) return blameAt(request, at, ENFILE)
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
    const requested = parseElement(state, set, request, at, end, true)
    if (typeof requested === 'number') return blameAt(request, at, -requested)
    const element = set.find(requested.key, requested.isEnd)
    if (element !== undefined) removeElement(transaction, set, element)
    else if (request.type !== NfTablesMessage.DestroySetElement) return blameAt(request, at, Errno.ENOENT)
  }
  return 0
}

/** The elements that a request names, in whose ranges they lie; or an errno. */
export function findElements(
  state: NfTables,
  set: NfTablesSet,
  request: KernelRequest,
  attributes: AttributeTable,
): SetElement[] | number {
  if (!attributes.has(ELEMENTS.elements)) return -Errno.EINVAL
  const found: SetElement[] = []
  for (const { at, end } of attributes.elements(ELEMENTS.elements)) {
    const named = parseElement(state, set, request, at, end, true)
    if (typeof named === 'number') return blameAt(request, at, -named)
    const element = set.find(named.key, named.isEnd) ?? set.lookUp(named.key, 0)
    if (element === undefined) return blameAt(request, at, Errno.ENOENT)
    found.push(element)
  }
  return found
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

function differs(known: SetElement, element: SetElement): boolean {
  if (known.verdict !== undefined) return known.verdict !== element.verdict
  return known.data !== undefined && known.data.join() !== element.data?.join()
}

/** An element of a message; `named`: one that is only to be found. Or a negative errno. */
function parseElement(
  state: NfTables,
  set: NfTablesSet,
  request: KernelRequest,
  at: number,
  end: number,
  named = false,
): SetElement | number {
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
  const bare = { key, keyEnd, isEnd, userData, data: undefined, verdict: undefined, expression: undefined }
  if (named) return { ...bare, timeout: undefined, expires: undefined }
  const time = parseTime(state, set, element)
  if (typeof time === 'number') return time
  const value = parseData(set, element, isEnd)
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
function parseData(set: NfTablesSet, element: AttributeTable, isEnd: boolean) {
  if (!set.isMap || isEnd) return element.has(ELEMENT.data) ? -Errno.EINVAL : {}
  if (!element.has(ELEMENT.data)) return -Errno.EINVAL
  if (set.properties.dataType === VERDICT_TYPE) {
    const verdict = parseVerdict(element, ELEMENT.data)
    return verdict === undefined ? -Errno.EINVAL : { verdict }
  }
  const data = parseValue(element, ELEMENT.data, set.properties.dataLength, MAXIMUM_NFTABLES_VALUE)
  return typeof data === 'number' ? data : { data }
}
