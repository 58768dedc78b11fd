import { isNetlinkError } from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openQueue, type Queue, type QueuePacket } from '../../src/index.ts'

const PORT = 9200
const BYTES = 1 << 20
const RULE = { hook: 'output', match: { protocol: 'tcp', destinationPort: PORT }, offload: { packets: 8 } } as const

/** The port that a packet of IPv4 comes from. */
function sourcePort(packet: QueuePacket): number {
  const bytes = packet.payload()
  const at = ((bytes[0] as number) & 15) * 4
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** Answers packets until the queue is closed; what it saw. */
function answer(queue: Queue, decide: (packet: QueuePacket, seen: number) => void) {
  const asked = { packets: 0, port: 0 }
  const loop = async () => {
    for await (const packets of queue) {
      for (const packet of packets) {
        asked.packets++
        asked.port = sourcePort(packet)
        decide(packet, asked.packets)
      }
    }
  }
  return { asked, done: loop() }
}

describe.skipIf(kernelUnavailable)(kernelTests('offloaded connections of the real kernel'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.serve(PORT)
  })

  afterEach(async () => {
    await namespace.close()
  })

  const transport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })

  test('an accepted connection is not asked about again', async () => {
    await using queue = await openQueue({ number: 6, transport, rule: RULE })
    const { asked, done } = answer(queue, (packet) => packet.offload('accept'))
    await namespace.connect({ port: PORT, bytes: BYTES })
    const { accepted, dropped, later } = (await queue.rules?.offloaded()) ?? {}
    expect(asked.packets).toBeGreaterThan(0)
    expect(asked.packets).toBeLessThanOrEqual(8)
    expect((accepted?.bytes ?? 0) + (later?.bytes ?? 0)).toBeGreaterThan(BYTES)
    expect(accepted?.packets).toBeGreaterThan(0)
    expect(dropped).toEqual({ packets: 0, bytes: 0 })
    expect((await queue.rules?.counters())?.[0]?.packets).toBe(asked.packets)
    await queue.close()
    await done
  })

  test('without a decision only the first packets are queued', async () => {
    await using queue = await openQueue({ number: 6, transport, rule: { ...RULE, offload: { packets: 3 } } })
    const { asked, done } = answer(queue, (packet) => packet.accept())
    await namespace.connect({ port: PORT, bytes: BYTES })
    const { accepted, later } = (await queue.rules?.offloaded()) ?? {}
    expect(asked.packets).toBeLessThanOrEqual(3)
    expect(accepted).toEqual({ packets: 0, bytes: 0 })
    expect(later?.bytes).toBeGreaterThan(BYTES)
    await queue.close()
    await done
  })

  test('a dropped connection is dropped until it is recalled, with bits of its own', async () => {
    const bits = { accept: 0x100, drop: 0x200, ask: 0x400 }
    const rule = { ...RULE, offload: { packets: 1000, bits } }
    await using queue = await openQueue({ number: 6, transport, rule })
    let isForbidden = true
    // The handshake passes, as a connection must be there to be marked.
    const { asked, done } = answer(queue, (packet, seen) => {
      if (seen <= 2) packet.accept()
      else packet.offload(isForbidden ? 'drop' : 'accept')
    })
    const transfer = namespace.connect({ port: PORT, bytes: 1000 })
    const dropped = async () => (await queue.rules?.offloaded())?.dropped.packets ?? 0
    // The sender repeats what nobody acknowledges.
    while ((await dropped()) === 0) await new Promise(setImmediate)
    const before = asked.packets
    isForbidden = false
    const tuple = { sourceAddress: '127.0.0.1', destinationAddress: '127.0.0.1', protocol: 'tcp' } as const
    await queue.recall({ ...tuple, sourcePort: asked.port, destinationPort: PORT })
    await transfer
    expect(asked.packets).toBeGreaterThan(before)
    await expect(queue.recall({ ...tuple, sourcePort: 1, destinationPort: 2 })).rejects.toMatchObject({
      code: 'CONNECTION_GONE',
    })
    await queue.close()
    await done
  })

  test('with the glue the verdict itself marks the connection', async ({ skip }) => {
    const bits = { accept: 0x100, drop: 0x200, ask: 0x400 }
    const rule = { ...RULE, offload: { packets: 1000, bits } }
    const queue = await openQueue({ number: 6, transport, rule, conntrack: true }).catch((error: unknown) => {
      if (isNetlinkError(error, 'QUEUE_UNSUPPORTED')) return undefined
      throw error
    })
    if (queue === undefined) return skip('this kernel has no glue between queues and connections')
    const marks = new Set<number>()
    const { asked, done } = answer(queue, (packet, seen) => {
      marks.add(packet.mark ?? 0)
      if (seen <= 2) packet.accept()
      else packet.offload('accept')
    })
    await namespace.connect({ port: PORT, bytes: BYTES })
    expect(asked.packets).toBeLessThan(20)
    expect((await queue.rules?.offloaded())?.accepted.bytes).toBeGreaterThan(BYTES / 2)
    expect([...marks]).toEqual([0])
    await queue.close()
    await done
  })

  test('a queue without offload cannot offload', async () => {
    await using queue = await openQueue({ number: 6, transport, rule: { hook: 'output', match: RULE.match } })
    const errors: unknown[] = []
    const { done } = answer(queue, (packet) => {
      try {
        packet.offload('accept')
      } catch (error) {
        errors.push(error)
      }
      packet.accept()
    })
    await namespace.connect({ port: PORT, bytes: 10 })
    expect(errors[0]).toMatchObject({ code: 'ARGUMENT', message: expect.stringContaining('offload: { packets }') })
    const tuple = { sourceAddress: '127.0.0.1', destinationAddress: '127.0.0.1', protocol: 'tcp' } as const
    await expect(queue.recall({ ...tuple, sourcePort: 1, destinationPort: 2 })).rejects.toMatchObject({
      code: 'ARGUMENT',
    })
    await queue.close()
    await done
  })
})
