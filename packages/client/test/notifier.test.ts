import { Errno, QueueMessage, Verdict } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, packetMessage, split } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { openLog, openQueue, type Queue } from '../src/index.ts'

const accepting = (datagram: Uint8Array) =>
  split(datagram)
    .filter(({ type }) => type === QueueMessage.Config || type === 0x401)
    .map(({ bytes }) => errorMessage(bytes, 0))

const verdictsOf = (transport: FunctionTransport) =>
  transport.sent
    .flatMap(split)
    .filter(({ type }) => type === QueueMessage.Verdict)
    .map(({ sequence }) => sequence)

/** An error for the verdict on packet `id`. */
function verdictError(id: number, errno: number): Uint8Array {
  const bytes = packetMessage(id)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  view.setUint16(4, QueueMessage.Verdict, true)
  view.setUint32(8, id, true)
  return errorMessage(bytes, errno)
}

/** A message of type Packet without the id that all packets have. */
function nameless(): Uint8Array {
  return packetMessage(1)
    .subarray(0, 20)
    .map((byte, index) => (index === 0 ? 20 : index < 4 ? 0 : byte))
}

async function open(frameSize = 2048): Promise<{ queue: Queue; transport: FunctionTransport }> {
  const transport = new FunctionTransport(accepting, { frameSize })
  const queue = await openQueue({ number: 0, transport, copyRange: 128 })
  return { queue, transport }
}

/** Reads until 12 packets were seen, through all errors. Returns the errors thrown. */
async function readAll(queue: Queue, seen: number[]): Promise<unknown[]> {
  const errors: unknown[] = []
  for (let round = 0; round < 50 && seen.length < 12; round++) {
    try {
      for await (const packets of queue) {
        for (const packet of packets) {
          seen.push(packet.id)
          packet.accept()
        }
        if (seen.length >= 12) break
      }
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

describe('a listener that throws', () => {
  const events: [string, 'late' | 'truncated' | 'malformed' | 'refused', () => Uint8Array, number][] = [
    ['late', 'late', () => verdictError(1, Errno.ENOENT), 2048],
    ['truncated', 'truncated', () => packetMessage(100, { payload: new Uint8Array(3000) }), 2048],
    ['malformed', 'malformed', nameless, 2048],
  ]

  test.each(events)(
    'to %s costs no packet, and its error is thrown by the loop once each time',
    async (_, name, cause, frameSize) => {
      const { queue, transport } = await open(frameSize)
      const thrown: Error[] = []
      queue.events.on(name, () => {
        const error = new Error(`listener ${thrown.length}`)
        thrown.push(error)
        throw error
      })
      const seen: number[] = []
      const reading = readAll(queue, seen)
      for (let round = 0; round < 6; round++) {
        transport.deliver(packetMessage(2 * round + 1), cause(), packetMessage(2 * round + 2))
        for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
      }
      const errors = await reading
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
      expect(thrown).toHaveLength(6)
      for (const error of errors) expect(thrown).toContain(error)
      expect(new Set(errors).size).toBe(errors.length)
      expect(errors.length).toBeGreaterThanOrEqual(5)
      await queue.close()
      expect(verdictsOf(transport).filter((id) => id <= 12)).toEqual(seen)
    },
  )

  test('to overrun costs no packet either', async () => {
    const { queue, transport } = await open()
    const error = new Error('listener')
    queue.events.once('overrun', () => {
      throw error
    })
    const seen: number[] = []
    const reading = readAll(queue, seen)
    transport.events.emit('overrun', 1)
    for (let id = 1; id <= 12; id++) transport.deliver(packetMessage(id))
    expect(await reading).toEqual([error])
    expect(seen).toHaveLength(12)
    await queue.close()
    expect(verdictsOf(transport)).toEqual(seen)
  })

  test('to refused: the refusal is thrown, and every packet has its verdict', async () => {
    const { queue, transport } = await open()
    queue.events.on('refused', () => {
      throw new Error('listener')
    })
    const seen: number[] = []
    const reading = readAll(queue, seen)
    transport.deliver(packetMessage(1))
    while (verdictsOf(transport).length === 0) await new Promise(setImmediate)
    transport.deliver(verdictError(1, Errno.EPERM), packetMessage(2))
    for (let id = 3; id <= 12; id++) transport.deliver(packetMessage(id))
    const errors = await reading
    expect(errors.length).toBeGreaterThan(0)
    expect(queue.stats.refused).toBe(1)
    await queue.close()
    expect(verdictsOf(transport)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  test('of a log costs no record', async () => {
    const transport = new FunctionTransport(accepting)
    const log = await openLog({ group: 1, transport, readInterval: 0 })
    const error = new Error('listener')
    log.events.once('malformed', () => {
      throw error
    })
    const reading = (async () => {
      for await (const records of log) for (const _ of records);
    })()
    transport.deliver(Uint8Array.of(1, 2, 3, 4, 5, 6, 7))
    await expect(reading).rejects.toBe(error)
    expect(log.stats.malformed).toBe(1)
    await log.close()
  })
})

test('a listener that closes the queue while a batch is entered ends the loop, and every packet has its verdict', async () => {
  const { queue, transport } = await open()
  queue.events.on('truncated', () => queue.close())
  transport.deliver(packetMessage(1), packetMessage(2, { payload: new Uint8Array(3000) }), packetMessage(3))
  const seen: number[] = []
  for await (const packets of queue) for (const packet of packets) seen.push(packet.id)
  await queue.close()
  expect(seen).toEqual([])
  const sent = transport.sent.flatMap(split).filter(({ type }) => type === QueueMessage.Verdict)
  expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  expect(queue.stats).toMatchObject({ packets: 3, dropped: 3, unanswered: 3 })
  expect(Verdict.Drop).toBe(0)
})

test('an error of the transport while the queue closes is reported, not hidden by the close', async () => {
  const { queue, transport } = await open()
  const failure = new Error('the disk is gone')
  const loop = (async () => {
    for await (const _ of queue);
  })()
  await new Promise(setImmediate)
  ;(transport as unknown as { fail(error: unknown): void }).fail(failure)
  const closing = queue.close()
  await expect(loop).rejects.toBe(failure)
  await closing
})
