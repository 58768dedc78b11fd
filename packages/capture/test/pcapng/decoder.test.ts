import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CaptureBlock,
  LinkType,
  MAXIMUM_BLOCK_LENGTH,
  MAXIMUM_INTERFACES,
  PcapngDecoder,
  PcapngEncoder,
  readPcapng,
} from '../../src/pcapng/index.ts'
import { blocksOf, hex, packetsOf } from '../support/captures.ts'
import { damagedCaptures } from '../support/damage.ts'

const SECTION = '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000'
const RAW_INTERFACE = '01000000 14000000 6500 0000 00000000 14000000'
const PACKET = '06000000 24000000 00000000 00000000 05000000 04000000 09000000 01020304 24000000'

const codeOf = (bytes: Uint8Array): unknown => {
  try {
    blocksOf(bytes)
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'nothing was refused'
}

describe('blocks', () => {
  test('a capture by hand, little endian, times in microseconds by default', () => {
    expect(blocksOf(hex(SECTION + RAW_INTERFACE + PACKET))).toEqual([
      {
        type: 'section',
        byteOrder: 'little',
        hardware: undefined,
        operatingSystem: undefined,
        application: undefined,
        comment: undefined,
      },
      {
        type: 'interface',
        interface: 0,
        linkType: LinkType.Raw,
        snapshotLength: 0,
        name: undefined,
        description: undefined,
        comment: undefined,
      },
      {
        type: 'packet',
        interface: 0,
        linkType: LinkType.Raw,
        at: 5000n,
        bytes: hex('01020304'),
        fullLength: 9,
        comment: undefined,
        dropCount: undefined,
        direction: undefined,
        byteOrder: 'little',
      },
    ])
  })

  test('big endian, with the resolution and the offset of times', () => {
    const capture = hex(`0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
      00000001 0000002c 00ef 0000 00000000
        0009 0001 8a000000              # if_tsresol: 2 ** -10
        000e 0008 fffffffffffffffe      # if_tsoffset: -2 s
        0000 0000 0000002c
      00000006 00000028 00000000 00000001 00000400 00000001 00000001 ff000000 0000 0000 00000028`)
    expect(packetsOf(capture)).toMatchObject([
      { linkType: 239, at: (2n ** 32n / 1024n + 1n - 2n) * 1_000_000_000n, byteOrder: 'big', bytes: hex('ff') },
    ])
  })

  test('simple and obsolete packets', () => {
    const capture = hex(`${SECTION} 01000000 14000000 6500 0000 03000000 14000000
      03000000 14000000 09000000 01020300 14000000
      02000000 24000000 0000 0200 00000000 05000000 03000000 09000000 04050600 24000000
      02000000 24000000 0000 ffff 00000000 05000000 03000000 09000000 04050600 24000000`)
    expect(packetsOf(capture)).toMatchObject([
      { at: 0n, bytes: hex('010203'), fullLength: 9, dropCount: undefined },
      { at: 5000n, bytes: hex('040506'), fullLength: 9, dropCount: 2n },
      { at: 5000n, bytes: hex('040506'), fullLength: 9, dropCount: undefined },
    ])
  })

  test('blocks of other types are skipped and counted, other options too, and comments are joined', () => {
    const decoder = new PcapngDecoder()
    decoder.push(hex(`${SECTION} 04000000 10000000 00000000 10000000 ${RAW_INTERFACE} ad0b0000 0c000000 0c000000`))
    const seen: CaptureBlock[] = []
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) seen.push(block)
    expect(seen.map(({ type }) => type)).toEqual(['section', 'interface'])
    expect(decoder.skipped).toBe(2)
    const options = hex(`${SECTION} ${RAW_INTERFACE}
      06000000 38000000 00000000 00000000 05000000 00000000 00000000
        0100 0100 61000000 0500 0400 00000000 0100 0100 62000000 38000000`)
    expect(packetsOf(options)).toMatchObject([{ comment: 'a\nb' }])
  })

  test('a new section has its own numbering of interfaces and byte order', () => {
    const first = new PcapngEncoder({ byteOrder: 'little' })
    first.addInterface({ linkType: 1 })
    first.addInterface({ linkType: 2 })
    const second = new PcapngEncoder({ byteOrder: 'big' })
    second.addInterface({ linkType: 3 })
    second.writePacket({ interface: 0, at: 1n, bytes: hex('01') })
    const blocks = blocksOf(Uint8Array.from([...first.take(), ...second.take()]))
    expect(blocks.map((block) => (block.type === 'section' ? block.byteOrder : block.interface))).toEqual([
      'little',
      0,
      1,
      'big',
      0,
      0,
    ])
    expect(blocks.at(-1)).toMatchObject({ linkType: 3 })
  })
})

