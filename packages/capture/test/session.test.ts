/** A recorded session of the client, replayed to the same program. */

import { gzipSync } from 'node:zlib'
import { openLog, openQueue } from '@ringlink/client'
import { QueueMessage, Verdict } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, packetMessage, split } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { type ByteSource, LinkType, nflogRecord, openReplay, PcapngEncoder, type Replay, record } from '../src/index.ts'
import { HOST_BYTE_ORDER } from '../src/pcapng/encoder.ts'
import { udpPacket } from './support/captures.ts'
import { logMessage } from './support/messages.ts'
import { pcapFile } from './support/pcap.ts'

/** Answers five packets, each according to its mark. Returns what was seen. */
async function answer(
  transport: Replay | ReturnType<typeof record>,
  given: (id: number, mark: number | undefined) => 'accept' | 'drop',
): Promise<number[]> {
  const queue = await openQueue({ number: 0, transport, copyRange: 512 })
  const seen: number[] = []
  for await (const packets of queue) {
    for (const packet of packets) {
      seen.push(packet.id)
      if (given(packet.id, packet.mark) === 'accept') packet.accept()
      else packet.drop()
    }
    if (seen.length === 5) break
  }
  await queue.close()
  return seen
}

const byMark = (_: number, mark: number | undefined) => (mark === 7 ? 'drop' : 'accept')

async function recording(): Promise<Uint8Array> {
  const inner = new FunctionTransport(
    (datagram) =>
      split(datagram).flatMap(({ type, bytes }) => {
        if (type !== QueueMessage.Config) return []
        const packets = [1, 2, 3, 4, 5].map((id) =>
          packetMessage(id, { payload: udpPacket(id), mark: id === 3 ? 7 : 1 }),
        )
        return [errorMessage(bytes, 0), ...packets]
      }),
    { batchSize: 2 },
  )
  const sink = new PcapngEncoder()
  expect(await answer(record(inner, sink, { sent: true }), byMark)).toEqual([1, 2, 3, 4, 5])
  const verdicts = inner.sent.flatMap(split).filter(({ type }) => type === QueueMessage.Verdict)
  expect(verdicts).toHaveLength(5)
  return sink.take()
}

describe('a queue', () => {
  test('that was recorded is played to the same program, which gives the same answers', async () => {
    const replay = openReplay(await recording(), { speed: 'fast', expectSent: true, atEnd: 'wait' })
    expect(await answer(replay, byMark)).toEqual([1, 2, 3, 4, 5])
    expect([replay.sentProblem, replay.unsent]).toEqual([undefined, 0])
  })

  test('that is answered differently from the recording is detected', async () => {
    const replay = openReplay(await recording(), { speed: 'fast', expectSent: true, atEnd: 'wait' })
    const other = answer(replay, () => 'accept')
    await expect(other).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(replay.sentProblem?.message).toContain(`0x0${Verdict.Accept}`)
  })

  test('can be answered freely if nothing is compared', async () => {
    const replay = openReplay(await recording(), { speed: 'fast', atEnd: 'wait' })
    expect(await answer(replay, () => 'drop')).toEqual([1, 2, 3, 4, 5])
  })
})

test('a log reads packets of LINKTYPE_NFLOG, its requests being acknowledged, and ends with them', async () => {
  const encoder = new PcapngEncoder()
  encoder.addInterface({ linkType: LinkType.Nflog })
  for (let i = 1; i <= 40; i++) {
    encoder.writePacket(nflogRecord(0, BigInt(i), logMessage({ prefix: `p${i}`, payload: udpPacket(i) }, 5)))
  }
  const replay = openReplay(encoder.take(), { speed: 'fast', atEnd: 'wait', acknowledge: true })
  const log = await openLog({ group: 5, transport: replay })
  const closing = replay.ended.then(() => log.close())
  const prefixes: (string | undefined)[] = []
  for await (const records of log) for (const each of records) prefixes.push(each.prefix())
  await closing
  expect(prefixes).toEqual(Array.from({ length: 40 }, (_, index) => `p${index + 1}`))
})

describe('a log that is closed when its replay has ended', () => {
  const loop = async (source: ByteSource) => {
    const replay = openReplay(source, { speed: 'fast', atEnd: 'wait', acknowledge: true })
    const log = await openLog({ group: 5, transport: replay })
    replay.ended.then(() => log.close())
    let records = 0
    for await (const batch of log) for (const _ of batch) records++
    return records
  }
  const recordings = () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Nflog })
    for (let i = 1; i <= 40; i++)
      encoder.writePacket(nflogRecord(0, BigInt(i), logMessage({ payload: udpPacket(i) }, 5)))
    return encoder.take()
  }
  async function* failing(failure: Error) {
    yield recordings()
    throw failure
  }

  test('reads compressed bytes, and classic pcap', async () => {
    expect(await loop(gzipSync(recordings()))).toBe(40)
    const bytes = logMessage({ payload: udpPacket(1) }, 5).subarray(16)
    const order = HOST_BYTE_ORDER
    const pcap = pcapFile({ order, unit: 'microseconds', linkType: LinkType.Nflog }, [
      { seconds: 1, fraction: 1, bytes, cut: 0 },
    ])
    expect(await loop(pcap)).toBe(1)
  })

  test('rejects with what is wrong with the capture, and with the failure of its source', async () => {
    await expect(loop(new TextEncoder().encode('no capture at all'))).rejects.toMatchObject({ code: 'MESSAGE_TYPE' })
    const malformed = Uint8Array.from([...recordings(), ...new Uint8Array(12)])
    await expect(loop(malformed)).rejects.toMatchObject({ code: 'MESSAGE_LENGTH' })
    const failure = new Error('the disk is gone')
    await expect(loop(failing(failure))).rejects.toBe(failure)
  })

  test('begins to count at the first number that it sees, of each group, and counts every gap after it', async () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Nflog })
    const numbers = [
      [5, 15_000],
      [6, 39],
      [5, 15_001],
      [5, 15_005],
      [6, 41],
    ] as const
    for (const [group, sequence] of numbers) {
      const message = logMessage({ payload: udpPacket(1), sequence }, group)
      encoder.writePacket(nflogRecord(0, 1n, message))
    }
    const replay = openReplay(encoder.take(), { speed: 'fast', atEnd: 'wait', acknowledge: true })
    const log = await openLog({ group: [5, 6], sequence: true, transport: replay })
    replay.ended.then(() => log.close())
    const lost: number[] = []
    for await (const batch of log) {
      for (const _ of batch) lost.push(batch.lost)
    }
    expect([lost.at(-1), log.stats.lost]).toEqual([3 + 1, 3 + 1])
  })
})
