import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { runs } from '@ringlink/test-support/fuzz'
import {
  capturedMessages,
  expectedCode,
  loadVector,
  loadVectors,
  memoryWith,
  protocolOf,
  type Vector,
} from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { build } from 'vite'
import { describe, expect, test } from 'vitest'
import {
  type AttributeSet,
  AttributeWriter,
  beginMessage,
  ControlType,
  chainAttributes,
  conntrackAttributes,
  DoneView,
  ErrorView,
  expectationAttributes,
  finishMessage,
  LogMessage,
  logAttributes,
  logConfigAttributes,
  Memory,
  MessageView,
  NfTablesMessage,
  Protocol,
  QueueMessage,
  queueAttributes,
  queueConfigAttributes,
  readAttributes,
  readNfnetlinkAttributes,
  ruleAttributes,
  setAttributes,
  setElementListAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '../../src/index.ts'
import {
  type AttributeNode,
  type InspectNode,
  inspect,
  inspectText,
  MAXIMUM_MESSAGES,
} from '../../src/inspect/index.ts'
import { describeMessage } from '../../src/messages.ts'
import { attributesArbitrary } from '../../src/schema/arbitrary.ts'
import { swap16, swap32 } from '../../src/wire/endian.ts'

/** The attribute nodes as values, as the table's reader would return them; `bytes` are the inspected bytes. */
function valuesOf(nodes: readonly InspectNode[], bytes: Uint8Array): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  const unknown: unknown[] = []
  for (const node of nodes) {
    if (node.kind !== 'attribute') continue
    const { member, number, bits, offset, length } = node
    if (member !== undefined) values[member] = attributeValue(node, bytes)
    else unknown.push({ type: number, bits, payload: bytes.slice(offset + 4, offset + length) })
  }
  return unknown.length === 0 ? values : { ...values, unknown }
}

function attributeValue({ format, value, children }: AttributeNode, bytes: Uint8Array): unknown {
  if (format === 'nested') return valuesOf(children, bytes)
  if (format === 'list')
    return children.map((element) => valuesOf('children' in element ? element.children : [], bytes))
  if (format === 'sequence') return children.map((one) => valuesOf([one], bytes))
  if (format !== 'struct') return value
  return Object.fromEntries(children.flatMap((child) => (child.kind === 'field' ? [[child.name, child.value]] : [])))
}

function problemsIn(nodes: readonly InspectNode[]): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'problem') return [node.code]
    return 'children' in node ? problemsIn(node.children) : []
  })
}

function messageIn(nodes: readonly InspectNode[]) {
  const [node] = nodes
  if (node?.kind !== 'message') throw new Error('no message')
  return node
}

const optionsOf = (vector: Vector) => ({ protocol: protocolOf(vector), byteOrder: 'little' as const })
const vectors = capturedMessages()

describe('text', () => {
  test.each([
    ['queue', 'packet-everything-input'],
    ['queue', 'config-all-at-once'],
    ['queue', 'control-extack-policy'],
    ['queue', 'control-extack-offset-nested'],
    ['queue', 'conntrack-helper'],
    ['log', 'datagram-families'],
    ['nftables', 'batch-target-queue'],
    ['nftables', 'batch-chain-devices'],
    ['invalid', 'tail-2-after-unpadded'],
  ] as const)('%s/%s', (folder, name) => {
    const vector = loadVector(folder, name)
    expect(`\n${inspectText(vector.bytes, optionsOf(vector))}\n`).toMatchSnapshot()
  })

  test('no bytes make an empty text', () => {
    expect(inspectText(new Uint8Array())).toBe('')
    expect(inspect(new Uint8Array())).toEqual([])
  })

  test('has one line for each field, aligned', () => {
    for (const [, vector] of vectors) {
      const lines = inspectText(vector.bytes, optionsOf(vector)).split('\n')
      for (const line of lines) expect(line).toMatch(/^[0-9a-f]{4} {2}\S*/)
    }
  })
})

