import {
  CopyMode,
  Errno,
  type QueueAttributes,
  QueueCommand,
  QueueFlag,
  QueueMessage,
  queueAttributes,
  queueConfigAttributes,
  readNfnetlinkAttributes,
  Verdict,
} from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first, packetMessage, split } from '@ringlink/test-support/messages'
import type { TransportNeeds } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { type HeldPacket, openQueue, type Queue, type QueueOptions } from '../../src/index.ts'

/** A kernel that accepts every config request and notes the verdicts. */
function acceptingKernel(): { transport: FunctionTransport; verdicts: () => QueueAttributes[] } {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const verdicts = () =>
    transport.sent
      .flatMap(split)
      .filter(({ type }) => type === QueueMessage.Verdict || type === QueueMessage.VerdictBatch)
      .map(({ bytes }) => readNfnetlinkAttributes(first(bytes).view, queueAttributes))
  return { transport, verdicts }
}

async function open(options: Partial<QueueOptions> = {}) {
  const { transport, verdicts } = acceptingKernel()
  const queue = await openQueue({ number: 0, transport, copyRange: 512, ...options })
  return { transport, verdicts, queue }
}

/** id and verdict of each, in the order in which they were sent */
const plain = (verdicts: QueueAttributes[]) =>
  verdicts.map(({ verdictHeader }) => [verdictHeader?.id, verdictHeader?.verdict])

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was expected to reject')
    },
    (error: unknown) => error,
  )
}

/** The next batch, outside a loop. */
async function nextBatch(queue: Queue) {
  const iterator = queue[Symbol.asyncIterator]()
  const { value } = await iterator.next()
  if (value === undefined) throw new Error('no batch came')
  return { iterator, batch: value }
}

