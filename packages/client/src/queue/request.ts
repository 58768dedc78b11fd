import { nfnetlinkHeader, type QueueConfig, QueueMessage, queueConfigAttributes } from '@ringlink/codec'
import type { Request } from '../request.ts'

/** A request that configures queue `number`. `doneErrno`: the error if it was carried out before and is sent again. */
export function configRequest(what: string, number: number, attributes: QueueConfig, doneErrno?: number): Request {
  // This request may be sent again: in a flood the kernel drops acknowledgements along with packets.
  const repeat = { doneErrno }
  const header = nfnetlinkHeader(0, number)
  return { what, type: QueueMessage.Config, header, set: queueConfigAttributes, attributes, repeat }
}