describe('agrees with the views and tables about', () => {
  test.each(vectors)('%s', (_, vector) => {
    const node = messageIn(inspect(vector.bytes, optionsOf(vector)))
    const view = new MessageView().wrap(memoryWith(vector.bytes), 64, vector.bytes.length)
    const { type, flags, sequence, portId, length } = view
    expect(node).toMatchObject({ type, flags, sequence, portId, length, offset: 0 })
    const set = describeMessage(protocolOf(vector), type)?.attributes
    const problems = problemsIn(node.children)
    if (type === ControlType.Error || type === ControlType.Done) {
      const control = type === ControlType.Error ? new ErrorView().wrap(view) : new DoneView().wrap(view)
      const error = node.children.find(({ name }) => name === 'error')
      const ofLog = type === ControlType.Done && vector.name.startsWith('datagram-')
      if (ofLog) expect(node.children.at(-1)).toMatchObject({ name: 'res_id', value: 5 })
      else expect(error).toMatchObject({ value: 0 - control.errno })
      expect(valuesOf(node.children, vector.bytes)).toEqual(control.extendedAck() ?? {})
      const request = node.children.find(({ kind }) => kind === 'group')
      expect(request?.length).toBe(control instanceof ErrorView ? control.requestLength : undefined)
    } else if (problems.length > 0) {
      expect(() => readNfnetlinkAttributes(view, set as AttributeSet)).toThrow(
        expect.objectContaining({ code: problems[0] }),
      )
    } else if (set !== undefined) {
      expect(valuesOf(node.children, vector.bytes)).toEqual(readNfnetlinkAttributes(view, set))
    }
  })

  test.each([
    ['queue packets', QueueMessage.Packet, queueAttributes],
    ['queue configurations', QueueMessage.Config, queueConfigAttributes],
    ['log records', LogMessage.Packet, logAttributes],
    ['log configurations', LogMessage.Config, logConfigAttributes],
    ['connections', 0x100, conntrackAttributes],
    ['expected connections', 0x200, expectationAttributes],
    ['tables', NfTablesMessage.NewTable, tableAttributes],
    ['chains', NfTablesMessage.NewChain, chainAttributes],
    ['rules', NfTablesMessage.NewRule, ruleAttributes],
    ['sets', NfTablesMessage.NewSet, setAttributes],
    ['elements of sets', NfTablesMessage.NewSetElement, setElementListAttributes],
  ] as const)('any %s', (_, type, set: AttributeSet) => {
    const property = fc.property(attributesArbitrary(set, 32), (attributes) => {
      const memory = new Memory(1 << 16)
      const message = { type, flags: 0, sequence: 1, resourceId: 5, attributes }
      const length = writeNfnetlinkMessage(memory, 0, memory.byteLength, set, message)
      const bytes = memory.copy(0, length)
      const values = valuesOf(messageIn(inspect(bytes)).children, bytes)
      expect(values).toEqual(readAttributes(set, memory, 20, length - 20))
    })
    fc.assert(property, { numRuns: runs })
  })
})

describe('refuses what the readers refuse', () => {
  test.each(loadVectors('invalid').map((vector) => [vector.name, vector] as const))('%s', (name, vector) => {
    const problems = problemsIn(inspect(vector.bytes, optionsOf(vector)))
    // Four bytes of address are in place of the fourth nest; without the table the depth limit ends the walk.
    if (vector.expect === 'nested-depth') expect(problems).toEqual(['ATTRIBUTE_SIZE'])
    else expect(problems, name).toEqual([expectedCode[vector.expect]])
  })

  test('nesting beyond the limit', () => {
    const { bytes } = loadVector('invalid', 'nested-40-levels')
    const generic = { protocol: Protocol.Generic, byteOrder: 'little' as const }
    expect(problemsIn(inspect(bytes, generic))).toEqual(['NESTED_DEPTH'])
  })

  test('more messages than the limit', () => {
    const memory = new Memory(16 * (MAXIMUM_MESSAGES + 1))
    for (let offset = 0; offset < memory.byteLength; offset += 16) {
      beginMessage(memory, offset, memory.byteLength, { type: 1, flags: 0, sequence: 0 })
    }
    const nodes = inspect(memory.u8)
    expect(problemsIn(nodes)).toEqual(['MESSAGE_COUNT'])
    expect(nodes).toHaveLength(MAXIMUM_MESSAGES + 2)
  })

  test('more attributes than the limit', () => {
    const memory = new Memory(1 << 15)
    const writer = new AttributeWriter().wrap(memory, 20, memory.byteLength)
    beginMessage(memory, 0, memory.byteLength, { type: QueueMessage.Packet, flags: 0, sequence: 0 })
    for (let count = 0; count < 5000; count++) writer.reserve(99, 0)
    finishMessage(memory, 0, writer.position)
    expect(problemsIn(inspect(memory.copy(0, writer.position)))).toEqual(['ATTRIBUTE_COUNT'])
  })
})

