/**
 * Netlink over a plain socket: one system call receives up to 64 datagrams into preallocated frames, and one sends all
 * commits of the outbox.
 */
import type { Transport } from '@ringlink/transport'
import { checkOptions, type SocketOptions } from './options.ts'
import { SocketTransport } from './socket.ts'

export type { NativeUnavailableCode } from '@ringlink/native'
export { dropsInTable } from './drops.ts'
export {
  check,
  NetlinkSocket,
  receiveBufferRequest,
  SEND_OVERHEAD,
  SOL_NETLINK,
  SocketOption,
} from './netlink-socket.ts'
export {
  type CheckedOptions,
  checkOptions,
  DEFAULT_FRAME_SIZE,
  DEFAULT_OUTBOX_SIZE,
  MAXIMUM_BATCH_SIZE,
  type SocketOptions,
  socketMembers,
} from './options.ts'

/**
 * Opens a netlink socket. Rejects with `ARGUMENT` and `VALUE_RANGE` for an invalid option (`OptionError`), the reason
 * of an aborted signal, code `SYSTEM` (and the errno) when the system refuses; on systems other than Linux with the
 * codes of `@ringlink/native`.
 */
export async function openSocket(options: SocketOptions): Promise<Transport> {
  const checked = checkOptions(options)
  options.signal?.throwIfAborted()
  return new SocketTransport(checked)
}
