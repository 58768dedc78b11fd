import { Errno, QueueMessage, Verdict } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, packetMessage, split } from '@ringlink/test-support/messages'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { type HeldPacket, openLog, openQueue, type QueueOptions, StopFlag } from '../src/index.ts'

async function open(options: Partial<QueueOptions> = {}) {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const queue = await openQueue({ number: 0, transport, copyRange: 512, ...options })
  /** id and verdict of what was sent, datagram by datagram */
  const sent = () =>
    transport.sent.slice(1).map((datagram) => split(datagram).map(({ bytes }) => [bytes[31], bytes[27]]))
  return { transport, queue, sent }
}

test('batches come consecutively, each answered before the next, until it is stopped', async () => {
  const { transport, queue, sent } = await open({ unanswered: 'accept' })
  transport.deliver(...Array.from({ length: 10 }, (_, index) => packetMessage(index + 1)))
  const stop = new StopFlag()
  const lengths: number[] = []
  queue.serve(
    (packets) => {
      expect(sent()).toHaveLength(lengths.length)
      lengths.push(packets.length)
      for (const packet of packets) if (packet.id % 2 === 0) packet.drop()
      if (lengths.length === 2) new StopFlag(stop.buffer).stop()
    },
    { stop },
  )
  expect(stop.stopped).toBe(true)
  expect(lengths).toEqual([8, 2])
  expect(sent().map((verdicts) => verdicts.length)).toEqual([8, 2])
  expect(sent().flat()).toEqual(Array.from({ length: 10 }, (_, index) => [index + 1, index % 2 === 0 ? 1 : 0]))
  expect(queue.stats).toMatchObject({ packets: 10, accepted: 5, dropped: 5, unanswered: 5 })
  // As after a loop, another reader may begin.
  transport.deliver(packetMessage(11))
  for await (const packets of queue) {
    expect(packets.length).toBe(1)
    break
  }
  await queue.close()
})

test('does nothing if stopped before it begins; a signal of this thread stops it too', async () => {
  const { transport, queue } = await open()
  const stop = new StopFlag()
  stop.stop()
  const never = () => {
    throw new Error('no batch was expected')
  }
  queue.serve(never, { stop })
  queue.serve(never, { signal: AbortSignal.abort() })
  transport.deliver(packetMessage(1), packetMessage(2))
  const controller = new AbortController()
  queue.serve(() => controller.abort(), { signal: controller.signal })
  expect(queue.stats.packets).toBe(2)
  await queue.close()
})

test('an error of the handler ends it, and the batch gets the unanswered verdict', async () => {
  const { transport, queue, sent } = await open({ unanswered: 'drop' })
  transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
  const failure = new Error('the handler failed')
  expect(() =>
    queue.serve((packets) => {
      for (const packet of packets) {
        if (packet.id === 2) throw failure
        packet.accept()
      }
    }),
  ).toThrow(failure)
  expect(sent()).toEqual([
    [
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Drop],
    ],
  ])
  await queue.close()
})

test('the error of the handler wins over that of sending the rest, which is kept and sent at close', async () => {
  const { transport, queue, sent } = await open({ unanswered: 'accept' })
  transport.deliver(packetMessage(1))
  const { kernel } = transport
  const failure = new Error('the handler failed')
  expect(() =>
    queue.serve(() => {
      transport.kernel = () => -Errno.ENOBUFS
      throw failure
    }),
  ).toThrow(failure)
  transport.kernel = kernel
  await queue.close()
  expect(sent().flat()[0]).toEqual([1, Verdict.Accept])
})

