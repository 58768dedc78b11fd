/** Addresses of 16 bytes that a family beside them makes IPv4 or IPv6. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  attributeSet,
  attributesFrom,
  body,
  bodyFrom,
  bytes,
  bytesField,
  inner,
  plainAttributes,
  plainBody,
  rest,
  struct,
  structure,
  u16,
} from '../../src/index.ts'

const AF_INET = 2
const AF_INET6 = 10
const id = structure({ address: bytesField(16, 'ip'), port: 'be16' }, 'id')
const selector = structure({ source: bytesField(16, 'ip'), family: 'u16', prefix: 'u8' }, 'selector')
const own = structure({ id: inner(id), family: 'u8' }, 'own')
const within = structure({ id: inner(id), selector: inner(selector) }, 'within')
const list = structure({ list: rest(own) }, 'list')
const set = attributeSet('X', {
  address: bytes(1, 'X_ADDRESS', 16, 16, 'ip'),
  own: struct(2, 'X_OWN', own),
  list: struct(3, 'X_LIST', list),
  family: u16(4, 'X_FAMILY'),
})
const message = body(within, set)

const ipv4 = fc
  .uint8Array({ minLength: 4, maxLength: 4 })
  .map((given) => Uint8Array.from({ length: 16 }, (_, index) => given[index] ?? 0))
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const dotted = (address: Uint8Array) => address.subarray(0, 4).join('.')
const address = fc.oneof(
  ipv4.map((value) => ({ family: AF_INET, value, shown: dotted(value) })),
  ipv6.map((value) => ({ family: AF_INET6, value, shown: undefined })),
)

describe('an address beside its family', () => {
  test('is shown by the family of its own struct, of a struct beside it, or of what is around it, and read back', () => {
    fc.assert(
      fc.property(address, address, address, (outer, first, second) => {
        const values = {
          header: {
            id: { address: outer.value, port: 7 },
            selector: { source: outer.value, family: outer.family, prefix: 24 },
          },
          address: outer.value,
          own: { id: { address: first.value, port: 1 }, family: first.family },
          list: { list: [{ id: { address: second.value, port: 2 }, family: second.family }] },
        }
        const plain = plainBody(message, values)
        const text = (given: typeof outer, found: string) =>
          given.shown === undefined ? expect(found).toMatch(/^[0-9a-f:]+$/) : expect(found).toBe(given.shown)
        const read = plain as unknown as {
          header: { id: { address: string }; selector: { source: string } }
          address: string
          own: { id: { address: string } }
          list: { list: [{ id: { address: string } }] }
        }
        for (const found of [read.header.id.address, read.header.selector.source, read.address]) text(outer, found)
        text(first, read.own.id.address)
        text(second, read.list.list[0].id.address)
        expect(bodyFrom(message, JSON.parse(JSON.stringify(plain)))).toEqual(values)
      }),
    )
  })

  test('is shown by a family among its attributes', () => {
    const value = Uint8Array.of(192, 0, 2, 1, ...new Array(12).fill(0))
    expect(plainAttributes(set, { address: value, family: AF_INET }).address).toBe('192.0.2.1')
    expect(plainAttributes(set, { address: value, family: AF_INET6 }).address).toBe('c000:201::')
    expect(plainAttributes(set, { address: value }).address).toBe('c000:201::')
    expect(attributesFrom(set, { address: '192.0.2.1' })).toEqual({ address: value })
  })

  test('with anything after the four bytes of IPv4 is shown whole', () => {
    const value = Uint8Array.of(192, 0, 2, 1, ...new Array(11).fill(0), 1)
    expect(plainAttributes(set, { address: value, family: AF_INET }).address).toBe('c000:201::1')
  })
})
