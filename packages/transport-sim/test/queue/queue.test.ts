import {
  CopyMode,
  Memory,
  MessageFlag,
  Protocol,
  QueueFlag,
  QueueMessage,
  QueuePacketView,
  Verdict,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { REPEAT_LIMIT, SimKernel } from '../../src/index.ts'
import {
  ask,
  bind,
  config,
  copyAll,
  counters,
  errnos,
  queueKernel,
  queueVerdict,
  receiveAll,
  sendBytes,
  textOf,
  udp,
  unbind,
  verdict,
} from '../support.ts'

function packets(frames: readonly Uint8Array[]): QueuePacketView[] {
  return frames.map((bytes) => new QueuePacketView().wrap(Memory.from(bytes), 0, bytes.length))
}

describe('nfnetlink_queue', () => {
  test('gives ids from 1, in order, and a packet where its verdict sends it', () => {
    const { kernel, socket, delivered } = queueKernel()
    for (const text of ['a', 'b', 'c', 'd']) kernel.inject(udp(5000, text))
    kernel.inject(udp(5001, 'not queued'))
    expect(packets(receiveAll(socket)).map(({ id }) => id)).toEqual([1, 2, 3, 4])
    sendBytes(socket, verdict(0, 3, Verdict.Accept), verdict(0, 1, Verdict.Drop), verdict(0, 2, Verdict.Accept))
    expect(delivered).toEqual(['not queued', 'c', 'b'])
    expect(kernel.dropped.verdict).toBe(1)
    expect(counters(socket)).toEqual([0, 1, 2, 65531, 0, 0, 4, 1])
  })

  test('copies borrowed bytes of a packet that has to wait, and no others', () => {
    const { kernel, socket, delivered } = queueKernel()
    const sent: Uint8Array[] = []
    const bytes = udp(5000, 'first')
    kernel.inject(bytes, { borrowed: true })
    bytes.set(udp(5000, 'again'))
    kernel.inject(bytes)
    bytes.set(udp(5001, 'other'))
    kernel.onDelivered((packet) => sent.push(packet.bytes))
    kernel.inject(bytes, { borrowed: true })
    sendBytes(socket, verdict(0, 1, Verdict.Accept), verdict(0, 2, Verdict.Accept))
    expect([sent.map(textOf), delivered]).toEqual([['other', 'first', 'other'], []])
    expect(sent.map((it) => it === bytes)).toEqual([true, false, true])
  })

  test('judges the verdicts of one send one by one, and ignores a message that is cut short', () => {
    const { kernel, socket, delivered } = queueKernel()
    for (const text of ['a', 'b', 'c']) kernel.inject(udp(5000, text))
    receiveAll(socket)
    const cut = verdict(0, 3, Verdict.Accept).subarray(0, 28)
    sendBytes(socket, verdict(0, 1, Verdict.Accept), verdict(0, 9, Verdict.Accept), verdict(0, 2, Verdict.Accept), cut)
    expect(errnos(receiveAll(socket))).toEqual([2])
    expect(delivered).toEqual(['a', 'b'])
    expect(counters(socket)?.[1]).toBe(1)
  })

  test('drops beyond maxlen without giving an id, and caps maxlen at 65536', () => {
    const { kernel, socket } = queueKernel({}, { maximumLength: 2 })
    for (let i = 0; i < 5; i++) kernel.inject(udp(5000, 'x'))
    expect(counters(socket)).toEqual([0, 2, 2, 65531, 3, 0, 2, 1])
    ask(socket, config(0, { maximumLength: 70000, parameters: { copyRange: 0, copyMode: CopyMode.Meta } }))
    const before = kernel.dropped['queue-full']
    for (let i = 0; i < 65600; i++) {
      kernel.inject(udp(5000, 'x'))
      if (i % 200 === 0) receiveAll(socket)
    }
    expect(kernel.dropped['queue-full'] - before).toBe(65600 + 2 - 65536)
  })

  test('counts a packet that the socket has no room for, and leaves a gap in the ids', () => {
    const { kernel, socket } = queueKernel({ receiveBufferSize: 4608 })
    const losses: number[] = []
    socket.events.on('overrun', (lost) => losses.push(lost))
    for (let i = 0; i < 8; i++) kernel.inject(udp(5000, 'x'))
    expect(counters(socket)).toEqual([0, 5, 2, 65531, 0, 3, 8, 1])
    const batch = socket.poll()
    expect([batch?.length, batch?.lost]).toEqual([5, 3])
    batch?.release()
    kernel.inject(udp(5000, 'x'))
    expect(packets(receiveAll(socket)).map(({ id }) => id)).toEqual([9])
    expect([losses, kernel.dropped.undelivered]).toEqual([[3], 3])
  })

  test('accepts instead of dropping with fail-open, and counts nothing', () => {
    const { kernel, socket, delivered } = queueKernel(
      { receiveBufferSize: 4608 },
      { maximumLength: 7, flags: QueueFlag.FailOpen, mask: QueueFlag.FailOpen },
    )
    for (let i = 0; i < 8; i++) kernel.inject(udp(5000, `${i}`))
    expect(delivered).toEqual(['5', '6', '7'])
    expect(counters(socket)).toEqual([0, 5, 2, 65531, 0, 0, 8, 1])
    receiveAll(socket)
    for (let i = 0; i < 4; i++) kernel.inject(udp(5000, 'full'))
    expect(delivered.filter((text) => text === 'full')).toHaveLength(2)
    expect(counters(socket)?.[4]).toBe(0)
  })

  test('covers with a batch verdict what is queued up to an id, read or not', () => {
    const { kernel, socket, delivered } = queueKernel()
    for (let i = 1; i <= 10; i++) kernel.inject(udp(5000, `${i}`))
    const batch = verdict(0, 7, Verdict.Accept, { mark: 9 }, QueueMessage.VerdictBatch)
    const marks: number[] = []
    kernel.onDelivered(({ bytes, mark }) => {
      delivered.push(textOf(bytes))
      marks.push(mark)
    })
    sendBytes(socket, verdict(0, 2, Verdict.Drop), verdict(0, 5, Verdict.Drop), batch)
    expect([delivered, marks]).toEqual([
      ['1', '3', '4', '6', '7'],
      [9, 9, 9, 9, 9],
    ])
    expect(receiveAll(socket)).toHaveLength(10)
    expect(ask(socket, verdict(0, 6, Verdict.Accept, {}, QueueMessage.VerdictBatch))).toEqual([2])
    expect(ask(socket, verdict(0, 1000, Verdict.Drop, {}, QueueMessage.VerdictBatch))).toEqual([])
    expect(counters(socket)?.[1]).toBe(0)
  })

  test('compares the ids of a batch as signed distances', () => {
    const { kernel, socket } = queueKernel()
    kernel.inject(udp(5000, 'x'))
    expect(ask(socket, verdict(0, 0xffffffff, Verdict.Accept, {}, QueueMessage.VerdictBatch))).toEqual([undefined, 2])
    expect(ask(socket, verdict(0, 0x7fffffff, Verdict.Accept, {}, QueueMessage.VerdictBatch))).toEqual([])
    expect(kernel.delivered).toBe(1)
  })

  test('finds packets that wait while a great many others come and go', () => {
    const { kernel, socket, delivered } = queueKernel()
    kernel.inject(udp(5000, 'first'))
    kernel.inject(udp(5000, 'second'))
    // Beyond the lower bits by which ids are distinguished, and across the wrap.
    for (let id = 3; id < 140_000; id++) {
      kernel.inject(udp(5000, ''))
      if (id % 200 > 0) continue
      receiveAll(socket)
      const drops = Array.from({ length: Math.min(200, id - 2) }, (_, back) => verdict(0, id - back, Verdict.Drop))
      sendBytes(socket, ...drops)
    }
    receiveAll(socket)
    sendBytes(socket, verdict(0, 2, Verdict.Accept), verdict(0, 1, Verdict.Accept))
    expect(delivered).toEqual(['second', 'first'])
    expect(counters(socket)?.[1]).toBe(139_999 % 200)
  })

  test('tells user and group of the sender, unless it has closed its socket', () => {
    const flags = QueueFlag.UserAndGroup
    const { kernel, socket } = queueKernel({}, { flags, mask: flags })
    const owner = { userId: 1001, groupId: 1002, closed: false }
    kernel.inject(udp(5000, 'x'), { owner })
    kernel.inject(udp(5000, 'x'), { owner: null })
    const seen = (frames: Uint8Array[]) => packets(frames).map((it) => [it.id, it.userId, it.groupId])
    expect(seen(receiveAll(socket))).toEqual([
      [1, 1001, 1002],
      [2, undefined, undefined],
    ])
    owner.closed = true
    sendBytes(socket, verdict(0, 1, Verdict.Repeat))
    expect(seen(receiveAll(socket))).toEqual([[3, undefined, undefined]])
  })

  test('changes mark, priority and payload', () => {
    const { kernel, socket } = queueKernel()
    const seen: unknown[] = []
    kernel.onDelivered(({ bytes, mark, priority }) => seen.push([textOf(bytes), mark, priority]))
    for (let i = 0; i < 3; i++) kernel.inject(udp(5000, 'original'))
    const payload = udp(5000, 'replaced by a longer one')
    sendBytes(socket, verdict(0, 1, Verdict.Accept, { mark: 7, priority: 0x10002, payload }))
    sendBytes(socket, verdict(0, 2, Verdict.Accept, { payload: udp(5000, 'less') }))
    // Less than its network header: the kernel drops it and says nothing.
    expect(ask(socket, verdict(0, 3, Verdict.Accept, { payload: new Uint8Array(12) }))).toHaveLength(3)
    expect(seen).toEqual([
      ['replaced by a longer one', 7, 0x10002],
      ['less', 0, 0],
    ])
    expect(kernel.dropped.verdict).toBe(1)
  })

  test('moves a packet to another queue, repeats it, and stops a repetition that never ends', () => {
    const { kernel, socket, delivered } = queueKernel()
    ask(socket, config(6, { ...bind, ...copyAll }))
    kernel.inject(udp(5000, 'x'))
    receiveAll(socket)
    sendBytes(socket, verdict(0, 1, queueVerdict(6)))
    expect(packets(receiveAll(socket)).map(({ id, queueNumber }) => [id, queueNumber])).toEqual([[1, 6]])
    sendBytes(socket, verdict(6, 1, Verdict.Repeat))
    expect(packets(receiveAll(socket)).map(({ id, queueNumber }) => [id, queueNumber])).toEqual([[2, 0]])
    for (let id = 2; kernel.dropped.repeated === 0; id++) {
      sendBytes(socket, verdict(0, id, Verdict.Repeat))
      receiveAll(socket)
      expect(id).toBeLessThan(REPEAT_LIMIT + 3)
    }
    expect(delivered).toEqual([])
    kernel.inject(udp(5000, 'nobody'))
    kernel.inject(udp(5000, 'bypassed'))
    const [first, second] = packets(receiveAll(socket))
    sendBytes(socket, verdict(0, first?.id ?? 0, queueVerdict(77)), verdict(0, second?.id ?? 0, queueVerdict(77, true)))
    expect([delivered, kernel.dropped['no-queue']]).toEqual([['bypassed'], 1])
  })

  test('takes ACCEPT on to the next chain, STOP past it', () => {
    const { kernel, socket, delivered } = queueKernel()
    kernel.addRule({ hook: 3, priority: 10, verdict: 'drop' })
    kernel.inject(udp(5000, 'accepted'))
    kernel.inject(udp(5000, 'stopped'))
    sendBytes(socket, verdict(0, 1, Verdict.Accept), verdict(0, 2, Verdict.Stop))
    expect([delivered, kernel.dropped.rule]).toEqual([['stopped'], 1])
  })

  test('drops packets of a queue without a listener, unless the rule has bypass', () => {
    const kernel = new SimKernel()
    kernel.addRule({ hook: 3, match: { destinationPort: 1 }, queue: 1 })
    kernel.addRule({ hook: 3, match: { destinationPort: 2 }, queue: 1, bypass: true })
    for (const port of [1, 2]) kernel.inject(udp(port, 'x'))
    const socket = kernel.open({ protocol: Protocol.Netfilter })
    ask(socket, config(1, bind))
    // Bound, but with copy mode none: bypass has no effect.
    for (const port of [1, 2]) kernel.inject(udp(port, 'x'))
    expect([kernel.delivered, kernel.dropped['no-queue'], kernel.dropped['not-copied']]).toEqual([1, 1, 2])
  })

  test('spreads packets over a range by their addresses', () => {
    const kernel = new SimKernel({ seed: 3 })
    kernel.addRule({ hook: 3, queue: { from: 4, to: 7 } })
    const socket = kernel.open({ protocol: Protocol.Netfilter, receiveBufferSize: 1 << 20 })
    for (let queue = 4; queue <= 7; queue++) ask(socket, config(queue, { ...bind, ...copyAll }))
    for (let host = 0; host < 400; host++) {
      const packet = udp(5000, 'x')
      packet[19] = host
      packet[18] = host >> 8
      kernel.inject(packet)
      kernel.inject(packet)
    }
    const queues = packets(receiveAll(socket)).map(({ queueNumber }) => queueNumber)
    expect(queues.filter((queue, index) => index % 2 === 1 && queue !== queues[index - 1])).toEqual([])
    for (let queue = 4; queue <= 7; queue++) expect(queues.filter((it) => it === queue).length).toBeGreaterThan(100)
  })

  test('drops what waits when the queue is unbound, its socket closed, or a base chain removed', async () => {
    const { kernel, socket } = queueKernel()
    kernel.inject(udp(5000, 'x'))
    expect(ask(socket, config(0, unbind))).toEqual([undefined, 0])
    ask(socket, config(0, { ...bind, ...copyAll }))
    kernel.inject(udp(5000, 'x'))
    kernel.flushQueues()
    expect(ask(socket, verdict(0, 1, Verdict.Accept))).toEqual([undefined, 2])
    kernel.inject(udp(5000, 'x'))
    await socket.close()
    expect([kernel.dropped.flushed, kernel.delivered]).toEqual([3, 0])
    const next = kernel.open({ protocol: Protocol.Netfilter })
    expect(ask(next, config(0, bind))).toEqual([0])
  })

  test('refuses everything of a process without privileges, also of one that has lost them', () => {
    const { kernel, socket } = queueKernel()
    const other = kernel.open({ protocol: Protocol.Netfilter, privileged: false })
    // Of several messages in a send only the first is answered.
    expect(ask(other, config(1, bind), config(2, bind))).toEqual([1])
    expect(() => other.joinGroup(1)).toThrow(/EPERM/)
    kernel.inject(udp(5000, 'x'))
    socket.privileged = false
    kernel.inject(udp(5000, 'x'))
    expect(ask(socket, verdict(0, 1, Verdict.Accept))).toEqual([undefined, undefined, 1])
  })

  test('ignores other messages than requests, and answers an unknown subsystem with EINVAL', () => {
    const { socket } = queueKernel()
    expect(ask(socket, config(0, unbind, 0))).toEqual([])
    expect(ask(socket, config(0, unbind, MessageFlag.Acknowledge))).toEqual([0])
    expect(counters(socket)).toEqual([0, 0, 2, 65531, 0, 0, 0, 1])
    const unknown = config(0, {})
    unknown[5] = 12
    expect(ask(socket, unknown)).toEqual([22])
    const short = config(0, {}).slice(0, 19)
    short[0] = 19
    expect(ask(socket, short)).toEqual([0])
  })

  test('segments a large TCP packet unless the queue takes it whole', () => {
    const { kernel, socket } = queueKernel()
    kernel.addRule({ hook: 3, match: { protocol: 6 }, queue: 0 })
    const packet = new Uint8Array(20 + 20 + 2500)
    packet.set([0x45, 0, packet.length >> 8, packet.length & 0xff, 0, 1, 0x40, 0, 64, 6])
    packet[32] = 0x50
    packet[33] = 0x18
    kernel.inject(packet, { segmentSize: 1000, checksum: 1 })
    const parts = packets(receiveAll(socket))
    expect(parts.map((it) => [it.id, it.payloadLength, it.payload()[5], it.payload()[33]])).toEqual([
      [1, 1040, 1, 0x10],
      [2, 1040, 2, 0x10],
      [3, 540, 3, 0x18],
    ])
    const gso = QueueFlag.SegmentationOffload
    ask(socket, config(0, { flags: gso, mask: gso }))
    kernel.inject(packet, { segmentSize: 1000, checksum: 1 })
    const [whole] = packets(receiveAll(socket))
    expect([whole?.payloadLength, whole?.packetInformation]).toEqual([2540, 3])
  })
})
