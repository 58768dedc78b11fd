import { describe, expect, test } from 'vitest'
import { LinkType, netlinkRecord, openReplay, PcapngEncoder } from '../../src/index.ts'
import { hex } from '../support/captures.ts'
import { PushedSource } from '../support/pushed-source.ts'
import { bytesOf } from './recorded.ts'

describe('what is sent', () => {
  const dialogue = () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    const out = { direction: 'outbound' } as const
    encoder.writePacket(netlinkRecord(0, 0n, hex('a0a1a2'), out))
    encoder.writePacket(netlinkRecord(0, 0n, hex('00')))
    encoder.writePacket(netlinkRecord(0, 0n, hex('b0'), out))
    encoder.writePacket(netlinkRecord(0, 0n, hex('c0'), out))
    encoder.writePacket(netlinkRecord(0, 0n, hex('01')))
    return encoder.take()
  }
  const send = ({ outbox }: ReturnType<typeof openReplay>, ...commits: Uint8Array[]) => {
    for (const bytes of commits) {
      outbox.memory.u8.set(bytes, outbox.reserve(bytes.length))
      outbox.commit(bytes.length)
    }
    return outbox.flush()
  }

  test('is discarded', async () => {
    await using replay = openReplay(dialogue(), { speed: 'fast' })
    expect(send(replay, hex('ff'), hex('fe'))).toBe(2)
    expect(bytesOf(replay.poll())).toEqual([0, 1])
    expect(replay.stats).toMatchObject({ sent: 2, sentBytes: 8 })
    expect(replay.unsent).toBe(0)
  })

  test('is compared, however it is divided, and frames wait for messages sent before them', async () => {
    await using replay = openReplay(dialogue(), { speed: 'fast', expectSent: true, atEnd: 'wait' })
    expect(replay.poll()).toBeUndefined()
    expect(replay.poll(-1)).toBeUndefined()
    const waiting = replay.receive()
    expect(send(replay, hex('a0a1a200b0'))).toBe(1)
    expect(bytesOf(await waiting)).toEqual([0])
    expect(replay.unsent).toBe(1)
    expect(replay.poll()).toBeUndefined()
    send(replay, hex('c0'))
    expect(bytesOf(replay.poll())).toEqual([1])
    expect([replay.unsent, replay.sentProblem]).toEqual([0, undefined])
    expect(() => send(replay, hex('d0'))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  test('may be more than is read ahead', async () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    for (let i = 0; i < 3000; i++) {
      encoder.writePacket(netlinkRecord(0, 0n, Uint8Array.of(i), { direction: 'outbound' }))
    }
    encoder.writePacket(netlinkRecord(0, 0n, hex('01')))
    await using replay = openReplay([encoder.take()], { speed: 'fast', expectSent: true })
    const waiting = replay.receive()
    for (let i = 0; i < 3000; i++) send(replay, Uint8Array.of(i))
    expect(bytesOf(await waiting)).toEqual([1])
    expect(replay.unsent).toBe(0)
  })

  test('that differs is refused, stays in the outbox, and rejects a waiting receive', async () => {
    await using replay = openReplay(dialogue(), { speed: 'fast', expectSent: true })
    const waiting = replay.receive()
    expect(() => send(replay, hex('a0a1a3'))).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('byte 2 of the sent messages is 0xa3, expected 0xa2'),
      }),
    )
    expect(replay.outbox.pendingCommits).toBe(1)
    await expect(waiting).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(replay.sentProblem).toMatchObject({ code: 'UNSUPPORTED' })
    await replay.ended
  })

  test('before the recording was read so far is compared later', async () => {
    const bytes = dialogue()
    const good = new PushedSource()
    await using replay = openReplay(good, { speed: 'fast', expectSent: true })
    send(replay, hex('a0a1a2'), hex('b0'))
    const waiting = replay.receive()
    good.push(bytes.subarray(0, 150), bytes.subarray(150))
    expect(bytesOf(await waiting)).toEqual([0])
    send(replay, hex('c0'))
    good.end()
    expect(bytesOf(await replay.receive())).toEqual([1])

    for (const [sent, words] of [
      [hex('a0a1a2a3'), 'byte 3'],
      [hex('a0a1a200b0000000c0000000d0'), '4 more bytes'],
    ] as const) {
      const source = new PushedSource()
      const other = openReplay(source, { speed: 'fast', expectSent: true })
      send(other, sent)
      source.push(bytes)
      source.end()
      const receiving = (async () => {
        for (;;) bytesOf(await other.receive())
      })()
      await expect(receiving).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(words) })
      await other.close()
    }
  })
})