describe('malformed captures', () => {
  test.each([
    ['another file', '504b0304 14000000 00000000', 'MESSAGE_TYPE'],
    ['a packet first', PACKET, 'MESSAGE_TYPE'],
    ['no magic', '0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000', 'MESSAGE_TYPE'],
    ['version 2', '0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000', 'UNSUPPORTED'],
    ['a section header that is short', '0a0d0d0a 18000000 4d3c2b1a 0100 0000 ffffffff 18000000', 'MESSAGE_LENGTH'],
    ['a block of no length', `${SECTION} 06000000 00000000 00000000`, 'MESSAGE_LENGTH'],
    ['an odd length', `${SECTION} aa000000 0d000000 000000000000`, 'MESSAGE_LENGTH'],
    ['a length beyond the limit', `${SECTION} aa000000 04000001 00000000`, 'MESSAGE_LENGTH'],
    ['two lengths', `${SECTION} aa000000 0c000000 10000000`, 'MESSAGE_LENGTH'],
    ['a packet of no interface', SECTION + PACKET, 'ATTRIBUTE_MISSING'],
    [
      'a packet longer than its block',
      SECTION + RAW_INTERFACE + PACKET.replace('04000000 09', '05000000 09'),
      'MESSAGE_LENGTH',
    ],
  ])('%s', (_, text, code) => {
    expect(codeOf(hex(text))).toBe(code)
  })

  test('too many interfaces', () => {
    const bytes = hex(SECTION + RAW_INTERFACE.repeat(MAXIMUM_INTERFACES + 1))
    expect(codeOf(bytes)).toBe('ATTRIBUTE_COUNT')
  })

  test('the error says where, is thrown again, and what came before it is given out', async () => {
    const bytes = hex(`${SECTION + RAW_INTERFACE + PACKET} 06000000 00000000 00000000`)
    const reader = readPcapng([bytes.subarray(0, 50), bytes.subarray(50)])
    const types: string[] = []
    const loop = (async () => {
      for await (const { type } of reader) types.push(type)
    })()
    await expect(loop).rejects.toMatchObject({ code: 'MESSAGE_LENGTH', offset: 28 + 20 + 36, need: 32, have: 0 })
    expect(types).toEqual(['section', 'interface', 'packet'])
    const decoder = new PcapngDecoder()
    decoder.push(hex('00'.repeat(12)))
    for (let i = 0; i < 2; i++) expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
  })

  test('any bytes end in blocks or an error of ours, never beyond the bytes', () => {
    const whole = hex(SECTION + RAW_INTERFACE + PACKET)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 64 }),
        (changes, tail) => {
          const bytes = Uint8Array.from([...whole, ...tail])
          for (const [index, value] of changes) bytes[index] = value
          expect([
            'nothing was refused',
            'MESSAGE_TYPE',
            'UNSUPPORTED',
            'MESSAGE_LENGTH',
            'SHORT_HEADER',
            'ATTRIBUTE_MISSING',
          ]).toContain(codeOf(bytes))
        },
      ),
    )
  })
})

