/** The answers and packets of the simulated kernel against those of a real one, byte for byte. */
import { readdirSync } from 'node:fs'
import { ControlType, Message, Protocol, QueueFlag, QueueMessage, QueuePacketView } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { Checksum, fillPartialChecksum, SimKernel } from '../src/index.ts'
import { ask, bind, config, copyAll, receiveAll, sendBytes, udp, vector, verdict } from './support.ts'

const names = readdirSync(new URL('../../../vectors/queue/', import.meta.url)).map((name) => name.replace('.hex', ''))
const asker = { portId: 0, extendedAck: false, cappedAck: false }

/** Queue 5 with packets enough for every id that the vectors name, and queue 9 for the extended acks. */
function captureKernel(answer: Uint8Array) {
  const kernel = new SimKernel()
  kernel.addRule({ hook: 3, queue: 5 })
  const portId = new DataView(answer.buffer).getUint32(12, true)
  return { kernel, portId }
}

function answerTo(requestName: string, answerName: string): Uint8Array {
  const expected = vector(answerName)
  const { kernel, portId } = captureKernel(expected)
  const needs = { protocol: Protocol.Netfilter, receiveBufferSize: 1 << 20 }
  const other = kernel.open({ ...needs, portId: 77 })
  const extended = answerName.startsWith('control-extack')
  const socket = kernel.open({
    ...needs,
    ...asker,
    portId,
    extendedAck: extended,
    cappedAck: answerName.endsWith('capped'),
  })
  const unbound = /(unbind|verdict|params)-unbound|config-bind$|config-all-at-once|^control-extack-none/.test(
    requestName,
  )
  const owner = requestName.includes('other-owner') ? other : socket
  const queue = requestName === 'config-unbind' ? 6 : 5
  if (!unbound) ask(owner, config(queue, { ...bind, ...copyAll }))
  if (/^control-extack-(?!none)|^config-maxlen-short|^verdict-header-short/.test(requestName))
    ask(socket, config(9, bind))
  const nothing = requestName === 'verdict-batch-nothing-queued' || requestName === 'verdict-unknown-id'
  if (!nothing) for (let i = 0; i < 120; i++) kernel.inject(udp(5000, 'text'))
  if (requestName === 'verdict-batch-below-oldest') sendBytes(owner, verdict(5, 65, 1, {}, QueueMessage.VerdictBatch))
  receiveAll(socket)
  sendBytes(socket, vector(requestName))
  // A packet that was repeated comes back before the answer.
  return receiveAll(socket).find((bytes) => bytes[4] === ControlType.Error) ?? new Uint8Array(0)
}

describe('requests are answered as Linux 6.18 answered them', () => {
  const answered = names.filter(
    (name) => /-(ack|error)$/.test(name) && names.includes(name.replace(/-(ack|error)$/, '')),
  )
  const special = [
    ['config-maxlen-short', 'control-extack-policy'],
    ['config-maxlen-short', 'control-extack-policy-capped'],
    ['verdict-header-short', 'control-extack-message-offset'],
  ]
  const pairs = answered.map((name) => [name.replace(/-(ack|error)$/, ''), name]).concat(special)
  test.each(pairs)('%s: %s', (requestName, answerName) => {
    expect(answerTo(requestName as string, answerName as string)).toEqual(vector(answerName as string))
  })
})

describe('packets are shown as Linux 6.18 showed them', () => {
  test.each(names.filter((name) => name.startsWith('packet-')))('%s', (name) => {
    const expected = vector(name)
    const memory = new Message(expected).view.memory
    const view = new QueuePacketView().wrap(memory, 0, expected.length)
    const full = view.payloadLength === 0 ? udp(5000, 'meta only') : new Uint8Array(view.fullLength)
    full.set(view.payload())
    const partial = (view.packetInformation & 1) !== 0
    if (partial && view.payloadLength === full.length) fillPartialChecksum(full)
    const unverified = (view.packetInformation & 4) !== 0
    const kernel = new SimKernel()
    kernel.addRule({ hook: view.hook, queue: view.queueNumber })
    const socket = kernel.open({ protocol: Protocol.Netfilter, frameSize: 8192 })
    const meta = view.payloadLength === 0
    ask(
      socket,
      config(view.queueNumber, { ...bind, parameters: { copyRange: view.payloadLength, copyMode: meta ? 1 : 2 } }),
    )
    const flags = (partial && !meta) || view.isSegmentationOffloaded ? QueueFlag.SegmentationOffload : 0
    const requested = flags | (view.userId === undefined ? 0 : QueueFlag.UserAndGroup)
    ask(socket, config(view.queueNumber, { flags: requested, mask: 0x1f }))
    // The ids before its own are spent on packets of which nothing is kept.
    for (let id = 1; id < view.id; id++) kernel.inject(udp(1, ''), { hook: view.hook })
    receiveAll(socket)
    kernel.inject(full, {
      hook: view.hook,
      protocol: view.protocol,
      inputDevice: view.inputDevice ?? 0,
      outputDevice: view.outputDevice ?? 0,
      physicalInputDevice: view.physicalInputDevice,
      physicalOutputDevice: view.physicalOutputDevice,
      mark: view.mark,
      priority: view.priority,
      hardwareAddress: view.hardwareAddress() ?? null,
      timestamp: view.timestamp(),
      checksum: partial ? Checksum.Partial : unverified ? Checksum.Unverified : Checksum.Verified,
      owner: { userId: view.userId ?? 0, groupId: view.groupId ?? 0 },
      cgroupClassId: view.cgroupClassId,
      segmentSize: view.isSegmentationOffloaded ? 1448 : undefined,
    })
    expect(receiveAll(socket).at(-1)).toEqual(expected)
  })
})
