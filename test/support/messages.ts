import {
  type AttributeValues,
  AttributeWriter,
  beginMessage,
  ControlType,
  extendedAckAttributes,
  finishMessage,
  Memory,
  MessageIterator,
  MessageView,
  type QueueAttributes,
  QueueMessage,
  queueAttributes,
  writeAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'

const SIZE = 1 << 17

/** The kernel's packet message, as a table writes it. */
export function packetMessage(id: number, attributes: QueueAttributes = {}, queue = 0): Uint8Array {
  const memory = new Memory(SIZE)
  const packetHeader = { id, protocol: 0x0800, hook: 3 }
  const length = writeNfnetlinkMessage(memory, 0, SIZE, queueAttributes, {
    type: QueueMessage.Packet,
    flags: 0,
    sequence: 0,
    resourceId: queue,
    attributes: { packetHeader, ...attributes },
  })
  return memory.copy(0, length)
}

/** The kernel's Error message for `request`: an acknowledgement when `errno` (positive) is 0. */
export function errorMessage(
  request: Uint8Array,
  errno: number,
  extendedAck?: AttributeValues<typeof extendedAckAttributes>,
): Uint8Array {
  const { view } = first(request)
  const memory = new Memory(SIZE)
  const flags = extendedAck === undefined ? 0x100 : 0x300
  let end = beginMessage(memory, 0, SIZE, { type: ControlType.Error, flags, sequence: view.sequence, portId: 4711 })
  memory.i32[end >> 2] = -errno
  end += 4
  memory.u8.set(request.subarray(0, 16), end)
  const writer = new AttributeWriter().wrap(memory, end + 16, SIZE)
  if (extendedAck !== undefined) writeAttributes(writer, extendedAckAttributes, extendedAck)
  return memory.copy(0, finishMessage(memory, 0, writer.position))
}

/** The kernel's Done message for `request`, of a dump; with DumpInterrupted when asked. */
export function doneMessage(request: Uint8Array, options: { interrupted?: boolean; errno?: number } = {}): Uint8Array {
  const memory = new Memory(64)
  const flags = 0x2 | (options.interrupted === true ? 0x10 : 0)
  const end = beginMessage(memory, 0, 64, { type: ControlType.Done, flags, sequence: first(request).view.sequence })
  memory.i32[end >> 2] = -(options.errno ?? 0)
  return memory.copy(0, finishMessage(memory, 0, end + 4))
}

/** A message of `type` that answers `request`, without payload. */
export function rowMessage(request: Uint8Array, type: number, flags = 0x2): Uint8Array {
  const memory = new Memory(64)
  const end = beginMessage(memory, 0, 64, { type, flags, sequence: first(request).view.sequence })
  return memory.copy(0, finishMessage(memory, 0, end))
}

/** The first message of a datagram. */
export function first(datagram: Uint8Array): { view: MessageView; memory: Memory } {
  const memory = Memory.from(datagram)
  return { memory, view: new MessageView().wrap(memory, 0, datagram.length) }
}

/** All messages of a datagram, each with its bytes. */
export function split(datagram: Uint8Array): { type: number; sequence: number; bytes: Uint8Array }[] {
  const memory = Memory.from(datagram)
  const messages = new MessageIterator().wrap(memory, 0, datagram.length)
  const found = []
  while (messages.next()) {
    const { type, sequence, offset, length } = messages.view
    found.push({ type, sequence, bytes: memory.copy(offset, length) })
  }
  return found
}
