import {
  CaptureDecoder,
  LinkType,
  netlinkRecord,
  nflogRecord,
  type PacketBlock,
  PcapngEncoder,
} from '@ringlink/capture'
import { packetMessage } from '@ringlink/test-support/messages'
import { loadVector } from '@ringlink/test-support/vectors'
import { expect, it } from 'vitest'
import { CaptureContents } from '../../src/packets/capture-contents.ts'
import type { Entry } from '../../src/packets/entry.ts'

const message = packetMessage(7, { payload: Uint8Array.of(0x45, 0, 0, 20, ...Array(16).fill(1)) })
const { bytes: record } = loadVector('log', 'packet-udp-full')

function captured(): PacketBlock[] {
  const encoder = new PcapngEncoder()
  const netlink = encoder.addInterface({ linkType: LinkType.Netlink })
  const log = encoder.addInterface({ linkType: LinkType.Nflog })
  encoder.writePacket(netlinkRecord(netlink, 0n, message))
  encoder.writePacket(nflogRecord(log, 0n, record))
  encoder.writePacket(netlinkRecord(netlink, 0n, message))
  const decoder = new CaptureDecoder()
  decoder.push(encoder.take())
  const packets: PacketBlock[] = []
  for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
    if (block.type === 'packet') packets.push(block)
  }
  return packets
}

function contentsOf(packets: readonly PacketBlock[]) {
  const contents = new CaptureContents()
  let records = 0
  const entries: Entry[] = []
  const sink = {
    takeRecord: () => {
      records++
      return true
    },
    takeEntry: (entry: Entry) => entries.push(entry) > 0,
  }
  for (const packet of packets) expect(contents.take(packet, sink)).toBe(true)
  return { contents, records, entries }
}

it('shows queued and logged packets', () => {
  const { contents, records, entries } = contentsOf(captured())
  expect([records, entries.map(({ id }) => id), contents.unreadable]).toEqual([1, [7, 7], 0])
})

it('counts what was cut or is malformed, and shows the others', () => {
  const [first, second, third] = captured() as [PacketBlock, PacketBlock, PacketBlock]
  const cut = { ...first, bytes: first.bytes.subarray(0, 40), fullLength: first.bytes.length }
  const short = { ...second, bytes: second.bytes.subarray(0, 2) }
  const { contents, records, entries } = contentsOf([cut, short, third, second])
  expect([records, entries.map(({ id }) => id), contents.unreadable]).toEqual([1, [7], 2])
})

it('shows the beginning of a logged packet that was cut', () => {
  const [, whole] = captured() as [PacketBlock, PacketBlock]
  const cut = { ...whole, bytes: whole.bytes.subarray(0, whole.bytes.length - 9), fullLength: whole.bytes.length }
  const { contents, records } = contentsOf([cut])
  expect([records, contents.unreadable]).toEqual([1, 0])
})
