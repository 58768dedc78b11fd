/** Values that do not fit and names of any bytes, over all messages. */

import { describe, expect, test } from 'vitest'
import {
  AttributeWriter,
  beginMessage,
  dropVerdict,
  KernelError,
  Memory,
  MessageView,
  NfTablesMessage,
  queueVerdict,
  readNfnetlinkAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '../src/index.ts'

const memory = new Memory(256)
const header = { type: 16, flags: 0, sequence: 0 }
const message = { ...header, resourceId: 0, attributes: {} }

describe('a value that does not fit is refused, never truncated', () => {
  test.each<[string, () => unknown, string]>([
    ['message type', () => beginMessage(memory, 0, 256, { ...header, type: 70_000 }), '0 to 65535, got 70000'],
    ['message type', () => beginMessage(memory, 0, 256, { ...header, type: -1 }), '0 to 65535, got -1'],
    ['message flags', () => beginMessage(memory, 0, 256, { ...header, flags: 1.5 }), '0 to 65535, got 1.5'],
    ['message sequence', () => beginMessage(memory, 0, 256, { ...header, sequence: 2 ** 33 }), 'got 8589934592'],
    ['message port id', () => beginMessage(memory, 0, 256, { ...header, portId: Number.NaN }), 'got NaN'],
    [
      'protocol family',
      () => writeNfnetlinkMessage(memory, 0, 256, tableAttributes, { ...message, family: 1.5 }),
      'an integer from 0 to 255, got 1.5',
    ],
    [
      'queue or group number',
      () => writeNfnetlinkMessage(memory, 0, 256, tableAttributes, { ...message, resourceId: 65_536 }),
      'got 65536',
    ],
    ['queue number', () => queueVerdict(70_000), 'an integer from 0 to 65535, got 70000'],
    ['queue number', () => queueVerdict('0' as unknown as number), "got '0' (string)"],
    ['errno', () => dropVerdict(-1), 'got -1'],
    ['attribute type', () => new AttributeWriter().wrap(memory, 0, 256).bytes(70_000, new Uint8Array(1)), 'got 70000'],
  ])('%s', (what, write, text) => {
    expect(write).toThrow(
      expect.objectContaining({ code: 'VALUE_RANGE', message: expect.stringMatching(new RegExp(`^${what} must be `)) }),
    )
    expect(write).toThrow(text)
  })
})

test('a table is deleted by the name that was read, for any bytes of the name', () => {
  for (const name of [[0xff, 0x61], Array<number>(200).fill(0xff), [0xc3], [0xed, 0xa0, 0x80]]) {
    const bytes = Uint8Array.from([...name, 0])
    const written = new Memory(512)
    const end = beginMessage(written, 0, 512, { ...header, type: NfTablesMessage.NewTable })
    const writer = new AttributeWriter().wrap(written, end + 4, 512)
    writer.bytes(tableAttributes.members.name.number, bytes)
    written.u32[0] = writer.end
    const view = new MessageView().wrap(written, 0, writer.end)
    const attributes = readNfnetlinkAttributes(view, tableAttributes)
    const again = new Memory(512)
    const length = writeNfnetlinkMessage(again, 0, 512, tableAttributes, {
      ...message,
      type: NfTablesMessage.NewTable,
      attributes,
    })
    expect(again.copy(0, length)).toEqual(written.copy(0, writer.end))
  }
})

test('an error of the kernel shows no character that controls a terminal', () => {
  const { message, extendedMessage } = new KernelError('create table \u001b[2J', 17, {
    extendedMessage: 'name \u202e\udcff is taken',
    sequence: 1,
  })
  expect(message).toBe('create table \\u{1b}[2J: EEXIST, name \\u{202e}\\xff is taken')
  expect(extendedMessage).toBe('name \u202e\udcff is taken')
})
