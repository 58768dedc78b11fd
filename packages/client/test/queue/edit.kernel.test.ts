/**
 * Edited packets of the real kernel arrive. Its receivers verify every checksum, because the kernel forgets the
 * checksum state of a changed packet.
 */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openQueue, type Queue, type QueueOptions, type QueuePacket } from '../../src/index.ts'

describe.skipIf(kernelUnavailable)(kernelTests('edits on the real kernel'), () => {
  let namespace: Namespace
  let queue: Queue | undefined

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    await queue?.close()
    queue = undefined
    await namespace.close()
  })

  async function open(options: Partial<QueueOptions> = {}): Promise<Queue> {
    const transport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })
    queue = await openQueue({ number: 5, transport, ...options })
    return queue
  }

  /** Answers packets as they come, until the queue is closed. */
  async function answer(of: Queue, decide: (packet: QueuePacket) => void): Promise<void> {
    for await (const packets of of) for (const packet of packets) decide(packet)
  }

  test.each(['127.0.0.1', '::1'])('UDP to %s: another port, a longer and a shorter payload', async (address) => {
    await namespace.listen(9001, address)
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: 9000 })
    const loop = answer(await open(), (packet) => {
      const text = new TextDecoder().decode(packet.headers().payload())
      const payload = text === 'grow' ? 'much longer than it was, of an odd length.' : 's'
      packet.accept({ edit: { destinationPort: 9001, payload } })
    })
    await namespace.send({ port: 9000, address, text: 'grow' })
    await namespace.send({ port: 9000, address, text: 'shrink' })
    await namespace.waitFor(9001, 2)
    expect((await namespace.received(9001)).payloads).toEqual(['much longer than it was, of an odd length.', 's'])
    await queue?.close()
    await loop
  })

  test('addresses: a packet to 127.0.0.1 arrives at 127.0.0.9, from 127.0.0.8', async () => {
    await namespace.listen(9000, '127.0.0.9')
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: 9000 })
    const loop = answer(await open(), (packet) => {
      packet.accept({ edit: { source: '127.0.0.8', destination: '127.0.0.9' } })
    })
    await namespace.send({ port: 9000, text: 'hello' })
    await namespace.waitFor(9000, 1)
    await queue?.close()
    await loop
  })

  test('the receiver verifies: a packet with a wrong checksum does not arrive', async () => {
    await namespace.listen(9000)
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: 9000 })
    const loop = answer(await open(), (packet) => {
      const bytes = packet.payload().slice()
      if (bytes.at(-1) === 0x31) bytes[27] = (bytes[27] as number) ^ 1
      packet.accept({ payload: bytes })
    })
    await namespace.send({ port: 9000, text: 'packet 1' })
    await namespace.send({ port: 9000, text: 'packet 2' })
    await namespace.waitFor(9000, 1)
    expect((await namespace.received(9000)).payloads).toEqual(['packet 2'])
    await queue?.close()
    await loop
  })

  test.each([
    ['segmented by the kernel', false],
    ['segmentation offload, partial checksums', true],
  ])('a TCP connection passes through edits: %s', async (_, segmentationOffload) => {
    await namespace.setLoopback(true, 1500)
    await namespace.queueOutput(5, { protocol: 'tcp' })
    await namespace.serve(9100)
    let partial = 0
    const loop = answer(await open({ segmentationOffload }), (packet) => {
      if (packet.isChecksumPartial) partial++
      // The same bytes, as a new payload in every other packet.
      const { payloadLength } = packet.headers()
      const payload = packet.id % 2 === 0 && payloadLength > 0 ? packet.headers().payload().slice() : undefined
      packet.accept({ edit: { payload } })
    })
    await namespace.connect({ port: 9100, bytes: 500_000 })
    await expect.poll(() => namespace.served(9100), { timeout: patience(60_000) }).toBe(500_000)
    expect(partial > 0).toBe(segmentationOffload)
    await queue?.close()
    await loop
  })
})
