import { planRing, type RingSystem, RingTransport } from '@ringlink/transport/netlink-ring'
import type { TransportHost } from '../host.ts'
import type { SimSocket } from '../netlink/socket.ts'
import type { CheckedSimOptions, SimRingOptions } from '../options.ts'
import { type RingKernelOptions, RingSocket } from './ring-socket.ts'
import { SimRingSystem } from './ring-system.ts'

const PAGE_SIZE = 4096

/**
 * Opens the transport that a kernel's ring is used with, over a simulated socket. Throws `TransportError`, code
 * `SYSTEM`, with the errno that the kernel would refuse the rings with.
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