describe('openQueue', () => {
  test('binds and configures with one request', async () => {
    const { transport, queue } = await open({ copyRange: 128, maxLength: 4096, failOpen: true, userAndGroup: false })
    const request = transport.sent[0] as Uint8Array
    expect(split(request)).toHaveLength(1)
    const { view } = first(request)
    expect(view.type).toBe(QueueMessage.Config)
    expect(readNfnetlinkAttributes(view, queueConfigAttributes)).toEqual({
      command: { command: QueueCommand.Bind, family: 0 },
      parameters: { copyRange: 128, copyMode: CopyMode.Packet },
      maximumLength: 4096,
      mask: QueueFlag.FailOpen | QueueFlag.UserAndGroup,
      flags: QueueFlag.FailOpen,
    })
    await queue.close()
  })

  test.each([
    [Errno.EPERM, 'QUEUE_REFUSED', /queue 5.*CAP_NET_ADMIN/],
    [Errno.EBUSY, 'QUEUE_REFUSED', /queue 5.*this process/],
    [Errno.EINVAL, 'QUEUE_UNSUPPORTED', /queue 5.*kernel/],
    [Errno.EOPNOTSUPP, 'QUEUE_UNSUPPORTED', /queue 5.*option/],
    [Errno.ENOMEM, 'KERNEL', /ENOMEM/],
  ])('errno %i of the bind is code %s', async (errno, code, subject) => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, errno)])
    let closed = 0
    transport.events.on('close', () => closed++)
    const error = await failure(openQueue({ number: 5, transport }))
    expect(error).toMatchObject({ code })
    expect((error as Error).message).toMatch(subject)
    expect(closed).toBe(1)
  })

  test.each<[unknown, string, string, string]>([
    [{ number: -1 }, 'VALUE_RANGE', 'number', 'number must be an integer from 0 to 65535, got -1'],
    [{ number: 65536 }, 'VALUE_RANGE', 'number', 'got 65536'],
    [{ number: 1.5 }, 'VALUE_RANGE', 'number', 'got 1.5'],
    [{ number: '0' }, 'ARGUMENT', 'number', "number must be an integer from 0 to 65535, got '0' (string)"],
    [{ number: undefined }, 'ARGUMENT', 'number', 'number is missing'],
    [{ number: undefined, queueNum: 0 }, 'ARGUMENT', 'queueNum', 'unknown key queueNum, and number is missing'],
    [{ copyRange: 65536 }, 'VALUE_RANGE', 'copyRange', 'from 0 to 65535'],
    [{ copyrange: 64 }, 'ARGUMENT', 'copyrange', 'unknown key copyrange, did you mean copyRange?'],
    [{ maxLength: 0 }, 'VALUE_RANGE', 'maxLength', 'got 0'],
    [{ failOpen: 'no' }, 'ARGUMENT', 'failOpen', "must be true or false, got 'no' (string)"],
    [{ unanswered: 'maybe' }, 'VALUE_RANGE', 'unanswered', "must be 'accept' or 'drop'"],
    [
      { transport: 'socket' },
      'ARGUMENT',
      'transport',
      'must be an open transport, or a function that opens a transport',
    ],
    [{ transport: {} }, 'ARGUMENT', 'transport', 'got an object'],
    [{ requestTimeout: Number.NaN }, 'VALUE_RANGE', 'requestTimeout', 'got NaN'],
    [{ signal: 'now' }, 'ARGUMENT', 'signal', 'must be an AbortSignal'],
  ])('%j is refused with %s before anything is opened', async (wrong, code, path, text) => {
    let opened = 0
    const transport = () => {
      opened++
      return new FunctionTransport()
    }
    const error = await failure(openQueue({ number: 0, transport, ...(wrong as object) }))
    expect(error).toMatchObject({ code, path })
    expect((error as Error).message).toContain(text)
    expect(opened).toBe(0)
  })

  test('no options are refused', async () => {
    expect(await failure((openQueue as () => Promise<Queue>)())).toMatchObject({ code: 'ARGUMENT', path: '' })
  })

  test.each([65_532, 65_535])('copyRange %i is everything, as for the kernel', async (copyRange) => {
    const kernel = new SimKernel()
    const queue = await openQueue({ number: 0, copyRange, transport: (needs) => kernel.open(needs) })
    // queue number, port id of its owner, packets in it, copy mode, copy range
    expect(kernel.readProcNet('netfilter/nfnetlink_queue')?.trim().split(/\s+/)[4]).toBe('65531')
    await queue.close()
  })

  test('an abort before opening opens nothing; an abort while the transport opens closes it', async () => {
    const { transport } = acceptingKernel()
    const reason = new Error('enough')
    const aborted = AbortSignal.abort(reason)
    const never = () => {
      throw new Error('it was opened')
    }
    expect(await failure(openQueue({ number: 0, transport: never, signal: aborted }))).toBe(reason)

    const abort = new AbortController()
    let finish = (_: FunctionTransport) => {}
    const opening = openQueue({
      number: 0,
      transport: () =>
        new Promise<FunctionTransport>((resolve) => {
          finish = resolve
        }),
      signal: abort.signal,
    })
    abort.abort(reason)
    expect(await failure(opening)).toBe(reason)
    const closed = new Promise<void>((resolve) => {
      transport.events.on('close', resolve)
    })
    finish(transport)
    await closed
  })

  test('the error names the option that the kernel does not support', async () => {
    const kernel = new SimKernel()
    const error = await failure(
      openQueue({ number: 5, conntrack: true, failOpen: true, transport: (needs) => kernel.open(needs) }),
    )
    expect(error).toMatchObject({ code: 'QUEUE_UNSUPPORTED' })
    expect((error as Error).message).toMatch(/option conntrack$/)
  })

  test('a refused queue says who owns it', async () => {
    const kernel = new SimKernel()
    const transport = (needs: TransportNeeds) => kernel.open(needs)
    const queue = await openQueue({ number: 5, transport })
    const own = await failure(openQueue({ number: 5, transport }))
    expect(own).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/queue 5.*this process/),
    })
    await queue.close()
    const foreign = kernel.open({ protocol: 12 })
    const bound = await openQueue({ number: 6, transport: foreign })
    foreign.events.emit('close')
    const theirs = await failure(openQueue({ number: 6, transport }))
    expect(theirs).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/queue 6.*another process.*port id \d+/),
    })
    await bound.close()
    const unprivileged = (needs: TransportNeeds) => kernel.open({ ...needs, privileged: false })
    const denied = await failure(openQueue({ number: 5, transport: unprivileged }))
    expect(denied).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringContaining('CAP_NET_ADMIN'),
    })
  })

  test('a transport factory gets the needs of the queue', async () => {
    const { transport } = acceptingKernel()
    let asked: unknown
    const queue = await openQueue({
      number: 1,
      copyRange: 128,
      maxLength: 2048,
      transport: (needs) => {
        asked = needs
        return transport
      },
    })
    expect(asked).toMatchObject({ protocol: 12, frameSize: 128 + 1024, receiveBufferSize: 2048 * 2304 })
    await queue.close()
  })

  test('a copy range beyond the frames is refused', async () => {
    const { transport } = acceptingKernel()
    expect(await failure(openQueue({ number: 0, copyRange: 4000, transport }))).toMatchObject({ code: 'ARGUMENT' })
  })
})

