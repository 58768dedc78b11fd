/** Cancels the decision about an offloaded connection. */
import { ConntrackMessage, Errno, KernelError } from '@ringlink/codec'
import { OptionPlace } from '@ringlink/codec/options'
import { changeValues, keyValues } from '../conntrack/encode.ts'
import { connectionRequest } from '../conntrack/requests.ts'
import { checkConnectionKey } from '../conntrack/schema.ts'
import type { ConnectionTuple } from '../conntrack/types.ts'
import { ClientError } from '../errors.ts'
import type { Rules } from '../rules/rules.ts'

const OPERATION = 'recall connection'

export async function recallConnection(rules: Rules | undefined, tuple: ConnectionTuple): Promise<void> {
  const bits = rules?.offloadBits
  if (rules === undefined || bits === undefined) {
    throw new OptionPlace(OPERATION, 'tuple').conflict('needs a queue whose rule has offload: { packets }')
  }
  const { family, attributes } = keyValues(checkConnectionKey(OPERATION, { original: tuple }))
  const { accept, drop, ask } = bits
  const change = changeValues({ mark: { value: ask, mask: (accept | drop | ask) >>> 0 } })
  try {
    await rules.session.request(
      connectionRequest(OPERATION, ConntrackMessage.New, family, { ...attributes, ...change }),
    )
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== Errno.ENOENT) throw error
    throw new ClientError('CONNECTION_GONE', `${OPERATION}: there is no such connection (ENOENT)`, { cause: error })
  }
}
