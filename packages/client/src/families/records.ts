/** Notifications that are records in place of attributes: of audit, and of kernel objects. */
import { type FamilyDescription, isNetlinkError, MESSAGE_HEADER_LENGTH } from '@ringlink/codec'
import type { Datagram } from '../subscription.ts'

const TYPE = 4

/** Whether the notifications of a family are records. */
export function hasRecords({ operations }: FamilyDescription): boolean {
  return Object.values(operations).some(({ record, do: exchange, dump }) => {
    return record !== undefined && exchange === undefined && dump === undefined
  })
}

/**
 * The record in a datagram, and the operation that describes it; `undefined` if none does, or it cannot be read. The
 * datagram's length counts: the records that the kernel sends to the audit daemon have a wrong one in their header.
 */
export function readRecord(
  { operations }: FamilyDescription,
  { memory, offset, length }: Datagram,
): { operation: string; values: object } | undefined {
  for (const [operation, { record }] of Object.entries(operations)) {
    if (record === undefined) continue
    const start = record.types === undefined ? 0 : MESSAGE_HEADER_LENGTH
    if (length < start) continue
    const type = start === 0 ? 0 : (memory.u16[(offset + TYPE) >> 1] as number)
    if (record.types !== undefined && (type < record.types[0] || type > record.types[1])) continue
    try {
      return { operation, values: record.read(memory, offset + start, length - start, type) }
    } catch (error) {
      if (!isNetlinkError(error)) throw error
    }
  }
  return undefined
}
