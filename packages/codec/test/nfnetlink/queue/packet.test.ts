import { runs } from '@ringlink/test-support/fuzz'
import { loadVector, memoryWith } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  dropVerdict,
  MARKED_VERDICT_LENGTH,
  Memory,
  QueueMessage,
  queueVerdict,
  VERDICT_LENGTH,
  VerdictTemplate,
  writeVerdict,
} from '../../../src/index.ts'
import { testView } from '../../view-suite.ts'
import { queuePackets } from '../../views.ts'

testView(queuePackets, { full: 'packet-everything-input', other: QueueMessage.Verdict })

describe('verdicts', () => {
  test('the template with a mark writes what the table writes', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff })
    const property = fc.property(fc.nat(0xffff), number, number, number, (queue, id, verdict, mark) => {
      const [expected, memory] = [new Memory(MARKED_VERDICT_LENGTH), new Memory(MARKED_VERDICT_LENGTH)]
      writeVerdict(expected, 0, MARKED_VERDICT_LENGTH, QueueMessage.Verdict, queue, { verdict, id }, { mark })
      new VerdictTemplate(queue, QueueMessage.Verdict).writeMarked(memory, 0, id, verdict, mark)
      expect(memory.u8).toEqual(expected.u8)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('the template with a payload writes what the table writes, and nothing else', () => {
    const number = fc.integer({ min: 0, max: 0xffffffff })
    const payload = fc.uint8Array({ maxLength: 200 })
    const mark = fc.option(number, { nil: undefined })
    const property = fc.property(
      fc.nat(0xffff),
      number,
      number,
      mark,
      payload,
      fc.nat(7),
      (queue, id, verdict, marked, bytes, slot) => {
        const [expected, memory] = [new Memory(512), new Memory(512)]
        for (const { u8 } of [expected, memory]) u8.fill(0xaa)
        const changes = { ...(marked === undefined ? {} : { mark: marked }), payload: bytes }
        const offset = slot * 4
        const length = writeVerdict(expected, offset, 512, QueueMessage.Verdict, queue, { verdict, id }, changes)
        const template = new VerdictTemplate(queue, QueueMessage.Verdict)
        if (marked === undefined) template.write(memory, offset, id, verdict)
        else template.writeMarked(memory, offset, id, verdict, marked)
        expect(template.addPayload(memory, offset, bytes)).toBe(length)
        expect(memory.u8).toEqual(expected.u8)
      },
    )
    fc.assert(property, { numRuns: runs })
  })

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
  ])('%s equals what libnetfilter_queue sent', (name, verdict) => {
    const { bytes } = loadVector('queue', name)
    const memory = memoryWith(bytes, 0)
    const id = memory.data.getUint32(28)
    const ours = new Memory(VERDICT_LENGTH)
    new VerdictTemplate(5, QueueMessage.Verdict).write(ours, 0, id, verdict)
    expect(ours.u8.subarray(16)).toEqual(bytes.subarray(16))
  })

  test('a verdict that drops with an errno has it negated in the upper half', () => {
    expect(dropVerdict(1)).toBe(0xffff0000)
    expect(dropVerdict(111)).toBe((0x10000 - 111) * 0x10000)
  })

  test.each([-1, 65536, 1.5e9])('queue %d does not exist', (queue) => {
    expect(() => new VerdictTemplate(queue, QueueMessage.Verdict)).toThrow(
      expect.objectContaining({ code: 'VALUE_RANGE' }),
    )
  })
})
