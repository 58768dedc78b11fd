import { isNetlinkError } from '@ringlink/codec/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkType } from '../src/link-layer.ts'
import { udpPacket } from '../src/packet.ts'
import { Capture, MAXIMUM_CAPTURED_LENGTH } from '../src/pcap.ts'
import { parseHex } from './support/golden.ts'

const ports = { sourcePort: 1000, destinationPort: 2000 }
const four = udpPacket({ source: '192.0.2.1', destination: '192.0.2.2', ...ports, payload: 'four' })
const six = udpPacket({ source: '2001:db8::1', destination: '2001:db8::2', ...ports, payload: 'six' })

/** Writes words of a file in one byte order. */
class FileWriter {
  readonly bytes: number[] = []
  readonly littleEndian: boolean

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian
  }

  half(...values: number[]): this {
    for (const value of values) this.#put(value, 2)
    return this
  }

  word(...values: number[]): this {
    for (const value of values) this.#put(value, 4)
    return this
  }

  raw(bytes: Iterable<number>): this {
    this.bytes.push(...bytes)
    return this
  }

  pad(): this {
    while (this.bytes.length % 4 !== 0) this.bytes.push(0)
    return this
  }

  #put(value: number, size: number): void {
    const shifts = Array.from({ length: size }, (_, index) => index * 8)
    if (!this.littleEndian) shifts.reverse()
    for (const shift of shifts) this.bytes.push((value >>> shift) & 0xff)
  }
}

interface PcapOptions {
  littleEndian?: boolean
  nanoseconds?: boolean
  linkType?: number
  frames?: { frame: Uint8Array; seconds?: number; fraction?: number; original?: number }[]
}

function pcap({
  littleEndian = true,
  nanoseconds = false,
  linkType = LinkType.Raw,
  frames = [],
}: PcapOptions): Uint8Array {
  const file = new FileWriter(littleEndian)
  file
    .word(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4)
    .half(2, 4)
    .word(0, 0, 262144, linkType)
  for (const { frame, seconds = 1, fraction = 5, original = frame.length } of frames) {
    file.word(seconds, fraction, frame.length, original).raw(frame)
  }
  return Uint8Array.from(file.bytes)
}

type Body = (file: FileWriter) => FileWriter

function pcapng(littleEndian: boolean, ...blocks: [type: number, body: Body][]): Uint8Array {
  const whole: number[] = []
  for (const [type, body] of blocks) {
    const content = body(new FileWriter(littleEndian)).pad().bytes
    whole.push(
      ...new FileWriter(littleEndian)
        .word(type, content.length + 12)
        .raw(content)
        .word(content.length + 12).bytes,
    )
  }
  return Uint8Array.from(whole)
}

const section: [number, Body] = [0x0a0d0d0a, (file) => file.word(0x1a2b3c4d).half(1, 0).word(0xffffffff, 0xffffffff)]
const interfaceBlock = (linkType: number, options: Body = (file) => file, snapshot = 0): [number, Body] => [
  1,
  (file) => options(file.half(linkType, 0).word(snapshot)),
]
const enhanced = (frame: Uint8Array, time = 0n, original = frame.length, from = 0): [number, Body] => [
  6,
  (file) => file.word(from, Number(time >> 32n), Number(time & 0xffffffffn), frame.length, original).raw(frame),
]
const simple = (frame: Uint8Array, original = frame.length): [number, Body] => [
  3,
  (file) => file.word(original).raw(frame),
]
const resolution =
  (value: number): Body =>
  (file) =>
    file.half(9, 1).raw([value, 0, 0, 0]).half(0, 0)

function refusal(read: () => unknown): unknown {
  try {
    read()
  } catch (error) {
    if (isNetlinkError(error)) return error
    throw error
  }
  throw new Error('it was read')
}

