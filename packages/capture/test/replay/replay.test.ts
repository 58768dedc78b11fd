import { setImmediate } from 'node:timers/promises'
import { LogRecordView, Protocol } from '@ringlink/codec'
import { describeTransport, type Peer } from '@ringlink/transport/conformance'
import { describe, expect, test } from 'vitest'
import {
  LinkType,
  netlinkRecord,
  nflogRecord,
  openReplay,
  PcapngEncoder,
  type RecordDetails,
  type ReplayOptions,
} from '../../src/index.ts'
import { hex, udpPacket } from '../support/captures.ts'
import { TestClock } from '../support/clock.ts'
import { logMessage } from '../support/messages.ts'
import { PushedSource } from '../support/pushed-source.ts'
import { bytesOf } from './recorded.ts'

const noOther = 'a recording has only what was received'

describeTransport('a replay of a capture that is still being written', {
  open: () => {
    const source = new PushedSource()
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    source.push(encoder.take())
    const transport = openReplay(source, {
      speed: 'fast',
      atEnd: 'wait',
      poison: true,
      ...{ frameSize: 256, batchSize: 4, liveBatches: 3, outboxSize: 1024 },
    })
    let dropped = 0n
    const peer: Peer = {
      deliver: async (messages) => {
        for (const message of messages) {
          encoder.writePacket(netlinkRecord(0, 1n, message))
          source.push(encoder.take())
        }
        // A turn for each chunk: the replay requests the next one when it has read one.
        for (let turn = 0; turn < 3; turn++) await setImmediate()
      },
      lose: async (count) => {
        dropped += BigInt(count)
        encoder.writeStatistics({ interface: 0, at: 1n, dropped })
        source.push(encoder.take())
        for (let turn = 0; turn < 3; turn++) await setImmediate()
      },
    }
    return { transport, peer, close: () => transport.close() }
  },
  cannot: {
    foreign: noOther,
    groups: noOther,
    answers: noOther,
    sent: 'what is sent to a recording is discarded or compared',
    partialSend: 'what is sent to a recording is discarded or compared',
  },
})

interface Recorded extends RecordDetails {
  readonly at?: bigint
  readonly protocol?: number
}

/** A capture of frames, each of one byte that is its number. */
function capture(frames: readonly Recorded[]): Uint8Array {
  const encoder = new PcapngEncoder()
  encoder.addInterface({ linkType: LinkType.Netlink, name: 'one' })
  for (const [index, { at = 0n, ...details }] of frames.entries()) {
    encoder.writePacket(netlinkRecord(0, at, Uint8Array.of(index), details))
  }
  return encoder.take()
}

const milliseconds = (count: number) => BigInt(count) * 1_000_000n

const times = (...list: number[]) => capture(list.map((at) => ({ at: milliseconds(at) })))

async function played(source: Uint8Array | Iterable<Uint8Array>, options: ReplayOptions = {}): Promise<number[][]> {
  const batches: number[][] = []
  for await (const batch of openReplay(source, { speed: 'fast', ...options })) batches.push(bytesOf(batch))
  return batches
}

