import type { Transport } from '@ringlink/transport'
import { RingTransport, stepsOverSkip } from '@ringlink/transport/netlink-ring'
import { checkNetlinkRingOptions, type NetlinkRingOptions } from './options.ts'
import { nativeKernel, type RingKernel } from './system.ts'

/**
 * Opens a netlink socket with memory-mapped rings (Linux 3.10 to 4.5). Rejects with code `SYSTEM` and the errno of the
 * kernel (`ENOPROTOOPT`: it has no rings; `EPERM`: CAP_NET_ADMIN in the initial user namespace is missing), `ARGUMENT`
 * for an option out of bounds, and the signal's reason; on systems other than Linux with the codes of
 * `@ringlink/native`.
 */
export async function openNetlinkRing(options: NetlinkRingOptions): Promise<Transport> {
  return openNetlinkRingOn(nativeKernel(), options)
}

/**
 * As {@link openNetlinkRing}, on any kernel: real and simulated ones differ only in the memory and the system calls.
 */
export function openNetlinkRingOn(kernel: RingKernel, options: NetlinkRingOptions): RingTransport {
  const checked = checkNetlinkRingOptions(options, kernel.pageSize)
  options.signal?.throwIfAborted()
  const open = kernel.system(checked)
  const { receive, holdLimit = stepsOverSkip(open) ? receive.frameCount >> 1 : 0 } = checked
  return new RingTransport(open, { ...checked, kind: 'netlink-ring', holdLimit })
}
