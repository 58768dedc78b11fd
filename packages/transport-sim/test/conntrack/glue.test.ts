import {
  ConntrackMessage,
  CopyMode,
  conntrackAttributes,
  Family,
  GetFlag,
  Hook,
  LogCommand,
  LogFlag,
  LogMessage,
  LogRecordView,
  logConfigAttributes,
  Memory,
  QueueCommand,
  QueueFlag,
  QueueMessage,
  QueuePacketView,
  queueAttributes,
  queueConfigAttributes,
  queuePacketConntrack,
  readAttributes,
  Verdict,
} from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import { udp } from '../support.ts'
import { connectionsOf, openNetfilter, received, send, trackingKernel } from './support.ts'

const glued = () => trackingKernel({ conntrackGlue: true })

function bind(socket: Transport): void {
  send(socket, QueueMessage.Config, 4, queueConfigAttributes, {
    command: { command: QueueCommand.Bind, family: 0 },
    parameters: { copyRange: 0, copyMode: CopyMode.Packet },
    flags: QueueFlag.Conntrack,
    mask: QueueFlag.Conntrack,
  })
  expect(received(socket)).toEqual([0])
}

/** The next queued packet. */
function nextPacket(socket: Transport): QueuePacketView {
  const batch = socket.poll()
  if (batch === undefined) throw new Error('no packet has come')
  const bytes = batch.memory.copy(batch.offset(0), batch.byteLength(0))
  batch.release()
  return new QueuePacketView().wrap(Memory.from(bytes), 0, bytes.length)
}

describe('the glue between packets and connections', () => {
  test('tells the connection of a queued packet, which is not confirmed yet', () => {
    const kernel = glued()
    const socket = openNetfilter(kernel)
    kernel.addRule({ hook: Hook.Output, queue: 0 })
    bind(socket)
    kernel.inject(udp(5000, 'hello'))
    const packet = nextPacket(socket)
    expect(queuePacketConntrack(packet)).toMatchObject({
      status: 0,
      mark: 0,
      original: { protocol: { destinationPort: 5000 } },
    })
    expect(packet.conntrackInformation).toBe(2)
    expect(new TextDecoder().decode(packet.payload().subarray(28))).toBe('hello')
  })

  test('changes mark and timeout by a verdict, and says nothing of what cannot be changed', () => {
    const kernel = glued()
    const socket = openNetfilter(kernel)
    kernel.addRule({ hook: Hook.Output, queue: 0 })
    bind(socket)
    kernel.inject(udp(5000, 'a'))
    const { id } = nextPacket(socket)
    send(socket, QueueMessage.Verdict, 4, queueAttributes, {
      verdictHeader: { verdict: Verdict.Accept, id },
      conntrack: { mark: 0x22, markMask: 0xff, timeout: 77 },
    })
    expect(received(socket)).toEqual([0])
    send(socket, ConntrackMessage.Get, GetFlag.Dump, conntrackAttributes, {}, 0)
    expect(connectionsOf(socket)).toMatchObject([{ mark: 0x22, timeout: 77 }])
    kernel.inject(udp(5000, 'b'))
    const second = nextPacket(socket)
    send(socket, QueueMessage.Verdict, 4, queueAttributes, {
      verdictHeader: { verdict: Verdict.Accept, id: second.id },
      conntrack: { labels: new Uint8Array(16).fill(1) },
    })
    expect(received(socket)).toEqual([0])
  })

  test('tells the connection of a log record', () => {
    const kernel = glued()
    const socket = openNetfilter(kernel)
    kernel.addRule({ hook: Hook.Output, log: { group: 5, threshold: 1 } })
    send(
      socket,
      LogMessage.Config,
      4,
      logConfigAttributes,
      { command: { command: LogCommand.Bind }, flags: LogFlag.Conntrack },
      Family.Unspecified,
      5,
    )
    expect(received(socket)).toEqual([0])
    kernel.inject(udp(5000, 'logged'))
    const batch = socket.poll()
    if (batch === undefined) throw new Error('no record has come')
    const record = new LogRecordView().wrap(batch.memory, batch.offset(0), batch.byteLength(0))
    const place = record.place(18)
    if (place === undefined) throw new Error('the record has no connection')
    expect(readAttributes(conntrackAttributes, record.memory, place.offset, place.length)).toMatchObject({
      original: { protocol: { destinationPort: 5000 } },
    })
    expect(new TextDecoder().decode(record.payload().subarray(28))).toBe('logged')
    batch.release()
  })
})
