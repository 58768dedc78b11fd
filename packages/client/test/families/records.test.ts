/** Records of families that this machine's kernel may lack, delivered by a transport whose kernel is a function. */
import { Memory } from '@ringlink/codec'
import { audit } from '@ringlink/families/audit'
import { IscsiEventType, iscsi } from '@ringlink/families/iscsi'
import { scsiTransport } from '@ringlink/families/scsi-transport'
import { kernelEvents } from '@ringlink/families/uevent'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { expect, test } from 'vitest'
import { openFamily } from '../../src/index.ts'

/** A message whose length in the header is `claimed`. */
function message(type: number, payload: Uint8Array, claimed = 16 + payload.length): Uint8Array {
  const memory = new Memory(16 + payload.length)
  memory.u32[0] = claimed
  memory.u16[2] = type
  memory.u8.set(payload, 16)
  return memory.u8.subarray(0, 16 + payload.length)
}
const text = (value: string) => new TextEncoder().encode(value)

test('iSCSI: an event whose message type is 0', async () => {
  const transport = new FunctionTransport()
  await using family = await openFamily(iscsi, { transport })
  const first = family.subscribe('daemon').next()
  const payload = new Memory(56)
  payload.u32[0] = IscsiEventType.ConnError
  payload.u32.set([7, 1, 1011], 10)
  transport.deliver(message(0, payload.u8))
  expect((await first).value).toMatchObject({
    operation: 'event',
    values: { name: 'ConnError', session: 7, connection: 1, code: 1011 },
  })
})

test('SCSI transports: an event, and one that cannot be read is counted', async () => {
  const transport = new FunctionTransport()
  await using family = await openFamily(scsiTransport, { transport })
  const first = family.subscribe('fibreChannel').next()
  const payload = new Memory(40)
  payload.u8[1] = 1
  payload.u16.set([0xa1b2, 0x0100, 40], 1)
  payload.u32[8] = 2
  transport.deliver(message(0x11, new Uint8Array(40)), message(0x11, payload.u8))
  expect((await first).value).toMatchObject({ values: { name: 'Linkup' } })
  expect(family.stats.unreadable).toBe(1)
})

test('audit: records of either length in the header, several at once, while a request waits', async () => {
  const transport = new FunctionTransport()
  await using family = await openFamily(audit, { transport })
  const records = family.subscribe('readLog')
  const first = records.next()
  const status = family.do('getStatus', undefined, { timeout: 20_000 })
  const one = text('audit(1.000:1): op=one res=success')
  const two = text('audit(1.000:2): op=two res=success')
  transport.deliver(message(1305, one), message(1305, two, two.length))
  expect((await first).value).toMatchObject({ values: { serial: 1, fields: { op: 'one', res: 'success' } } })
  expect((await records.next()).value).toMatchObject({ values: { serial: 2, fields: { op: 'two', res: 'success' } } })
  await family.close()
  await expect(status).rejects.toMatchObject({ code: 'CLOSED' })
})

test('events of kernel objects: text without a header', async () => {
  const transport = new FunctionTransport()
  await using family = await openFamily(kernelEvents, { transport })
  const first = family.subscribe('kernel').next()
  transport.deliver(text('libudev\0no event'), text('remove@/devices/x\0ACTION=remove\0SEQNUM=9\0'))
  expect((await first).value).toMatchObject({ values: { action: 'remove', properties: { SEQNUM: '9' } } })
  expect(family.stats.unreadable).toBe(1)
})