describe('verdicts', () => {
  test('those of a batch are sent together, when the next batch is requested', async () => {
    const { transport, verdicts, queue } = await open()
    const { iterator, batch } = await (async () => {
      transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
      return nextBatch(queue)
    })()
    const datagrams = transport.sent.length
    for (const packet of batch) packet.id === 2 ? packet.drop() : packet.accept()
    expect(transport.sent.length).toBe(datagrams)
    const next = iterator.next()
    expect(transport.sent.length).toBe(datagrams + 1)
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Accept],
    ])
    await queue.close()
    expect((await next).done).toBe(true)
  })

  test('every kind, with its changes', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(...Array.from({ length: 8 }, (_, index) => packetMessage(index + 1)))
    const { batch, iterator } = await nextBatch(queue)
    const payload = Uint8Array.from({ length: 20 }, (_, i) => (i === 0 ? 0x45 : i))
    for (const packet of batch) {
      if (packet.id === 1) packet.accept({ mark: 0 })
      else if (packet.id === 2) packet.accept({ payload, priority: 7 })
      else if (packet.id === 3) packet.drop()
      else if (packet.id === 4) packet.repeat({ mark: 9 })
      else if (packet.id === 5) packet.requeue(3)
      else if (packet.id === 6) packet.requeue(4, { bypass: true, mark: 1 })
      else if (packet.id === 7) packet.answer(Verdict.Stop)
      else packet.accept({ conntrack: { mark: 5 }, vlan: { protocol: 0x8100, tag: 42 } })
    }
    await iterator.return?.()
    const byId = new Map(verdicts().map((verdict) => [verdict.verdictHeader?.id, verdict]))
    expect(byId.get(1)).toEqual({ verdictHeader: { verdict: 1, id: 1 }, mark: 0 })
    expect(byId.get(2)).toEqual({ verdictHeader: { verdict: 1, id: 2 }, payload, priority: 7 })
    expect(byId.get(3)?.verdictHeader?.verdict).toBe(0)
    expect(byId.get(4)).toEqual({ verdictHeader: { verdict: 4, id: 4 }, mark: 9 })
    expect(byId.get(5)?.verdictHeader?.verdict).toBe(0x00030003)
    expect(byId.get(6)).toEqual({ verdictHeader: { verdict: 0x00048003, id: 6 }, mark: 1 })
    expect(byId.get(7)?.verdictHeader?.verdict).toBe(5)
    expect(byId.get(8)).toMatchObject({ conntrack: { mark: 5 }, vlan: { protocol: 0x8100, tag: 42 } })
    expect(queue.stats).toMatchObject({ packets: 8, accepted: 3, dropped: 1, other: 4, unanswered: 0 })
    await queue.close()
  })

  test('a second verdict, an invalid one and one after the batch are refused, and none of them is sent', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1))
    const { batch, iterator } = await nextBatch(queue)
    const packet = batch[Symbol.iterator]().next().value
    expect(() => packet?.answer(2)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    const wrongVerdicts = ['accept', undefined, null, 2, 6, -1, 0.5, 257, 2 ** 32, Number.NaN]
    for (const wrong of wrongVerdicts) {
      expect(() => packet?.answer(wrong as number)).toThrow(
        expect.objectContaining({ code: 'VALUE_RANGE', path: 'verdict' }),
      )
    }
    const wrongChanges: [unknown, string, string][] = [
      [null, 'ARGUMENT', ''],
      ['mark', 'ARGUMENT', ''],
      [{ marks: 1 }, 'ARGUMENT', 'marks'],
      [{ mark: '1' }, 'ARGUMENT', 'mark'],
      [{ mark: 2 ** 32 }, 'VALUE_RANGE', 'mark'],
      [{ priority: 1.5 }, 'VALUE_RANGE', 'priority'],
      [{ payload: 'text' }, 'ARGUMENT', 'payload'],
      [{ payload: new Uint8Array(19) }, 'VALUE_RANGE', 'payload'],
      [{ payload: Uint8Array.of(0x46, ...new Uint8Array(22)) }, 'VALUE_RANGE', 'payload'],
      [{ mark: 1, payload: new Uint8Array(0) }, 'VALUE_RANGE', 'payload'],
      [{ conntrack: 5 }, 'ARGUMENT', 'conntrack'],
    ]
    for (const [changes, code, path] of wrongChanges) {
      expect(() => packet?.accept(changes as object)).toThrow(expect.objectContaining({ code, path }))
      expect(() => packet?.answer(Verdict.Accept, changes as object)).toThrow(expect.objectContaining({ code, path }))
      if (changes !== null)
        expect(() => packet?.requeue(1, changes as object)).toThrow(expect.objectContaining({ code }))
    }
    const drop = packet?.drop.bind(packet) as (options: object) => void
    expect(() => drop({ errno: 111 })).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    expect(() => packet?.requeue('1' as unknown as number)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    expect(() => packet?.requeue(1, { bypass: 1 as unknown as boolean })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT' }),
    )
    expect(() => packet?.requeue(65536)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    expect(() => packet?.accept({ mark: -1 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    packet?.accept()
    expect(() => packet?.drop()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    expect(() => packet?.hold()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    await iterator.return?.()
    expect(() => packet?.accept()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(() => packet?.id).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(() => packet?.payload()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(plain(verdicts())).toEqual([[1, Verdict.Accept]])
    await queue.close()
  })

  test.each(['accept', 'drop'] as const)(
    'unanswered packets get %s at the end of the batch, on break and on a throw',
    async (unanswered) => {
      const verdict = unanswered === 'accept' ? Verdict.Accept : Verdict.Drop
      for (const leave of ['next', 'break', 'throw'] as const) {
        const { transport, verdicts, queue } = await open({ unanswered })
        transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
        let batches = 0
        const loop = (async () => {
          for await (const packets of queue) {
            batches++
            for (const packet of packets) if (packet.id === 2) packet.accept({ mark: 1 })
            if (leave === 'break') break
            if (leave === 'throw') throw new Error('the body failed')
            transport.deliver(packetMessage(4))
            if (batches === 2) break
          }
        })()
        if (leave === 'throw') await expect(loop).rejects.toThrow('the body failed')
        else await loop
        expect(plain(verdicts()).slice(0, 3)).toEqual([
          [2, Verdict.Accept],
          [1, verdict],
          [3, verdict],
        ])
        await queue.close()
      }
    },
  )

  test('accept() and drop() of the batch answer the rest', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id === 2) packet.drop()
      expect(packets.accept()).toBe(2)
      expect(packets.drop()).toBe(0)
      break
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Accept],
    ])
    await queue.close()
  })

  test('flush() of the batch sends what has been given', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1), packetMessage(2))
    for await (const packets of queue) {
      for (const packet of packets) {
        packet.accept()
        packets.flush()
        expect(plain(verdicts()).at(-1)).toEqual([packet.id, Verdict.Accept])
      }
      break
    }
    expect(verdicts()).toHaveLength(2)
    await queue.close()
  })

  test('verdicts that could not be sent are kept and sent at close', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1))
    const { batch, iterator } = await nextBatch(queue)
    batch.accept()
    const { kernel } = transport
    transport.kernel = () => -Errno.ENOBUFS
    expect(await failure(iterator.next())).toMatchObject({ code: 'SYSTEM', errno: Errno.ENOBUFS })
    transport.kernel = kernel
    await queue.close()
    expect(plain(verdicts())).toEqual([[1, Verdict.Accept]])
  })

  test('more verdicts than the outbox holds are flushed in between', async () => {
    const { transport, verdicts, queue } = await open()
    const payload = new Uint8Array(50_000)
    transport.deliver(...Array.from({ length: 8 }, (_, index) => packetMessage(index + 1)))
    for await (const packets of queue) {
      for (const packet of packets) packet.accept({ payload })
      break
    }
    expect(verdicts().map(({ verdictHeader }) => verdictHeader?.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await queue.close()
  })
})

