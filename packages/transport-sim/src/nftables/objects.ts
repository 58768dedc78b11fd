/** NFT_MSG_NEWOBJ and DELOBJ, for counters, and how they are shown. */
import { Errno, NewFlag, NfTablesMessage, NfTablesObjectType, objectAttributes } from '@ringlink/codec'
import { type MessagePolicy, nested, policyOf, u32, u64 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { ReplyWriter } from '../nfnetlink/reply.ts'
import { blame } from './blame.ts'
import type { AnswerHeader } from './describe.ts'
import { COUNTER, NAME, OBJECT, USER_DATA } from './numbers.ts'
import type { NfTablesCounter, NfTablesTable } from './ruleset.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable } from './tables.ts'
import type { Transaction } from './transaction.ts'

export const objectPolicy: MessagePolicy = policyOf(objectAttributes, {
  table: NAME,
  name: NAME,
  type: u32,
  data: nested,
  handle: u64,
  userData: USER_DATA,
})

export function newObject(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  for (const number of [OBJECT.type, OBJECT.name, OBJECT.data]) if (!attributes.has(number)) return -Errno.EINVAL
  const table = findTable(state, attributes, OBJECT.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, OBJECT.table, table)
  if (attributes.be32(OBJECT.type) !== NfTablesObjectType.Counter) return -Errno.ENOENT
  const name = attributes.text(OBJECT.name)
  if (table.objects.some((it) => it.name === name)) {
    const isExclusive = (request.flags & NewFlag.Exclusive) !== 0
    return isExclusive ? blame(request, attributes, OBJECT.name, Errno.EEXIST) : 0
  }
  const userData = attributes.has(OBJECT.userData) ? attributes.bytes(OBJECT.userData) : undefined
  const counter: NfTablesCounter = { name, handle: table.nextHandle(), userData, use: 0, packets: 0, bytes: 0 }
  transaction.insert(table.objects, table.objects.length, counter)
  transaction.use(table, 1)
  return 0
}

export function deleteObject(
  state: NfTables,
  transaction: Transaction,
  request: KernelRequest,
  attributes: AttributeTable,
): number {
  if (!attributes.has(OBJECT.type) || !attributes.has(OBJECT.name)) return -Errno.EINVAL
  const table = findTable(state, attributes, OBJECT.table, familyOf(request), transaction.portId)
  if (typeof table === 'number') return blame(request, attributes, OBJECT.table, table)
  const name = attributes.text(OBJECT.name)
  const object = table.objects.find((it) => it.name === name)
  if (object === undefined) {
    const isTolerant = request.type === NfTablesMessage.DestroyObject
    return isTolerant ? 0 : blame(request, attributes, OBJECT.name, Errno.ENOENT)
  }
  if (object.use > 0) return blame(request, attributes, OBJECT.name, Errno.EBUSY)
  transaction.use(table, -1)
  transaction.remove(table.objects, object)
  return 0
}

export function describeObject(
  reply: ReplyWriter,
  header: AnswerHeader,
  table: NfTablesTable,
  object: NfTablesCounter,
): Uint8Array {
  reply.begin({ ...header, type: NfTablesMessage.NewObject, family: table.family })
  reply.text(OBJECT.table, table.name)
  reply.text(OBJECT.name, object.name)
  reply.be64(OBJECT.handle, object.handle)
  reply.be32(OBJECT.type, NfTablesObjectType.Counter)
  reply.be32(OBJECT.use, object.use)
  reply.nest(OBJECT.data, () => {
    reply.be64(COUNTER.bytes, object.bytes)
    reply.be64(COUNTER.packets, object.packets)
  })
  if (object.userData !== undefined) reply.bytes(OBJECT.userData, object.userData)
  return reply.end()
}
