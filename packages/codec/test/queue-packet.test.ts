import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { build } from 'vite'
import { describe, expect, test } from 'vitest'
import { attributesArbitrary } from '../src/arbitrary.ts'
import {
  type Attribute,
  AttributeWriter,
  attributeSet,
  bytes,
  DecodeError,
  dropVerdict,
  type ErrorCode,
  isNetlinkError,
  MAXIMUM_ATTRIBUTES,
  Memory,
  messageFamily,
  messageResourceId,
  NFNETLINK_ATTRIBUTES,
  type QueueAttributes,
  QueueMessage,
  QueuePacketView,
  queueAttributes,
  queueVerdict,
  readAttributes,
  VERDICT_LENGTH,
  VerdictTemplate,
  writeNfnetlinkMessage,
  writeVerdict,
} from '../src/index.ts'
import { loadVector, loadVectors, memoryWith, runs } from './vectors.ts'

const OFFSET = 64
const packets = loadVectors('queue').filter(({ name }) => name.startsWith('packet-'))

/** The table without what is inside nests, which the view leaves to its methods. */
const shallow = attributeSet(
  'NFQA',
  Object.fromEntries(
    Object.entries<Attribute>(queueAttributes.members).map(([name, attribute]) => [
      name,
      attribute.format.kind === 'nested' ? bytes(attribute.number, attribute.kernelName) : attribute,
    ]),
  ),
)

/** The value of `read`, or the code that it is refused with. */
function outcome<Value>(read: () => Value): Value | { refused: ErrorCode; offset: number } {
  try {
    return read()
  } catch (error) {
    if (!isNetlinkError(error)) throw error
    return { refused: error.code, offset: (error as DecodeError).offset }
  }
}

function expectAgreement(memory: Memory, offset: number, length: number): void {
  const start = offset + NFNETLINK_ATTRIBUTES
  const view = new QueuePacketView()
  const table = outcome(() => {
    const values = readAttributes(shallow, memory, start, offset + length - start) as QueueAttributes
    if (values.packetHeader !== undefined) return values
    throw new DecodeError('ATTRIBUTE_MISSING', 'NFQA_PACKET_HDR', { offset, need: 11, have: length })
  })
  const wrapped = outcome(() => view.wrap(memory, offset, length))
  if ('refused' in table) {
    expect(wrapped).toEqual(table)
    expectEmpty(view)
    return
  }
  expect(wrapped).toBe(view)
  const { packetHeader, hardwareAddress, timestamp, payload } = table
  expect({ id: view.id, protocol: view.protocol, hook: view.hook }).toEqual(packetHeader)
  expect(view.family).toBe(messageFamily(memory, offset))
  expect(view.queueNumber).toBe(messageResourceId(memory, offset))
  const same = [
    'mark',
    'inputDevice',
    'outputDevice',
    'physicalInputDevice',
    'physicalOutputDevice',
    'conntrackInformation',
    'userId',
    'groupId',
    'priority',
    'cgroupClassId',
  ] as const
  for (const name of same) expect(view[name], name).toBe(table[name])
  expect(view.packetInformation).toBe(table.packetInformation ?? 0)
  expect(view.isSegmentationOffloaded).toBe(((table.packetInformation ?? 0) & 2) !== 0)
  expect(view.payload()).toEqual(payload ?? new Uint8Array())
  expect(view.payloadLength).toBe(payload?.length ?? 0)
  expect(view.fullLength).toBe(table.fullLength ?? payload?.length ?? 0)
  expect(view.timestamp()).toBe(timestamp && timestamp.seconds * 1_000_000n + timestamp.microseconds)
  const address = hardwareAddress?.address.slice(0, Math.min(8, hardwareAddress.length))
  expect(view.hardwareAddress()).toEqual(address)
  expect(view.securityContext()).toBe(table.securityContext)
  expect(view.linkLayerHeader()).toEqual(table.linkLayerHeader)
  const all = outcome(() => readAttributes(queueAttributes, memory, start, offset + length - start))
  expect(outcome(() => view.attributes())).toEqual(all)
  for (const name of ['conntrack', 'expectation', 'vlan'] as const) {
    const value = outcome(() => view[name]())
    if (value !== undefined && 'refused' in value) expect(all).toHaveProperty('refused')
    else if (!('refused' in all)) expect(value).toEqual(all[name])
  }
}

