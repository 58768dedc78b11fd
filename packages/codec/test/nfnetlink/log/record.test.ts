import { loadVectors, memoryWith, messagesOf } from '@ringlink/test-support/vectors'
import { describe, expect, test } from 'vitest'
import { LogMessage, LogRecordView, MessageIterator } from '../../../src/index.ts'
import { testView } from '../../view-suite.ts'
import { logRecords, OFFSET, saidBy } from '../../views.ts'

testView(logRecords, { full: 'packet-netdev-ingress-vlan', other: LogMessage.Config })

describe('one view reads all records of', () => {
  const datagrams = loadVectors('log').filter(({ note }) => note.startsWith('several messages'))

  test.each(datagrams.map((vector) => [vector.name, vector] as const))('%s', (_, datagram) => {
    const memory = memoryWith(datagram.bytes, OFFSET)
    const iterator = new MessageIterator().wrap(memory, OFFSET, datagram.bytes.length)
    const record = new LogRecordView()
    const said: unknown[] = []
    while (iterator.next()) {
      const { type, offset, length } = iterator.view
      if (type === LogMessage.Packet) said.push(saidBy(record.wrap(memory, offset, length)))
    }
    expect(iterator.problem).toBeUndefined()
    const alone = messagesOf(datagram).map(({ bytes }) => memoryWith(bytes, OFFSET))
    const records = alone.filter(({ u16 }) => u16[(OFFSET + 4) >> 1] === LogMessage.Packet)
    const lengthAt = ({ u32 }: (typeof alone)[number]) => u32[OFFSET >> 2] as number
    expect(said).toEqual(records.map((one) => saidBy(new LogRecordView().wrap(one, OFFSET, lengthAt(one)))))
  })
})
