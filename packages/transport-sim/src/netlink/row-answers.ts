/** Answers whose messages are made before they are sent. */
import { Errno } from '@ringlink/codec'
import { encodeDetails } from './dispatch.ts'
import type { KernelRequest } from './request.ts'
import { RowDump } from './row-dump.ts'
import type { SimSocket } from './socket.ts'

/**
 * Sends an answer, in a buffer of `size` bytes. 0, or -EAGAIN when the socket has no room for it, which its sender is
 * told, too.
 */
export function sendReply({ receiver }: SimSocket, message: Uint8Array, size: number = message.length): number {
  receiver.build(size)
  receiver.memory.u8.set(message, receiver.offset)
  return receiver.deliver(message.length, 0, 0, 0)
}

/** As {@link sendReply}, of nfnetlink (`nfnetlink_unicast`): -ENOBUFS without room. */
export function sendNfnetlinkReply(socket: SimSocket, message: Uint8Array, size?: number): number {
  const result = sendReply(socket, message, size)
  return result === -Errno.EAGAIN ? -Errno.ENOBUFS : result
}

/**
 * Starts the dump of rows as they are now, which ends with `result`: 0, or the errno (negative) that a dump stopped
 * with, and then with the request's extended ack. False when there was no room for its beginning.
 */
export function startDump(request: KernelRequest, rows: readonly Uint8Array[], result = 0): boolean {
  const { socket, sequence, details, answerFlags } = request
  const source = {
    generation: 0,
    result,
    flags: answerFlags,
    details: result !== 0 && socket.settings.extendedAck ? encodeDetails(details, result) : undefined,
    row: (index: number) => (index < rows.length ? () => rows[index] : undefined),
  }
  socket.dump = new RowDump(source, socket, sequence)
  return socket.dump.next()
}
