import {
  ControlType,
  DecodeError,
  LogMessage,
  LogRecordView,
  Memory,
  MessageIterator,
  QueueMessage,
  QueuePacketView,
} from '@ringlink/codec'

/** The description of a frame in a script's trace, without anything that may differ between kernels. */
export interface FrameDescription {
  readonly text: string
  /** the packet, where the frame holds one that was queued */
  readonly queued?: { readonly queue: number; readonly id: number }
}

/** Describes a frame: packets as text, and everything else byte for byte. */
export function describeFrame(bytes: Uint8Array): FrameDescription {
  const memory = Memory.from(bytes)
  const type = memory.u16[2]
  if (type === LogMessage.Packet) return { text: describeLog(memory, bytes.length) }
  if (type === QueueMessage.Packet) return describePacket(memory, bytes.length)
  return { text: `${type === ControlType.Error ? 'error' : type} ${hexWithoutPort(bytes)}` }
}

function describePacket(memory: Memory, length: number): FrameDescription {
  const packet = new QueuePacketView().wrap(memory, 0, length)
  const { family, queueNumber, id, protocol, hook, mark, outputDevice, fullLength, packetInformation } = packet
  const known = { family, queueNumber, id, protocol, hook, mark, outputDevice, fullLength, packetInformation }
  const described = JSON.stringify({ ...known, priority: packet.priority })
  return {
    text: `packet of ${length} ${described} ${layout(memory, 0, length)} ${textOf(packet.payload())}`,
    queued: { queue: queueNumber, id },
  }
}

/** A datagram of the log, message by message. */
function describeLog(memory: Memory, length: number): string {
  const messages = new MessageIterator().wrap(memory, 0, length)
  const parts = [`log of ${length}`]
  while (messages.next()) {
    const { type, offset, length } = messages.view
    if (type === LogMessage.Packet) parts.push(describeRecord(memory, offset, length))
    else parts.push(`${type} ${hexWithoutPort(memory.copy(offset, length))}`)
  }
  if (messages.problem !== undefined) parts.push(messages.problem)
  return parts.join('\n  ')
}

function describeRecord(memory: Memory, offset: number, length: number): string {
  const record = new LogRecordView().wrap(memory, offset, length)
  const { family, group, protocol, hook, mark, inputDevice, outputDevice, hardwareType } = record
  const { userId, groupId, sequence, globalSequence } = record
  const known = { family, group, protocol, hook, mark, inputDevice, outputDevice, hardwareType }
  const described = JSON.stringify({ ...known, userId, groupId, sequence, globalSequence, prefix: record.prefix() })
  const hexOf = (from: number, to: number) => Buffer.from(memory.copy(from, to - from)).toString('hex')
  const header = Buffer.from(record.hardwareHeader() ?? []).toString('hex')
  const padding = record.payloadLength === 0 ? '' : hexOf(record.payloadOffset + record.payloadLength, offset + length)
  const parts = [`record of ${length}`, described, layout(memory, offset, offset + length), header, padding]
  return `${parts.join(' ')} ${textOf(record.payload())}`
}

/** The text in a UDP datagram over IPv4, as far as it was copied. */
function textOf(payload: Uint8Array): string {
  return new TextDecoder('latin1').decode(payload.subarray(28))
}

function hexWithoutPort(bytes: Uint8Array): string {
  const copy = bytes.slice()
  copy.fill(0, 12, 16)
  return Buffer.from(copy).toString('hex')
}

/** Number and length of each attribute of a message, in their order. */
function layout({ data: view }: Memory, start: number, end: number): string {
  const parts: string[] = []
  for (let at = start + 20; at + 4 <= end; ) {
    const length = view.getUint16(at, true)
    if (length < 4) throw new DecodeError('ATTRIBUTE_LENGTH', 'packet', { offset: at, need: 4, have: length })
    parts.push(`${view.getUint16(at + 2, true)}/${length}`)
    at += (length + 3) & ~3
  }
  return parts.join(' ')
}