describe('timing', () => {
  test('as recorded: a frame comes after the same time as in the recording', async () => {
    const clock = new TestClock()
    await using replay = openReplay(times(50, 50, 60, 75), { clock, atEnd: 'wait' })
    expect(bytesOf(await replay.receive())).toEqual([0, 1])
    expect(replay.poll()).toBeUndefined()
    const waiting = replay.receive()
    clock.advance(9.9)
    expect(clock.timers).toBe(1)
    clock.advance(0.2)
    expect(bytesOf(await waiting)).toEqual([2])
    clock.advance(100)
    expect(bytesOf(replay.poll())).toEqual([3])
  })

  test.each([
    [2, 5],
    [0.5, 20],
  ])('%d times as fast', async (speed, wanted) => {
    const clock = new TestClock()
    await using replay = openReplay(times(0, 10), { clock, speed })
    expect(bytesOf(replay.poll())).toEqual([0])
    clock.advance(wanted - 0.1)
    expect(replay.poll()).toBeUndefined()
    clock.advance(0.2)
    expect(bytesOf(replay.poll())).toEqual([1])
  })

  test('fast: full batches, independent of the times', async () => {
    expect(await played(times(0, 10, 5_000, 3, 9_999_999), { batchSize: 2 })).toEqual([[0, 1], [2, 3], [4]])
  })

  test('a blocking poll sleeps until the next frame or its timeout', async () => {
    const clock = new TestClock()
    await using replay = openReplay(times(0, 30, 40), { clock })
    expect(bytesOf(replay.poll(1000))).toEqual([0])
    expect(replay.poll(10)).toBeUndefined()
    expect(bytesOf(replay.poll(1000))).toEqual([1])
    expect(bytesOf(replay.poll(-1))).toEqual([2])
    expect(clock.slept).toEqual([10, 20, 10])
  })

  test('an aborted wait leaves no timer, and the frame is not lost', async () => {
    const clock = new TestClock()
    await using replay = openReplay(times(0, 10), { clock })
    bytesOf(await replay.receive())
    const controller = new AbortController()
    const waiting = replay.receive({ signal: controller.signal })
    expect(clock.timers).toBe(1)
    controller.abort()
    await expect(waiting).rejects.toBe(controller.signal.reason)
    expect(clock.timers).toBe(0)
    clock.advance(10)
    expect(bytesOf(await replay.receive())).toEqual([1])
  })

  test('the default clock is that of the machine', async () => {
    expect((await played(times(0, 1, 2), { speed: 'recorded' })).flat()).toEqual([0, 1, 2])
    const replay = openReplay(times(0, 1))
    bytesOf(replay.poll())
    expect(bytesOf(replay.poll(-1))).toEqual([1])
    await replay.close()
  })
})

describe('what is played', () => {
  test('losses of the recording are losses', async () => {
    const replay = openReplay(capture([{ dropCount: 2n }, {}, { dropCount: 3n }]), { speed: 'fast', batchSize: 2 })
    const overruns: number[] = []
    replay.events.on('overrun', (lost) => overruns.push(lost))
    const losses: number[] = []
    for await (const batch of replay) losses.push(batch.lost)
    expect([losses, overruns, replay.stats.lost]).toEqual([[2, 3], [2, 3], 5])
  })

  test('a loss that only the statistics report is reported too, once', async () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    encoder.writePacket(netlinkRecord(0, 0n, hex('00'), { dropCount: 2n }))
    encoder.writeStatistics({ interface: 0, at: 0n, dropped: 2n })
    encoder.writeStatistics({ interface: 0, at: 0n, dropped: 6n })
    encoder.writePacket(netlinkRecord(0, 0n, hex('01')))
    encoder.writeStatistics({ interface: 0, at: 0n, dropped: 7n })
    const replay = openReplay(encoder.take(), { speed: 'fast', batchSize: 1 })
    const losses: number[] = []
    for await (const batch of replay) losses.push(batch.lost)
    expect([losses, replay.stats.lost]).toEqual([[2, 4], 7])
  })

  test('truncated frames stay truncated', async () => {
    const replay = openReplay(capture([{ fullLength: 80 }]), { speed: 'fast' })
    for await (const batch of replay) expect([batch.byteLength(0), batch.fullLength(0)]).toEqual([1, 80])
    expect(replay.stats.truncated).toBe(1)
  })

  test('one interface of several, by number or name; others of another protocol or kind never', async () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink, name: 'one' })
    encoder.addInterface({ linkType: LinkType.Netlink, name: 'two' })
    encoder.addInterface({ linkType: LinkType.Raw })
    encoder.writePacket(netlinkRecord(0, 0n, hex('00')))
    encoder.writePacket(netlinkRecord(1, 0n, hex('01')))
    encoder.writePacket(netlinkRecord(1, 0n, hex('02'), { protocol: Protocol.Generic }))
    encoder.writePacket({ interface: 2, at: 0n, bytes: hex('03'), dropCount: 5n })
    encoder.writeStatistics({ interface: 2, at: 0n, dropped: 9n })
    encoder.writePacket(netlinkRecord(1, 0n, hex('04'), { direction: 'outbound' }))
    const bytes = encoder.take()
    expect(await played(bytes)).toEqual([[0, 1]])
    const all = openReplay(bytes, { speed: 'fast' })
    for await (const batch of all) expect(batch.lost).toBe(0)
    expect(all.stats.lost).toBe(0)
    expect(await played(bytes, { interface: 'two' })).toEqual([[1]])
    expect(await played(bytes, { interface: 0 })).toEqual([[0]])
    expect(await played(bytes, { interface: 'three' })).toEqual([])
    expect(await played(bytes, { protocol: Protocol.Generic })).toEqual([[2]])
  })

  test('packets of LINKTYPE_NFLOG, as messages of the packet log', async () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Nflog })
    encoder.writePacket(nflogRecord(0, 0n, logMessage({ prefix: 'p', payload: udpPacket(9) }, 7)))
    const replay = openReplay(encoder.take(), { speed: 'fast' })
    const seen: unknown[] = []
    for await (const batch of replay) {
      const view = new LogRecordView().wrap(batch.memory, batch.offset(0), batch.byteLength(0))
      seen.push(view.group, view.prefix(), view.payload())
    }
    expect(seen).toEqual([7, 'p', udpPacket(9)])
  })

  test('more than is read ahead, from chunks of any size', async () => {
    const count = 3000
    const bytes = capture(Array.from({ length: count }, () => ({})))
    const chunks = function* () {
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777)
    }
    const expected = Array.from({ length: count }, (_, index) => index % 256)
    expect((await played(chunks())).flat()).toEqual(expected)
    const source = new PushedSource()
    source.push(...chunks())
    source.end()
    const replay = openReplay(source, { speed: 'fast' })
    const seen: number[] = []
    for await (const batch of replay) seen.push(...bytesOf(batch))
    expect(seen).toEqual(expected)
  })
})

