import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FanOut, type FanOutOptions, fanOut, openQueue, type Rules } from '../../src/index.ts'

const PORT = 9000
const ADDRESSES = Array.from({ length: 64 }, (_, index) => `127.0.0.${index + 1}`)
const module = new URL('./fixtures/verdicts.mjs', import.meta.url)
const without = new URL('./fixtures/no-verdicts.mjs', import.meta.url)
const QUEUES = 8

describe.skipIf(kernelUnavailable)(kernelTests('queues over Workers'), () => {
  let namespace: Namespace
  let rules: Rules
  let fans: FanOut[] = []

  beforeEach(async () => {
    // Workers run the built files.
    expect(existsSync(fileURLToPath(new URL('../../dist/fan-out/worker.js', import.meta.url)))).toBe(true)
    namespace = await Namespace.open()
    await namespace.listen(PORT, '0.0.0.0')
    const match = { protocol: 'udp', destinationPort: PORT } as const
    rules = await namespace.install([{ hook: 'output', match, queue: { from: 0, to: 3 } }])
  })

  afterEach(async () => {
    for (const fan of fans) await fan.close().catch(() => {})
    fans = []
    await namespace.close()
  })

  async function open(options: Partial<FanOutOptions> = {}): Promise<FanOut> {
    const fan = await fanOut({
      queues: '0:3',
      module,
      networkNamespace: namespace.path,
      copyRange: 128,
      maxLength: 8192,
      unanswered: 'accept',
      ...options,
    })
    fan.done.catch(() => {})
    fans.push(fan)
    return fan
  }

  /** Sends that many packets to each of the addresses. */
  const send = (each: number) =>
    Promise.all(ADDRESSES.map((address) => namespace.send({ port: PORT, address, count: each })))

  /** Checks that all queues are free: nobody owns them any more. */
  async function expectFree(): Promise<void> {
    for (const number of [0, 1, 2, 3]) {
      const queue = await openQueue({ number, networkNamespace: namespace.path })
      await queue.close()
    }
  }

  /** The number of packets that the rule has sent to the queues, by its counter. */
  async function ruled(): Promise<number> {
    const [counters] = await rules.counters()
    return counters?.packets ?? 0
  }

  const wordsOf = () => new Int32Array(new SharedArrayBuffer(4 * 3 * QUEUES))
  const counted = (words: Int32Array, event: number) => Array.from(words.subarray(event * QUEUES, event * QUEUES + 4))

  test.each([
    ['at once', (abort: () => void) => abort()],
    ['later', (abort: () => void) => setImmediate(abort)],
  ])(
    'an abort %s while the queues are being opened ends all Workers, even those whose setup never ends',
    async (_, when) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const waits =
        'export const onPackets = () => {}; export const setup = () => new Promise(() => setInterval(() => {}, 1000))'
      const opening = open({ module: `data:text/javascript,${encodeURIComponent(waits)}`, signal: controller.signal })
      when(() => controller.abort(reason))
      await expect(opening).rejects.toBe(reason)
      await expectFree()
    },
  )

  test('an abort once the queues are open changes nothing', async () => {
    const controller = new AbortController()
    const fan = await open({ data: { words: wordsOf() }, signal: controller.signal })
    controller.abort()
    await send(1)
    await namespace.waitFor(PORT, 64)
    await fan.close()
    expect(fan.stats().total.packets).toBe(64)
  })

  test('four Workers answer thousands of packets, and their counters equal the kernel’s', async () => {
    const words = wordsOf()
    const fan = await open({ data: { words } })
    expect(fan.queues).toEqual([0, 1, 2, 3])
    expect(counted(words, 0)).toEqual([1, 1, 1, 1])
    await send(100)
    // One of ten packets is dropped: those whose number ends in 7.
    await namespace.waitFor(PORT, 64 * 90)
    await fan.close()
    const { queues, total } = fan.stats()
    expect(total).toMatchObject({ packets: 6400, accepted: 5760, dropped: 640, unanswered: 0, lost: 0, late: 0 })
    expect(await ruled()).toBe(6400)
    for (const { packets, accepted, dropped, counters } of queues) {
      expect(packets).toBeGreaterThan(0)
      expect(accepted + dropped).toBe(packets)
      expect(counters).toMatchObject({ lastId: packets, waiting: 0, queueDropped: 0, userDropped: 0 })
    }
    expect((await namespace.received(PORT)).count).toBe(5760)
    expect(counted(words, 2)).toEqual([1, 1, 1, 1])
    await expectFree()
  })

  test.each(['accept', 'drop'] as const)('closes with traffic running (%s)', async (unanswered) => {
    const fan = await open({ unanswered })
    const traffic = send(200)
    while (fan.stats().total.packets < 500) await new Promise(setImmediate)
    await fan.close()
    await fan.done
    await traffic
    const { total, queues } = fan.stats()
    expect(total.accepted + total.dropped + total.other).toBe(total.packets)
    for (const { number, counters } of queues) expect(counters?.number).toBe(number)
    await expectFree()
  })

  test('held packets are answered between batches, without another packet', async () => {
    const fan = await open({ data: { hold: true } })
    await send(5)
    await namespace.waitFor(PORT, 320)
    await fan.close()
    expect(fan.stats().total).toMatchObject({ packets: 320, accepted: 320, unanswered: 0 })
  })

  test('if a queue is already bound, its error is reported and the others are closed', async () => {
    const owner = await openQueue({ number: 2, networkNamespace: namespace.path })
    await expect(open()).rejects.toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/^cannot bind queue 2: this process already owns it, through another transport/),
    })
    await owner.close()
    await expectFree()
  })

  test.each([
    ['that cannot be found', { module: new URL('./fixtures/missing.mjs', import.meta.url) }, 'WORKER_FAILED'],
    ['without a verdict function', { module: without }, 'ARGUMENT'],
    ['whose setup fails', { data: { fail: 'setup' } }, 'WORKER_FAILED'],
    ['with an unknown queue option', { copyRange: -1 }, 'VALUE_RANGE'],
  ])('a module %s', async (_, options, code) => {
    await expect(open(options)).rejects.toMatchObject({ code })
    await expectFree()
  })

  test.each([
    ['throw', 'the Worker of queue 1 failed: the handler failed'],
    ['exit', 'the Worker of queue 1 failed: it ended by itself, with exit code 3'],
    ['promise', 'the Worker of queue 1 failed: serve: the handler returned a promise'],
  ])('a Worker that fails (%s) ends the fan-out, and the others are closed', async (fail, message) => {
    const fan = await open({ data: { fail, queue: 1 } })
    const failures: unknown[] = []
    fan.events.on('failed', (error) => failures.push(error))
    await send(10)
    const error: unknown = await fan.done.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'WORKER_FAILED', queue: 1, message: expect.stringContaining(message) })
    expect(failures).toEqual([error])
    await expect(fan.close()).rejects.toBe(error)
    await expectFree()
  })

  test('with onFailure continue the others continue', async () => {
    const fan = await open({ data: { fail: 'throw', queue: 1 }, onFailure: 'continue' })
    const failed = new Promise((resolve) => fan.events.once('failed', resolve))
    await send(1)
    await failed
    const { packets } = fan.stats().total
    await send(10)
    // Packets for queue 1 are dropped, because nobody owns it.
    while (fan.stats().total.packets === packets) await new Promise(setImmediate)
    await expect(fan.close()).rejects.toMatchObject({ code: 'WORKER_FAILED', queue: 1, cause: { name: 'RangeError' } })
    const { queues } = fan.stats()
    expect(queues.filter(({ counters }) => counters !== undefined).map(({ number }) => number)).toEqual([0, 2, 3])
    await expectFree()
  })

  test('a handler that never returns is terminated, and close does not hang', async () => {
    const fan = await open({ data: { fail: 'hang', queue: 3 }, closeTimeout: patience(300) })
    await send(10)
    await expect(fan.close()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      queue: 3,
      cause: { message: `it did not end within ${patience(300)} ms, and was terminated` },
    })
    await expectFree()
  })

  test('losses are reported with their queue', async () => {
    const fan = await open({
      queues: [0, 1, 2, 3],
      receiveBufferSize: 20_000,
      data: { fail: 'sleep', milliseconds: 50 },
    })
    const lost = [0, 0, 0, 0]
    fan.events.on('overrun', (queue, count) => {
      lost[queue] = (lost[queue] as number) + count
    })
    const told = once(fan.events, 'overrun')
    await send(40)
    await told
    await fan.close()
    const { queues, total } = fan.stats()
    expect(total.packets).toBeLessThan(2560)
    const dropped = queues.map(({ counters }) => counters?.userDropped)
    expect(lost.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
    for (const [queue, count] of lost.entries()) expect(count).toBeLessThanOrEqual(dropped[queue] as number)
  })
})