describe('held packets', () => {
  test('outlive their batch and are answered in any order, each once', async () => {
    const { transport, verdicts, queue } = await open()
    const held: HeldPacket[] = []
    transport.deliver(packetMessage(1, { mark: 11 }), packetMessage(2, { mark: 22 }), packetMessage(3))
    for await (const packets of queue) {
      for (const packet of packets) packet.id === 3 ? packet.accept() : held.push(packet.hold())
      break
    }
    expect(plain(verdicts())).toEqual([[3, Verdict.Accept]])
    const [one, two] = held as [HeldPacket, HeldPacket]
    expect([one.id, one.mark, two.id, two.mark]).toEqual([1, 11, 2, 22])
    two.accept()
    one.drop()
    expect(() => one.accept()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    expect(() => one.id).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    await Promise.resolve()
    expect(plain(verdicts())).toEqual([
      [3, Verdict.Accept],
      [2, Verdict.Accept],
      [1, Verdict.Drop],
    ])
    await queue.close()
    expect(verdicts()).toHaveLength(3)
  })

  test('get the unanswered verdict at close', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1))
    let held: HeldPacket | undefined
    for await (const packets of queue) {
      for (const packet of packets) held = packet.hold()
      break
    }
    await queue.close()
    expect(plain(verdicts())).toEqual([[1, Verdict.Drop]])
    expect(queue.stats).toMatchObject({ dropped: 1, unanswered: 1 })
    expect(() => held?.accept()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
  })

  test('are dropped at the end of a using block', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    transport.deliver(packetMessage(1))
    for await (const packets of queue) {
      for (const packet of packets) packet.hold()[Symbol.dispose]()
      break
    }
    await Promise.resolve()
    expect(plain(verdicts())).toEqual([[1, Verdict.Drop]])
    await queue.close()
  })
})

