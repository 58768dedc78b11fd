import { LogRecordView, Memory, MessageIterator, Protocol, QueuePacketView } from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import { packetMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import {
  LinkType,
  messagesInHostOrder,
  netlinkPacket,
  netlinkRecord,
  nflogMessage,
  nflogRecord,
  type PacketBlock,
  PcapngEncoder,
  packetRecord,
} from '../../src/pcapng/index.ts'
import { hex, packetsOf, udpPacket } from '../support/captures.ts'
import { logMessage } from '../support/messages.ts'

const at = 1_700_000_000_000_000_001n

function written(linkType: number, record: Parameters<PcapngEncoder['writePacket']>[0]): PacketBlock {
  const encoder = new PcapngEncoder()
  encoder.addInterface({ linkType })
  encoder.writePacket(record)
  return packetsOf(encoder.take())[0] as PacketBlock
}

/** A message of attributes that are not nested, in the given order; it is in that of this machine. */
function inOrder(message: Uint8Array, little: boolean): Uint8Array {
  const copy = message.slice()
  if (little === hostIsLittleEndian) return copy
  const view = new DataView(copy.buffer)
  for (const [offset, size] of [
    [0, 4],
    [4, 2],
    [6, 2],
    [8, 4],
    [12, 4],
  ] as const) {
    copy.subarray(offset, offset + size).reverse()
  }
  for (let at = 20; at + 4 <= copy.length; ) {
    const length = view.getUint16(at, hostIsLittleEndian)
    copy.subarray(at, at + 2).reverse()
    copy.subarray(at + 2, at + 4).reverse()
    at += (length + 3) & ~3
  }
  return copy
}

describe('LINKTYPE_NETLINK', () => {
  test.each(['little', 'big'] as const)('messages of packets are read in either order, %s endian', (byteOrder) => {
    const packet = packetMessage(9, { payload: udpPacket(4), mark: 7 })
    const record = logMessage({ prefix: 'in: ', payload: udpPacket(1) }, 5)
    const padded = (bytes: Uint8Array) => [...bytes, ...new Array((4 - (bytes.length & 3)) & 3).fill(0)]
    const little = byteOrder === 'little'
    const both = Uint8Array.from([...padded(inOrder(packet, little)), ...padded(inOrder(record, little))])
    const memory = Memory.from(messagesInHostOrder(both, byteOrder))
    const messages = new MessageIterator().wrap(memory, 0, memory.byteLength)
    expect(messages.next()).toBe(true)
    const queued = new QueuePacketView().wrap(memory, messages.view.offset, messages.view.length)
    expect([queued.id, queued.mark, queued.payload()]).toEqual([9, 7, udpPacket(4)])
    expect(messages.next()).toBe(true)
    const logged = new LogRecordView().wrap(memory, messages.view.offset, messages.view.length)
    expect([logged.group, logged.prefix(), logged.payload()]).toEqual([5, 'in: ', udpPacket(1)])
    expect(messages.next()).toBe(false)
    expect(messages.problem).toBe(undefined)
  })

  test('has a cooked header, big endian', () => {
    const packet = written(
      253,
      netlinkRecord(0, at, hex('10000000'), { protocol: Protocol.Generic, direction: 'inbound' }),
    )
    expect(packet.bytes).toEqual(hex('0006 0338 00000000000000000000 0010 10000000'))
    const sent = written(253, netlinkRecord(0, at, hex('10000000'), { direction: 'outbound', fullLength: 9 }))
    expect(sent.bytes).toEqual(hex('0007 0338 00000000000000000000 000c 10000000'))
    expect(sent).toMatchObject({ fullLength: 25, direction: 'outbound' })
    expect(netlinkPacket(sent)).toEqual({ protocol: Protocol.Netfilter, messages: hex('10000000'), fullLength: 9 })
  })

  test('is refused if it is something else, or short', () => {
    const packet = written(253, { interface: 0, at, bytes: hex('0102') })
    expect(() => netlinkPacket(packet)).toThrow(expect.objectContaining({ code: 'SHORT_HEADER', need: 16, have: 2 }))
    expect(() => nflogMessage(packet)).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
    expect(() => netlinkPacket({ ...packet, linkType: 1 })).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
  })
})

describe('LINKTYPE_NFLOG', () => {
  const message = logMessage({ prefix: 'in: ', mark: 7, payload: udpPacket(1) }, 5)

  test('is the message without its netlink header, and is converted back to it', () => {
    const packet = written(239, nflogRecord(0, at, message, { fullLength: message.length + 3, comment: 'c' }))
    expect(packet.bytes).toEqual(message.subarray(16))
    expect(packet).toMatchObject({ fullLength: message.length - 16 + 3, comment: 'c' })
    const bytes = nflogMessage(packet)
    const view = new LogRecordView().wrap(Memory.from(bytes), 0, bytes.length)
    expect([view.group, view.prefix(), view.mark, view.payload()]).toEqual([5, 'in: ', 7, udpPacket(1)])
  })

  test.each(['little', 'big'] as const)('is read as far as it was captured, %s endian', (byteOrder) => {
    const little = byteOrder === 'little'
    const whole = inOrder(message, little)
    const packet = written(239, nflogRecord(0, at, message))
    let shown = 0
    for (let length = 4; length < whole.length - 16; length++) {
      const bytes = whole.slice(16, 16 + length)
      const cut = nflogMessage({ ...packet, byteOrder, bytes, fullLength: whole.length - 16 })
      try {
        const view = new LogRecordView().wrap(Memory.from(cut), 0, cut.length)
        expect(view.group).toBe(5)
        expect(view.payload()).toEqual(udpPacket(1).subarray(0, view.payloadLength))
        if (view.payloadLength > 0) shown++
      } catch (error) {
        // The header is missing, or the attribute that is cut has a fixed size.
        expect(['ATTRIBUTE_MISSING', 'ATTRIBUTE_SIZE']).toContain((error as { code: string }).code)
      }
    }
    expect(shown).toBe(udpPacket(1).length - 1)
  })

  test('is taken from a view in place', () => {
    const memory = new Memory(2048)
    memory.u8.set(message, 512)
    const view = new LogRecordView().wrap(memory, 512, message.length)
    expect(nflogRecord(0, at, view).bytes).toEqual(message.subarray(16))
    expect(() => nflogRecord(0, at, hex('00'))).toThrow(expect.objectContaining({ code: 'SHORT_HEADER' }))
  })

  test('of a machine with the other byte order is byte-swapped, nested attributes too', () => {
    const foreign = hostIsLittleEndian ? 'big' : 'little'
    const length = (bytes: string) => (foreign === 'big' ? bytes : bytes.replace(/(..)(..)/, '$2$1'))
    // family 2, version 0, group 5; packet header, VLAN { protocol, tag }, prefix
    const bytes = hex(`02 00 0005
      ${length('0008')} ${length('0001')} 0800 01 00
      ${length('0014')} ${length('8014')} ${length('0006')} ${length('0001')} 8100 0000 ${length('0006')} ${length('0002')} 0064 0000
      ${length('0006')} ${length('000a')} 7800`)
    const packet: PacketBlock = { ...written(239, packetRecord(0, at, bytes)), byteOrder: foreign }
    const message = nflogMessage(packet)
    const view = new LogRecordView().wrap(Memory.from(message), 0, message.length)
    expect([view.group, view.protocol, view.hook, view.prefix(), view.vlan()]).toEqual([
      5,
      0x0800,
      1,
      'x',
      { protocol: 0x8100, tag: 100 },
    ])
    for (const [wrong, code] of [
      ['02 00 0005 ffff 0a00 7800', 'ATTRIBUTE_LENGTH'],
      ['02 00 0005 0000 0000 7800', 'ATTRIBUTE_LENGTH'],
    ] as const) {
      const damaged = { ...packet, bytes: hex(wrong), fullLength: hex(wrong).length }
      expect(() => nflogMessage(damaged)).toThrow(expect.objectContaining({ code }))
    }
    let deep = ''
    for (let size = 4; size <= 80; size += 4) {
      deep = length(size.toString(16).padStart(4, '0')) + length('8012') + deep
    }
    const nested = hex(`02000005${deep}`)
    expect(() => nflogMessage({ ...packet, bytes: nested, fullLength: nested.length })).toThrow(
      expect.objectContaining({ code: 'NESTED_DEPTH' }),
    )
  })
})

test('a raw packet is unchanged', () => {
  const packet = written(LinkType.Raw, packetRecord(0, at, udpPacket(1), { dropCount: 3n }))
  expect(packet).toMatchObject({ at, linkType: 101, bytes: udpPacket(1), dropCount: 3n })
})