test('an async handler is refused', async () => {
  const { transport, queue } = await open({ unanswered: 'accept' })
  transport.deliver(packetMessage(1))
  const handler = async () => {
    throw new Error('the only rejection')
  }
  expect(() => queue.serve(handler as () => void)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  expect(queue.stats.unanswered).toBe(1)
  await queue.close()
})

test('it is BUSY during an iteration or while a request is in flight', async () => {
  const { transport, queue } = await open()
  const busy = expect.objectContaining({ code: 'BUSY' })
  const iterator = queue[Symbol.asyncIterator]()
  expect(() => queue.serve(() => {})).toThrow(busy)
  await iterator.return?.()
  const request = queue.configure({ copyRange: 100 })
  expect(() => queue.serve(() => {})).toThrow(busy)
  await request
  transport.deliver(packetMessage(1))
  expect(() =>
    queue.serve((packets) => {
      packets.accept()
      queue.serve(() => {})
    }),
  ).toThrow(busy)
  expect(() => queue.serve(() => {}, { pollInterval: 0 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
  expect(() => queue.serve(() => {}, { pollInterval: Number.NaN })).toThrow(
    expect.objectContaining({ code: 'VALUE_RANGE' }),
  )
  const wrong: unknown[] = [null, { pollinterval: 5 }, { stop: {} }, { signal: true }, { onTurn: 'now' }]
  for (const options of wrong) {
    expect(() => queue.serve(() => {}, options as object)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  }
  expect(() => queue.serve(undefined as unknown as () => void)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  await queue.close()
})

test('close in the handler answers its batch and ends it; afterwards it returns at once', async () => {
  const { transport, queue, sent } = await open({ unanswered: 'accept' })
  transport.deliver(packetMessage(1), packetMessage(2))
  let closing: Promise<void> | undefined
  queue.serve(() => {
    closing = queue.close()
  })
  await closing
  expect(sent().flat().slice(0, 2)).toEqual([
    [1, Verdict.Accept],
    [2, Verdict.Accept],
  ])
  queue.serve(() => {
    throw new Error('no batch was expected')
  })
})

test('late verdicts are events, a refused one ends it', async () => {
  const { transport, queue } = await open({ unanswered: 'accept' })
  const accepting = transport.kernel
  const late: number[] = []
  queue.events.on('late', (id) => late.push(id))
  transport.kernel = (datagram) => split(datagram).map(({ bytes }) => errorMessage(bytes, Errno.ENOENT))
  transport.deliver(packetMessage(1), packetMessage(2))
  let turns = 0
  const stop = new StopFlag()
  queue.serve(() => {}, { stop, onTurn: () => ++turns === 4 && stop.stop() })
  expect(late).toEqual([1, 2])
  transport.kernel = (datagram) => split(datagram).map(({ bytes }) => errorMessage(bytes, Errno.EPERM))
  transport.deliver(packetMessage(3))
  expect(() => queue.serve(() => {})).toThrow(expect.objectContaining({ code: 'KERNEL', errno: Errno.EPERM }))
  expect(queue.stats).toMatchObject({ late: 2, refused: 1 })
  transport.kernel = accepting
  await queue.close()
})

test('held packets that onTurn answers are sent without another batch', async () => {
  const { transport, queue, sent } = await open()
  transport.deliver(packetMessage(1), packetMessage(2))
  const held: HeldPacket[] = []
  const stop = new StopFlag()
  let turns = 0
  queue.serve(
    (packets) => {
      for (const packet of packets) held.push(packet.hold())
    },
    {
      stop,
      pollInterval: 1,
      onTurn: () => {
        turns++
        if (turns === 3) for (const packet of held) packet.accept()
        if (turns === 4) {
          expect(sent()).toEqual([
            [
              [1, Verdict.Accept],
              [2, Verdict.Accept],
            ],
          ])
          stop.stop()
        }
      },
    },
  )
  await queue.close()
})

test('a log is served the same way', async () => {
  const kernel = new SimKernel()
  kernel.addRule({ hook: 3, log: { group: 5 } })
  const log = await openLog({ group: 5, threshold: 1, transport: (needs) => kernel.open(needs) })
  const packet = new Uint8Array(40).fill(0x45, 0, 1)
  for (let i = 0; i < 200; i++) kernel.inject(packet)
  const stop = new StopFlag()
  let records = 0
  log.serve(
    (batch) => {
      for (const { group } of batch) if (group === 5) records++
      if (records === 200) stop.stop()
    },
    { stop },
  )
  expect(log.stats).toMatchObject({ records: 200, lost: 0 })
  await log.close()
})
