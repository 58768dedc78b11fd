/**
 * ringlink: answer the packets that the Linux firewall queues. This is the package to install; it chooses the transport.
 */
import { openQueue as openQueueOn, type Queue, type QueueOptions as QueueOptionsOn } from '@ringlink/client'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket, type SocketOptions } from '@ringlink/transport-socket'

export * from '@ringlink/client'
export type { Transport, TransportNeeds } from '@ringlink/transport'

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

/** Takes a queue; see `openQueue` of `@ringlink/client` for the codes that it rejects with. */
export function openQueue(options: QueueOptions): Promise<Queue> {
  const {
    networkNamespace,
    transport = (needs: TransportNeeds) => openTransport({ ...needs, networkNamespace }),
    ...rest
  } = options
  return openQueueOn({ ...rest, transport })
}
