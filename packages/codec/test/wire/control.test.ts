import { describe, expect, test } from 'vitest'
import {
  beginMessage,
  ControlType,
  DoneView,
  finishMessage,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  MessageView,
  Protocol,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { writeNfnetlinkHeader } from '../../src/nfnetlink/header.ts'

/** A Done message whose payload `write` writes. */
function doneOf(flags: number, write: (memory: Memory) => number): Memory {
  const memory = new Memory(64)
  beginMessage(memory, 0, memory.byteLength, { type: ControlType.Done, flags, sequence: 0 })
  finishMessage(memory, 0, write(memory))
  return memory
}

const word = (value: number) => (memory: Memory) => {
  memory.i32[MESSAGE_HEADER_LENGTH >> 2] = value
  return MESSAGE_HEADER_LENGTH + 4
}
const errnoOf = (memory: Memory) =>
  new DoneView().wrap(new MessageView().wrap(memory, 0, memory.u32[0] as number)).errno
const fieldsOf = (memory: Memory, protocol: number = Protocol.Netfilter) => {
  const [node] = inspect(memory.copy(0, memory.u32[0] as number), { protocol })
  if (node?.kind !== 'message') throw new Error('no message')
  return node.children.slice(5).map((child) => [child.name, child.kind === 'field' ? child.value : child.kind])
}

describe('Done', () => {
  test.each([
    [0, 0],
    [-4, 4],
    [-105, 105],
    [7, 0],
  ])('of a dump, with %d, has errno %d', (error, errno) => {
    const memory = doneOf(MessageFlag.Multipart, word(error))
    expect(errnoOf(memory)).toBe(errno)
    expect(fieldsOf(memory)).toEqual([['error', error]])
  })

  test.each([0, 5, 0x7f, 0x80, 133, 0xff, 0x8080, 0xffff])('of log group %d has no errno, but the group', (group) => {
    const memory = doneOf(0, (into) => writeNfnetlinkHeader(into, MESSAGE_HEADER_LENGTH, into.byteLength, 0, group))
    expect(errnoOf(memory)).toBe(0)
    expect(fieldsOf(memory)).toEqual([
      ['nfgen_family', 0],
      ['version', 0],
      ['res_id', group],
    ])
  })

  test('of another protocol, not of a dump, has no errno', () => {
    // A message of NETLINK_CONNECTOR has this type and a payload of its own.
    const memory = doneOf(0, (into) => word(-1)(into) + 16)
    expect(errnoOf(memory)).toBe(0)
    expect(fieldsOf(memory, Protocol.Connector)).toEqual([['payload', 'bytes']])
    expect(fieldsOf(doneOf(0, word(-1)), Protocol.Connector)).toEqual([['payload', 'bytes']])
  })

  test('that is only a header has no errno', () => {
    for (const flags of [0, MessageFlag.Multipart]) {
      const memory = doneOf(flags, () => MESSAGE_HEADER_LENGTH)
      expect(errnoOf(memory)).toBe(0)
      expect(fieldsOf(memory)).toEqual([])
    }
  })
})
