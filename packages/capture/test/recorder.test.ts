import { readFileSync } from 'node:fs'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { describeTransport, openReference } from '@ringlink/transport/conformance'
import { describe, expect, test } from 'vitest'
import { type CaptureSink, netlinkPacket, PcapngEncoder, record } from '../src/index.ts'
import { blocksOf, hex, packetsOf } from './support/captures.ts'

for (const sent of [false, true]) {
  describeTransport(`record() around the reference transport${sent ? ', sent messages too,' : ''}`, {
    open: async (options) => {
      const { transport, peer, close } = await openReference(options)
      return { transport: record(transport, new PcapngEncoder(), { sent }), peer, close }
    },
  })
}

const messages = (bytes: Uint8Array) =>
  packetsOf(bytes).map((packet) => ({
    at: packet.at,
    direction: packet.direction,
    drops: packet.dropCount,
    bytes: netlinkPacket(packet).messages,
    full: netlinkPacket(packet).fullLength,
  }))

function clock() {
  let now = 1_000n
  return () => now++
}

describe('record', () => {
  test('saves frames as they are delivered, in every way of receiving, with one time for each batch', async () => {
    const inner = new FunctionTransport(undefined, { batchSize: 2, frameSize: 64 })
    const sink = new PcapngEncoder()
    await using transport = record(inner, sink, { now: clock() })
    inner.deliver(hex('01'), hex('02'), hex('03'), hex('04'), new Uint8Array(70).fill(5))
    ;(await transport.receive()).release()
    transport.poll()?.release()
    for await (const batch of transport) {
      expect(batch.length).toBe(1)
      break
    }
    const cut = new Uint8Array(64).fill(5)
    expect(messages(sink.take())).toEqual([
      { at: 1000n, direction: 'inbound', drops: undefined, bytes: hex('01'), full: 1 },
      { at: 1000n, direction: 'inbound', drops: undefined, bytes: hex('02'), full: 1 },
      { at: 1001n, direction: 'inbound', drops: undefined, bytes: hex('03'), full: 1 },
      { at: 1001n, direction: 'inbound', drops: undefined, bytes: hex('04'), full: 1 },
      { at: 1002n, direction: 'inbound', drops: undefined, bytes: cut, full: 70 },
    ])
    expect(transport).toMatchObject({ saved: 5, unsaved: 0, interface: 0 })
  })

  test('writes an interface, and statistics at close, once', async () => {
    const sink = new PcapngEncoder()
    const inner = new FunctionTransport()
    const transport = record(inner, sink, { now: clock(), name: 'queue 5', protocol: 16, snapshotLength: 99 })
    inner.deliver(hex('01'))
    ;(await transport.receive()).release()
    await transport.close()
    await inner.close()
    const blocks = blocksOf(sink.take())
    expect(blocks.map(({ type }) => type)).toEqual(['section', 'interface', 'packet', 'statistics'])
    expect(blocks[1]).toMatchObject({ linkType: 253, name: 'queue 5', snapshotLength: 99 })
    expect(blocks[2]?.type === 'packet' && netlinkPacket(blocks[2]).protocol).toBe(16)
    expect(blocks[3]).toMatchObject({ received: 1n, dropped: 0n, at: 1001n })
  })

  test('notes a loss at the frame after it', async () => {
    const fixture = await openReference({})
    const sink = new PcapngEncoder()
    const transport = record(fixture.transport, sink)
    await fixture.peer.lose?.(3)
    await fixture.peer.deliver([hex('01'), hex('02')])
    let frames = 0
    while (frames < 2) {
      const batch = await transport.receive()
      frames += batch.length
      batch.release()
    }
    await transport.close()
    const blocks = blocksOf(sink.take())
    const drops = blocks.map((block) => (block.type === 'packet' ? (block.dropCount ?? 0n) : 0n))
    expect(drops.reduce((sum, count) => sum + count, 0n)).toBe(3n)
    expect(blocks.at(-1)).toMatchObject({ type: 'statistics', dropped: 3n })
    await fixture.close()
  })

  test('saves messages when they are sent, and only those', async () => {
    const inner = new FunctionTransport()
    const sink = new PcapngEncoder()
    const transport = record(inner, sink, { sent: true, now: clock() })
    const { outbox } = transport
    const commit = (bytes: Uint8Array) => {
      outbox.memory.u8.set(bytes, outbox.reserve(bytes.length))
      outbox.commit(bytes.length)
    }
    commit(hex('0102030405'))
    commit(hex('06'))
    const head = sink.take()
    expect(messages(head)).toEqual([])
    inner.kernel = () => -1
    expect(() => outbox.flush()).toThrow(expect.objectContaining({ code: 'SYSTEM', sent: 0 }))
    expect(sink.pending).toBe(0)
    inner.kernel = () => []
    expect(outbox.flush()).toBe(2)
    commit(hex('07'))
    await transport.close()
    expect(messages(Uint8Array.from([...head, ...sink.take()]))).toEqual([
      { at: 1000n, direction: 'outbound', drops: undefined, bytes: hex('0102030405'), full: 5 },
      { at: 1000n, direction: 'outbound', drops: undefined, bytes: hex('06'), full: 1 },
    ])
  })

  test('continues unsaved while the sink is congested, and the capture counts the missing frames', async () => {
    const inner = new FunctionTransport(undefined, { batchSize: 1 })
    const encoder = new PcapngEncoder()
    let congested = false
    const sink: CaptureSink = {
      get congested() {
        return congested
      },
      addInterface: (options) => encoder.addInterface(options),
      writePacket: (packet) => encoder.writePacket(packet),
      writeStatistics: (statistics) => encoder.writeStatistics(statistics),
    }
    const transport = record(inner, sink)
    inner.deliver(hex('01'), hex('02'), hex('03'), hex('04'), hex('05'))
    for (const full of [false, true, true, false, true]) {
      congested = full
      ;(await transport.receive()).release()
    }
    await transport.close()
    expect(transport).toMatchObject({ saved: 2, unsaved: 3 })
    const blocks = blocksOf(encoder.take())
    expect(blocks.slice(2)).toMatchObject([
      { dropCount: undefined },
      { dropCount: 2n },
      { type: 'statistics', received: 5n, dropped: 3n },
    ])
  })

  test('is not disturbed by a sink that was closed before it', async () => {
    const inner = new FunctionTransport()
    const encoder = new PcapngEncoder()
    const sink: CaptureSink = {
      congested: true,
      addInterface: (options) => encoder.addInterface(options),
      writePacket: () => false,
      writeStatistics: () => {
        throw Object.assign(new Error('closed'), { code: 'CLOSED' })
      },
    }
    const transport = record(inner, sink)
    await transport.close()
    expect(transport.unsaved).toBe(0)
  })
})

test('the encoder, the decoder and the records import nothing that a browser lacks', () => {
  const folder = new URL('../src/pcapng/', import.meta.url)
  for (const name of ['block', 'decoder', 'encoder', 'index', 'link-type', 'reader', 'record']) {
    const source = readFileSync(new URL(`${name}.ts`, folder), 'utf8')
    const imported = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1] as string)
    expect(imported.filter((from) => !from.startsWith('./') && !from.startsWith('@ringlink/codec'))).toEqual([])
  }
})
