/** The tests that every hand-tuned view must pass. */

import { runs } from '@ringlink/test-support/fuzz'
import { loadVector, loadVectors, memoryWith, messagesOf } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attribute, AttributeWriter, MAXIMUM_ATTRIBUTES, type Memory } from '../src/index.ts'
import { NFNETLINK_ATTRIBUTES } from '../src/nfnetlink/header.ts'
import { attributesArbitrary } from '../src/schema/arbitrary.ts'
import { expectAgreement, expectEmpty, messageOf, namesOf, OFFSET, outcome, type Subject, saidBy } from './views.ts'

/** `full` is the name of a vector with many attributes, `other` a type of message that the view does not read. */
export function testView(subject: Subject, { full, other }: { full: string; other: number }): void {
  const { set, header: packetHeader, create } = subject
  const packets = loadVectors(subject.folder)
    .filter(({ from }) => from === 'kernel')
    .flatMap(messagesOf)
    .filter(({ bytes }) => new DataView(bytes.buffer).getUint16(4, true) === subject.messageType)
  const values = attributesArbitrary(set, 24)
  const number = (member: string) => set.members[member]?.number as number
  /** A message with these values, and a writer positioned after it. */
  const begin = (attributes: object = {}) => {
    const { memory, length } = messageOf(subject, { packetHeader, ...attributes })
    return { memory, writer: new AttributeWriter().wrap(memory, OFFSET + length, memory.byteLength) }
  }

  test('every attribute of the table has a property, and every property is known', () => {
    const names = namesOf(create())
    const known = ['packetHeader', 'payload', ...subject.left]
    expect(Object.keys(set.members).filter((name) => !names.includes(name) && !known.includes(name))).toEqual([])
    expect(names.filter((name) => set.members[name] === undefined && subject.derived[name] === undefined)).toEqual([])
  })

  describe('the view and the table agree about', () => {
    test.each(packets.map((vector) => [vector.name, vector] as const))('%s', (_, { bytes }) => {
      expectAgreement(subject, memoryWith(bytes, OFFSET), OFFSET, bytes.length)
    })

    test('any packet', () => {
      const property = fc.property(values, fc.boolean(), (attributes, complete) => {
        const { memory, length } = messageOf(subject, complete ? { packetHeader, ...attributes } : attributes)
        expectAgreement(subject, memory, OFFSET, length)
      })
      fc.assert(property, { numRuns: runs })
    })

    test('any packet with a few bytes changed or cut off', () => {
      const change = fc.tuple(fc.nat(), fc.nat(255))
      const property = fc.property(
        values,
        fc.array(change, { maxLength: 3 }),
        fc.nat(9),
        (attributes, changes, cut) => {
          const { memory, length } = messageOf(subject, { packetHeader, ...attributes }, Math.max(0, cut - 4))
          const room = length - NFNETLINK_ATTRIBUTES
          for (const [at, byte] of changes) memory.u8[OFFSET + NFNETLINK_ATTRIBUTES + (at % room)] = byte
          expectAgreement(subject, memory, OFFSET, length)
        },
      )
      fc.assert(property, { numRuns: runs })
    })

    test('every packet of the vectors with any one byte changed', () => {
      const seed = fc.tuple(fc.constantFrom(...packets), fc.nat(), fc.nat(255))
      const property = fc.property(seed, ([{ bytes }, at, byte]) => {
        const memory = memoryWith(bytes, OFFSET)
        memory.u8[OFFSET + NFNETLINK_ATTRIBUTES + (at % (bytes.length - NFNETLINK_ATTRIBUTES))] = byte
        expectAgreement(subject, memory, OFFSET, bytes.length)
      })
      fc.assert(property, { numRuns: runs })
    })

    test('sizes at the bounds of every attribute', () => {
      for (const attribute of Object.values<Attribute>(set.members)) {
        for (const size of [
          0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 127, 128, 129, 4096, 4097, 4098,
        ]) {
          const { memory, writer } = begin()
          writer.bytes(attribute.number, new Uint8Array(size).fill(0x20))
          expectAgreement(subject, memory, OFFSET, writer.unpaddedEnd - OFFSET)
        }
      }
    })

    test('text with and without a zero byte', () => {
      for (const attribute of Object.values<Attribute>(set.members)) {
        if (attribute.format.kind !== 'text') continue
        for (const text of ['a\0b\0', 'abc', '\0', '\ufeffabc\0', '']) {
          const { memory, writer } = begin()
          writer.bytes(attribute.number, new TextEncoder().encode(text))
          expectAgreement(subject, memory, OFFSET, writer.position - OFFSET)
        }
      }
    })

    test('too many attributes', () => {
      const { memory, writer } = begin()
      for (let count = 1; count < MAXIMUM_ATTRIBUTES; count++) writer.reserve(99, 0)
      expectAgreement(subject, memory, OFFSET, writer.position - OFFSET)
      writer.reserve(99, 0)
      const count = () => create().wrap(memory, OFFSET, writer.position - OFFSET)
      expect(count).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_COUNT' }))
    })

    test('a repeated attribute: the last one wins', () => {
      const { memory, writer } = begin({ mark: 1, payload: Uint8Array.of(1, 2, 3) })
      writer.bytes(number('mark'), Uint8Array.of(0, 0, 0, 2))
      writer.bytes(number('payload'), Uint8Array.of(9))
      expectAgreement(subject, memory, OFFSET, writer.unpaddedEnd - OFFSET)
      const view = create().wrap(memory, OFFSET, writer.unpaddedEnd - OFFSET)
      expect(view).toMatchObject({ mark: 2, payloadLength: 1 })
    })
  })

  test('unknown attributes stay reachable', () => {
    const unknown = [{ type: 33, bits: 0x8000, payload: Uint8Array.of(1, 2, 3) }]
    const { memory, length } = messageOf(subject, { packetHeader, unknown })
    expect(subject.attributes(create().wrap(memory, OFFSET, length))).toMatchObject({ unknown })
  })

  describe('a refused message leaves the view empty', () => {
    const { bytes } = loadVector(subject.folder, full)
    const used = () => create().wrap(memoryWith(bytes, OFFSET), OFFSET, bytes.length)

    test.each([
      ['outside the memory', OFFSET, 4096, 'SHORT_HEADER'],
      ['not at a multiple of four', OFFSET + 1, 100, 'UNALIGNED'],
      ['at NaN', Number.NaN, 100, 'SHORT_HEADER'],
      ['before the memory', -4, 100, 'SHORT_HEADER'],
      ['of length NaN', OFFSET, Number.NaN, 'SHORT_HEADER'],
      ['without netfilter header', OFFSET, 19, 'SHORT_HEADER'],
      ['without attributes', OFFSET, 20, 'ATTRIBUTE_MISSING'],
      ['cut in its header', OFFSET, 27, 'ATTRIBUTE_LENGTH'],
      ['cut in its payload', OFFSET, bytes.length - 4, 'ATTRIBUTE_LENGTH'],
    ])('%s', (_, offset, length, code) => {
      const view = used()
      expect(() => view.wrap(memoryWith(bytes, OFFSET), offset, length)).toThrow(expect.objectContaining({ code }))
      expectEmpty(subject, view)
    })

    test('of another type', () => {
      const view = used()
      const memory = memoryWith(bytes, OFFSET)
      memory.u16[(OFFSET + 4) >> 1] = other
      expect(() => view.wrap(memory, OFFSET, bytes.length)).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
      expectEmpty(subject, view)
    })

    test('and one that was never aimed is empty too', () => {
      expectEmpty(subject, create())
    })
  })

  describe('a view that has read other messages reads the next one as a fresh view does:', () => {
    /** Aims both and expects no difference. */
    const expectSame = (view: ReturnType<Subject['create']>, memory: Memory, length: number): void => {
      const fresh = create()
      const wrapped = outcome(() => fresh.wrap(memory, OFFSET, length))
      const again = outcome(() => view.wrap(memory, OFFSET, length))
      if (wrapped !== fresh) expect(again).toEqual(wrapped)
      else expect(again).toBe(view)
      expect(saidBy(view)).toEqual(saidBy(fresh))
      expect(outcome(() => subject.attributes(view))).toEqual(outcome(() => subject.attributes(fresh)))
    }
    interface Part {
      type: number
      size: number
    }
    /** A message with attributes of these types and sizes, valid or not, and `spare` bytes after the last one. */
    const craft = (parts: readonly Part[], spare: number, mark: number) => {
      const { memory, writer } = begin()
      let last = OFFSET
      for (const { type, size } of parts) {
        last = writer.position
        writer.bytes(type, new Uint8Array(size).fill(mark))
      }
      return { memory, length: writer.unpaddedEnd - OFFSET + spare, last }
    }

    test('alike, nearly alike and different', () => {
      // Few shapes and long runs of each.
      const payloads = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 })
      const messages = fc.array(fc.record({ attributes: values, payloads }), { minLength: 1, maxLength: 12 })
      const property = fc.property(messages, fc.array(fc.nat()), (groups, flips) => {
        const view = create()
        let count = 0
        for (const { attributes, payloads } of groups) {
          for (const size of payloads) {
            count++
            const { payload: _, ...others } = attributes as { payload?: unknown }
            const payload = new Uint8Array(size).fill(count)
            const { memory, length } = messageOf(subject, {
              packetHeader: 'id' in packetHeader ? { ...packetHeader, id: count } : packetHeader,
              ...others,
              payload,
            })
            const flip = flips[count]
            if (flip !== undefined && flip % 3 === 0) memory.u8[OFFSET + 20 + (flip % (length - 20))] = flip
            expectSame(view, memory, length)
          }
        }
      })
      fc.assert(property, { numRuns: Math.ceil(runs / 4) })
    })

    test('of few types and sizes, so that offsets and headers recur', () => {
      const part = fc.record({
        type: fc.constantFrom(...['mark', 'payload', 'linkLayerHeader'].map(number), number('payload') | 0x8000),
        size: fc.constantFrom(0, 4, 5, 12),
      })
      const spare = fc.constantFrom(0, 0, 0, 0, -4, -1, 1, 3, 4)
      const short = fc.constantFrom(0, 0, 0, 0, 1, 4)
      const message = fc.tuple(fc.array(part, { minLength: 1, maxLength: 2 }), spare, short)
      const property = fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const view = create()
        messages.forEach(([parts, spare, short], count) => {
          const { memory, length, last } = craft(parts, spare, count)
          // The last attribute claims less than its length: even less than its header, if it is empty.
          memory.u16[last >> 1] = (memory.u16[last >> 1] as number) - short
          expectSame(view, memory, length)
        })
      })
      fc.assert(property, { numRuns: runs * 5 })
    })

    test('the last attribute at the offset of the previous payload, with another size', () => {
      for (const size of [0, 3, 5]) {
        const view = create()
        for (const part of [
          { type: number('payload'), size: 4 },
          { type: number('mark'), size: 4 },
          { type: number('mark'), size },
        ]) {
          const { memory, length } = craft([part], 0, 1)
          expectSame(view, memory, length)
        }
      }
    })

    test('many that differ, until shapes are given up and compared again', () => {
      const view = create()
      for (let count = 0; count < 1200; count++) {
        // Runs of similar messages, of length one in the beginning and long ones at the end.
        const size = Math.floor(count / (1 + (count >> 7))) % 3
        const { memory, length } = craft([{ type: number('linkLayerHeader'), size: 4 * size }], 0, count)
        expectSame(view, memory, length)
      }
    })
  })
}
