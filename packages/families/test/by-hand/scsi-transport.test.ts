import { Memory } from '@ringlink/codec'
import { expect, test } from 'vitest'
import {
  FibreChannelEventCode,
  readScsiEvent,
  ScsiMessageType,
  ScsiTransport,
} from '../../src/by-hand/scsi-transport.ts'

/** An event of Fibre Channel as the kernel's struct lies in memory. */
function fibreChannel(code: number, data: readonly number[] = [0, 0, 0, 0]): Uint8Array {
  const memory = new Memory(36 + Math.max(4, data.length))
  memory.u8.set([1, ScsiTransport.FibreChannel])
  memory.u16[1] = 0xa1b2
  memory.u16[2] = ScsiMessageType.FibreChannelEvent
  memory.u16[3] = memory.byteLength
  const wide = new BigUint64Array(memory.u8.buffer, 0, 4)
  wide[1] = 1_700_000_000n
  wide[2] = 0x0100_0000_0000_10dfn
  memory.u16[12] = 3
  memory.u16[13] = data.length
  memory.u32[7] = 42
  memory.u32[8] = code
  memory.u8.set(data, 36)
  return memory.u8
}
const read = (bytes: Uint8Array) => readScsiEvent(Memory.from(bytes), 0, bytes.length)

test('an event of a Fibre Channel host', () => {
  expect(read(fibreChannel(FibreChannelEventCode.Linkdown))).toEqual({
    transport: ScsiTransport.FibreChannel,
    type: ScsiMessageType.FibreChannelEvent,
    host: 3,
    vendor: '72057594037932255',
    time: 1_700_000_000,
    number: 42,
    code: 3,
    name: 'Linkdown',
    data: '00000000',
  })
  expect(read(fibreChannel(0xffff, [1, 2, 3, 4, 5, 6, 7, 8]))).toMatchObject({
    name: 'VendorUnique',
    data: '0102030405060708',
  })
  expect(read(fibreChannel(0x9999))).toMatchObject({ code: 0x9999, name: undefined })
})

test("a driver's own event, and one of a type that is not described", () => {
  const vendor = new Memory(28)
  vendor.u8.set([1, ScsiTransport.Host])
  vendor.u16.set([0xa1b2, ScsiMessageType.HostVendor, 28], 1)
  vendor.u16[8] = 5
  vendor.u16[9] = 4
  vendor.u8.set([9, 8, 7, 6], 24)
  expect(read(vendor.u8)).toEqual({ transport: 0, type: 1, vendor: '0', host: 5, data: '09080706' })
  vendor.u16[2] = 0x77
  expect(read(vendor.u8)).toMatchObject({ type: 0x77, data: expect.stringMatching(/09080706$/) })
})

test('what is too short, or has another magic, is refused', () => {
  const whole = fibreChannel(2)
  for (const length of [0, 7, 39]) {
    expect(() => read(whole.slice(0, length))).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_SIZE' }))
  }
  expect(() => read(new Uint8Array(40))).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
})