/** Nothing of any message: not of the one refused, and not of the one before. */
function expectEmpty(view: QueuePacketView): void {
  expect(view).toMatchObject({ id: 0, protocol: 0, hook: 0, queueNumber: 0, payloadLength: 0, fullLength: 0 })
  expect(view.mark).toBeUndefined()
  expect(view.priority).toBeUndefined()
  expect(view.payload()).toHaveLength(0)
  expect(view.timestamp()).toBeUndefined()
  expect(view.attributes()).toEqual({})
}

const values = attributesArbitrary(queueAttributes, 24)
const header = { id: 7, protocol: 0x800, hook: 3 }

function packetOf(attributes: QueueAttributes, slack = 0): { memory: Memory; length: number } {
  const memory = new Memory(1 << 16)
  const message = { type: QueueMessage.Packet, flags: 0, sequence: 0, family: 2, resourceId: 5, attributes }
  const length = writeNfnetlinkMessage(memory, OFFSET, memory.byteLength, queueAttributes, message)
  memory.u32[OFFSET >> 2] = length - slack
  return { memory, length: length - slack }
}

describe('the view and the table say the same of', () => {
  test.each(packets.map((vector) => [vector.name, vector] as const))('%s', (_, { bytes }) => {
    expectAgreement(memoryWith(bytes, OFFSET), OFFSET, bytes.length)
  })

  test('any packet', () => {
    const property = fc.property(values, fc.boolean(), (attributes, complete) => {
      const { memory, length } = packetOf(complete ? { packetHeader: header, ...attributes } : attributes)
      expectAgreement(memory, OFFSET, length)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('any packet with a few bytes changed, or cut', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    const property = fc.property(values, fc.array(change, { maxLength: 3 }), fc.nat(9), (attributes, changes, cut) => {
      const { memory, length } = packetOf({ packetHeader: header, ...attributes }, Math.max(0, cut - 4))
      const room = length - NFNETLINK_ATTRIBUTES
      for (const [at, byte] of changes) memory.u8[OFFSET + NFNETLINK_ATTRIBUTES + (at % room)] = byte
      expectAgreement(memory, OFFSET, length)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('every packet of the vectors with any one byte changed', () => {
    const seed = fc.tuple(fc.constantFrom(...packets), fc.nat(), fc.nat(255))
    const property = fc.property(seed, ([{ bytes }, at, byte]) => {
      const memory = memoryWith(bytes, OFFSET)
      memory.u8[OFFSET + NFNETLINK_ATTRIBUTES + (at % (bytes.length - NFNETLINK_ATTRIBUTES))] = byte
      expectAgreement(memory, OFFSET, bytes.length)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('sizes at the bounds of every attribute', () => {
    for (const attribute of Object.values<Attribute>(queueAttributes.members)) {
      for (const size of [0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 4096, 4097, 4098]) {
        const memory = new Memory(1 << 14)
        const { length } = packetOf({ packetHeader: header })
        memory.u8.set(packetOf({ packetHeader: header }).memory.u8.subarray(0, OFFSET + length))
        const writer = new AttributeWriter().wrap(memory, OFFSET + length, memory.byteLength)
        writer.bytes(attribute.number, new Uint8Array(size).fill(0x20))
        expectAgreement(memory, OFFSET, writer.unpaddedEnd - OFFSET)
      }
    }
  })

  test('text that a zero byte cuts, and one without', () => {
    for (const text of ['a\0b\0', 'abc', '\0', '\ufeffabc\0', '']) {
      const { memory, length } = packetOf({ packetHeader: header })
      const writer = new AttributeWriter().wrap(memory, OFFSET + length, memory.byteLength)
      writer.bytes(18, new TextEncoder().encode(text))
      expectAgreement(memory, OFFSET, writer.position - OFFSET)
    }
  })

  test('too many attributes', () => {
    const { memory, length } = packetOf({ packetHeader: header })
    const writer = new AttributeWriter().wrap(memory, OFFSET + length, memory.byteLength)
    for (let count = 1; count < MAXIMUM_ATTRIBUTES; count++) writer.reserve(99, 0)
    expectAgreement(memory, OFFSET, writer.position - OFFSET)
    writer.reserve(99, 0)
    const count = () => new QueuePacketView().wrap(memory, OFFSET, writer.position - OFFSET)
    expect(count).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_COUNT' }))
  })

  test('a repeated attribute: the last counts', () => {
    const { memory, length } = packetOf({ packetHeader: header, mark: 1, payload: Uint8Array.of(1, 2, 3) })
    const writer = new AttributeWriter().wrap(memory, OFFSET + length, memory.byteLength)
    writer.bytes(3, Uint8Array.of(0, 0, 0, 2))
    writer.bytes(10, Uint8Array.of(9))
    expectAgreement(memory, OFFSET, writer.unpaddedEnd - OFFSET)
    expect(new QueuePacketView().wrap(memory, OFFSET, writer.unpaddedEnd - OFFSET)).toMatchObject({
      mark: 2,
      payloadLength: 1,
    })
  })
})

test('unknown attributes stay reachable', () => {
  const unknown = [{ type: 23, bits: 0x8000, payload: Uint8Array.of(1, 2, 3) }]
  const { memory, length } = packetOf({ packetHeader: header, unknown })
  expect(new QueuePacketView().wrap(memory, OFFSET, length).attributes().unknown).toEqual(unknown)
})

describe('a refused message leaves the view empty', () => {
  const { bytes } = loadVector('queue', 'packet-everything-input')
  const used = () => new QueuePacketView().wrap(memoryWith(bytes, OFFSET), OFFSET, bytes.length)

  test.each([
    ['outside the memory', OFFSET, 4096, 'SHORT_HEADER'],
    ['at no multiple of four', OFFSET + 1, 100, 'UNALIGNED'],
    ['at no number', Number.NaN, 100, 'SHORT_HEADER'],
    ['before the memory', -4, 100, 'SHORT_HEADER'],
    ['of no length', OFFSET, Number.NaN, 'SHORT_HEADER'],
    ['without netfilter header', OFFSET, 19, 'SHORT_HEADER'],
    ['without attributes', OFFSET, 20, 'ATTRIBUTE_MISSING'],
    ['cut in its header', OFFSET, 30, 'ATTRIBUTE_LENGTH'],
    ['cut in its payload', OFFSET, bytes.length - 1, 'ATTRIBUTE_LENGTH'],
  ])('%s', (_, offset, length, code) => {
    const view = used()
    expect(() => view.wrap(memoryWith(bytes, OFFSET), offset, length)).toThrow(expect.objectContaining({ code }))
    expectEmpty(view)
  })

  test('of another type', () => {
    const view = used()
    const memory = memoryWith(bytes, OFFSET)
    memory.u16[(OFFSET + 4) >> 1] = QueueMessage.Verdict
    expect(() => view.wrap(memory, OFFSET, bytes.length)).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
    expectEmpty(view)
  })

  test('and one that was never aimed is as empty', () => {
    expectEmpty(new QueuePacketView())
  })
})

describe('verdicts', () => {
  test('the template writes what the table writes', () => {
    const type = fc.constantFrom(QueueMessage.Verdict, QueueMessage.VerdictBatch)
    const number = fc.integer({ min: 0, max: 0xffffffff })
    const property = fc.property(
      type,
      fc.nat(0xffff),
      number,
      number,
      fc.nat(7),
      (message, queue, id, verdict, slot) => {
        const [expected, memory] = [new Memory(VERDICT_LENGTH * 8), new Memory(VERDICT_LENGTH * 8)]
        const offset = slot * VERDICT_LENGTH
        expect(writeVerdict(expected, offset, expected.byteLength, message, queue, { verdict, id })).toBe(
          VERDICT_LENGTH,
        )
        new VerdictTemplate(queue, message).write(memory, offset, id, verdict)
        expect(memory.u8).toEqual(expected.u8)
      },
    )
    fc.assert(property, { numRuns: runs })
  })

  test.each([
    ['verdict-accept', 1],
    ['verdict-drop', 0],
    ['verdict-repeat', 4],
    ['verdict-stop', 5],
    ['verdict-queue', queueVerdict(6)],
    ['verdict-queue-bypass', queueVerdict(77, true)],
  ])('%s is what libnetfilter_queue sent', (name, verdict) => {
    const { bytes } = loadVector('queue', name)
    const memory = memoryWith(bytes, 0)
    const id = memory.data.getUint32(28)
    const ours = new Memory(VERDICT_LENGTH)
    new VerdictTemplate(5, QueueMessage.Verdict).write(ours, 0, id, verdict)
    expect(ours.u8.subarray(16)).toEqual(bytes.subarray(16))
  })

  test('a verdict that drops with a reason has its number negated in the upper half', () => {
    expect(dropVerdict(1)).toBe(0xffff0000)
    expect(dropVerdict(111)).toBe((0x10000 - 111) * 0x10000)
  })

  test.each([-1, 65536, 1.5e9])('queue %d does not exist', (queue) => {
    expect(() => new VerdictTemplate(queue, QueueMessage.Verdict)).toThrow(
      expect.objectContaining({ code: 'VALUE_RANGE' }),
    )
  })
})

test('neither aiming, reading properties nor writing verdicts allocates', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-allocation-'))
  try {
    const entry = fileURLToPath(new URL('./allocation.ts', import.meta.url))
    await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        target: 'node20',
        ssr: entry,
        outDir: directory,
        minify: false,
        rollupOptions: { output: { entryFileNames: 'allocation.mjs' } },
      },
      define: { 'import.meta.url': JSON.stringify(import.meta.url) },
    })
    const options = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128']
    const program = [join(directory, 'allocation.mjs'), 'packet-everything-input', 'packet-udp-full', 'packet-uid-gid']
    const output = execFileSync(process.execPath, [...options, ...program], { encoding: 'utf8' })
    const perPacket = JSON.parse(output) as { read: number; write: number; control: number }
    expect(perPacket.control).toBeGreaterThan(8)
    // One number boxed on the heap per hundred packets would be 0.16.
    expect(perPacket.read).toBeLessThan(0.05)
    expect(perPacket.write).toBeLessThan(0.05)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 30_000)

test('a view that has read other messages reads the next one as a fresh view does', () => {
  const attributes = attributesArbitrary(queueAttributes, 24)
  // Few shapes and long runs of each, so that messages are alike, nearly alike and different.
  const message = fc.record({ attributes, payloads: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 }) })
  const property = fc.property(
    fc.array(message, { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat()),
    (messages, flips) => {
      const view = new QueuePacketView()
      let number = 0
      for (const { attributes, payloads } of messages) {
        for (const payload of payloads) {
          const memory = new Memory(8192)
          const packetHeader = { id: ++number, protocol: 0x0800, hook: 3 }
          const { payload: _, ...others } = attributes
          const length = writeNfnetlinkMessage(memory, OFFSET, 8192, queueAttributes, {
            type: QueueMessage.Packet,
            flags: 0,
            sequence: 0,
            resourceId: 1,
            attributes: { packetHeader, ...others, payload: new Uint8Array(payload).fill(number) },
          })
          const flip = flips[number]
          if (flip !== undefined && flip % 3 === 0) memory.u8[OFFSET + 20 + (flip % (length - 20))] = flip
          const fresh = outcome(() => new QueuePacketView().wrap(memory, OFFSET, length).attributes())
          expect(outcome(() => view.wrap(memory, OFFSET, length).attributes())).toEqual(fresh)
          const again = outcome(() => new QueuePacketView().wrap(memory, OFFSET, length))
          if (again instanceof QueuePacketView) expect(properties(view)).toEqual(properties(again))
        }
      }
    },
  )
  fc.assert(property, { numRuns: Math.ceil(runs / 4) })
})

function properties(view: QueuePacketView): unknown {
  const { id, protocol, hook, mark, inputDevice, outputDevice, conntrackInformation, fullLength, packetInformation } =
    view
  const { userId, groupId, priority, cgroupClassId, payloadOffset, payloadLength } = view
  return [
    [id, protocol, hook, mark, inputDevice, outputDevice, conntrackInformation, fullLength, packetInformation],
    [userId, groupId, priority, cgroupClassId, payloadLength === 0 ? undefined : payloadOffset, payloadLength],
    [view.timestamp(), view.hardwareAddress(), view.securityContext(), view.linkLayerHeader()],
  ]
}
