import { describe, expect, test } from 'vitest'
import {
  LinkType,
  linkTypeName,
  MAXIMUM_CAPTURED_LENGTH,
  MAXIMUM_INTERFACES,
  PcapngEncoder,
} from '../../src/pcapng/index.ts'
import { blocksOf, hex, packetsOf } from '../support/captures.ts'

const at = 1_700_000_000_123_456_789n

describe('bytes', () => {
  test('a section header with its options', () => {
    const encoder = new PcapngEncoder({
      byteOrder: 'little',
      comment: 'abc',
      hardware: 'x',
      operatingSystem: 'Linux',
      application: 'ringlink',
    })
    expect(encoder.take()).toEqual(
      hex(`0a0d0d0a 48000000            # type, length
           4d3c2b1a 0100 0000           # magic, version 1.0
           ffffffffffffffff             # section length not known
           0100 0300 61626300           # comment
           0200 0100 78000000           # hardware
           0300 0500 4c696e7578 000000  # operating system
           0400 0800 72696e676c696e6b   # application
           0000 0000 48000000`),
    )
  })

  test('a section header without options has no end of options', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'big' })
    expect(encoder.take()).toEqual(hex('0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c'))
  })

  test('an interface', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'little' })
    encoder.take()
    expect(encoder.addInterface({ linkType: LinkType.Nflog, name: 'nflog:5', snapshotLength: 0x1234 })).toBe(0)
    expect(encoder.take()).toEqual(
      hex(`01000000 2c000000
           ef00 0000 34120000           # link type 239, reserved, snapshot length
           0200 0700 6e666c6f673a35 00  # if_name
           0900 0100 09000000           # if_tsresol: nanoseconds
           0000 0000 2c000000`),
    )
  })

  test('a packet with all options', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'little' })
    encoder.addInterface({ linkType: LinkType.Raw })
    encoder.addInterface({ linkType: LinkType.Netlink })
    encoder.take()
    encoder.writePacket({
      interface: 1,
      at: 0x0123456789abcdefn,
      header: hex('aabb'),
      bytes: hex('010203'),
      fullLength: 9,
      comment: 'hm',
      dropCount: 7n,
      direction: 'outbound',
    })
    expect(encoder.take()).toEqual(
      hex(`06000000 48000000
           01000000                     # interface
           67452301 efcdab89            # time: upper word, lower word
           05000000 0b000000            # captured, original
           aabb010203 000000
           0100 0200 686d0000           # comment
           0200 0400 02000000           # epb_flags: outbound
           0400 0800 0700000000000000   # epb_dropcount
           0000 0000 48000000`),
    )
  })

  test('a packet without options, in the other order', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'big' })
    encoder.addInterface({ linkType: LinkType.Raw })
    encoder.take()
    encoder.writePacket({ interface: 0, at: 0x0123456789abcdefn, bytes: hex('01020304') })
    expect(encoder.take()).toEqual(
      hex('00000006 00000024 00000000 01234567 89abcdef 00000004 00000004 01020304 00000024'),
    )
  })

  test('statistics', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'little' })
    encoder.addInterface({ linkType: LinkType.Raw })
    encoder.take()
    encoder.writeStatistics({
      interface: 0,
      at: 0x100000002n,
      received: 5n,
      dropped: 6n,
      startedAt: 0x300000004n,
      endedAt: 0x100000002n,
    })
    expect(encoder.take()).toEqual(
      hex(`05000000 4c000000
           00000000 01000000 02000000
           0200 0800 03000000 04000000  # isb_starttime: upper word, lower word
           0300 0800 01000000 02000000  # isb_endtime
           0400 0800 0500000000000000   # isb_ifrecv
           0500 0800 0600000000000000   # isb_ifdrop
           0000 0000 4c000000`),
    )
  })
})