describe('pcap', () => {
  test.each([
    { littleEndian: true, nanoseconds: false, at: 1_500_000_000_000_007_000n },
    { littleEndian: true, nanoseconds: true, at: 1_500_000_000_000_000_007n },
    { littleEndian: false, nanoseconds: false, at: 1_500_000_000_000_007_000n },
    { littleEndian: false, nanoseconds: true, at: 1_500_000_000_000_000_007n },
  ])('little endian $littleEndian, nanoseconds $nanoseconds', ({ at, ...options }) => {
    const frame = { seconds: 1_500_000_000, fraction: 7 }
    const capture = new Capture(
      pcap({
        ...options,
        frames: [
          { frame: four, ...frame },
          { frame: six, ...frame },
        ],
      }),
    )
    expect(capture.format).toBe('pcap')
    expect([...capture]).toEqual([
      { packet: four, at, linkType: 101, fullLength: four.length },
      { packet: six, at, linkType: 101, fullLength: six.length },
    ])
    expect(capture).toMatchObject({ skipped: 0, truncated: undefined })
  })

  test('a file written byte for byte', () => {
    const bytes = parseHex(`
      d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 ff ff 00 00 01 00 00 00
      80 43 6d 38 40 e2 01 00 2a 00 00 00 2a 00 00 00   # 2000-01-01 00:00:00.123456
      02 00 00 00 00 02 02 00 00 00 00 01 08 00         # Ethernet
      45 00 00 1c 21 4a 40 00 40 11 1b 85 7f 00 00 01 7f 00 00 01 9c 40 13 88 00 08 52 13`)
    const [packet, ...rest] = new Capture(bytes)
    expect(rest).toEqual([])
    expect(packet).toMatchObject({ at: 946_684_800_123_456_000n, linkType: 1, fullLength: 28 })
    expect(packet?.packet).toEqual(bytes.subarray(54))
  })

  test('a cut frame keeps its full length', () => {
    const frames = [{ frame: four.subarray(0, 24), original: four.length }]
    const [packet] = new Capture(pcap({ frames }))
    expect(packet).toMatchObject({ packet: four.subarray(0, 24), fullLength: four.length })
  })

  test('every prefix of a file is read up to where it ends', () => {
    const whole = pcap({ frames: [{ frame: four }, { frame: six }] })
    const ends = [24, 24 + 16 + four.length, whole.length]
    for (let length = 0; length < whole.length; length++) {
      const bytes = whole.subarray(0, length)
      if (length < 24) {
        expect(refusal(() => new Capture(bytes))).toMatchObject({ code: 'SHORT_HEADER', have: length })
        continue
      }
      const capture = new Capture(bytes)
      expect([...capture].length).toBe(ends.filter((end) => end <= length).length - 1)
      if (ends.includes(length)) expect(capture.truncated).toBeUndefined()
      else
        expect(capture.truncated).toMatchObject({ name: 'DecodeError', offset: ends.findLast((end) => end < length) })
    }
  })

  test('an impossible length is refused', () => {
    const bytes = pcap({ frames: [{ frame: four }] })
    new DataView(bytes.buffer).setUint32(32, MAXIMUM_CAPTURED_LENGTH + 1, true)
    expect(refusal(() => [...new Capture(bytes)])).toMatchObject({ code: 'MESSAGE_LENGTH' })
    new DataView(bytes.buffer).setUint32(32, MAXIMUM_CAPTURED_LENGTH, true)
    const capture = new Capture(bytes)
    expect([...capture]).toEqual([])
    expect(capture.truncated).toMatchObject({ code: 'MESSAGE_LENGTH', offset: 24, need: 16 + MAXIMUM_CAPTURED_LENGTH })
  })

  test('other files and link types are refused', () => {
    expect(refusal(() => new Capture(new TextEncoder().encode('not a capture file')))).toMatchObject({
      code: 'MESSAGE_TYPE',
    })
    expect(refusal(() => new Capture(pcap({ linkType: 127 })))).toMatchObject({ code: 'UNSUPPORTED' })
  })

  test('a view into a larger buffer, and iterating twice', () => {
    const file = pcap({ frames: [{ frame: four }] })
    const larger = new Uint8Array(file.length + 7)
    larger.set(file, 3)
    const capture = new Capture(larger.subarray(3, 3 + file.length))
    expect([...capture]).toEqual([...new Capture(file)])
    expect([...capture].length).toBe(1)
  })
})

