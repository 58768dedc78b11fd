import { existsSync, readFileSync } from 'node:fs'
import {
  type AttributeSet,
  type AttributeValues,
  ControlType,
  CopyMode,
  type ErrorView,
  Family,
  Memory,
  Message,
  MessageFlag,
  Protocol,
  QueueCommand,
  type QueueConfig,
  QueueMessage,
  queueConfigAttributes,
  queueVerdict,
  writeNfnetlinkMessage,
  writeVerdict,
} from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { Transport } from '@ringlink/transport'
import { fillChecksum, fillHeaderChecksum, SimKernel, type SimOptions } from '../src/index.ts'

export { ControlType, CopyMode, type ErrorView, Family, queueVerdict }

/** The bytes of a golden vector. */
export function vector(name: string): Uint8Array {
  return Uint8Array.from(
    vectorText(name)
      .split('\n')
      .flatMap((line) => (line.split('#')[0] as string).trim().split(/\s+/))
      .filter((byte) => byte !== '')
      .map((byte) => Number.parseInt(byte, 16)),
  )
}

export function hasVector(name: string): boolean {
  return existsSync(vectorUrl(name))
}

function vectorUrl(name: string): URL {
  return new URL(`../../../vectors/queue/${name}.hex`, import.meta.url)
}

function vectorText(name: string): string {
  return readFileSync(vectorUrl(name), 'utf8')
}

/** A UDP datagram over IPv4 with valid checksums. */
export function udp(port: number, text: string | Uint8Array, sourcePort = 40000): Uint8Array {
  const payload = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const bytes = new Uint8Array(28 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  view.setUint16(2, bytes.length)
  view.setUint16(6, 0x4000)
  bytes[8] = 64
  bytes[9] = IpProtocol.Udp
  view.setUint32(12, 0x7f000001)
  view.setUint32(16, 0x7f000001)
  view.setUint16(20, sourcePort)
  view.setUint16(22, port)
  view.setUint16(24, 8 + payload.length)
  bytes.set(payload, 28)
  fillHeaderChecksum(bytes)
  fillChecksum(bytes)
  return bytes
}

/** The text in a UDP datagram over IPv4. */
export function textOf(packet: Uint8Array): string {
  return new TextDecoder().decode(packet.subarray(28))
}

/** Sends bytes as they are. */
export function sendBytes({ outbox }: Transport, ...messages: Uint8Array[]): void {
  for (const bytes of messages) {
    const offset = outbox.reserve(bytes.length)
    outbox.memory.u8.set(bytes, offset)
    outbox.commit(bytes.length)
  }
  outbox.flush()
}

/** Everything that waits, one entry per frame. */
export function receiveAll(transport: Transport): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
    for (let i = 0; i < batch.length; i++) frames.push(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
    batch.release()
  }
  return frames
}

let sequence = 0

/** A netfilter request as bytes. */
export function request<Set extends AttributeSet>(
  type: number,
  resourceId: number,
  set: Set,
  attributes: AttributeValues<Set>,
  flags: number = MessageFlag.Request | MessageFlag.Acknowledge,
  family = 0,
): Uint8Array {
  const memory = new Memory(1024)
  const message = { type, flags, sequence: ++sequence, resourceId, attributes, family }
  return memory.copy(0, writeNfnetlinkMessage(memory, 0, 1024, set, message))
}

export function config(queue: number, attributes: QueueConfig, flags?: number): Uint8Array {
  return request(QueueMessage.Config, queue, queueConfigAttributes, attributes, flags)
}

export const bind: QueueConfig = { command: { command: QueueCommand.Bind, family: 0 } }
export const unbind: QueueConfig = { command: { command: QueueCommand.Unbind, family: 0 } }
export const copyAll: QueueConfig = { parameters: { copyRange: 0, copyMode: CopyMode.Packet } }

/** A verdict as bytes, without asking for an acknowledgement. */
export function verdict(
  queue: number,
  id: number,
  value: number,
  changes: Parameters<typeof writeVerdict>[6] = {},
  type: typeof QueueMessage.Verdict | typeof QueueMessage.VerdictBatch = QueueMessage.Verdict,
): Uint8Array {
  // Tests write a hundred thousand of these.
  const size = 256 + (changes.payload?.length ?? 0)
  const memory = new Memory(size)
  return memory.copy(0, writeVerdict(memory, 0, size, type, queue, { verdict: value, id }, changes))
}

/** The errno (positive; 0: acknowledged) of each error message among the frames, `undefined` for other messages. */
export function errnos(frames: readonly Uint8Array[]): (number | undefined)[] {
  return frames.map((bytes) => {
    const { view } = new Message(bytes)
    return view.type === ControlType.Error ? 0 - (view.memory.i32[4] as number) : undefined
  })
}

/** The errnos that requests are answered with. */
export function ask(transport: Transport, ...messages: Uint8Array[]): (number | undefined)[] {
  sendBytes(transport, ...messages)
  return errnos(receiveAll(transport))
}

/** A kernel with a rule for UDP port 5000 and a socket that owns queue 0, copying whole packets. */
export function queueKernel(options: Omit<Partial<SimOptions>, 'ring'> = {}, settings: QueueConfig = {}) {
  const kernel = new SimKernel({ seed: 1 })
  kernel.addRule({ hook: 3, match: { protocol: IpProtocol.Udp, destinationPort: 5000 }, queue: 0 })
  const socket = kernel.open({ protocol: Protocol.Netfilter, ...options })
  const delivered: string[] = []
  kernel.onDelivered(({ bytes }) => delivered.push(textOf(bytes)))
  ask(socket, config(0, { ...bind, ...copyAll, ...settings }))
  return { kernel, socket, delivered }
}

/** The counters of queue `number` as /proc tells them, without the port id. */
export function counters(transport: Transport, number = 0): number[] | undefined {
  const lines = transport.readProcNet('netfilter/nfnetlink_queue').trim().split('\n')
  const line = lines.map((it) => it.trim().split(/\s+/).map(Number)).find(([queue]) => queue === number)
  return line?.filter((_, column) => column !== 1)
}