describe('the encoder', () => {
  test('cuts packets to the snapshot length, header included, and keeps their full length', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Raw, snapshotLength: 5 })
    encoder.writePacket({ interface: 0, at, header: hex('0102'), bytes: hex('030405060708') })
    encoder.writePacket({ interface: 0, at, header: hex('01020304050607'), bytes: hex('08') })
    expect(packetsOf(encoder.take()).map(({ bytes, fullLength }) => [bytes, fullLength])).toEqual([
      [hex('0102030405'), 8],
      [hex('0102030405'), 8],
    ])
  })

  test('cuts packets to what Wireshark reads', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    encoder.writePacket({ interface: 0, at, bytes: new Uint8Array(MAXIMUM_CAPTURED_LENGTH + 1) })
    expect(packetsOf(encoder.take())[0]).toMatchObject({ fullLength: MAXIMUM_CAPTURED_LENGTH + 1 })
  })

  test('predicts the length of a packet', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Raw, snapshotLength: 100 })
    for (const bytes of [new Uint8Array(0), new Uint8Array(99), new Uint8Array(1000)]) {
      for (const more of [{}, { comment: 'ä' }, { dropCount: 1n }, { direction: 'inbound', comment: '' } as const]) {
        const record = { interface: 0, at, bytes, ...more }
        const before = encoder.byteLength
        const length = encoder.packetLength(record)
        encoder.writePacket(record)
        expect(encoder.byteLength - before).toBe(length)
      }
    }
    blocksOf(encoder.take())
  })

  test('counts the bytes that it gave out and still has', () => {
    const encoder = new PcapngEncoder({ byteOrder: 'big' })
    expect([encoder.pending, encoder.byteLength]).toEqual([28, 28])
    expect(encoder.take()).toHaveLength(28)
    expect([encoder.pending, encoder.byteLength]).toEqual([0, 28])
    expect(encoder.take()).toHaveLength(0)
  })

  test('does not touch bytes that it gave out', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Raw })
    const chunks: Uint8Array[] = []
    const copies: Uint8Array[] = []
    for (const size of [10, 70_000, 40_000, 10, 65_000]) {
      encoder.writePacket({ interface: 0, at, bytes: new Uint8Array(size).fill(size % 251) })
      chunks.push(encoder.take())
      copies.push((chunks.at(-1) as Uint8Array).slice())
    }
    expect(chunks).toEqual(copies)
  })

  test('writes statistics for interfaces that have none', () => {
    const encoder = new PcapngEncoder()
    for (let i = 0; i < 3; i++) encoder.addInterface({ linkType: LinkType.Raw })
    encoder.writePacket({ interface: 1, at: 5n, bytes: hex('01'), dropCount: 2n })
    encoder.writePacket({ interface: 1, at: 9n, bytes: hex('01'), dropCount: 3n })
    encoder.writeStatistics({ interface: 2, at: 1n, received: 8n, dropped: 9n })
    encoder.writeOwnStatistics()
    const statistics = blocksOf(encoder.take()).filter((block) => block.type === 'statistics')
    expect(statistics).toMatchObject([
      { interface: 2, received: 8n, dropped: 9n },
      { interface: 0, received: 0n, dropped: 0n, startedAt: undefined },
      { interface: 1, at: 9n, received: 2n, dropped: 5n, startedAt: 5n, endedAt: 9n },
    ])
  })

  test('refuses values that do not fit the format, and then writes nothing', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Raw })
    const before = encoder.byteLength
    const record = { interface: 0, at, bytes: hex('01') }
    const long = 'x'.repeat(65_536)
    const refused = [
      () => encoder.writePacket({ ...record, interface: 1 }),
      () => encoder.writePacket({ ...record, at: -1n }),
      () => encoder.writePacket({ ...record, at: 2n ** 64n }),
      () => encoder.writePacket({ ...record, fullLength: 0 }),
      () => encoder.writePacket({ ...record, fullLength: 2 ** 32 }),
      () => encoder.writePacket({ ...record, dropCount: -1n }),
      () => encoder.writePacket({ ...record, comment: long }),
      () => encoder.packetLength({ ...record, interface: 7 }),
      () => encoder.addInterface({ linkType: 65_536 }),
      () => encoder.addInterface({ linkType: 1, snapshotLength: 0 }),
      () => encoder.addInterface({ linkType: 1, name: long }),
      () => encoder.writeStatistics({ interface: 1, at }),
      () => encoder.writeStatistics({ interface: 0, at, received: 2n ** 64n }),
      () => new PcapngEncoder({ comment: long }),
    ]
    for (const action of refused) expect(action).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    expect(encoder.byteLength).toBe(before)
    for (let i = 1; i < MAXIMUM_INTERFACES; i++) encoder.addInterface({ linkType: 1 })
    expect(() => encoder.addInterface({ linkType: 1 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    blocksOf(encoder.take())
  })

  test('writes what was read', () => {
    const first = new PcapngEncoder({ byteOrder: 'big' })
    first.addInterface({ linkType: LinkType.Raw, name: 'a' })
    first.writePacket({ interface: 0, at, bytes: hex('0102'), fullLength: 8, comment: 'c', dropCount: 1n })
    const bytes = first.take()
    const second = new PcapngEncoder({ byteOrder: 'big' })
    for (const block of blocksOf(bytes)) {
      if (block.type === 'interface') second.addInterface(block)
      if (block.type === 'packet') second.writePacket(block)
    }
    expect(second.take()).toEqual(bytes)
  })
})

test('link types have names', () => {
  expect(Object.values(LinkType).map(linkTypeName)).toEqual([
    'LINKTYPE_NULL',
    'LINKTYPE_ETHERNET',
    'LINKTYPE_RAW',
    'LINKTYPE_LOOP',
    'LINKTYPE_LINUX_SLL',
    'LINKTYPE_IPV4',
    'LINKTYPE_IPV6',
    'LINKTYPE_NFLOG',
    'LINKTYPE_NETLINK',
    'LINKTYPE_LINUX_SLL2',
  ])
  expect(linkTypeName(147)).toBe('LINKTYPE 147')
})
