import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IscsiEventType, IscsiRequestType, readIscsiEvent, writeIscsiRequest } from '../../src/by-hand/iscsi.ts'

/** An event as the kernel's struct lies in memory: the words that depend on its type, and data. */
function event(type: number, details: readonly number[], data: readonly number[] = []): Uint8Array {
  const memory = new Memory(56 + data.length)
  memory.u32[0] = type
  new BigUint64Array(memory.u8.buffer, 0, 2)[1] = 0xffff_8880_1234_5678n
  memory.u32.set(details, 10)
  memory.u8.set(data, 56)
  return memory.u8.subarray(0, 56 + data.length)
}
const read = (bytes: Uint8Array) => readIscsiEvent(Memory.from(bytes), 0, bytes.length)

test.each([
  [IscsiEventType.ConnError, [7, 0, 1011], { name: 'ConnError', session: 7, connection: 0, code: 1011 }],
  [IscsiEventType.DestroySession, [2, 7], { name: 'DestroySession', host: 2, session: 7 }],
  [IscsiEventType.UnbindSession, [7, 2], { name: 'UnbindSession', host: 2, session: 7 }],
  [IscsiEventType.HostEvent, [2, 0, 1], { name: 'HostEvent', host: 2, size: 0, code: 1 }],
])('event %i', (type, details, expected) => {
  expect(read(event(type, details))).toEqual({ type, error: 0, transport: 'ffff888012345678', data: '', ...expected })
})

test('data that follows, and types without a description, are kept', () => {
  expect(read(event(IscsiEventType.RecvPdu, [7, 0], [1, 2, 255]))).toMatchObject({ session: 7, data: '0102ff' })
  const { name, data } = read(event(999, [1, 2, 3, 4], [9]))
  expect(name).toBeUndefined()
  expect(data).toHaveLength(2 * 17)
})

test('what is too short is refused; any other bytes are read', () => {
  for (const length of [0, 16, 55]) {
    expect(() => read(new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_SIZE' }))
  }
  const property = fc.property(fc.uint8Array({ minLength: 56, maxLength: 200 }), (bytes) => {
    expect(read(bytes).data.length).toBeGreaterThanOrEqual(2 * (bytes.length - 56))
  })
  fc.assert(property)
})

test('a request has its type, its transport and its words', () => {
  const bytes = writeIscsiRequest({ type: IscsiRequestType.StopConn, transport: 0xffff_8880_1234_5678n, words: [7, 1] })
  expect(bytes).toHaveLength(56)
  expect(read(bytes)).toMatchObject({ type: 18, error: 0, transport: 'ffff888012345678' })
  expect([...new Uint32Array(bytes.slice(16, 28).buffer)]).toEqual([7, 1, 0])
})

test.each([
  [{ type: -1, transport: 1n }, 'iSCSI request: type must be an integer from 0 to 4294967295, got -1'],
  [{ type: 20, transport: 1 }, 'iSCSI request: transport must be a bigint, got 1'],
  [{ type: 20, transport: 1n, words: [1, 1.5] }, 'iSCSI request: words[1] must be an integer'],
  [{ type: 20, transport: 1n, words: new Array(7).fill(0) }, 'iSCSI request: words must be at most 6 numbers, got 7'],
])('%o is refused', (request, message) => {
  expect(() => writeIscsiRequest(request as Parameters<typeof writeIscsiRequest>[0])).toThrow(message)
})

test('the answer to a request that is refused has the error', () => {
  const memory = new Memory(56)
  memory.u32.set([IscsiEventType.IfError, -22 >>> 0])
  expect(read(memory.u8.subarray(0, 56))).toMatchObject({ name: 'IfError', error: -22 })
})
