/**
 * ringlink: answer the packets that the Linux firewall queues, and read those that it logs. This is the package to install; it chooses the transport.
 */
import {
  type Log,
  type LogOptions as LogOptionsOn,
  openLog as openLogOn,
  openQueue as openQueueOn,
  type Queue,
  type QueueOptions as QueueOptionsOn,
} from '@ringlink/client'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket, type SocketOptions } from '@ringlink/transport-socket'

export * from '@ringlink/client'
export {
  ConntrackInfo,
  Errno,
  type ErrorCode,
  errnoName,
  Family,
  Hook,
  isNetlinkError,
  KernelError,
  LogRecordView,
  type Memory,
  NetlinkError,
  PacketInformation,
  Protocol,
  QueuePacketView,
  Verdict,
} from '@ringlink/codec'
export type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
export { openSocket, type SocketOptions } from '@ringlink/transport-socket'

/** How a queue is opened; the transport may be left out. */
export interface QueueOptions extends Omit<QueueOptionsOn, 'transport'> {
  /** an open transport, or what opens one; default {@link openTransport} */
  readonly transport?: QueueOptionsOn['transport'] | undefined
  /** network namespace, for the default transport: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
}

/** Opens the fastest transport that this machine has; its `capabilities.kind` says which. */
export async function openTransport(
  options: TransportNeeds & Pick<SocketOptions, 'networkNamespace'>,
): Promise<Transport> {
  return openSocket(options)
}

/** How a log is opened; the transport may be left out. */
export interface LogOptions extends Omit<LogOptionsOn, 'transport'> {
  /** an open transport, or what opens one; default {@link openTransport} */
  readonly transport?: LogOptionsOn['transport'] | undefined
  /** network namespace, for the default transport: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
}

/** Takes a queue; see `openQueue` of `@ringlink/client` for the codes that it rejects with. */
export function openQueue({ transport, networkNamespace, ...options }: QueueOptions): Promise<Queue> {
  return openQueueOn({ ...options, transport: transport ?? opener(networkNamespace) })
}

/** Takes log groups; see `openLog` of `@ringlink/client` for the codes that it rejects with. */
export function openLog({ transport, networkNamespace, ...options }: LogOptions): Promise<Log> {
  return openLogOn({ ...options, transport: transport ?? opener(networkNamespace) })
}

function opener(networkNamespace: SocketOptions['networkNamespace']): OpenTransport {
  return (needs) => openTransport({ ...needs, networkNamespace })
}