describe('link types', () => {
  const ethernet = (...types: number[]) => [...Array(12).fill(2), ...types.flatMap((type) => [type >> 8, type & 0xff])]
  const sll = (type: number) => [0, 0, 0, 1, 0, 6, ...Array(8).fill(3), type >> 8, type & 0xff]
  const sll2 = (type: number) => [type >> 8, type & 0xff, ...Array(18).fill(3)]
  const family = (value: number, littleEndian: boolean) => new FileWriter(littleEndian).word(value).bytes

  test.each([
    ['raw IPv4', LinkType.Raw, [], four],
    ['raw IPv6', LinkType.Raw, [], six],
    ['IPv4', LinkType.Ipv4, [], four],
    ['IPv6', LinkType.Ipv6, [], six],
    ['Ethernet', LinkType.Ethernet, ethernet(0x0800), four],
    ['Ethernet, IPv6', LinkType.Ethernet, ethernet(0x86dd), six],
    ['Ethernet, VLAN', LinkType.Ethernet, ethernet(0x8100, 5, 0x0800), four],
    ['Ethernet, VLAN in VLAN', LinkType.Ethernet, ethernet(0x88a8, 5, 0x8100, 6, 0x86dd), six],
    ['Linux cooked', LinkType.LinuxCooked, sll(0x0800), four],
    ['Linux cooked, VLAN', LinkType.LinuxCooked, [...sll(0x8100), 0, 5, 0x86, 0xdd], six],
    ['Linux cooked 2', LinkType.LinuxCooked2, sll2(0x86dd), six],
    ['null, little endian', LinkType.Null, family(2, true), four],
    ['loop', LinkType.Loop, family(2, false), four],
    ['null, IPv6 of FreeBSD', LinkType.Null, family(28, true), six],
    ['loop, IPv6 of OpenBSD', LinkType.Loop, family(24, false), six],
  ])('%s', (_, linkType, header, packet) => {
    const frame = Uint8Array.from([...header, ...packet])
    expect([...new Capture(pcap({ linkType, frames: [{ frame }] }))]).toEqual([
      { packet, at: 1_000_005_000n, linkType, fullLength: packet.length },
    ])
    // Each cut of it is a shorter packet or none.
    for (let length = 0; length < frame.length; length++) {
      const frames = [{ frame: frame.subarray(0, length), original: frame.length }]
      for (const cut of new Capture(pcap({ linkType, frames }))) {
        expect(cut).toMatchObject({ packet: packet.subarray(0, length - header.length), fullLength: packet.length })
      }
    }
  })

  test('null of a big-endian machine', () => {
    const frame = Uint8Array.from([...family(2, false), ...four])
    const file = pcap({ littleEndian: false, linkType: LinkType.Null, frames: [{ frame }] })
    expect([...new Capture(file)][0]?.packet).toEqual(four)
  })

  test.each([true, false])('nflog, little endian %s', (littleEndian) => {
    const file = new FileWriter(littleEndian)
    file.raw([2, 0, 0, 5]).half(8, 1).raw([8, 0, 3, 0]).half(9, 10).raw(new TextEncoder().encode('hello')).pad()
    const head = file.bytes.length
    file
      .half(four.length + 4, 9)
      .raw(four)
      .pad()
    file.half(8, 11).raw([0, 0, 0, 0])
    const frame = Uint8Array.from(file.bytes)
    const options = { littleEndian, linkType: LinkType.Nflog }
    expect([...new Capture(pcap({ ...options, frames: [{ frame }] }))]).toMatchObject([
      { packet: four, fullLength: four.length, linkType: 239 },
    ])
    const cut = [{ frame: frame.subarray(0, head + 4 + 25), original: frame.length }]
    expect([...new Capture(pcap({ ...options, frames: cut }))]).toMatchObject([
      { packet: four.subarray(0, 25), fullLength: four.length },
    ])
    // What the log itself cut ends where its attribute ends.
    const short = new FileWriter(littleEndian)
      .raw([2, 0, 0, 5])
      .half(4 + 28, 9)
      .raw(four.subarray(0, 28))
      .half(8, 11)
    const logged = [{ frame: Uint8Array.from(short.raw([1, 2, 3, 4]).bytes) }]
    expect([...new Capture(pcap({ ...options, frames: logged }))]).toMatchObject([
      { packet: four.subarray(0, 28), fullLength: four.length },
    ])
    // A length of 0 must not hold the reader for ever.
    const zero = Uint8Array.from([2, 0, 0, 5, 0, 0, 0, 0, ...four])
    const capture = new Capture(pcap({ ...options, frames: [{ frame: zero }] }))
    expect([...capture]).toEqual([])
    expect(capture.skipped).toBe(1)
  })

  test('padding of short Ethernet frames is left out', () => {
    const frame = new Uint8Array(60)
    frame.set([...ethernet(0x0800), ...four])
    const [packet] = new Capture(pcap({ linkType: LinkType.Ethernet, frames: [{ frame }] }))
    expect(packet).toMatchObject({ packet: four, fullLength: four.length })
  })

  test('what holds no packet is passed over and counted', () => {
    const tags = (count: number) => Array.from({ length: count }, () => [0x8100, 5]).flat()
    const frames = [
      { frame: Uint8Array.from([...ethernet(0x0806), ...Array(28).fill(0)]) },
      { frame: new Uint8Array(0) },
      { frame: new Uint8Array(13) },
      { frame: Uint8Array.from([...ethernet(...tags(9), 0x0800), ...four]) },
      { frame: Uint8Array.from([...ethernet(...tags(8), 0x0800), ...four]) },
      { frame: Uint8Array.from([...ethernet(0x0800), ...four]) },
    ]
    const capture = new Capture(pcap({ linkType: LinkType.Ethernet, frames }))
    expect([...capture].length).toBe(2)
    expect(capture.skipped).toBe(4)
  })
})

