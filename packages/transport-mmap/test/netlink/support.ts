import type { Fixture, OpenFixture } from '@ringlink/transport/conformance'
import type { SimKernel } from '../../../transport-sim/src/kernel.ts'
import type { RingKernelOptions } from '../../../transport-sim/src/rings/ring-socket.ts'
import { SimRingSystem } from '../../../transport-sim/src/rings/ring-system.ts'
import { EchoKernel } from '../../../transport-sim/test/rings/support.ts'
import { openNetlinkRingOn } from '../../src/netlink/open.ts'
import type { NetlinkRingOptions } from '../../src/netlink/options.ts'
import type { RingKernel } from '../../src/netlink/system.ts'

const PAGE_SIZE = 4096

/** A kernel in which every socket has its own {@link EchoKernel} as a peer. */
export class EchoKernels implements RingKernel {
  readonly pageSize: number
  /** one for each socket, in the order in which they were opened */
  readonly opened: EchoKernel[] = []
  readonly #options: RingKernelOptions

  constructor(options: RingKernelOptions = {}) {
    this.#options = options
    this.pageSize = options.pageSize ?? PAGE_SIZE
  }

  get last(): EchoKernel {
    return this.opened.at(-1) as EchoKernel
  }

  system(): ReturnType<RingKernel['system']> {
    return (onReadable) => {
      const kernel = new EchoKernel(this.#options)
      this.opened.push(kernel)
      return new SimRingSystem(kernel.host, kernel.sim, kernel.socket, onReadable)
    }
  }
}

/** The simulated kernel with its queues, logs and tables, and with rings. */
export function simulated(kernel: SimKernel, options: RingKernelOptions = {}): RingKernel {
  return {
    pageSize: options.pageSize ?? PAGE_SIZE,
    system: ({ protocol, portId, extendedAck, cappedAck, receiveBufferSize }) =>
      kernel.ringSystem({ protocol, portId, extendedAck, cappedAck, receiveBufferSize }, options),
  }
}

/** Small frames and batches, so that a suite of a few messages goes round the ring. */
export const SMALL: NetlinkRingOptions = {
  protocol: 12,
  frames: 32,
  frameSize: 256,
  batchSize: 4,
  outboxSize: 1024,
  poison: true,
}

/** Fixtures of one kind of kernel and options. */
export function fixtures(kernelOptions: RingKernelOptions, options: Partial<NetlinkRingOptions> = {}): OpenFixture {
  return ({ foreign }): Fixture => {
    const kernels = new EchoKernels(kernelOptions)
    const transport = openNetlinkRingOn(kernels, { ...SMALL, ...options, foreignSenders: foreign === 'delivered' })
    return { transport, peer: kernels.last, close: () => transport.close() }
  }
}
