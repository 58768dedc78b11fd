import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  Errno,
  Hook,
  QueueMessage,
  queueConfigAttributes,
  VERDICT_LENGTH,
  Verdict,
  VerdictTemplate,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket, type SocketOptions } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type HeldPacket,
  openQueue,
  type Queue,
  type QueueOptions,
  type QueuePacket,
  type RuleMatch,
  StopFlag,
} from '../../src/index.ts'

const PORT = 9000
const UDP: RuleMatch = { protocol: 'udp', destinationPort: PORT }

describe.skipIf(kernelUnavailable)(kernelTests('a queue of the real kernel'), () => {
  let namespace: Namespace
  let queues: Queue[] = []

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(async () => {
    for (const queue of queues) await queue.close()
    queues = []
    await namespace.close()
  })

  const socket =
    (options: Partial<SocketOptions> = {}) =>
    (needs: TransportNeeds): Promise<Transport> =>
      openSocket({ ...needs, networkNamespace: namespace.path, ...options })

  async function open(options: Partial<QueueOptions> = {}): Promise<Queue> {
    const queue = await openQueue({ number: 5, transport: socket(), ...options })
    queues.push(queue)
    return queue
  }

  /** Answers packets as `answer` does until `count` have come. */
  async function answer(queue: Queue, count: number, decide: (packet: QueuePacket) => void): Promise<void> {
    let seen = 0
    for await (const packets of queue) {
      for (const packet of packets) {
        decide(packet)
        seen++
      }
      if (seen >= count) break
    }
  }

  test('accepted packets arrive, dropped ones do not', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    await namespace.send({ port: PORT, count: 100 })
    await answer(queue, 100, (packet) => (packet.id % 4 === 0 ? packet.drop() : packet.accept()))
    await namespace.waitFor(PORT, 75)
    const { count, payloads } = await namespace.received(PORT)
    expect(count).toBe(75)
    expect(payloads).toEqual(
      Array.from({ length: 100 }, (_, index) => index)
        .filter((index) => (index + 1) % 4 !== 0)
        .map((index) => `packet ${index}`),
    )
    expect(queue.counters()).toMatchObject({ waiting: 0, queueDropped: 0, userDropped: 0, lastId: 100 })
    expect(queue.stats).toMatchObject({ packets: 100, accepted: 75, dropped: 25, lost: 0, late: 0 })
  })

  test('a packet shows its metadata from the kernel', async () => {
    await namespace.install([{ hook: 'output', priority: 'mangle', match: UDP, setMark: 77 }])
    await namespace.queueOutput(5, UDP)
    const queue = await open({ copyRange: 30, userAndGroup: true })
    await namespace.send({ port: PORT, text: 'twenty-two bytes of it' })
    await answer(queue, 1, (packet) => {
      expect(packet.protocol).toBe(0x0800)
      expect(packet.hook).toBe(Hook.Output)
      expect(packet.family).toBe(2)
      expect(packet.queueNumber).toBe(5)
      expect(packet.mark).toBe(77)
      expect(packet.outputDevice).toBe(1)
      expect(packet.inputDevice).toBeUndefined()
      // The kernel gives the id that the sender has outside all user namespaces.
      expect(packet.userId).toBe(outsideUserId())
      expect(packet.payloadLength).toBe(30)
      expect(packet.fullLength).toBe(20 + 8 + 22)
      expect(Array.from(packet.payload().subarray(22, 24))).toEqual([PORT >> 8, PORT & 255])
      expect(packet.attributes().fullLength).toBe(50)
      packet.accept()
    })
    await namespace.waitFor(PORT, 1)
  })

  test('a changed payload and a mark take effect', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    const marked = await namespace.install([{ hook: 'postrouting', priority: 'mangle', match: { mark: 9 } }])
    await namespace.send({ port: PORT, text: 'hello' })
    await answer(queue, 1, (packet) => {
      const payload = packet.payload().slice()
      payload.set(new TextEncoder().encode('HELLO'), 28)
      // No checksum: it is optional in UDP over IPv4.
      payload.set([0, 0], 26)
      packet.accept({ payload, mark: 9 })
    })
    await namespace.waitFor(PORT, 1)
    expect((await namespace.received(PORT)).payloads).toEqual(['HELLO'])
    expect(await marked.counters()).toMatchObject([{ packets: 1 }])
  })

  test('requeue moves a packet to another queue', async () => {
    await namespace.queueOutput(5, UDP)
    const first = await open()
    const second = await open({ number: 6 })
    await namespace.send({ port: PORT })
    await answer(first, 1, (packet) => packet.requeue(6))
    await answer(second, 1, (packet) => packet.accept())
    await namespace.waitFor(PORT, 1)
    expect(first.stats.other).toBe(1)
  })

  test('held packets are answered out of order, long after their batch', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    const held: HeldPacket[] = []
    await namespace.send({ port: PORT, count: 10 })
    await answer(queue, 10, (packet) => held.push(packet.hold()))
    expect(queue.counters()?.waiting).toBe(10)
    for (const packet of held.reverse()) packet.accept()
    await namespace.waitFor(PORT, 10)
    expect((await namespace.received(PORT)).payloads[0]).toBe('packet 9')
    expect(queue.transport.stats.held).toBe(0)
  })

  test('a queue owned by another socket is refused, and the owner continues', async () => {
    await namespace.queueOutput(5, UDP)
    const owner = await open()
    await expect(open()).rejects.toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/^cannot bind queue 5: this process already owns it, through another transport/),
      cause: { code: 'KERNEL', errno: Errno.EPERM },
    })
    await namespace.send({ port: PORT })
    await answer(owner, 1, (packet) => packet.accept())
    await namespace.waitFor(PORT, 1)
  })

  test('a queue without CAP_NET_ADMIN is refused', () => {
    const script = fileURLToPath(new URL('../fixtures/open-queue.mjs', import.meta.url))
    const drop = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin']
    const { stdout, stderr } = spawnSync('setpriv', [...drop, process.execPath, script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/^cannot bind queue 5: CAP_NET_ADMIN is missing/),
    })
  })

  test('a flag that this kernel does not support is refused with its code, and nothing stays bound', async () => {
    const queue = await open({ conntrack: true }).catch((error: unknown) => {
      // A kernel built without the conntrack glue refuses it; one that has it binds the queue.
      expect(error).toMatchObject({ code: 'QUEUE_UNSUPPORTED', cause: { errno: Errno.EOPNOTSUPP } })
      return open()
    })
    expect(queue.counters()?.number).toBe(5)
  })

  test('a verdict on an unknown id is a late event; the loop continues', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    const late: number[] = []
    queue.events.on('late', (id) => late.push(id))
    const { outbox } = queue.transport
    new VerdictTemplate(5, QueueMessage.Verdict).write(
      outbox.memory,
      outbox.reserve(VERDICT_LENGTH),
      4242,
      Verdict.Accept,
    )
    outbox.commit(VERDICT_LENGTH)
    queue.flush()
    await namespace.send({ port: PORT })
    await answer(queue, 1, (packet) => packet.accept())
    await namespace.waitFor(PORT, 1)
    expect(late).toEqual([4242])
    expect(queue.stats.late).toBe(1)
  })

  test('verdicts after the privilege is dropped end the loop with EPERM instead of being lost silently', async ({
    skip,
  }) => {
    // In a user namespace there is no second user to become.
    if (process.getuid?.() === 0 && !canChangeUser()) skip('this user namespace maps only one user')
    const script = fileURLToPath(new URL('../fixtures/drop-privileges.mjs', import.meta.url))
    await namespace.queueOutput(5, UDP)
    const child = namespace.run(process.execPath, script)
    await waitForQueue(namespace)
    await namespace.send({ port: PORT })
    expect(JSON.parse(await child)).toEqual({ code: 'KERNEL', errno: Errno.EPERM })
  })

  test('an overrun is counted to the packet, as gaps in the ids and as messages of the transport', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ receiveBufferSize: 20_000, unanswered: 'accept' })
    const overruns: number[] = []
    queue.events.on('overrun', (lost) => overruns.push(lost))
    await namespace.send({ port: PORT, count: 500 })
    const counters = queue.counters()
    const lost = counters?.userDropped as number
    expect(lost).toBeGreaterThan(300)
    await answer(queue, 500 - lost, (packet) => packet.accept())
    // One more packet shows the gap after those that fitted.
    await namespace.send({ port: PORT })
    await answer(queue, 1, (packet) => packet.accept())
    expect(queue.stats.lost).toBe(lost)
    expect(queue.transport.stats.lost).toBe(lost)
    expect(overruns.reduce((sum, count) => sum + count, 0)).toBe(lost)
    await namespace.waitFor(PORT, 501 - lost)
    expect((await namespace.received(PORT)).count).toBe(501 - lost)
  })

  test('fail-open lets packets pass that do not fit', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ maxLength: 10, failOpen: true })
    await namespace.send({ port: PORT, count: 50 })
    await namespace.waitFor(PORT, 40)
    await answer(queue, 10, (packet) => packet.accept())
    await namespace.waitFor(PORT, 50)
    expect(queue.stats.packets).toBe(10)
  })

  test('settings change while the loop runs, with packets in flight', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ copyRange: 512 })
    await namespace.send({ port: PORT, size: 200, count: 200 })
    const lengths: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        lengths.push(packet.payloadLength)
        packet.accept()
      }
      if (lengths.length === 64) {
        await queue.configure({ copyRange: 100 })
        await namespace.send({ port: PORT, size: 200 })
      }
      if (lengths.length === 201) break
    }
    expect(lengths.slice(0, 200)).toEqual(new Array(200).fill(228))
    expect(lengths[200]).toBe(100)
    await expect(queue.configure({ copyRange: 60_000 })).rejects.toMatchObject({ code: 'ARGUMENT' })
    await expect(queue.configure({ copyRange: -1 })).rejects.toMatchObject({ code: 'VALUE_RANGE' })
    await namespace.waitFor(PORT, 201)
  })

  test.each(['accept', 'drop'] as const)(
    'an exception in the loop body leaves no packet without a verdict (%s)',
    async (unanswered) => {
      await namespace.queueOutput(5, UDP)
      const queue = await open({ unanswered })
      await namespace.send({ port: PORT, count: 5 })
      const loop = answer(queue, 5, (packet) => {
        if (packet.id === 3) throw new Error('the body failed')
        packet.accept()
      })
      await expect(loop).rejects.toThrow('the body failed')
      expect(queue.counters()?.waiting).toBe(0)
      const delivered = unanswered === 'accept' ? 5 : 2
      await namespace.waitFor(PORT, delivered)
      expect((await namespace.received(PORT)).count).toBe(delivered)
    },
  )

  test('break ends the batch and keeps the queue; a later loop continues', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ unanswered: 'accept' })
    await namespace.send({ port: PORT, count: 3 })
    for await (const packet of queue.packets()) {
      packet.accept()
      break
    }
    expect(queue.counters()?.waiting).toBe(0)
    await namespace.send({ port: PORT, count: 2 })
    await answer(queue, 2, (packet) => packet.accept())
    await namespace.waitFor(PORT, 5)
  })

  test('with unanswered accept, close lets everything pass: read, held and unread', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ unanswered: 'accept' })
    await namespace.send({ port: PORT, count: 200 })
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id % 2 === 0) packet.hold()
      break
    }
    await queue.close()
    await namespace.waitFor(PORT, 200)
    expect((await namespace.received(PORT)).count).toBe(200)
  })

  test('with unanswered drop, close drops them, and the queue can be bound again', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    await namespace.send({ port: PORT, count: 20 })
    await queue.close()
    await queue.close()
    expect(queue.counters()).toMatchObject({ number: 5, waiting: 0, lastId: 20 })
    expect(queue.stats).toMatchObject({ packets: 20, dropped: 20, lost: 0 })
    expect((await namespace.received(PORT)).count).toBe(0)
    const again = await open()
    await namespace.send({ port: PORT })
    await answer(again, 1, (packet) => packet.accept())
    await namespace.waitFor(PORT, 1)
  })

  test('verdicts coalesced into batch verdicts give every packet its own, and none too late', async () => {
    const fates: string[][] = []
    for (const [index, verdictBatching] of (['never', 'always', 10, 'auto'] as const).entries()) {
      const port = 9300 + index
      await namespace.listen(port)
      await namespace.queueOutput(20 + index, { protocol: 'udp', destinationPort: port })
      const queue = await open({ number: 20 + index, verdictBatching, maxLength: 8192, unanswered: 'accept' })
      await namespace.send({ port, count: 250 })
      const held: HeldPacket[] = []
      await answer(queue, 250, (packet) => {
        if (packet.id % 7 === 0) packet.drop()
        else if (packet.id % 50 === 0) packet.accept({ mark: 3 })
        else if (packet.id === 100 || packet.id === 101) held.push(packet.hold())
        else if (packet.id % 3 !== 0) packet.accept()
      })
      for (const packet of held) packet.accept()
      await namespace.waitFor(port, 250 - 35)
      fates.push((await namespace.received(port)).payloads.sort())
      // The kernel's error for a verdict without a packet is counted when it is received, before the next packet.
      await namespace.send({ port, count: 1 })
      await answer(queue, 1, (packet) => packet.accept())
      expect(queue.counters()).toMatchObject({ waiting: 0, queueDropped: 0, userDropped: 0 })
      expect(queue.stats).toMatchObject({ packets: 251, dropped: 35, late: 0, refused: 0 })
      if (index === 0 || index === 3) expect(queue.stats.batchVerdicts).toBe(0)
      else expect(queue.stats.batchVerdicts).toBeGreaterThan(2)
    }
    for (const fate of fates) expect(fate).toEqual(fates[0])
  })

  test('verdicts are coalesced during overload, and not after it', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open({ maxLength: 8192, copyRange: 64 })
    await namespace.send({ port: PORT, count: 4000 })
    let verdicts = 0
    await answer(queue, 4000, (packet) => {
      if (packet.id % 10 === 0) packet.drop()
      else packet.accept()
      verdicts++
    })
    await namespace.waitFor(PORT, 3600)
    const { batchVerdicts } = queue.stats
    expect(verdicts).toBe(4000)
    expect(batchVerdicts).toBeGreaterThan(20)
    for (let i = 0; i < 5; i++) {
      await namespace.send({ port: PORT, count: 3 })
      await answer(queue, 3, (packet) => packet.accept())
    }
    expect(queue.stats.batchVerdicts).toBeLessThanOrEqual(batchVerdicts + 4)
    expect(queue.stats).toMatchObject({ late: 0, refused: 0, lost: 0 })
    await namespace.waitFor(PORT, 3615)
  })

  test('serve answers without the event loop, and another thread stops it', async () => {
    await namespace.queueOutput(5, UDP)
    const queue = await open()
    const stop = new StopFlag()
    await namespace.send({ port: PORT, count: 300 })
    const sleep = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)'
    const code = `const { workerData } = require("worker_threads"); ${sleep}; Atomics.store(new Int32Array(workerData), 0, 1)`
    const stopper = new Worker(code, { eval: true, workerData: stop.buffer })
    const stopped = once(stopper, 'exit')
    await once(stopper, 'online')
    queue.serve((packets) => packets.accept(), { stop, pollInterval: 10 })
    await stopped
    expect(queue.stats).toMatchObject({ packets: 300, accepted: 300, late: 0 })
    await namespace.waitFor(PORT, 300)
  })

  test('close while receiving ends the loop', async () => {
    const queue = await open()
    const loop = answer(queue, 1, (packet) => packet.accept())
    await queue.close()
    await loop
  })

  test('TCP passes whole with segmentation offload', async () => {
    await namespace.setLoopback(true, 1500)
    await namespace.queueOutput(5, { protocol: 'tcp' })
    await namespace.serve(9100)
    const queue = await open({ segmentationOffload: true })
    let offloaded = 0
    const loop = (async () => {
      for await (const packets of queue) {
        for (const packet of packets) {
          if (packet.isSegmentationOffloaded) offloaded++
          packet.accept()
        }
      }
    })()
    await namespace.connect({ port: 9100, bytes: 500_000 })
    await queue.close()
    await loop
    expect(await namespace.served(9100)).toBe(500_000)
    expect(offloaded).toBeGreaterThan(0)
    expect(queue.stats.lost).toBe(0)
  })

  test('several queues run at the same time', async () => {
    const numbers = [10, 11, 12, 13]
    for (const [index, number] of numbers.entries()) {
      await namespace.listen(9200 + index)
      await namespace.queueOutput(number, { protocol: 'udp', destinationPort: 9200 + index })
    }
    const opened = await Promise.all(numbers.map((number) => open({ number })))
    const loops = opened.map((queue) => answer(queue, 50, (packet) => packet.accept()))
    await Promise.all(numbers.map((_, index) => namespace.send({ port: 9200 + index, count: 50 })))
    await Promise.all(loops)
    for (const index of numbers.keys()) await namespace.waitFor(9200 + index, 50)
  })

  test('opening and closing hundreds of queues leaks no descriptor', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length
    await (await openQueue({ number: 7, transport: socket() })).close()
    const before = descriptors()
    for (let round = 0; round < 300; round++) {
      const queue = await openQueue({ number: 7, copyRange: 64, transport: socket({ liveBatches: 1, batchSize: 1 }) })
      const loop = answer(queue, 1, (packet) => packet.accept())
      await queue.close()
      await loop
    }
    await expect(openQueue({ number: 70_000, transport: socket() })).rejects.toMatchObject({ code: 'VALUE_RANGE' })
    expect(descriptors()).toBe(before)
  })

  test('the kernel names the attribute that it refuses', async () => {
    const queue = await open()
    const refused = queue.session.request({
      what: 'set flags without mask',
      write: (memory, offset, limit) =>
        writeNfnetlinkMessage(memory, offset, limit, queueConfigAttributes, {
          type: QueueMessage.Config,
          flags: 0,
          sequence: 0,
          resourceId: 5,
          attributes: { flags: 1 },
        }),
    })
    await expect(refused).rejects.toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL })
  })
})

function outsideUserId(): number {
  const [inside = 0, outside = 0] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).map(Number)
  return outside + (process.getuid?.() ?? 0) - inside
}

function canChangeUser(): boolean {
  const nobody = 65534
  return spawnSync(process.execPath, ['-e', ''], { uid: nobody }).error === undefined
}

/** Resolves once a queue is bound in the namespace: polls the kernel's list, not a clock. */
async function waitForQueue(namespace: Namespace): Promise<void> {
  while ((await namespace.run('cat', '/proc/net/netfilter/nfnetlink_queue')).trim() === '');
}
