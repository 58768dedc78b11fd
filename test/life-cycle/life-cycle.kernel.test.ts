import { Bundle } from '@ringlink/test-support/bundle'
import { MemoryCgroup, memoryCgroupUnavailable } from '@ringlink/test-support/cgroup'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openQueue, openTransport } from 'ringlink'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Account, type Life, Subject, stages, ways } from './life.ts'

const isRoot = process.getuid?.() === 0
const unavailable = kernelUnavailable ?? (isRoot ? undefined : 'only root can enter a namespace of another process')

const noCgroup = unavailable ?? memoryCgroupUnavailable()
const withoutCgroup = noCgroup === undefined ? '' : ` (skipped: ${noCgroup})`
const MIB = 1 << 20

describe.skipIf(unavailable)(
  unavailable === undefined ? kernelTests('a process') : `a process (skipped: ${unavailable})`,
  () => {
    let namespace: Namespace
    let bundle: Bundle
    let number = 0
    const started: Subject[] = []

    beforeAll(async () => {
      bundle = new Bundle(new URL('program.ts', import.meta.url))
      namespace = await Namespace.open()
    })

    afterAll(async () => {
      for (const subject of started) subject.kill('SIGKILL')
      await Promise.all(started.map(({ ended }) => ended))
      await namespace.close()
      bundle[Symbol.dispose]()
    })

    /** Starts one, with a queue and a port of its own, and traffic until it is at its stage. */
    async function start(given: Omit<Life, 'number' | 'port'>, wrap: readonly string[] = []) {
      const life = { ...given, number: ++number, port: 9000 + number }
      await namespace.listen(life.port)
      const subject = new Subject(bundle.path, namespace, life, wrap)
      started.push(subject)
      const state = { sent: 0, isReady: false }
      const ready = subject.next().finally(() => {
        state.isReady = true
      })
      while (!state.isReady) {
        if (life.stage !== 'opened' && life.stage !== 'waiting') {
          await namespace.send({ port: life.port, count: 20 })
          state.sent += 20
        }
        await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, 10))])
      }
      expect(await ready).toBe('ready')
      return { subject, life, state }
    }

    /** The kernel has nothing of it left: no queue, no socket, no rule, so that traffic passes. */
    async function expectNothingLeft({ number, port }: Life, pid: number | undefined): Promise<void> {
      const transport = await openTransport({ protocol: 12, networkNamespace: namespace.path, ring: false })
      const rest = () => [
        ...lines(transport.readProcNet('netfilter/nfnetlink_queue')).filter((columns) => columns[0] === `${number}`),
        ...lines(transport.readProcNet('netlink')).filter((columns) => columns[2] === `${pid}`),
      ]
      // io_uring lets go of a socket after its process has ended.
      while (rest().length > 0) await new Promise(setImmediate)
      await transport.close()
      const before = (await namespace.received(port)).count
      await namespace.send({ port, count: 5 })
      await namespace.waitFor(port, before + 5)
    }

    /** A life for each stage, each over another transport. */
    const everyStage = (end: Life['end']) =>
      stages.map((stage, index) => ({
        stage,
        end,
        transport: ways[index % ways.length] as Life['transport'],
        inWorker: false,
      }))

    test('that closes its queue ends by itself, at every stage', async () => {
      for (const life of everyStage('close')) {
        const { subject, ...rest } = await start(life)
        const { stats } = (await subject.next()) as Account
        expect(await subject.ended).toBe(0)
        expect(subject.errors).toBe('')
        expect(stats.accepted + stats.dropped + stats.other).toBe(stats.packets)
        await expectNothingLeft(rest.life, subject.child.pid)
      }
    })

    test.each([
      ['process.exit', 3],
      ['throw', 1],
      ['reject', 1],
    ] as const)('that ends by %s leaves nothing, at every stage', async (end, status) => {
      for (const life of everyStage(end)) {
        const { subject, ...rest } = await start(life)
        expect(await subject.ended).toBe(status)
        if (status === 1) expect(subject.errors).toContain('Error: the end')
        await expectNothingLeft(rest.life, subject.child.pid)
      }
    })

    test.each(['SIGTERM', 'SIGKILL'] as const)('that gets %s leaves nothing, at every stage', async (signal) => {
      for (const life of everyStage('signal')) {
        const { subject, ...rest } = await start(life)
        subject.kill(signal)
        expect(await subject.ended).toBe(signal)
        await expectNothingLeft(rest.life, subject.child.pid)
      }
    })

    test.skipIf(noCgroup).each(ways)(
      `that takes more memory than its cgroup has leaves nothing, over a %s${withoutCgroup}`,
      async (transport) => {
        using cgroup = new MemoryCgroup(192 * MIB)
        const { subject, ...rest } = await start(
          { stage: 'holding', end: 'fill', transport, inWorker: false },
          cgroup.wrap,
        )
        expect(await subject.ended).toBe('SIGKILL')
        expect(cgroup.killed()).toBe(1)
        await expectNothingLeft(rest.life, subject.child.pid)
      },
    )

    test('that is stopped under traffic, and continued, accounts for every packet, at every stage', async () => {
      for (const life of everyStage('signal')) {
        const { subject, state, ...rest } = await start(life)
        subject.kill('SIGSTOP')
        const sent = state.sent + 2000
        await namespace.send({ port: rest.life.port, count: 2000 })
        subject.kill('SIGCONT')
        subject.kill('SIGUSR2')
        const { stats, counters } = (await subject.next()) as Account
        expect(await subject.ended).toBe(0)
        const { lastId = -1, queueDropped = -1 } = counters ?? {}
        // Some were sent before there was a rule, or while a queue that closes had none any more, and passed.
        const passed = sent - lastId - queueDropped
        expect(passed).toBeGreaterThanOrEqual(0)
        expect(passed).toBeLessThanOrEqual(life.stage === 'closing' ? sent : sent - 2000)
        expect(stats.packets + stats.lost).toBe(lastId)
        expect(stats.accepted + stats.dropped).toBe(stats.packets)
        await namespace.waitFor(rest.life.port, passed + stats.accepted)
        expect((await namespace.received(rest.life.port)).count).toBe(passed + stats.accepted)
        await expectNothingLeft(rest.life, subject.child.pid)
      }
    })

    test.each(ways)(
      'whose Worker is terminated in the middle of a loop over a %s lives on, without its queue',
      async (transport) => {
        for (const end of ['signal', 'loop'] as const) {
          const { subject, ...rest } = await start({ stage: 'reading', end, transport, inWorker: true })
          subject.kill('SIGUSR2')
          expect(await subject.next()).toEqual({ terminated: 1 })
          expect(await subject.ended).toBe(0)
          await expectNothingLeft(rest.life, subject.child.pid)
        }
      },
    )

    test.each(ways)('whose Worker throws beside a loop over a %s lives on, without its queue', async (transport) => {
      const { subject, ...rest } = await start({ stage: 'reading', end: 'throw', transport, inWorker: true })
      expect(await subject.next()).toEqual({ error: 'the end' })
      subject.kill('SIGTERM')
      await subject.ended
      await expectNothingLeft(rest.life, subject.child.pid)
    })

    test.each(ways)('without /proc and /sys answers packets over a %s, and closes', async (transport) => {
      const hide = [
        'unshare',
        '-m',
        'sh',
        '-c',
        'mount -t tmpfs none /sys && mount -t tmpfs none /proc && exec "$@"',
        'sh',
      ]
      const { subject, ...rest } = await start({ stage: 'reading', end: 'close', transport, inWorker: false }, hide)
      const { stats } = (await subject.next()) as Account
      expect(await subject.ended).toBe(0)
      expect(stats.accepted).toBeGreaterThan(0)
      await expectNothingLeft(rest.life, subject.child.pid)
    })

    test.each(ways)('owns its queue over a %s until it is killed, and only until then', async (transport) => {
      const { subject, life } = await start({ stage: 'reading', end: 'signal', transport, inWorker: false })
      const open = () => openQueue({ number: life.number, networkNamespace: namespace.path })
      await expect(open()).rejects.toMatchObject({
        code: 'QUEUE_REFUSED',
        message: expect.stringMatching(/another process owns/),
      })
      subject.kill('SIGKILL')
      await subject.ended
      await expectNothingLeft(life, subject.child.pid)
      await (await open()).close()
    })
  },
)

function lines(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
}