describe.each([true, false])('pcapng, little endian %s', (littleEndian) => {
  const read = (...blocks: [number, Body][]) => new Capture(pcapng(littleEndian, section, ...blocks))

  test('enhanced, simple and obsolete packet blocks, others skipped', () => {
    const obsolete: [number, Body] = [2, (file) => file.half(0, 9).word(0, 3_000_000, six.length, six.length).raw(six)]
    const capture = read(
      [5, (file) => file.word(1, 2, 3)],
      interfaceBlock(LinkType.Raw),
      [0x0bad, (file) => file.raw([1, 2, 3])],
      enhanced(four, 1_500_000_000_000_007n),
      simple(six),
      obsolete,
    )
    expect(capture.format).toBe('pcapng')
    expect([...capture]).toEqual([
      { packet: four, at: 1_500_000_000_000_007_000n, linkType: 101, fullLength: four.length },
      { packet: six, at: 0n, linkType: 101, fullLength: six.length },
      { packet: six, at: 3_000_000_000n, linkType: 101, fullLength: six.length },
    ])
    expect(capture).toMatchObject({ skipped: 0, truncated: undefined })
  })

  test.each([
    [6, 1_000_000n, 1_000_000_000n],
    [9, 1_000_000_001n, 1_000_000_001n],
    [3, 2_001n, 2_001_000_000n],
    [0, 3n, 3_000_000_000n],
    [12, 5_000_000_000_999n, 5_000_000_000n],
    [0x80 | 10, 1536n, 1_500_000_000n],
    [0x80, 2n, 2_000_000_000n],
    [127, 2n ** 64n - 1n, 0n],
    [0xff, 2n ** 64n - 1n, 0n],
    [0x80 | 90, 2n ** 63n, 7n],
  ])('time resolution %i', (value, time, at) => {
    expect([...read(interfaceBlock(LinkType.Raw, resolution(value)), enhanced(four, time))][0]?.at).toBe(at)
  })

  test('time offset, behind options that nobody knows', () => {
    const options: Body = (file) => {
      file.half(2, 5).raw(new TextEncoder().encode('veth0')).pad()
      file.half(14, 8)
      return littleEndian ? file.word(100, 0).half(0, 0) : file.word(0, 100).half(0, 0)
    }
    expect([...read(interfaceBlock(LinkType.Raw, options), enhanced(four, 7n))][0]?.at).toBe(100_000_007_000n)
  })

  test('several interfaces, several sections', () => {
    const ethernet = Uint8Array.from([...Array(12).fill(2), 0x08, 0, ...four])
    const capture = read(
      interfaceBlock(LinkType.Ethernet),
      interfaceBlock(LinkType.Raw),
      interfaceBlock(147),
      enhanced(six, 1n, six.length, 1),
      enhanced(ethernet, 2n, ethernet.length, 0),
      enhanced(four, 3n, four.length, 2),
      section,
      interfaceBlock(LinkType.Ipv6),
      enhanced(six, 4n),
    )
    expect([...capture].map(({ linkType, at }) => [linkType, at])).toEqual([
      [101, 1000n],
      [1, 2000n],
      [229, 4000n],
    ])
    expect(capture.skipped).toBe(1)
  })

  test('sections of both orders in one file', () => {
    const blocks: [number, Body][] = [section, interfaceBlock(LinkType.Raw), enhanced(four)]
    const file = Uint8Array.from([...pcapng(littleEndian, ...blocks), ...pcapng(!littleEndian, ...blocks)])
    expect([...new Capture(file)].length).toBe(2)
  })

  test('the snapshot length cuts a simple packet', () => {
    const capture = read(
      interfaceBlock(LinkType.Raw, (file) => file, 25),
      simple(four.subarray(0, 25), four.length),
    )
    expect([...capture]).toMatchObject([{ packet: four.subarray(0, 25), fullLength: four.length }])
  })

  test('every prefix of a file is read up to where it ends', () => {
    const whole = pcapng(littleEndian, section, interfaceBlock(LinkType.Raw), enhanced(four), enhanced(six))
    for (let length = 0; length < whole.length; length++) {
      const bytes = whole.subarray(0, length)
      if (length < 28) {
        expect(refusal(() => new Capture(bytes))).toMatchObject({
          code: expect.stringMatching(/SHORT_HEADER|MESSAGE_TYPE/),
        })
        continue
      }
      const capture = new Capture(bytes)
      expect([...capture].length).toBe(length < 28 + 20 + 32 + four.length ? 0 : 1)
      const blockEnds = [28, 48, 48 + 32 + four.length]
      expect(capture.truncated === undefined).toBe(blockEnds.includes(length))
    }
  })

  test.each<[string, string, [number, Body][]]>([
    ['a packet without its interface', 'ATTRIBUTE_MISSING', [enhanced(four)]],
    ['a simple packet without an interface', 'ATTRIBUTE_MISSING', [simple(four)]],
    ['an interface of the section before', 'ATTRIBUTE_MISSING', [interfaceBlock(101), section, enhanced(four)]],
    ['a frame longer than its block', 'MESSAGE_LENGTH', [interfaceBlock(101), [6, (file) => file.word(0, 0, 0, 1, 1)]]],
    ['a block too short for its type', 'MESSAGE_LENGTH', [[1, (file) => file.word(1)]]],
    ['a section header too short', 'MESSAGE_LENGTH', [[0x0a0d0d0a, (file) => file.word(0x1a2b3c4d)]]],
    ['a section without byte order', 'MESSAGE_TYPE', [[0x0a0d0d0a, (file) => file.word(1, 2, 3, 4)]]],
    ['an option longer than its block', 'ATTRIBUTE_LENGTH', [interfaceBlock(101, (file) => file.half(2, 9).word(0))]],
    ['a resolution of two bytes', 'ATTRIBUTE_SIZE', [interfaceBlock(101, (file) => file.half(9, 2).word(0))]],
    ['an offset of four bytes', 'ATTRIBUTE_SIZE', [interfaceBlock(101, (file) => file.half(14, 4).word(0))]],
  ])('%s is refused', (_, code, blocks) => {
    expect(refusal(() => [...read(...blocks, [5, (file) => file.word(0, 0, 0, 0, 0, 0)])])).toMatchObject({ code })
  })

  test('a block whose lengths differ or are impossible is refused', () => {
    for (const [at, value] of [
      [28 + 20 - 4, 24],
      [28 + 4, 21],
      [28 + 4, 0],
      [28 + 4, 8],
      [28 + 4, 0xfffffffc],
    ] as const) {
      const bytes = pcapng(littleEndian, section, interfaceBlock(LinkType.Raw), enhanced(four))
      new DataView(bytes.buffer).setUint32(at, value, littleEndian)
      expect(refusal(() => [...new Capture(bytes)])).toMatchObject({ code: 'MESSAGE_LENGTH' })
    }
  })

  test('a block of odd length is refused', () => {
    const odd = new FileWriter(littleEndian).word(0x0bad, 15).raw([1, 2, 3]).word(15).bytes
    const bytes = Uint8Array.from([...pcapng(littleEndian, section), ...odd])
    expect(refusal(() => [...new Capture(bytes)])).toMatchObject({ code: 'MESSAGE_LENGTH' })
  })

  test('interfaces are bounded', () => {
    const many = Array.from({ length: 4097 }, () => interfaceBlock(LinkType.Raw))
    expect(refusal(() => [...read(...many)])).toMatchObject({ code: 'ATTRIBUTE_COUNT' })
  })
})

