import type { Transport } from '@ringlink/transport'
import { RingTransport, stepsOverSkip } from '@ringlink/transport/netlink-ring'
import { checkNetlinkRingOptions, type NetlinkRingOptions } from './options.ts'
import { nativeKernel, type RingKernel } from './system.ts'

/**
 * Opens a netlink socket with memory-mapped rings (Linux 3.10 to 4.5). Rejects with code `SYSTEM` and the errno that the kernel
 * refuses them with (`ENOPROTOOPT`: it has none; `EPERM`: not CAP_NET_ADMIN in the initial user namespace), `ARGUMENT` for an
 * option out of bounds; on other systems than Linux with the codes of `@ringlink/native`.
 */
export async function openNetlinkRing(options: NetlinkRingOptions): Promise<Transport> {
  return openNetlinkRingOn(nativeKernel(), options)
}

/** The same on any kernel: all that differs is the memory and the system calls. */
export function openNetlinkRingOn(kernel: RingKernel, options: NetlinkRingOptions): RingTransport {
  const checked = checkNetlinkRingOptions(options, kernel.pageSize)
  const open = kernel.system(checked)
  const { receive, holdLimit = stepsOverSkip(open) ? receive.frameCount >> 1 : 0 } = checked
  return new RingTransport(open, { ...checked, kind: 'netlink-ring', holdLimit })
}
