import type { Transport } from '@ringlink/transport'

const REQUEST = 1
const ACK = 4
const DUMP = 0x300
const NOOP = 1
const GET_LINK = 18
const NLMSG_ERROR = 2
const NLMSG_DONE = 3

/** Commits `count` messages without a meaning, each of which the kernel acknowledges. */
export function commitNoops(transport: Transport, count: number, first = 0): void {
  for (let index = 0; index < count; index++) commit(transport, NOOP, REQUEST | ACK, first + index, new Uint8Array(0))
}

/** Requests the links, with a header that a strict kernel refuses. */
export function commitBadDump(transport: Transport): void {
  const header = new Uint8Array(16)
  header[2] = 1
  commit(transport, GET_LINK, REQUEST | DUMP, 1, header)
}

/** Commits a message of a type that rtnetlink does not know. */
export function commitUnknown(transport: Transport, payload: Uint8Array): void {
  commit(transport, 500, REQUEST, 1, payload)
}

function commit(transport: Transport, type: number, flags: number, sequence: number, payload: Uint8Array): void {
  const { outbox } = transport
  const length = 16 + payload.length
  const offset = outbox.reserve(length)
  outbox.memory.u32[offset >> 2] = length
  outbox.memory.u16[(offset >> 1) + 2] = type
  outbox.memory.u16[(offset >> 1) + 3] = flags
  outbox.memory.u32[(offset >> 2) + 2] = sequence
  outbox.memory.u32[(offset >> 2) + 3] = 0
  outbox.memory.u8.set(payload, offset + 16)
  outbox.commit(length)
}

/** The header and, of an error or the end of a dump, its number. */
export interface Reply {
  readonly length: number
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly errno: number | undefined
  readonly text: string
}

/** Everything that can be received (the first message of each frame), and the losses. */
export function drain(transport: Transport): { replies: Reply[]; lost: number } {
  const replies: Reply[] = []
  let lost = 0
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
    lost += batch.lost
    for (const { offset, byteLength } of batch) {
      const { data } = batch.memory
      const type = data.getUint16(offset + 4, true)
      replies.push({
        length: data.getUint32(offset, true),
        type,
        flags: data.getUint16(offset + 6, true),
        sequence: data.getUint32(offset + 8, true),
        errno: type === NLMSG_ERROR || type === NLMSG_DONE ? -data.getInt32(offset + 16, true) : undefined,
        text: Buffer.from(batch.memory.copy(offset, byteLength)).toString('latin1'),
      })
    }
    batch.release()
  }
  return { replies, lost }
}