describe('hostile bytes', () => {
  const survives = (bytes: Uint8Array) => {
    try {
      const capture = new Capture(bytes)
      for (const { packet, fullLength, at } of capture) {
        expect(packet.byteOffset + packet.length).toBeLessThanOrEqual(bytes.byteOffset + bytes.length)
        expect(fullLength).toBeGreaterThanOrEqual(packet.length)
        expect(typeof at).toBe('bigint')
      }
    } catch (error) {
      if (!isNetlinkError(error)) throw error
    }
  }
  const magics = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0x0a, 0x0d, 0x0d, 0x0a],
    [],
  ]

  test('anything behind a magic', () => {
    const bytes = fc
      .tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 400 }))
      .map(([magic, rest]) => Uint8Array.from([...magic, ...rest]))
    fc.assert(fc.property(bytes, survives), { numRuns: 1000 })
  })

  test('good files with bytes changed, of every link type', () => {
    const file = fc.record({
      littleEndian: fc.boolean(),
      linkType: fc.constantFrom(...Object.values(LinkType)),
      ng: fc.boolean(),
    })
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
    const frames = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 4 })
    fc.assert(
      fc.property(file, changes, frames, ({ littleEndian, linkType, ng }, edits, extra) => {
        const all = [four, six, ...extra]
        const bytes = ng
          ? pcapng(
              littleEndian,
              section,
              interfaceBlock(linkType),
              ...all.map((frame) => enhanced(frame)),
              simple(four),
            )
          : pcap({ littleEndian, linkType, frames: all.map((frame) => ({ frame })) })
        for (const [at, value] of edits) bytes[at % bytes.length] = value
        survives(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})
