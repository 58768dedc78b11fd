import {
  planRing,
  type RingGeometry,
  type RingSystem,
  RingTransport,
  type RingTransportOptions,
} from '@ringlink/transport/netlink-ring'
import type { SimSocket } from '../netlink/socket.ts'
import type { CheckedSimOptions } from '../options.ts'
import type { TransportHost } from '../transport.ts'
import { type RingKernelOptions, RingSocket } from './ring-socket.ts'
import { SimRingSystem } from './ring-system.ts'

/** How a simulated socket gets memory-mapped rings. What is left out follows from the socket's options. */
export interface SimRingOptions extends Pick<RingTransportOptions, 'holdLimit' | 'dumpAllocations' | 'transmit'> {
  /** the receive ring; by default one of the frames that a plain socket would have */
  readonly receive?: RingGeometry | undefined
  /** what kernel it is; by default 4.4.1 without its dump bug */
  readonly kernel?: RingKernelOptions | undefined
}

const PAGE_SIZE = 4096

/**
 * Opens the transport that a kernel's ring is used with, over a simulated socket. Throws `TransportError`, code `SYSTEM`, with
 * the errno that the kernel would refuse the rings with.
 */
export function openRing(
  host: TransportHost,
  socket: SimSocket,
  options: CheckedSimOptions,
  { receive, kernel = {}, ...others }: SimRingOptions,
  poison: boolean,
): RingTransport {
  const { frameSize, batchSize, liveBatches, outboxSize, foreignSenders } = options
  const pageSize = kernel.pageSize ?? PAGE_SIZE
  return new RingTransport((onReadable) => openRingSystem(host, socket, kernel, onReadable), {
    kind: 'sim ring',
    receive: receive ?? planRing({ capacity: frameSize, frameCount: batchSize * liveBatches, pageSize }),
    batchSize,
    outboxSize,
    foreignSenders,
    poison,
    ...others,
  })
}

/** The system calls of a ring transport on a socket that it gets to itself. */
export function openRingSystem(
  host: TransportHost,
  socket: SimSocket,
  kernel: RingKernelOptions,
  onReadable: (status: number) => void,
): RingSystem {
  const take = (memory: SimSocket['queue']['memory'], offset: number, length: number) => {
    host.send(socket, memory, offset, length)
    return length
  }
  const ring = new RingSocket(socket, take, { privileged: socket.settings.privileged, ...kernel })
  return new SimRingSystem(host, socket, ring, onReadable)
}