describe('the end', () => {
  test('closes, and reports it', async () => {
    const replay = openReplay(capture([{}]), { speed: 'fast' })
    bytesOf(await replay.receive())
    await expect(replay.receive()).rejects.toMatchObject({ code: 'CLOSED' })
    await replay.ended
  })

  test('waits until close, if requested', async () => {
    const replay = openReplay(capture([{}]), { speed: 'fast', atEnd: 'wait' })
    bytesOf(await replay.receive())
    const waiting = replay.receive()
    await replay.ended
    expect(replay.poll.bind(replay)).toThrow(expect.objectContaining({ code: 'BUSY' }))
    await replay.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('in the middle of a block is reported, and everything before it is played', async () => {
    const bytes = capture([{}, {}])
    const replay = openReplay(bytes.subarray(0, bytes.length - 5), { speed: 'fast' })
    const seen: number[][] = []
    for await (const batch of replay) seen.push(bytesOf(batch))
    expect(seen).toEqual([[0]])
    expect(replay.truncated).toMatchObject({ code: 'MESSAGE_LENGTH' })
  })

  test('by malformed contents rejects after everything before them, then closes', async () => {
    const replay = openReplay([capture([{}]), hex('00'.repeat(12))], { speed: 'fast' })
    expect(bytesOf(await replay.receive())).toEqual([0])
    await expect(replay.receive()).rejects.toMatchObject({ code: 'MESSAGE_LENGTH' })
    await expect(replay.receive()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('by a source that fails rejects with its error', async () => {
    const source = new PushedSource()
    const replay = openReplay(source, { speed: 'fast' })
    const waiting = replay.receive()
    const failure = new Error('the disk is gone')
    source.end(failure)
    await expect(waiting).rejects.toBe(failure)
    await replay.close()
  })

  test('by close releases the source', async () => {
    const source = new PushedSource()
    const replay = openReplay(source)
    await replay.close()
    expect(source.returned).toBe(true)
  })

  test('of a capture of another byte order is refused', async () => {
    const encoder = new PcapngEncoder({
      byteOrder: new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 'big' : 'little',
    })
    encoder.addInterface({ linkType: LinkType.Netlink })
    encoder.writePacket(netlinkRecord(0, 0n, hex('00')))
    await expect(played(encoder.take())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

test.each([
  { speed: 0 },
  { speed: -1 },
  { speed: Number.NaN },
  { batchSize: 0 },
  { frameSize: 1.5 },
  { liveBatches: -1 },
  { outboxSize: Number.NaN },
  { portId: 0 },
])('%j is refused', (options) => {
  expect(() => openReplay(new Uint8Array(0), options)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
})
