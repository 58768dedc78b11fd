import { type Conntrack, NetlinkError } from '@ringlink/codec'
import { changeValues } from './encode.ts'
import { checkVerdictChanges } from './schema.ts'
import type { ConnectionChanges } from './types.ts'

/**
 * The attributes by which a verdict changes the connection of its packet (NFQA_CT). Throws code `ARGUMENT` if the
 * packet came without one: the kernel has no CONFIG_NETFILTER_NETLINK_GLUE_CT, the queue was opened without
 * `conntrack`, or the packet is not tracked, and in each case the kernel would silently ignore the changes.
 */
export function connectionVerdict(given: ConnectionChanges | undefined, hasConnection: boolean): Conntrack {
  const changes = checkVerdictChanges(given)
  if (!hasConnection) {
    const why = 'the packet came without its connection, and the kernel would ignore the changes'
    throw new NetlinkError(
      'ARGUMENT',
      `cannot give a verdict: connection: ${why}; open the queue with conntrack: true, on a kernel with CONFIG_NETFILTER_NETLINK_GLUE_CT`,
    )
  }
  return changeValues(changes, 0)
}
