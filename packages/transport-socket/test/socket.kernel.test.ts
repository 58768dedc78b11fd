import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { open as openFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { Bundle } from '@ringlink/test-support/bundle'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { commitBadDump, commitNoops, commitUnknown, drain } from '@ringlink/test-support/requests'
import { peerUnavailable, SocketPeer } from '@ringlink/test-support/socket-peer'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSocket, type SocketOptions } from '../src/index.ts'

const ROUTE = 0
const LINK_GROUP = 1
const EINVAL = 22
const EOPNOTSUPP = 95
const CAPPED = 0x100
const EXTENDED = 0x200
const NEW_LINK = 16

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('a socket of the real kernel'), () => {
  let namespace: Namespace
  beforeAll(async () => {
    namespace = await Namespace.open()
  })
  afterAll(() => namespace?.close())

  const open = (options: Partial<SocketOptions> = {}): Promise<Transport> =>
    openSocket({ protocol: ROUTE, networkNamespace: namespace.path, frameSize: 1024, ...options })

  describe('loss', () => {
    const COUNT = 3000

    /** Makes the kernel send more acknowledgements than the receive buffer holds, twice. */
    async function overrun(options: Partial<SocketOptions>) {
      await using transport = await open({ receiveBufferSize: 16 * 1024, ...options })
      const events: number[] = []
      transport.events.on('overrun', (lost) => events.push(lost))
      let received = 0
      let lost = 0
      for (let round = 1; round <= 2; round++) {
        commitNoops(transport, COUNT)
        expect(transport.outbox.flush()).toBe(COUNT)
        const first = drain(transport)
        // Messages dropped after the last frame are reported by the next batch.
        commitNoops(transport, 1, COUNT)
        transport.outbox.flush()
        const second = drain(transport)
        received += first.replies.length + second.replies.length
        lost += first.lost + second.lost
        expect(second.replies.at(-1)?.sequence).toBe(COUNT)
        expect(lost).toBeGreaterThan(0)
        expect(received + lost).toBe(round * (COUNT + 1))
      }
      expect(events.reduce((sum, count) => sum + count, 0)).toBe(lost)
      expect(transport.stats).toMatchObject({ lost, frames: received })
    }

    test('is counted to the message', () => overrun({}))

    test('is counted to the message even with noOverrunErrors', () => overrun({ noOverrunErrors: true }))

    test('wakes a waiting receive, which then continues to wait for a message', async () => {
      await using transport = await open({ receiveBufferSize: 16 * 1024 })
      const overran = once(transport.events, 'overrun')
      const waiting = transport.receive()
      commitNoops(transport, COUNT)
      transport.outbox.flush()
      const [[lost], batch] = await Promise.all([overran, waiting])
      expect(batch.lost).toBe(lost)
    })
  })

  describe('errors of the kernel', () => {
    test.each([true, false])(
      'have the body of the request unless they are capped (cappedAck: %s)',
      async (cappedAck) => {
        await using transport = await open({ cappedAck, extendedAck: false })
        commitUnknown(transport, new Uint8Array(20).fill(7))
        transport.outbox.flush()
        const { replies } = drain(transport)
        expect(replies).toMatchObject([{ errno: EOPNOTSUPP, length: cappedAck ? 36 : 56 }])
        expect((replies[0]?.flags ?? 0) & CAPPED).toBe(cappedAck ? CAPPED : 0)
      },
    )

    test.each([true, false])(
      'have the kernel’s message if they are extended (extendedAck: %s)',
      async (extendedAck) => {
        await using transport = await open({ extendedAck })
        commitBadDump(transport)
        transport.outbox.flush()
        const { replies } = drain(transport)
        expect(replies).toMatchObject([{ errno: EINVAL }])
        expect((replies[0]?.flags ?? 0) & EXTENDED).toBe(extendedAck ? EXTENDED : 0)
        expect(/[a-z]{4,} [a-z ]+/.test(replies[0]?.text ?? '')).toBe(extendedAck)
      },
    )

    test('are fewer if requests are not checked strictly', async () => {
      await using transport = await open({ strictChecking: false, frameSize: 32768 })
      commitBadDump(transport)
      transport.outbox.flush()
      const { replies } = drain(transport)
      expect(replies[0]).toMatchObject({ type: NEW_LINK, sequence: 1 })
    })
  })

  describe('groups', () => {
    /** Receives until `count` link messages came. Returns their groups. */
    async function linkEvents(transport: Transport, count: number): Promise<number[]> {
      const groups: number[] = []
      for await (const batch of transport) {
        for (const { index, offset } of batch) {
          if (batch.memory.data.getUint16(offset + 4, true) === NEW_LINK) groups.push(batch.groups(index))
          expect(batch.portId(index)).toBe(0)
        }
        if (groups.length >= count) break
      }
      return groups
    }

    test('are joined at opening: links of the namespace that go up and down', async () => {
      await using transport = await open({ groups: [LINK_GROUP], frameSize: 8192 })
      const events = linkEvents(transport, 2)
      await namespace.setLoopback(false)
      await namespace.setLoopback(true)
      expect(new Set(await events)).toEqual(new Set([1]))
    })

    test('are joined and left while the socket is open', async () => {
      await using transport = await open({ frameSize: 8192 })
      await namespace.setLoopback(false)
      expect(transport.poll()).toBe(undefined)
      transport.joinGroup(LINK_GROUP)
      await namespace.setLoopback(true)
      expect((await linkEvents(transport, 1)).length).toBeGreaterThanOrEqual(1)
      transport.leaveGroup(LINK_GROUP)
      drain(transport)
      await namespace.setLoopback(false)
      await namespace.setLoopback(true)
      expect(transport.poll()).toBe(undefined)
    })
  })

  test('readProcNet reads in the namespace of the socket', async () => {
    const PORT = 0x7ffffff1
    await using transport = await open({ portId: PORT })
    const devices = transport
      .readProcNet('dev')
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.trim().split(':')[0])
    expect(devices).toContain('lo')
    expect(devices.some((device) => /^(eth|en|wl)/.test(device ?? ''))).toBe(false)
    expect(transport.readProcNet('netlink')).toContain(` ${PORT} `)
    await using outside = await openSocket({ protocol: ROUTE, frameSize: 64 })
    expect(outside.readProcNet('netlink')).not.toContain(` ${PORT} `)
  })

  test('a namespace can also be given by its descriptor', async () => {
    const file = await openFile(namespace.path)
    const PORT = 0x7ffffff2
    await using transport = await open({ networkNamespace: file.fd, portId: PORT })
    await file.close()
    await using same = await open()
    expect(transport.portId).toBe(PORT)
    expect(same.readProcNet('netlink')).toContain(` ${PORT} `)
  })

  test('a flush of a full outbox is one send', async () => {
    await using transport = await open({ receiveBufferSize: 1 << 22 })
    const { systemCalls } = transport.stats
    const count = Math.floor(transport.outbox.available / 16)
    commitNoops(transport, count)
    expect(transport.outbox.flush()).toBe(count)
    expect(transport.stats.systemCalls).toBe(systemCalls + 1)
    expect(transport.capabilities.outboxSize).toBe(128 * 1024)
  })

  test('a batch is one system call, with any number of frames', async () => {
    await using transport = await open()
    commitNoops(transport, 64)
    transport.outbox.flush()
    const { systemCalls } = transport.stats
    const batch = (await transport.receive()) as FrameBatch
    expect(batch.length).toBe(64)
    expect(transport.stats.systemCalls).toBe(systemCalls + 1)
  })

  test('a process with an idle transport ends by itself', async () => {
    using bundle = new Bundle(new URL('fixtures/idle.ts', import.meta.url))
    const child = spawn(process.execPath, [bundle.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const [status] = await once(child, 'exit')
    expect(status).toBe(0)
    expect(output).toBe('idle')
  })

  describe.skipIf(peerUnavailable !== undefined)('with a process that sends to it', () => {
    let peer: SocketPeer
    beforeAll(async () => {
      peer = await SocketPeer.open(namespace, ROUTE)
    })
    afterAll(() => peer?.[Symbol.asyncDispose]())

    test('a Worker that blocks gets its frames, and ends', async () => {
      using bundle = new Bundle(new URL('fixtures/poll-worker.ts', import.meta.url))
      const worker = new Worker(bundle.path, { workerData: { networkNamespace: namespace.path } })
      const exited = once(worker, 'exit')
      const received: number[] = []
      for await (const [message] of on(worker, 'message', { close: ['exit'] })) {
        if (message.portId !== undefined) {
          expect(message.empty).toBe(true)
          for (const byte of [3, 2, 1, 0]) await peer.send(message.portId, Uint8Array.of(byte))
        } else {
          received.push(...message.frames.map((frame: Uint8Array) => frame[0]))
        }
      }
      expect(received).toEqual([3, 2, 1, 0])
      expect(await exited).toEqual([0])
    })

    test('frames of other senders do not lengthen a poll', async () => {
      await using transport = await open()
      const MILLISECONDS = 3000
      await peer.repeat(transport.portId, Uint8Array.of(1), MILLISECONDS / 5, 5000)
      const start = performance.now()
      expect(transport.poll(50)).toBe(undefined)
      expect(performance.now() - start).toBeLessThan(MILLISECONDS / 2)
      expect(transport.stats.foreign).toBeGreaterThan(1)
    })
  })
})
