import { Errno, errnoName } from '@ringlink/codec/errors'
import { loadNative } from '@ringlink/native'
import { TransportError } from '@ringlink/transport'
import { NO_RING, RingOption, RingStep, writeRingRequest } from '@ringlink/transport/netlink-ring'
import type { RingProbe } from '../probe.ts'

/** `NETLINK_ROUTE`, which every kernel with netlink supports. */
const ROUTE = 0

/**
 * Requests an empty ring on a fresh socket, which succeeds only if this kernel has rings and this process may use them.
 * Returns `undefined`, or the reason why not. Throws the codes of `@ringlink/native`.
 */
export function probeNetlinkRing(): RingProbe | undefined {
  const native = loadNative()
  const handle = native.open(ROUTE, null, () => {})
  if (typeof handle === 'number') return refusal('open a netlink socket', -handle)
  try {
    const result = native.setRing(handle, RingOption.Receive, writeRingRequest(NO_RING))
    return result < 0 ? refusal('setsockopt(NETLINK_RX_RING)', -result) : undefined
  } finally {
    native.close(handle)
  }
}

const steps: ReadonlySet<string> = new Set(Object.values(RingStep))

/** What an error of opening means for rings; `undefined` if it has another cause. */
export function netlinkRingRefusal(error: unknown): RingProbe | undefined {
  if (!(error instanceof TransportError) || error.errno === undefined || !steps.has(error.operation)) return undefined
  return refusal(error.operation, error.errno)
}

function refusal(step: string, errno: number): RingProbe {
  return { backend: 'netlink', step, errno, explanation: explain(errno) }
}

function explain(errno: number): string {
  switch (errno) {
    case Errno.ENOPROTOOPT:
      return 'this kernel has no memory-mapped netlink; Linux 3.10 to 4.5 have it if built with CONFIG_NETLINK_MMAP'
    case Errno.EPERM:
      return 'this kernel has memory-mapped netlink only for processes with CAP_NET_ADMIN in the initial user namespace'
    case Errno.ENOMEM:
      return 'the kernel does not have enough memory for the frames; use fewer (frames), or a plain socket'
    default:
      return `the system refused: ${errnoName(errno)}`
  }
}
