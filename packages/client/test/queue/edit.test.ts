/** headers() and accept({ edit }) of packet.ts. */

import {
  PacketInformation,
  type QueueAttributes,
  QueueMessage,
  queueAttributes,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import { ipv4Packet, tcpPacket, udpPacket, withChecksums } from '@ringlink/packet'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first, packetMessage, split } from '@ringlink/test-support/messages'
import { expect, test } from 'vitest'
import { openQueue, type PacketBatch, type QueuePacket } from '../../src/index.ts'

const ends = { source: '192.0.2.1', destination: '198.51.100.7', sourcePort: 5000, destinationPort: 53 }
const udp = udpPacket({ ...ends, payload: 'question' })

/** Answers one batch of packets with `answer`. Returns the attributes of the verdicts that were sent. */
async function answerBatch(
  packets: readonly QueueAttributes[],
  answer: (packets: PacketBatch) => void,
): Promise<QueueAttributes[]> {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const queue = await openQueue({ number: 0, transport, copyRange: 1024, verdictBatching: 'never' })
  transport.deliver(...packets.map((attributes, index) => packetMessage(index + 1, attributes)))
  for await (const batch of queue) {
    answer(batch)
    break
  }
  await queue.close()
  return transport.sent
    .flatMap(split)
    .filter(({ type }) => type === QueueMessage.Verdict)
    .map(({ bytes }) => readNfnetlinkAttributes(first(bytes).view, queueAttributes))
    .sort((a, b) => (a.verdictHeader?.id ?? 0) - (b.verdictHeader?.id ?? 0))
}

test('headers() is one view for each batch, aimed at each packet in turn', async () => {
  const seen: unknown[] = []
  let kept: ReturnType<QueuePacket['headers']> | undefined
  await answerBatch([{ payload: udp }, { payload: tcpPacket({ ...ends, flags: 2 }) }], (packets) => {
    for (const packet of packets) {
      const headers = packet.headers()
      expect(headers).toBe(packet.headers())
      if (kept !== undefined) expect(headers).toBe(kept)
      kept = headers
      seen.push([`${headers.source}`, headers.destinationPort, headers.protocol])
    }
  })
  expect(seen).toEqual([
    ['192.0.2.1', 53, 17],
    ['192.0.2.1', 53, 6],
  ])
  expect(() => kept?.sourcePort).toThrow(expect.objectContaining({ code: 'RELEASED' }))
})

test('accept({ edit }) sends the edited packet together with other changes', async () => {
  const verdicts = await answerBatch([{ payload: udp }, { payload: udp }], (packets) => {
    for (const packet of packets) {
      const isFirst = packet.id === 1
      packet.accept(
        isFirst
          ? { edit: { destinationPort: 5353, payload: 'other question' }, mark: 7 }
          : { edit: { source: '10.0.0.1' } },
      )
    }
  })
  const { mark, payload } = verdicts[0] as QueueAttributes
  expect(mark).toBe(7)
  expect(payload).toEqual(udpPacket({ ...ends, destinationPort: 5353, payload: 'other question' }))
  expect(verdicts[1]?.payload).toEqual(udpPacket({ ...ends, source: '10.0.0.1', payload: 'question' }))
})

test('repeat and requeue edit too', async () => {
  const verdicts = await answerBatch([{ payload: udp }, { payload: udp }], (packets) => {
    for (const packet of packets) {
      if (packet.id === 1) packet.repeat({ edit: { timeToLive: 3 } })
      else packet.requeue(9, { edit: { timeToLive: 3 } })
    }
  })
  const payload = udpPacket({ ...ends, timeToLive: 3, payload: 'question' })
  expect(verdicts.map((verdict) => [verdict.verdictHeader?.verdict, verdict.payload])).toEqual([
    [4, payload],
    [(9 << 16) | 3, payload],
  ])
})

test('an impossible edit leaves the packet without a verdict', async () => {
  const fragment = ipv4Packet({ ...ends, protocol: 17, fragmentOffset: 8, payload: 'later' })
  const refused: unknown[] = []
  const verdicts = await answerBatch([{ payload: fragment }], (packets) => {
    for (const packet of packets) {
      for (const changes of [{ edit: { sourcePort: 1 } }, { edit: {}, payload: udp }]) {
        try {
          packet.accept(changes)
        } catch (error) {
          refused.push((error as { code: string }).code)
        }
      }
      packet.drop()
    }
  })
  expect(refused).toEqual(['VALUE_RANGE', 'ARGUMENT'])
  expect(verdicts.map(({ verdictHeader }) => verdictHeader?.verdict)).toEqual([0])
})

test('a held packet is edited after its batch', async () => {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const queue = await openQueue({ number: 0, transport, copyRange: 1024 })
  transport.deliver(packetMessage(1, { payload: udp }))
  for await (const packets of queue) {
    for (const packet of packets) {
      const held = packet.hold()
      queueMicrotask(() => {
        expect(held.headers().destinationPort).toBe(53)
        held.accept({ edit: { payload: '' } })
        expect(() => held.headers().timeToLive).toThrow(expect.objectContaining({ code: 'RELEASED' }))
      })
    }
    break
  }
  await queue.close()
  const verdict = transport.sent.flatMap(split).find(({ type }) => type === QueueMessage.Verdict)
  const { payload } = readNfnetlinkAttributes(first(verdict?.bytes ?? new Uint8Array(0)).view, queueAttributes)
  expect(payload).toEqual(udpPacket(ends))
})

test('a partial checksum is completed by an edit that changes nothing', async () => {
  const whole = tcpPacket({ ...ends, flags: 0x18, payload: 'x'.repeat(900) })
  const partial = whole.slice()
  partial.set([0x12, 0x34], 36)
  const verdicts = await answerBatch(
    [
      {
        payload: partial,
        packetInformation: PacketInformation.ChecksumNotReady | PacketInformation.SegmentationOffload,
      },
    ],
    (packets) => {
      for (const packet of packets) {
        expect(packet.isChecksumPartial).toBe(true)
        packet.accept({ edit: {} })
      }
    },
  )
  expect(verdicts[0]?.payload).toEqual(withChecksums(whole))
})