describe('loss and bad input', () => {
  test('gaps in the ids are counted exactly, also before the first packet and around the 32-bit wrap', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(3), packetMessage(4), packetMessage(8))
    for await (const packets of queue) {
      expect(packets.lost).toBe(2 + 3)
      break
    }
    transport.deliver(packetMessage(9))
    for await (const packets of queue) {
      expect(packets.lost).toBe(0)
      break
    }
    expect(queue.stats.lost).toBe(5)
    await queue.close()
  })

  test('a message larger than its frame is not shown, is reported, and gets the unanswered verdict', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    const truncated: number[] = []
    queue.events.on('truncated', (id) => truncated.push(id))
    transport.deliver(packetMessage(1, { payload: new Uint8Array(4000) }), packetMessage(2))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.drop()
      }
      break
    }
    expect(shown).toEqual([2])
    expect(truncated).toEqual([1])
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
    ])
    expect(queue.stats.truncated).toBe(1)
    await queue.close()
  })

  test.each(['packet', 'close'])('a waiting loop skips batches with nothing to show, until a %s', async (end) => {
    const { transport, queue } = await open()
    let noteMalformed = () => {}
    queue.events.on('malformed', () => noteMalformed())
    const iterator = queue[Symbol.asyncIterator]()
    const next = iterator.next()
    for (let count = 1; count <= 3; count++) {
      const malformed = new Promise<void>((resolve) => {
        noteMalformed = resolve
      })
      transport.deliver(new Uint8Array(5))
      await malformed
      expect(queue.stats.malformed).toBe(count)
    }
    if (end === 'close') await queue.close()
    else transport.deliver(packetMessage(7))
    const { done, value } = await next
    expect([done, value && Array.from(value, ({ id }) => id)]).toEqual(
      end === 'close' ? [true, undefined] : [false, [7]],
    )
    await iterator.return?.()
    await queue.close()
  })

  test('a malformed packet is reported, and gets the unanswered verdict if its id can be read', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    const codes: string[] = []
    queue.events.on('malformed', ({ code }) => codes.push(code))
    const badAttribute = packetMessage(1, { mark: 7 })
    badAttribute[36 - 4] = 3
    const noHeader = packetMessage(2).slice(0, 20)
    new DataView(noHeader.buffer).setUint32(0, 20, true)
    transport.deliver(badAttribute, noHeader, packetMessage(3), new Uint8Array(5))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.drop()
      }
      break
    }
    expect(shown).toEqual([3])
    expect(codes).toEqual(['ATTRIBUTE_MISSING', 'SHORT_HEADER', 'ATTRIBUTE_LENGTH'])
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [3, Verdict.Drop],
    ])
    await queue.close()
  })

  test('a late verdict is an event and never ends the loop', async () => {
    const { transport, queue } = await open()
    const late: number[] = []
    queue.events.on('late', (id) => late.push(id))
    transport.deliver(packetMessage(1))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.accept()
      }
      if (shown.length === 2) break
      packets.flush()
      const verdict = split(transport.sent.at(-1) as Uint8Array)[0]?.bytes as Uint8Array
      transport.deliver(errorMessage(verdict, Errno.ENOENT), packetMessage(2))
    }
    expect(shown).toEqual([1, 2])
    expect(late).toEqual([1])
    expect(queue.stats).toMatchObject({ late: 1, refused: 0 })
    await queue.close()
  })

  test('a refused verdict ends the loop with its errno', async () => {
    const { transport, queue } = await open()
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const verdicts = split(datagram).filter(({ type }) => type === QueueMessage.Verdict)
      return verdicts.length === 0 ? kernel(datagram) : verdicts.map(({ bytes }) => errorMessage(bytes, Errno.EPERM))
    }
    transport.deliver(packetMessage(1))
    const loop = (async () => {
      for await (const packets of queue) packets.accept()
    })()
    expect(await failure(loop)).toMatchObject({ code: 'KERNEL', errno: Errno.EPERM, sequence: 1 })
    expect(queue.stats.refused).toBe(1)
    await queue.close()
  })

  test.each([
    ['one refusal of its first message, without the privilege', 1],
    ['a refusal of each message, when another socket owns the queue', 3],
  ] as const)('a flush that is refused as a whole counts all its packets: %s', async (_, errors) => {
    const { transport, queue } = await open({ verdictBatching: 'never' })
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const verdicts = split(datagram).filter(({ type }) => type === QueueMessage.Verdict)
      if (verdicts.length === 0) return kernel(datagram)
      return verdicts.slice(0, errors).map(({ bytes }) => errorMessage(bytes, Errno.EPERM))
    }
    transport.deliver(packetMessage(7), packetMessage(8), packetMessage(9))
    const loop = (async () => {
      for await (const packets of queue) packets.accept()
    })()
    expect(await failure(loop)).toMatchObject({ code: 'KERNEL', errno: Errno.EPERM, sequence: 7 })
    await queue.close()
    expect(queue.stats).toMatchObject({ packets: 3, accepted: 3, refused: 3 })
  })

  test('finish without a loop is close', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    await queue.finish()
    expect(queue.stats).toMatchObject({ packets: 1, dropped: 1, unanswered: 1 })
    await queue.finish()
  })

  test('other messages of the kernel are skipped', async () => {
    const { transport, queue } = await open()
    const other = packetMessage(1)
    new DataView(other.buffer).setUint16(4, 0x0100, true)
    transport.deliver(other)
    const { batch } = await (async () => {
      const next = nextBatch(queue)
      transport.deliver(packetMessage(1))
      return next
    })()
    expect(batch.length).toBe(1)
    await queue.close()
  })
})

