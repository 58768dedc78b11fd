import { type HeldPacket, openQueue, type Queue } from '@ringlink/client'
import { loadNative } from '@ringlink/native'
import { Namespace } from '@ringlink/test-support/namespace'
import { patience, repetitions } from '@ringlink/test-support/patience'
import { commitNoops } from '@ringlink/test-support/requests'
import { SocketPeer } from '@ringlink/test-support/socket-peer'
import type { FrameBatch, Lease, Transport } from '@ringlink/transport'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openUring } from '../../src/uring/open-uring.ts'
import type { UringOptions } from '../../src/uring/options.ts'
import { probeUring } from '../../src/uring/probe.ts'
import { withoutDeferredWork } from './support/cooperative.ts'
import { uringUnavailable } from './support/fixture.ts'

const ROUTE = 0
/** Milliseconds after which a poll that should have brought something has failed. */
const PATIENCE = patience(5000)

const title =
  uringUnavailable === undefined
    ? 'a ring of io_uring on the real kernel'
    : `a ring of io_uring on the real kernel (skipped: ${uringUnavailable})`

describe.skipIf(uringUnavailable !== undefined)(title, () => {
  let namespace: Namespace
  beforeAll(async () => {
    namespace = await Namespace.open()
  })
  afterAll(() => namespace?.close())

  const open = (options: Partial<UringOptions> = {}) =>
    openUring({ protocol: ROUTE, networkNamespace: namespace.path, frameSize: 256, frames: 64, ...options })

  /** Receives until `count` frames have come; the sequence numbers in them, in order, and the losses. */
  function receive(transport: Transport, count: number): { sequences: number[]; lost: number } {
    const sequences: number[] = []
    let lost = 0
    while (sequences.length < count) {
      const batch = transport.poll(PATIENCE)
      if (batch === undefined) break
      lost += batch.lost
      sequences.push(...sequencesOf(batch))
      batch.release()
    }
    return { sequences, lost }
  }

  /** The number of messages that the kernel reports as dropped at this socket. */
  function drops(transport: Transport): number {
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    const rows = transport.readProcNet('netlink').split('\n')
    const row = rows.map((line) => line.trim().split(/\s+/)).find((words) => Number(words[2]) === transport.portId)
    return Number(row?.[8])
  }

  test.each([{ kernelThread: false }, { kernelThread: true }])(
    'the probe finds that it works, $kernelThread',
    async (mode) => {
      expect(await probeUring(mode)).toEqual({ works: true })
    },
  )

  test('the capabilities describe it', async () => {
    await using transport = open()
    expect(transport.capabilities).toMatchObject({ kind: 'uring', ring: true, hold: 'ring', ordered: true })
    expect(transport.capabilities).toMatchObject({ frameCount: 64, batchSize: 16, exactLoss: true })
    expect(transport.capabilities.frameSize).toBeGreaterThanOrEqual(256)
  })

  test('invalid sizes are refused, and nothing stays open', () => {
    const before = loadNative().openHandles()
    const refused: Partial<UringOptions>[] = [
      ...[0, 1, 3, 65536, 2.5, Number.NaN].map((frames) => ({ frames })),
      ...[0, 65, 1.5].map((batchSize) => ({ batchSize })),
      ...[-1, 64, 1.5, Number.NaN].map((holdLimit) => ({ holdLimit })),
      { frames: 32768, frameSize: 70144 },
      { frameSize: 0 },
    ]
    for (const options of refused) expect(() => open(options)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    expect(loadNative().openHandles()).toBe(before)
  })

  test.each([{ kernelThread: false }, { kernelThread: true }])(
    'many more messages than frames come in order, $kernelThread',
    async (mode) => {
      await using transport = open({ ...mode, receiveBufferSize: 1 << 22 })
      for (let round = 0; round < 20; round++) {
        commitNoops(transport, 500, round * 500)
        transport.outbox.flush()
        const { sequences, lost } = receive(transport, 500)
        expect(sequences).toEqual(Array.from({ length: 500 }, (_, index) => round * 500 + index))
        expect(lost).toBe(0)
      }
      expect(transport.stats).toMatchObject({ frames: 10_000, lost: 0, copied: 0, truncated: 0, foreign: 0 })
    },
  )

  test('with a kernel thread a busy ring needs no system call', async () => {
    await using transport = open({ kernelThread: true, frames: 1024, receiveBufferSize: 1 << 22 })
    commitNoops(transport, 1000)
    transport.outbox.flush()
    const first = transport.poll(PATIENCE)
    const { systemCalls } = transport.stats
    let frames = first?.length ?? 0
    first?.release()
    while (frames < 1000) {
      const batch = transport.poll()
      frames += batch?.length ?? 0
      batch?.release()
    }
    expect(transport.stats.systemCalls).toBe(systemCalls)
  })

  test('without one a batch needs at most one entry for each 32 messages', async () => {
    await using transport = open({ frames: 1024, batchSize: 256, receiveBufferSize: 1 << 22 })
    commitNoops(transport, 512)
    transport.outbox.flush()
    const { systemCalls } = transport.stats
    expect(receive(transport, 512).sequences).toHaveLength(512)
    expect(transport.stats.batches).toBe(2)
    expect(transport.stats.systemCalls - systemCalls).toBeLessThanOrEqual(512 / 32 + 2)
  })

  test.each([{ kernelThread: false }, { kernelThread: true }])(
    'frames held beyond the limit are copied, and live batches with all frames stop only the ring, $kernelThread',
    async (mode) => {
      await using transport = open({ ...mode, frames: 16, batchSize: 4, holdLimit: 12, receiveBufferSize: 1 << 22 })
      expect(transport.capabilities).toMatchObject({ hold: 'ring', holdLimit: 12 })
      commitNoops(transport, 100)
      transport.outbox.flush()
      const held: { lease: Lease; sequence: number }[] = []
      while (held.length < 40) {
        const batch = transport.poll(PATIENCE) as FrameBatch
        const sequences = sequencesOf(batch)
        for (const [index, sequence] of sequences.entries()) held.push({ lease: batch.hold(index), sequence })
        batch.release()
      }
      expect(transport.stats).toMatchObject({ held: held.length, copied: held.length - 12 })
      const live: FrameBatch[] = []
      const seen: number[] = []
      const hold = () => {
        const batch = transport.poll(PATIENCE) as FrameBatch
        seen.push(...sequencesOf(batch))
        live.push(batch)
      }
      for (let frames = 0; frames < 4; frames += live.at(-1)?.length ?? 0) hold()
      expect(() => transport.poll()).toThrow(expect.objectContaining({ code: 'NO_FREE_FRAMES' }))
      await expect(transport.receive()).rejects.toMatchObject({ code: 'NO_FREE_FRAMES' })
      expect(() => transport.poll(1)).toThrow(expect.objectContaining({ code: 'NO_FREE_FRAMES' }))
      // Any free frame is enough to continue.
      for (const index of [7, 0, 11, 3]) {
        held[index]?.lease.release()
        hold()
      }
      for (const batch of live) batch.release()
      seen.push(...receive(transport, 100 - held.length - seen.length).sequences)
      expect(seen).toEqual(Array.from({ length: 100 - held.length }, (_, index) => held.length + index))
      for (const [index, { lease, sequence }] of held.entries()) {
        if ([7, 0, 11, 3].includes(index)) expect(lease.released).toBe(true)
        else expect(lease.memory.u32[(lease.offset >> 2) + 2]).toBe(sequence)
        lease.release()
      }
      expect(transport.stats).toMatchObject({ held: 0, copied: held.length - 12, lost: 0, frames: 100 })
      commitNoops(transport, 40)
      transport.outbox.flush()
      expect(receive(transport, 40).sequences).toHaveLength(40)
    },
  )

  test.each([{ kernelThread: false }, { kernelThread: true }])(
    'what the kernel drops is counted exactly, overrun after overrun, $kernelThread',
    async (mode) => {
      await using transport = open({ ...mode, frames: 16, batchSize: 8, receiveBufferSize: 16 * 1024 })
      let told = 0
      transport.events.on('overrun', (lost) => {
        told += lost
      })
      let lost = 0
      let received = 0
      for (let round = 1; round <= 5; round++) {
        commitNoops(transport, 300)
        transport.outbox.flush()
        // Until all are accounted for: on a busy machine the kernel thread takes longer than any wait.
        while (received + transport.stats.lost < 300 * round) {
          const batch = transport.poll(50)
          lost += batch?.lost ?? 0
          received += batch?.length ?? 0
          batch?.release()
        }
        expect(transport.stats.lost).toBe(drops(transport))
        expect(received + transport.stats.lost).toBe(300 * round)
      }
      // The last loss may be known only when the queue ran empty: the next batch reports it.
      commitNoops(transport, 1)
      transport.outbox.flush()
      lost += receive(transport, 1).lost
      expect(lost).toBe(transport.stats.lost)
      expect(told).toBe(lost)
      expect(lost).toBeGreaterThan(100)
    },
  )

  test('frames of other senders never use up frames', async () => {
    await using peer = await SocketPeer.open(namespace, ROUTE)
    await using transport = open({ frames: 16, batchSize: 4 })
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 100; i++) await peer.send(transport.portId, Uint8Array.of(1, 2, 3, 4))
      commitNoops(transport, 1, round)
      transport.outbox.flush()
      expect(receive(transport, 1).sequences).toEqual([round])
      expect(transport.stats.foreign).toBe(100 * round)
    }
    expect(transport.stats).toMatchObject({ frames: 3, lost: 0 })
    const start = performance.now()
    await peer.repeat(transport.portId, Uint8Array.of(1), 600, 5000)
    expect(transport.poll(50)).toBe(undefined)
    expect(performance.now() - start).toBeLessThan(1500)
  })

  test('after a close with live batches, leases and views nothing can be read', async () => {
    const before = loadNative().openHandles()
    const transport = open()
    commitNoops(transport, 40)
    transport.outbox.flush()
    const batch = transport.poll(PATIENCE) as FrameBatch
    const lease = batch.hold(1)
    const { u8, u32, data, buffer } = batch.memory
    expect(u8.length).toBeGreaterThan(0)
    const pending = transport.poll(PATIENCE)
    await transport.close()
    expect([u8.length, u32.length, buffer.byteLength, u8[28]]).toEqual([0, 0, 0, undefined])
    expect(() => data.getUint8(28)).toThrow(TypeError)
    for (const read of [() => batch.offset(0), () => lease.memory.u8, () => pending?.byteLength(0)]) {
      expect(() => read()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    }
    lease.release()
    batch.release()
    pending?.release()
    expect(loadNative().openHandles()).toBe(before)
  })

  test('the event loop runs while a ring with a kernel thread closes, and its port is free when it has closed', async () => {
    for (let round = 0; round < 10; round++) {
      const transport = open({ kernelThread: true })
      const { portId } = transport
      commitNoops(transport, 40)
      transport.outbox.flush()
      let turns = 0
      const closing = transport.close()
      const again = transport.close()
      setImmediate(() => turns++)
      await closing
      expect(turns).toBe(1)
      await again
      await open({ portId }).close()
    }
  })

  test('a ring on 6.0, without deferred work, works too', async () => {
    const refusing = withoutDeferredWork(loadNative())
    await using transport = openUring({ protocol: ROUTE, frameSize: 256, frames: 16 }, refusing)
    for (let round = 0; round < 5; round++) {
      const waiting = transport.receive()
      commitNoops(transport, 1, round)
      transport.outbox.flush()
      const batch = await waiting
      expect(sequencesOf(batch)).toEqual([round])
      batch.release()
    }
  })

  describe('with a queue', () => {
    const PORT = 9000
    const HELD = 256
    const WAVES = 5
    const WAVE = repetitions(20_000, 500)
    const queues: Queue[] = []
    afterAll(async () => {
      for (const queue of queues) await queue.close()
    })

    test.each([
      { kernelThread: false, number: 5 },
      { kernelThread: true, number: 6 },
    ])(
      `holding ${HELD} packets while ${WAVES * WAVE} pass copies nothing, and each gets its verdict, $kernelThread`,
      async ({ kernelThread, number }) => {
        const port = PORT + number
        await namespace.queueOutput(number, { protocol: 'udp', destinationPort: port })
        const queue = await openQueue({
          number,
          copyRange: 128,
          maxLength: 65_536,
          transport: (needs) => openUring({ ...needs, networkNamespace: namespace.path, frames: 1024, kernelThread }),
        })
        queues.push(queue)
        const held: HeldPacket[] = []
        let seen = 0
        let sent = namespace.send({ port, count: WAVE + HELD })
        for await (const packets of queue) {
          for (const packet of packets) {
            if (held.length < HELD) held.push(packet.hold())
            else packet.accept()
            seen++
          }
          if (seen === HELD + WAVE * WAVES) break
          if ((seen - HELD) % WAVE === 0 && seen > HELD) {
            await sent
            sent = namespace.send({ port, count: WAVE })
          }
        }
        await sent
        expect(queue.transport.stats).toMatchObject({ held: HELD, copied: 0, lost: 0 })
        expect(queue.counters()?.waiting).toBe(HELD)
        const ids = held.map((packet) => packet.id)
        expect(new Set(ids).size).toBe(HELD)
        // Out of order: 97 has no common factor with 256.
        held.forEach((_, index) => {
          const packet = held[(index * 97) % HELD]
          expect(packet?.payloadLength).toBeGreaterThan(28)
          if (index % 2 === 0) packet?.accept()
          else packet?.drop()
        })
        queue.flush()
        expect(queue.counters()).toMatchObject({
          waiting: 0,
          queueDropped: 0,
          userDropped: 0,
          lastId: HELD + WAVE * WAVES,
        })
        expect(queue.stats).toMatchObject({ packets: HELD + WAVE * WAVES, dropped: HELD / 2, lost: 0, late: 0 })
        expect(queue.transport.stats).toMatchObject({ held: 0, copied: 0, lost: 0, truncated: 0 })
      },
    )
  })
})

function sequencesOf(batch: FrameBatch): number[] {
  const sequences: number[] = []
  for (const { offset } of batch) sequences.push(batch.memory.u32[(offset >> 2) + 2] as number)
  return sequences
}
