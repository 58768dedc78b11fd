import { openQueue } from '@ringlink/client'
import { isNetlinkError } from '@ringlink/codec'
import { openSocket } from '@ringlink/transport-socket'
import { kernelUnavailable, Namespace } from './namespace.ts'

/** Why packets do not carry their connections here; `undefined` where they do (CONFIG_NETFILTER_NETLINK_GLUE_CT). */
export const glueUnavailable: string | undefined = kernelUnavailable ?? (await probe())

async function probe(): Promise<string | undefined> {
  await using namespace = await Namespace.open()
  try {
    const queue = await openQueue({
      ...{ number: 0, conntrack: true },
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
    await queue.close()
    return undefined
  } catch (error) {
    if (!isNetlinkError(error, 'QUEUE_UNSUPPORTED')) throw error
    return 'this kernel has no CONFIG_NETFILTER_NETLINK_GLUE_CT'
  }
}
