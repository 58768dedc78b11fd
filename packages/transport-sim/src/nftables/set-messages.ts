/** NFT_MSG_NEWSET and DELSET, for sets and maps of keys and of intervals. */
import { Errno, NewFlag, NfTablesMessage, SetFlag, setAttributes } from '@ringlink/codec'
import {
  MAXIMUM_NFTABLES_NAME,
  MAXIMUM_NFTABLES_VALUE,
  setDescriptionAttributes,
  setFieldAttributes,
} from '@ringlink/codec/internal'
import { type MessagePolicy, nested, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame } from './blame.ts'
import { UNMODELLED_SETS } from './expressions/sets.ts'
import { NAME, SET, SET_DESCRIPTION, SET_FIELD, USER_DATA } from './numbers.ts'
import type { NfTablesTable } from './ruleset.ts'
import { NfTablesSet, VERDICT_TYPE } from './sets.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import type { Transaction } from './transaction.ts'

export const setPolicy: MessagePolicy = policyOf(setAttributes, {
  table: NAME,
  name: NAME,
  flags: u32,
  keyType: u32,
  keyLength: u32,
  dataType: u32,
  dataLength: u32,
  policy: u32,
  description: nested,
  id: u32,
  timeout: u64,
  collectionInterval: u32,
  userData: USER_DATA,
  objectType: u32,
  handle: u64,
  expression: nested,
  expressions: nested,
})
const descriptionPolicy: MessagePolicy = policyOf(setDescriptionAttributes, { size: u32, fields: nested })
const fieldPolicy: MessagePolicy = policyOf(setFieldAttributes, { length: u32 })
const ENFILE = 23
const ALL_FLAGS = 0x1ff
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
  if (keyLength === 0 || keyLength > MAXIMUM_NFTABLES_VALUE) return -Errno.EINVAL
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
    ? attributes.nested(SET.description, descriptionPolicy)
    : undefined
  const text = setName(table, requested)
  if (typeof text === 'number') return text
  const isMap = (flags & SetFlag.Map) !== 0
  if (isMap !== attributes.has(SET.dataType)) return -Errno.EINVAL
  if (attributes.has(SET.timeout) && (flags & SetFlag.Timeout) === 0) return -Errno.EINVAL
  const dataType = isMap ? attributes.be32(SET.dataType) : undefined
  const needsLength = isMap && dataType !== VERDICT_TYPE
  if (needsLength && !attributes.has(SET.dataLength)) return -Errno.EINVAL
  const set = new NfTablesSet(
    {
      name: text,
      handle: table.nextHandle(),
      flags,
      keyType: attributes.has(SET.keyType) ? attributes.be32(SET.keyType) : undefined,
      keyLength,
      dataType,
      dataLength: needsLength ? attributes.be32(SET.dataLength) : 0,
      fields: description?.has(SET_DESCRIPTION.fields) === true ? fieldsOf(description, request) : [],
      timeout: attributes.has(SET.timeout) ? attributes.be64(SET.timeout) : undefined,
      policy: attributes.has(SET.policy) ? attributes.be32(SET.policy) : undefined,
      size: description?.has(SET_DESCRIPTION.size) === true ? description.be32(SET_DESCRIPTION.size) : undefined,
      userData: attributes.has(SET.userData) ? attributes.bytes(SET.userData) : undefined,
    },
    () => state.host.now(),
  )
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

/** Bytes of the parts of a key. */
function fieldsOf(description: AttributeTable, { memory }: KernelRequest): number[] {
  return description.elements(SET_DESCRIPTION.fields).map(({ at, end }) => {
    const field = AttributeTable.of(fieldPolicy)
    field.parseRange(memory, at + 4, end, fieldPolicy)
    return field.has(SET_FIELD.length) ? field.be32(SET_FIELD.length) : 0
  })
}

/** The name of a new set: the least number that is free takes the place of `%d`; or a negative errno. */
function setName(table: NfTablesTable, requested: string): string | number {
  const at = requested.indexOf('%')
  if (at < 0) return requested
  if (requested[at + 1] !== 'd' || requested.includes('%', at + 2) || requested.length >= MAXIMUM_PATTERN)
    return -Errno.EINVAL
  const taken = new Set(table.sets.map(({ properties }) => properties.name))
  let number = 0
  while (taken.has(requested.replace('%d', String(number)))) number++
  const name = requested.replace('%d', String(number))
  return name.length > MAXIMUM_NFTABLES_NAME ? -ENFILE : name
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
  for (const target of set.targets) transaction.use(target, -1)
  transaction.remove(table.sets, set)
  return 0
}
