import { expect, test } from 'vitest'
import { OutboxBuffer } from '../src/index.ts'

const EAGAIN = 11

/** An outbox of 64 bytes whose kernel takes the bytes that `takes` returns, by default all. */
function open(takes: (length: number) => number = (length) => length) {
  const sent: number[][] = []
  const outbox = new OutboxBuffer(64, (offset, length) => {
    const taken = takes(length)
    if (taken > 0) sent.push([...outbox.memory.copy(offset, taken)])
    return taken
  })
  return { outbox, sent }
}

function put(outbox: OutboxBuffer, byteLength: number, value: number): number {
  const offset = outbox.reserve(byteLength)
  outbox.memory.u8.fill(value, offset, offset + byteLength)
  outbox.commit(byteLength)
  return offset
}

const filled = (byteLength: number, value: number): number[] => new Array(byteLength).fill(value)

test('commits are consecutive, and sent at once', () => {
  const { outbox, sent } = open()
  expect(put(outbox, 8, 1)).toBe(0)
  expect(put(outbox, 12, 2)).toBe(8)
  expect(outbox).toMatchObject({ pending: 20, pendingCommits: 2, available: 44 })
  expect(outbox.flush()).toBe(2)
  expect(sent).toEqual([[...filled(8, 1), ...filled(12, 2)]])
  expect(outbox).toMatchObject({ pending: 0, pendingCommits: 0, available: 64, sent: 2, sentBytes: 20 })
})

test('a flush of nothing does not call the kernel', () => {
  const { outbox, sent } = open(() => {
    throw new Error('asked')
  })
  expect(outbox.flush()).toBe(0)
  outbox.reserve(8)
  expect(outbox.flush()).toBe(0)
  expect(sent).toEqual([])
})

test('odd lengths are padded with zeros over any old bytes', () => {
  const { outbox, sent } = open()
  outbox.memory.u8.fill(0xff)
  put(outbox, 5, 1)
  expect(put(outbox, 3, 2)).toBe(8)
  outbox.flush()
  expect(sent).toEqual([[1, 1, 1, 1, 1, 0, 0, 0, 2, 2, 2, 0]])
})

test('less can be committed than was reserved', () => {
  const { outbox, sent } = open()
  outbox.reserve(64)
  outbox.commit(4)
  expect(outbox.available).toBe(60)
  outbox.flush()
  expect(sent).toEqual([[0, 0, 0, 0]])
})

test('after a short send the sent commits are known, even if it ends inside one', () => {
  let limit = 13
  const { outbox, sent } = open((length) => Math.min(limit, length))
  put(outbox, 8, 1)
  put(outbox, 8, 2)
  put(outbox, 8, 3)
  expect(() => outbox.flush()).toThrow(expect.objectContaining({ code: 'SYSTEM', sent: 1, errno: undefined }))
  expect(outbox).toMatchObject({ pending: 16, pendingCommits: 2, sent: 1, sentBytes: 8 })
  limit = 64
  expect(outbox.flush()).toBe(2)
  expect(sent[1]).toEqual([...filled(8, 2), ...filled(8, 3)])
  expect(outbox).toMatchObject({ sent: 3, sentBytes: 24 })
})

test('an error of the kernel keeps every commit, and reports that none was sent', () => {
  let answer = -EAGAIN
  const { outbox, sent } = open((length) => (answer < 0 ? answer : length))
  put(outbox, 8, 1)
  put(outbox, 8, 2)
  expect(() => outbox.flush()).toThrow(
    expect.objectContaining({
      code: 'SYSTEM',
      errno: EAGAIN,
      sent: 0,
      message: 'flush: EAGAIN, 0 of 2 commits were sent, the others stay in the outbox',
    }),
  )
  expect(outbox).toMatchObject({ pending: 16, pendingCommits: 2, sent: 0 })
  answer = 0
  expect(outbox.flush()).toBe(2)
  expect(sent).toEqual([[...filled(8, 1), ...filled(8, 2)]])
})

test('a kernel that takes nothing is an error as well', () => {
  const { outbox } = open(() => 0)
  put(outbox, 8, 1)
  expect(() => outbox.flush()).toThrow(expect.objectContaining({ code: 'SYSTEM', sent: 0 }))
  expect(outbox.pendingCommits).toBe(1)
})

test('what is left after a short send moves to the front when room is needed, and no sooner', () => {
  let limit = 48
  const { outbox, sent } = open((length) => Math.min(limit, length))
  put(outbox, 48, 1)
  put(outbox, 16, 2)
  expect(() => outbox.flush()).toThrow()
  expect(outbox.available).toBe(48)
  expect(put(outbox, 20, 3)).toBe(16)
  expect(outbox.memory.u8[0]).toBe(2)
  expect(outbox).toMatchObject({ pending: 36, pendingCommits: 2, available: 28 })
  limit = 17
  expect(() => outbox.flush()).toThrow(expect.objectContaining({ sent: 1 }))
  limit = 64
  expect(outbox.flush()).toBe(1)
  expect(sent.slice(1)).toEqual([[...filled(16, 2), 3], filled(20, 3)])
})

test('a full outbox refuses, and a refused reservation leaves the previous one', () => {
  const { outbox } = open()
  put(outbox, 40, 1)
  outbox.reserve(8)
  expect(() => outbox.reserve(28)).toThrow(expect.objectContaining({ code: 'OUTBOX_FULL' }))
  outbox.commit(8)
  expect(outbox.pending).toBe(48)
  expect(outbox.reserve(16)).toBe(48)
})

test.each([0, -1, 65, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
  'a reservation of %s bytes is refused',
  (byteLength) => {
    expect(() => open().outbox.reserve(byteLength)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  },
)

test.each([0, -1, 9, 1.5, Number.NaN])('a commit of %s bytes of eight is refused', (byteLength) => {
  const { outbox } = open()
  outbox.reserve(8)
  expect(() => outbox.commit(byteLength)).toThrow(expect.objectContaining({ code: 'OUTBOX_STATE' }))
  outbox.commit(8)
  expect(outbox.pending).toBe(8)
})

test('a commit needs a reservation, and uses it up', () => {
  const { outbox } = open()
  expect(() => outbox.commit(4)).toThrow(expect.objectContaining({ code: 'OUTBOX_STATE' }))
  put(outbox, 4, 1)
  expect(() => outbox.commit(4)).toThrow(expect.objectContaining({ code: 'OUTBOX_STATE' }))
  outbox.reserve(4)
  outbox.flush()
  expect(() => outbox.commit(4)).toThrow(expect.objectContaining({ code: 'OUTBOX_STATE' }))
})

test('closing discards what is pending and refuses the rest', () => {
  const { outbox, sent } = open()
  put(outbox, 8, 1)
  outbox.reserve(8)
  outbox.close()
  expect(outbox).toMatchObject({ pending: 0, pendingCommits: 0 })
  expect(() => outbox.reserve(8)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  expect(() => outbox.flush()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  expect(() => outbox.commit(8)).toThrow(expect.objectContaining({ code: 'OUTBOX_STATE' }))
  expect(sent).toEqual([])
})
