import { LinkType, nflogRecord, PcapngEncoder } from '@ringlink/capture'
import { Family, LogMessage, logAttributes, Memory, writeNfnetlinkMessage } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { expect, test } from 'vitest'
import { capturedPackets } from '../src/captured.ts'

const ports = { sourcePort: 1000, destinationPort: 2000 }
const four = udpPacket({ source: '192.0.2.1', destination: '192.0.2.2', ...ports, payload: 'four' })
const six = udpPacket({ source: '2001:db8::1', destination: '2001:db8::2', ...ports, payload: 'six' })
const ethernet = (etherType: number, packet: Uint8Array, padding = 0) =>
  Uint8Array.from([
    ...Array<number>(12).fill(2),
    etherType >> 8,
    etherType & 0xff,
    ...packet,
    ...Array(padding).fill(0),
  ])

function capture(...packets: [linkType: number, bytes: Uint8Array, fullLength?: number][]): Uint8Array {
  const encoder = new PcapngEncoder()
  for (const [index, [linkType, bytes, fullLength]] of packets.entries()) {
    encoder.addInterface({ linkType })
    encoder.writePacket({ interface: index, at: BigInt(index), bytes, fullLength })
  }
  return encoder.take()
}

test('packets come without their link layer, with their times', () => {
  const bytes = capture(
    [LinkType.Raw, four],
    [LinkType.Ethernet, ethernet(0x0800, four)],
    [LinkType.Ethernet, ethernet(0x86dd, six)],
    [LinkType.Null, Uint8Array.from([2, 0, 0, 0, ...four])],
  )
  const { packets, skipped, truncated } = capturedPackets(bytes)
  expect(packets.map(({ packet }) => packet)).toEqual([four, four, six, four])
  expect(packets.map(({ at, linkType }) => [at, linkType])).toEqual([
    [0n, LinkType.Raw],
    [1n, LinkType.Ethernet],
    [2n, LinkType.Ethernet],
    [3n, LinkType.Null],
  ])
  expect([skipped, truncated]).toEqual([0, undefined])
})

test('the padding of short Ethernet frames is left out, and a cut packet keeps its full length', () => {
  const cut = ethernet(0x0800, four.subarray(0, 24))
  const { packets } = capturedPackets(
    capture([LinkType.Ethernet, ethernet(0x0800, four, 14)], [LinkType.Ethernet, cut, 14 + four.length]),
  )
  expect(packets).toMatchObject([
    { packet: four, fullLength: four.length },
    { packet: four.subarray(0, 24), fullLength: four.length },
  ])
})

test('logged packets are taken out of their messages', () => {
  const memory = new Memory(1024)
  const length = writeNfnetlinkMessage(memory, 0, 1024, logAttributes, {
    ...{ type: LogMessage.Packet, flags: 0, sequence: 0, family: Family.Ipv4, resourceId: 5 },
    attributes: { packetHeader: { protocol: 0x0800, hook: 1 }, payload: six },
  })
  const encoder = new PcapngEncoder()
  encoder.addInterface({ linkType: LinkType.Nflog })
  encoder.writePacket(nflogRecord(0, 1n, memory.copy(0, length)))
  expect(capturedPackets(encoder.take()).packets).toMatchObject([{ packet: six, fullLength: six.length }])
})

test('what holds no IP packet is skipped and counted, and an end that comes too early is reported', () => {
  const bytes = capture(
    [LinkType.Ethernet, ethernet(0x0806, four)],
    [LinkType.Raw, Uint8Array.of(0x45)],
    [LinkType.Ethernet, Uint8Array.of(1)],
    [147, four],
    [LinkType.Raw, four],
  )
  const { packets, skipped, truncated } = capturedPackets(bytes.subarray(0, bytes.length - 4))
  expect([packets.length, skipped, truncated?.code]).toEqual([0, 4, 'MESSAGE_LENGTH'])
  expect(() => capturedPackets(Uint8Array.from([1, 2, 3, 4]))).toThrow(
    expect.objectContaining({ code: 'MESSAGE_TYPE' }),
  )
})
