import {
  isNetlinkError,
  Memory,
  type MessageView,
  NfTablesMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { doneMessage } from '@ringlink/test-support/messages'
import { expect, test } from 'vitest'
import { type DumpInterruptedError, type Request, Session } from '../src/index.ts'

const tables: Request = { what: 'list tables', type: NfTablesMessage.GetTable, header: nfnetlinkHeader(1, 0) }
const nameOf = (view: MessageView) => readNfnetlinkAttributes(view, tableAttributes).name
const names = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`)

/** A row that answers `request`; a notification where it has the number 0. */
function tableRow(request: Uint8Array, name: string, isNotification = false): Uint8Array {
  const memory = new Memory(256)
  const length = writeNfnetlinkMessage(memory, 0, 256, tableAttributes, {
    ...{
      type: NfTablesMessage.NewTable,
      flags: isNotification ? 0 : 2,
      portId: isNotification ? 0 : 4711,
      resourceId: 0,
    },
    sequence: isNotification ? 0 : (Memory.from(request).u32[2] as number),
    attributes: { name },
  })
  return memory.copy(0, length)
}

/** A kernel whose dump has these rows, and is interrupted the first `interruptions` times. */
function listing(rows: number, interruptions = 0): FunctionTransport {
  let left = interruptions
  return new FunctionTransport((request) => [
    ...names(rows).map((name) => tableRow(request, name)),
    doneMessage(request, { interrupted: left-- > 0 }),
  ])
}

test('rowBatches yields rows in the frames of the transport, batch by batch, and returns the frames', async () => {
  const transport = listing(40)
  await using session = new Session(transport)
  const seen: (string | undefined)[] = []
  let kept: MessageView | undefined
  let read = 0
  const { doReceive } = transport as unknown as { doReceive(): unknown }
  Object.assign(transport, {
    doReceive() {
      read++
      return doReceive.call(transport)
    },
  })
  for await (const batch of session.rowBatches(tables)) {
    const before = seen.length
    for (const view of batch) {
      kept = view
      seen.push(nameOf(view))
    }
    expect(seen.length - before).toBe(batch.length)
    await new Promise(setImmediate)
    // A slow reader is not read ahead for: the kernel's dump waits.
    expect(read).toBeLessThanOrEqual(Math.ceil(seen.length / 8) + 1)
  }
  expect(seen).toEqual(names(40))
  const old = kept as MessageView
  expect(() => old.type).toThrow(expect.objectContaining({ code: 'RELEASED' }))
  expect(await session.dump(tables)).toHaveLength(40)
})

test('a loop over batches that is left early, or throws, lets the next dump begin', async () => {
  await using session = new Session(listing(20))
  for await (const batch of session.rowBatches(tables)) {
    expect(batch.length).toBeGreaterThan(0)
    break
  }
  const failing = (async () => {
    for await (const _ of session.rowBatches(tables)) throw new Error('enough')
  })()
  await expect(failing).rejects.toThrow('enough')
  expect(await session.dump(tables)).toHaveLength(20)
})

test('rows of a batch that also holds notifications are copied, and the notifications delivered', async () => {
  let isFirst = true
  const transport = new FunctionTransport((request) => {
    const notification = tableRow(request, 'event', true)
    const rows = names(6).map((name) => tableRow(request, name))
    const answer = isFirst ? [rows[0] as Uint8Array, notification, ...rows.slice(1)] : rows
    isFirst = false
    return [...answer, doneMessage(request)]
  })
  await using session = new Session(transport)
  const received = session.receive()
  const seen: (string | undefined)[] = []
  for await (const batch of session.rowBatches(tables)) for (const view of batch) seen.push(nameOf(view))
  expect(seen).toEqual(names(6))
  const others = await received
  expect(others.length).toBeGreaterThan(0)
  others.release()
})

test('an interrupted dump is dumped again as often as the option says', async () => {
  await using session = new Session(listing(3, 2))
  let retried = 0
  const rows = await session.dump(tables, { retries: 2, onRetry: () => retried++ })
  expect(rows).toHaveLength(3)
  expect(retried).toBe(2)
  await using strict = new Session(listing(3, 2))
  const error: unknown = await strict.dump(tables, { retries: 1 }).catch((thrown: unknown) => thrown)
  expect(isNetlinkError(error, 'DUMP_INTERRUPTED')).toBe(true)
  expect((error as DumpInterruptedError).rows).toHaveLength(3)
})

test.each(['rows', 'rowBatches'] as const)(
  '%s begins again after an interruption, and says so before',
  async (method) => {
    await using session = new Session(listing(12, 1))
    let seen: (string | undefined)[] = []
    const onRetry = () => {
      seen = []
    }
    if (method === 'rows')
      for await (const row of session.rows(tables, { retries: 1, onRetry })) seen.push(nameOf(row.view))
    else
      for await (const batch of session.rowBatches(tables, { retries: 1, onRetry }))
        for (const view of batch) seen.push(nameOf(view))
    expect(seen).toEqual(names(12))
    const without = (async () => {
      for await (const _ of session[method](tables, { retries: 1 }));
    })()
    await expect(without).rejects.toMatchObject({ code: 'ARGUMENT', path: 'onRetry' })
  },
)

test('closing the session ends a dump, and its batch can no longer be read', async () => {
  const session = new Session(listing(40))
  const reading = (async () => {
    for await (const batch of session.rowBatches(tables)) {
      await session.close()
      for (const view of batch) nameOf(view)
    }
  })()
  await expect(reading).rejects.toMatchObject({ code: 'RELEASED' })
})