/** A queue message framed by a big-endian machine; attribute values are in network order on every machine. */
function bigEndian(bytes: Uint8Array): Uint8Array {
  const swapped = bytes.slice()
  const data = new DataView(swapped.buffer)
  const half = (offset: number) => data.setUint16(offset, swap16(data.getUint16(offset)))
  const word = (offset: number) => data.setUint32(offset, swap32(data.getUint32(offset)))
  const attributes = (start: number, end: number) => {
    for (let offset = start; offset < end; ) {
      const length = data.getUint16(offset, true)
      if ((data.getUint16(offset + 2, true) & 0x8000) !== 0) attributes(offset + 4, offset + length)
      half(offset)
      half(offset + 2)
      offset += (length + 3) & ~3
    }
  }
  attributes(20, bytes.length)
  word(0)
  half(4)
  half(6)
  word(8)
  word(12)
  return swapped
}

describe('both byte orders', () => {
  const framed = vectors.filter(
    ([, { name }]) => /^(packet|datagram|config|verdict|conntrack|batch)-/.test(name) && !/-(ack|error)$/.test(name),
  )

  test.each(framed)('%s, big endian', (_, vector) => {
    const swapped = inspect(bigEndian(vector.bytes), { byteOrder: 'big' })
    expect(swapped).toEqual(inspect(vector.bytes, { byteOrder: 'little' }))
  })

  test('host-order values of an extended ack', () => {
    // nlmsghdr, error -2, repeated header, NLMSGERR_ATTR_OFFS 20: as s390x would send it
    const words = [0x2c, 0x00020300, 1, 0, 0xfffffffe, 0x10, 0x03020001, 1, 0, 0x00080002, 20]
    const data = new DataView(new ArrayBuffer(44))
    words.forEach((value, index) => {
      data.setUint32(index * 4, value)
    })
    const bytes = new Uint8Array(data.buffer)
    const { children } = messageIn(inspect(bytes, { byteOrder: 'big' }))
    expect(valuesOf(children, bytes)).toEqual({ offset: 20 })
    expect(children.find(({ name }) => name === 'error')).toMatchObject({ value: -2, meaning: 'ENOENT' })
  })
})

test('several messages, and garbage after them', () => {
  const { bytes } = loadVector('queue', 'verdict-accept')
  const nodes = inspect(Uint8Array.from([...bytes, ...bytes, 1, 2, 3]), { byteOrder: 'little' })
  expect(nodes.map(({ kind, offset }) => [kind, offset])).toEqual([
    ['message', 0],
    ['message', 32],
    ['problem', 64],
    ['bytes', 64],
  ])
  expect(nodes[3]).toMatchObject({ hexadecimal: '010203' })
})

test('the tree owns its bytes', () => {
  const bytes = loadVector('queue', 'packet-udp-full').bytes.slice()
  const nodes = inspect(bytes, { byteOrder: 'little' })
  const before = structuredClone(nodes)
  bytes.fill(0)
  expect(nodes).toEqual(before)
})

test('shared memory is read as well', () => {
  const { bytes } = loadVector('queue', 'control-extack-message')
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  expect(inspectText(shared, { byteOrder: 'little' })).toContain('"Unknown device type"')
})

test('needs nothing that a browser does not have', async () => {
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('../../src/inspect/index.ts', import.meta.url)),
        formats: ['iife'],
        name: 'codec',
      },
    },
  })
  const [output] = Array.isArray(bundle) ? bundle : [bundle]
  if (output === undefined || !('output' in output)) throw new Error('nothing was built')
  const bytes = [...loadVector('queue', 'control-extack-policy').bytes]
  const script = `${output.output[0].code}; codec.inspectText(Uint8Array.from(${JSON.stringify(bytes)}), { byteOrder: 'little' })`
  // A context has only the language. Globals of a browser are added by name; node's Buffer and process are not.
  const text = runInNewContext(script, { TextDecoder, TextEncoder })
  expect(text).toBe(inspectText(Uint8Array.from(bytes), { byteOrder: 'little' }))
})
