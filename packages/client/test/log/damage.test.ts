/** Datagrams of a log that are damaged or cut short. */

import { LogMessage } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, split } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { readUntil, simulate, textOf } from './simulated-log.ts'

describe('a log of damaged datagrams', () => {
  /** A log on a transport without a kernel, and whole datagrams of four records and a Done to damage. */
  async function spoiled(frameSize = 4096) {
    const { kernel, send } = simulate()
    const source = kernel.open({ protocol: 12 })
    const log = await openLog({ group: 5, transport: source, threshold: 4, readInterval: 0 })
    for (let i = 0; i < 4; i++) send(`text ${i}`)
    const batch = await source.receive()
    const datagram = batch.memory.copy(batch.offset(0), batch.byteLength(0))
    batch.release()
    await log.close()
    const transport = new FunctionTransport(
      (bytes) => split(bytes).map(({ bytes: request }) => errorMessage(request, 0)),
      { frameSize },
    )
    const broken = await openLog({ group: 5, transport, readInterval: 0 })
    const errors: { code: string }[] = []
    broken.events.on('malformed', (error) => errors.push(error))
    return { transport, datagram, log: broken, errors, length: split(datagram)[0]?.bytes.length ?? 0 }
  }

  test.each([5000, 15, 0])('a message that claims %i bytes ends its datagram, and counts once', async (need) => {
    const { transport, datagram, log, errors, length } = await spoiled()
    const bad = datagram.slice()
    new DataView(bad.buffer).setUint32(2 * length, need, true)
    transport.deliver(bad)
    expect(await readUntil(log, textOf, 1)).toEqual(['text 0', 'text 1'])
    expect(log.stats).toMatchObject({ records: 2, lost: 0, lostMessages: 0, truncated: 0, malformed: 1 })
    expect(errors).toMatchObject([{ code: 'MESSAGE_LENGTH', need, have: datagram.length - 2 * length }])
    await log.close()
  })

  test('a record with malformed attributes is skipped, and the others are read', async () => {
    const { transport, datagram, log, errors, length } = await spoiled()
    const bad = datagram.slice()
    new DataView(bad.buffer).setUint16(length + 20, 3, true)
    transport.deliver(bad, datagram)
    const read = await readUntil(log, textOf, 7)
    expect(read).toEqual(['text 0', 'text 2', 'text 3', 'text 0', 'text 1', 'text 2', 'text 3'])
    expect(errors).toHaveLength(1)
    expect(log.stats).toMatchObject({ records: 7, malformed: 1 })
    await log.close()
  })

  test('a datagram that ends within a header is counted once, even if another follows', async () => {
    const { transport, datagram, log, errors, length } = await spoiled()
    transport.deliver(datagram.subarray(0, length + 8), datagram)
    expect(await readUntil(log, textOf, 5)).toHaveLength(5)
    expect(errors).toMatchObject([{ code: 'SHORT_HEADER', need: 16, have: 8 }])
    expect(log.stats.malformed).toBe(1)
    await log.close()
  })

  test('the whole records of a datagram larger than a frame are read, and the rest shows as a gap', async () => {
    const { transport, datagram, log, length } = await spoiled(256)
    transport.deliver(datagram)
    transport.deliver(
      ...split(datagram)
        .slice(3, 4)
        .map(({ bytes }) => bytes),
    )
    const whole = Math.floor(256 / length)
    const read = await readUntil(log, textOf, whole + 1)
    expect(read).toEqual([...Array.from({ length: whole }, (_, i) => `text ${i}`), 'text 3'])
    expect(log.stats).toMatchObject({ records: whole + 1, truncated: 1, malformed: 0, lost: 3 - whole })
    await log.close()
  })

  test('messages of other subsystems among records are skipped', async () => {
    const { transport, datagram, log } = await spoiled()
    const other = datagram.slice()
    new DataView(other.buffer).setUint16(4, LogMessage.Config, true)
    transport.deliver(other)
    expect(await readUntil(log, textOf, 1)).toEqual(['text 1', 'text 2', 'text 3'])
    expect(log.stats).toMatchObject({ records: 3, malformed: 0, lost: 1 })
    await log.close()
  })
})
