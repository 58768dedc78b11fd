import { expect, test } from 'vitest'
import {
  attributeIndex,
  attributeSet,
  be32,
  bytes,
  IndexedMessageView,
  Memory,
  writeNfnetlinkMessage,
} from '../../src/index.ts'

const set = attributeSet('SMALL', { header: be32(1, 'SMALL_HEADER'), payload: bytes(2, 'SMALL_PAYLOAD', 2, 6) })
const messageType = 0x7f00

class SmallView extends IndexedMessageView {
  constructor() {
    super(attributeIndex(set, { messageType, required: 1, payload: 2 }))
  }
}

const anySize = attributeSet('SMALL', { header: set.members.header, payload: bytes(2, 'ANY') })

/** Aims at a message with a payload of `size` bytes. */
function wrap(view: SmallView, size: number): SmallView {
  const memory = new Memory(64)
  const attributes = { header: 1, payload: new Uint8Array(size) }
  const message = { type: messageType, flags: 0, sequence: 0, resourceId: 0, attributes }
  return view.wrap(memory, 0, writeNfnetlinkMessage(memory, 0, memory.byteLength, anySize, message))
}

test('the bounds of a payload hold, independent of earlier messages', () => {
  const view = new SmallView()
  for (const [size, fits] of [
    [6, true],
    [7, false],
    [2, true],
    [3, true],
    [1, false],
    [5, true],
    [0, false],
  ] as const) {
    // A valid message comes first, so that there is a shape to compare with.
    expect(wrap(view, 4).payloadLength).toBe(4)
    if (fits) expect(wrap(view, size).payloadLength).toBe(size)
    else expect(() => wrap(view, size)).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_SIZE' }))
  }
})

test('a set with more attributes than a view has bits is refused', () => {
  const wide = attributeSet('WIDE', { header: be32(1, 'WIDE_HEADER'), last: be32(32, 'WIDE_LAST') })
  expect(() => attributeIndex(wide, { messageType, required: 1, payload: 2 })).toThrow(TypeError)
})
