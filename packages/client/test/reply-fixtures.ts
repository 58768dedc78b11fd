/** Requests and answers for the tests of replies. */
import { Memory, NfTablesMessage, nfnetlinkHeader, tableAttributes, writeNfnetlinkMessage } from '@ringlink/codec'
import { first } from '@ringlink/test-support/messages'
import type { Request } from '../src/index.ts'

export const tables: Request = {
  what: 'list the tables',
  type: NfTablesMessage.GetTable,
  header: nfnetlinkHeader(0, 0),
  set: tableAttributes,
  attributes: {},
}

/** A row that answers the GETTABLE in `request`, of `size` bytes or a few more. */
export function tableRow(request: Uint8Array, name: string, { size = 0, portId = 4711, flags = 2 } = {}): Uint8Array {
  const memory = new Memory(1024)
  const padding = size > 0 ? { unknown: [{ type: 100, bits: 0, payload: new Uint8Array(size - 40) }] } : {}
  const length = writeNfnetlinkMessage(memory, 0, 1024, tableAttributes, {
    ...{ type: NfTablesMessage.NewTable, flags, sequence: first(request).view.sequence, portId, resourceId: 0 },
    attributes: { name, ...padding },
  })
  return memory.copy(0, length)
}

export async function failure(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(
    () => {
      throw new Error('it was expected to reject')
    },
    (error: Error) => error,
  )
}

export function addressed(message: Uint8Array, portId: number): Uint8Array {
  new DataView(message.buffer, message.byteOffset).setUint32(12, portId, true)
  return message
}
