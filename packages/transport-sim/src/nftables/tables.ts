/** NFT_MSG_NEWTABLE, DELTABLE and DESTROYTABLE. */
import { DeleteFlag, Errno, Family, NewFlag, NfTablesMessage, TableFlag, tableAttributes } from '@ringlink/codec'
import { type MessagePolicy, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { blame } from './blame.ts'
import { NAME, TABLE, USER_DATA } from './numbers.ts'
import { NfTablesTable, tableFamilies } from './ruleset.ts'
import type { NfTables } from './state.ts'
import type { Transaction } from './transaction.ts'

export const tablePolicy: MessagePolicy = policyOf(tableAttributes, {
  name: NAME,
  flags: u32,
  handle: u64,
  userData: USER_DATA,
})

/** `nfgen_family` of a request. */
export function familyOf({ memory, offset }: KernelRequest): number {
  return memory.u8[offset + 16] as number
}

/**
 * The table that attribute `number` names; or the errno (positive) that it is refused with, a foreign owner's with
 * EPERM.
 */
export function findTable(
  state: NfTables,
  attributes: AttributeTable,
  number: number,
  family: number,
  portId: number,
): NfTablesTable | number {
  if (!attributes.has(number)) return Errno.EINVAL
  const name = attributes.text(number)
  const table = state.tables.find((it) => it.name === name && it.family === family)
  return table === undefined ? Errno.ENOENT : checkOwner(table, portId)
}

/** Port id 0 stands for a reader. */
function checkOwner(table: NfTablesTable, portId: number): NfTablesTable | number {
  return table.isOwned && portId !== 0 && table.owner !== portId ? Errno.EPERM : table
}

export function newTable(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const family = familyOf(request)
  if (!tableFamilies.has(family)) return -Errno.EOPNOTSUPP
  const { portId } = transaction
  const found = findTable(state, attributes, TABLE.name, family, portId)
  if (typeof found !== 'number') {
    if ((request.flags & NewFlag.Exclusive) !== 0) return blame(request, attributes, TABLE.name, Errno.EEXIST)
    if ((request.flags & NewFlag.Replace) !== 0) return -Errno.EOPNOTSUPP
    return attributes.has(TABLE.flags) ? updateTable(state, transaction, found, attributes.be32(TABLE.flags)) : 0
  }
  if (found !== Errno.ENOENT) return -found
  const flags = attributes.has(TABLE.flags) ? attributes.be32(TABLE.flags) : 0
  if ((flags & ~state.tableFlags) !== 0) return -Errno.EOPNOTSUPP
  const owner = (flags & TableFlag.Owner) !== 0 ? portId : 0
  const userData = attributes.has(TABLE.userData) ? attributes.bytes(TABLE.userData) : undefined
  const table = new NfTablesTable(family, attributes.text(TABLE.name), state.nextTableHandle(), flags, owner, userData)
  transaction.insert(state.tables, state.tables.length, table)
  return 0
}

function updateTable(state: NfTables, transaction: Transaction, table: NfTablesTable, flags: number): number {
  if ((flags & ~state.tableFlags) !== 0) return -Errno.EOPNOTSUPP
  if (flags === table.flags) return 0
  const { Owner, Persist, Dormant } = TableFlag
  const isOrphan = !table.isOwned && (table.flags & Persist) !== 0
  if (table.isOwned && (flags & Owner) === 0) return -Errno.EOPNOTSUPP
  // Since there are tables that persist, not even its owner can update an owned one.
  const canBeUpdated = isOrphan || (table.isOwned && !state.features.persistentTables)
  if ((flags & Owner) !== 0 && !canBeUpdated) return -Errno.EOPNOTSUPP
  if (((table.flags ^ flags) & Persist) !== 0) return -Errno.EOPNOTSUPP
  const old = { flags: table.flags, owner: table.owner }
  if (transaction.updatedTables.has(table) || transaction.pendingChains.has(table)) return -Errno.EINVAL
  transaction.updatedTables.add(table)
  transaction.perform(
    () => Object.assign(table, { flags, owner: (flags & Owner) !== 0 ? transaction.portId : 0 }),
    () => Object.assign(table, old),
  )
  if (((old.flags ^ flags) & Dormant) === 0) return 0
  const chains = table.chains.filter((it) => it.hook !== undefined)
  if ((flags & Dormant) !== 0) transaction.atCommit(() => state.unregister(chains))
  else for (const chain of chains) state.register(transaction, chain)
  return 0
}

export function deleteTable(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  const family = familyOf(request)
  const { portId } = transaction
  if (family === Family.Unspecified || (!attributes.has(TABLE.name) && !attributes.has(TABLE.handle))) {
    const name = attributes.has(TABLE.name) ? attributes.text(TABLE.name) : undefined
    for (const table of [...state.tables]) {
      const isMeant = (family === Family.Unspecified || table.family === family) && (name ?? table.name) === table.name
      if (isMeant && typeof checkOwner(table, portId) !== 'number') removeTable(state, transaction, table)
    }
    return 0
  }
  const number = attributes.has(TABLE.handle) ? TABLE.handle : TABLE.name
  const table =
    number === TABLE.handle
      ? tableOfHandle(state, attributes.be64(TABLE.handle), family, portId)
      : findTable(state, attributes, number, family, portId)
  if (typeof table === 'number') {
    const isTolerant = request.type === NfTablesMessage.DestroyTable
    return isTolerant && table === Errno.ENOENT ? 0 : blame(request, attributes, number, table)
  }
  if ((request.flags & DeleteFlag.NonRecursive) !== 0 && table.use > 0) return -Errno.EBUSY
  removeTable(state, transaction, table)
  return 0
}

function tableOfHandle(state: NfTables, handle: bigint, family: number, portId: number): NfTablesTable | number {
  const table = state.tables.find((it) => it.handle === handle && it.family === family)
  return table === undefined ? Errno.ENOENT : checkOwner(table, portId)
}

function removeTable(state: NfTables, transaction: Transaction, table: NfTablesTable): void {
  transaction.remove(state.tables, table)
  transaction.atCommit(() => state.unregister(table.chains))
}