describe('iteration and close', () => {
  test('a second iteration is refused until the first has ended', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    const { iterator } = await nextBatch(queue)
    expect(() => queue[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BUSY' }))
    await iterator.return?.()
    transport.deliver(packetMessage(2))
    const second = await nextBatch(queue)
    expect(second.batch.length).toBe(1)
    await queue.close()
  })

  test('an iterator that has ended does not end the one after it', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    const { iterator } = await nextBatch(queue)
    await iterator.return?.()
    const second = queue[Symbol.asyncIterator]()
    await iterator.return?.()
    expect((await iterator.next()).done).toBe(true)
    expect(() => queue[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BUSY' }))
    transport.deliver(packetMessage(2))
    expect((await second.next()).done).toBe(false)
    await queue.close()
  })

  test('close ends a waiting loop, is idempotent, and emits no late events', async () => {
    const { queue } = await open()
    const loop = (async () => {
      for await (const _ of queue) throw new Error('no batch was expected')
    })()
    const closing = [queue.close(), queue.close()]
    await Promise.all(closing)
    await loop
    expect(() => queue.flush()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect((await queue[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  test('close inside the loop answers the batch and ends it', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1), packetMessage(2))
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id === 1) packet.accept()
      await queue.close()
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
    ])
  })

  test('with unanswered accept, close also accepts queued packets that nobody has read', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    transport.deliver(packetMessage(5))
    for await (const packets of queue) {
      packets.drop()
      break
    }
    await queue.close()
    const last = split(transport.sent.at(-1) as Uint8Array).at(-1)
    expect(last?.type).toBe(QueueMessage.VerdictBatch)
    expect(plain(verdicts()).at(-1)).toEqual([(5 + 0x7fffffff) >>> 0, Verdict.Accept])
  })

  test('a request inside the loop is answered during live batches, and the packets before the answer come next', async () => {
    const { transport, queue } = await open()
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const answer = kernel(datagram)
      if (typeof answer === 'number' || answer.length === 0) return answer
      return [...Array.from({ length: 40 }, (_, index) => packetMessage(index + 2)), ...answer]
    }
    transport.deliver(packetMessage(1))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.accept()
      }
      if (shown.length === 1) await queue.configure({ maxLength: 99 })
      if (shown.length === 41) break
    }
    expect(shown).toEqual(Array.from({ length: 41 }, (_, index) => index + 1))
    expect(queue.stats.lost).toBe(0)
    await queue.close()
  })

  test('packets() gives one packet at a time, and break ends its batch', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
    for await (const packet of queue.packets()) {
      if (packet.id === 2) break
      packet.accept()
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Drop],
    ])
    await queue.close()
  })
})