describe('damaged options and statistics', () => {
  const interfaceWith = (option: string) => {
    const length = `${(20 + option.replace(/\s/g, '').length / 2).toString(16)}000000`
    return `01000000 ${length} 6500 0000 00000000 ${option} ${length}`
  }
  const packetWith = (option: string) => {
    const length = `${(36 + option.replace(/\s/g, '').length / 2).toString(16)}000000`
    return `06000000 ${length} 00000000 00000000 05000000 04000000 09000000 01020304 ${option} ${length}`
  }
  test.each([
    ['if_tsresol of 4 bytes', interfaceWith('0900 0400 09000000'), ''],
    ['if_tsresol of 2 bytes', interfaceWith('0900 0200 09000000'), ''],
    ['if_tsoffset of 4 bytes', interfaceWith('0e00 0400 09000000'), ''],
    ['if_name longer than the block', interfaceWith('0200 1000 09000000'), ''],
    ['a packet comment longer than the block', RAW_INTERFACE, packetWith('0100 0100')],
    ['epb_flags of 3 bytes', RAW_INTERFACE, packetWith('0200 0300 00000000')],
    ['epb_dropcount of 4 bytes', RAW_INTERFACE, packetWith('0400 0400 00000000')],
    [
      'isb_ifrecv of 4 bytes',
      `${RAW_INTERFACE} 05000000 20000000 00000000 00000000 00000000 0400 0400 01000000 20000000`,
      '',
    ],
    ['statistics of no interface', `${RAW_INTERFACE} 05000000 18000000 01000000 00000000 00000000 18000000`, ''],
    ['statistics of no length', `${RAW_INTERFACE} 05000000 0c000000 0c000000`, ''],
    ['statistics with two lengths', `${RAW_INTERFACE} 05000000 18000000 00000000 00000000 00000000 14000000`, ''],
  ])('%s: no packet is lost, the damage is counted', (_, before, after) => {
    const decoder = new PcapngDecoder()
    decoder.push(hex(SECTION + before + PACKET + after + PACKET))
    const packets: CaptureBlock[] = []
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
      if (block.type === 'packet') packets.push(block)
    }
    expect(packets).toMatchObject(
      Array(after === '' ? 2 : 3).fill({ at: 5000n, bytes: hex('01020304'), fullLength: 9 }),
    )
    expect(decoder.finish()).toBeUndefined()
    expect(decoder.damaged).toBe(1)
  })

  test('with any of their bytes changed, all packets are read as they were written', () => {
    fc.assert(
      fc.property(damagedCaptures, ({ capture, packets }) => {
        expect(packetsOf(capture).map(({ bytes }) => bytes)).toEqual(packets)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('streams', () => {
  test('a cut at any place is reported, and all whole blocks before it are given out', async () => {
    const whole = hex(SECTION + RAW_INTERFACE + PACKET)
    const ends = [28, 48, 84]
    for (let length = 0; length <= whole.length; length++) {
      const reader = readPcapng(whole.subarray(0, length))
      let blocks = 0
      for await (const _ of reader) blocks++
      expect(blocks).toBe(ends.filter((end) => end <= length).length)
      if (ends.includes(length)) expect(reader.truncated).toBeUndefined()
      else expect(['SHORT_HEADER', 'MESSAGE_LENGTH']).toContain(reader.truncated?.code)
    }
    const cut = readPcapng(whole.subarray(0, 80))
    for await (const _ of cut);
    expect(cut.truncated).toMatchObject({ code: 'MESSAGE_LENGTH', offset: 48, need: 36, have: 32 })
  })

  test('a long block that comes in small chunks is kept without being copied again and again', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Raw })
    encoder.writePacket({ interface: 0, at: 1n, bytes: new Uint8Array(200_000).fill(7) })
    const bytes = encoder.take()
    const decoder = new PcapngDecoder()
    let packets = 0
    for (let at = 0; at < bytes.length; at += 7) {
      decoder.push(bytes.subarray(at, at + 7))
      for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
        if (block.type === 'packet') packets += block.bytes.every((byte) => byte === 7) ? 1 : 0
      }
    }
    expect(packets).toBe(1)
    expect(decoder.finish()).toBeUndefined()
  })

  test('a block of the largest length is read, and no memory is kept for one that only claims it', () => {
    const decoder = new PcapngDecoder()
    decoder.push(hex(`${SECTION} aa000000 00000001 00000000`))
    expect(decoder.next()).toMatchObject({ type: 'section' })
    expect(decoder.next()).toBeUndefined()
    expect(decoder.finish()).toMatchObject({ code: 'MESSAGE_LENGTH', need: MAXIMUM_BLOCK_LENGTH, have: 12 })
    decoder.push(new Uint8Array(MAXIMUM_BLOCK_LENGTH - 16))
    decoder.push(hex('00000001'))
    expect(decoder.next()).toBeUndefined()
    expect(decoder.skipped).toBe(1)
    expect(decoder.finish()).toBeUndefined()
  })
})
