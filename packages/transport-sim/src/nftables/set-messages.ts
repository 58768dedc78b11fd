/** NFT_MSG_NEWSET and DELSET, for sets and maps of keys and of intervals. */
import { Errno, NewFlag, NfTablesMessage, SetFlag } from '@ringlink/codec'
import type { MessagePolicy } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame } from './blame.ts'
import { UNMODELLED_SETS } from './expressions/sets.ts'
import type { NfTablesTable } from './ruleset.ts'
import { NfTablesSet, VERDICT_TYPE } from './sets.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import type { Transaction } from './transaction.ts'

export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  policy: 8,
  description: 9,
  id: 10,
  timeout: 11,
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
const DESCRIPTION_FIELDS = 2
const descriptionPolicy: MessagePolicy = [undefined, u32, nested]
const FIELD_LENGTH = 1
const fieldPolicy: MessagePolicy = [undefined, u32]
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
      fields: description?.has(DESCRIPTION_FIELDS) === true ? fieldsOf(description, request) : [],
      timeout: attributes.has(SET.timeout) ? attributes.be64(SET.timeout) : undefined,
      policy: attributes.has(SET.policy) ? attributes.be32(SET.policy) : undefined,
      size: description?.has(DESCRIPTION_SIZE) === true ? description.be32(DESCRIPTION_SIZE) : undefined,
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
  return description.elements(DESCRIPTION_FIELDS).map(({ at, end }) => {
    const field = new AttributeTable(FIELD_LENGTH)
    field.parseRange(memory, at + 4, end, fieldPolicy)
    return field.has(FIELD_LENGTH) ? field.be32(FIELD_LENGTH) : 0
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
