/** The bounds of inspect, and what it shows to a terminal. */

import { describe, expect, test } from 'vitest'
import { attributeSet, bytes, Protocol, text, u32 } from '../../src/index.ts'
import { type InspectNode, inspect, inspectText } from '../../src/inspect/index.ts'

/** An NLMSG_ERROR that repeats an NLMSG_ERROR, that many times. */
function nestedErrors(count: number): Uint8Array {
  const input = new Uint8Array(16 + 20 * count)
  const view = new DataView(input.buffer)
  for (let at = 0; at + 16 <= input.length; at += 20) {
    view.setUint32(at, input.length - at, true)
    view.setUint16(at + 4, 2, true)
  }
  return input
}

const hex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'))
const little = { byteOrder: 'little' } as const
const codes = (nodes: readonly InspectNode[]): string[] =>
  nodes.flatMap((node) => [
    ...(node.kind === 'problem' ? [node.code] : []),
    ...('children' in node ? codes(node.children) : []),
  ])

describe('bounds', () => {
  test.each([1000, 1500, 2000, 50_000])('%d errors, each repeating the next', (count) => {
    const input = nestedErrors(count)
    expect(codes(inspect(input, little))).toEqual(['NESTED_DEPTH'])
    expect(inspectText(input, little).length).toBeLessThan(10 * input.length + 20_000)
  })

  test('many messages before many bytes: time is linear, and no message copies the bytes after it', () => {
    const input = new Uint8Array(4096 * 16 + 16 * 1024 * 1024)
    const view = new DataView(input.buffer)
    for (let at = 0; at < 4096 * 16; at += 16) {
      view.setUint32(at, 16, true)
      view.setUint16(at + 4, 1, true)
    }
    const nodes = inspect(input, little)
    expect(nodes).toHaveLength(4096 + 3)
    expect(codes(nodes)).toEqual(['MESSAGE_COUNT', 'BYTE_COUNT'])
  })

  test('the caller sets limits of nodes, bytes and depth, and each is reported', () => {
    const message = hex(
      '20000000 ff0a0000 00000000 00000000 01000000 0c00 0480 0800 0180 0400 0280'.replaceAll(' ', ''),
    )
    expect(codes(inspect(message, { ...little, maximumNodes: 2 }))).toEqual(['NODE_COUNT'])
    expect(codes(inspect(message, { ...little, maximumDepth: 0 }))).toEqual(['NESTED_DEPTH'])
    const unknown = hex('18000000 100a0000 00000000 00000000 0102030405060708'.replaceAll(' ', ''))
    const nodes = inspect(unknown, { ...little, protocol: 99, maximumBytes: 3 })
    expect(codes(nodes)).toEqual(['BYTE_COUNT'])
    expect(nodes[0]).toMatchObject({
      children: expect.arrayContaining([expect.objectContaining({ kind: 'bytes', length: 8, hexadecimal: '010203' })]),
    })
  })
})

describe('a terminal', () => {
  test.each([
    ['a control of C1', '1e000000000a00000000000000000000010000000a000100c29b33316d00', '"\\u{9b}31m"'],
    ['DEL', '1a000000000a0000000000000000000001000000060001007f00', '"\\u{7f}"'],
    ['a byte that is not UTF-8', '1b000000000a000000000000000000000100000007000100ff6100', '"\\xffa"'],
    ['a quote', '1b000000000a00000000000000000000010000000700010022 6100'.replace(' ', ''), '"\\"a"'],
  ])('gets no %s', (_, digits, value) => {
    const shown = inspectText(hex(digits), little)
    expect(shown).toContain(`NFTA_TABLE_NAME  ${value}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test asserts their absence
    expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  })
})

describe('tables from outside, and protocols without', () => {
  const link = attributeSet('IFLA', {
    address: bytes(1, 'IFLA_ADDRESS'),
    name: text(3, 'IFLA_IFNAME', 15),
    mtu: u32(4, 'IFLA_MTU'),
  })
  const message = hex(
    [
      '30000000 1000 0200 00000000 00000000',
      '00 00 0304 01000000 49000100 00000000',
      '0700 0300 6c6f0000',
      '0800 0400 00000100',
    ]
      .join('')
      .replaceAll(' ', ''),
  )

  test('a table names the contents of a message of its type', () => {
    const describe = (protocol: number, type: number) =>
      protocol === Protocol.Route && type === 16
        ? { kernelName: 'RTM_NEWLINK', headerLength: 16, attributes: link }
        : undefined
    const shown = inspectText(message, { ...little, protocol: Protocol.Route, describe })
    expect(shown).toMatch(/^0000 {2}RTM_NEWLINK/)
    expect(shown).toMatch(/IFLA_IFNAME +"lo"/)
    expect(shown).toMatch(/IFLA_MTU +65536/)
  })

  test('without a table, attributes are found after a fixed header of any length', () => {
    const nodes = inspect(message, { ...little, protocol: Protocol.Route })
    const [first] = nodes
    expect(first?.kind === 'message' && first.children.slice(5).map(({ name, offset }) => [name, offset])).toEqual([
      ['fixed header', 16],
      ['attribute 3', 32],
      ['attribute 4', 40],
    ])
    expect(codes(nodes)).toEqual([])
  })
})
