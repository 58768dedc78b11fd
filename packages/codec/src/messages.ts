/**
 * What is known of each message type: the kernel's name, how long its fixed header is and which attributes follow. Error
 * texts and the inspector look it up. A new family adds its messages here.
 */
import type { AttributeSet } from './attribute-set.ts'
import { Protocol } from './message.ts'
import { NFNETLINK_HEADER_LENGTH } from './nfnetlink/header.ts'
import { QueueMessage, queueAttributes, queueConfigAttributes } from './nfnetlink/queue.ts'

export interface MessageDescription {
  /** the name in the uapi header */
  readonly kernelName: string
  /** bytes between the netlink header and the first attribute */
  readonly headerLength: number
  readonly attributes: AttributeSet
}

const netfilter = (kernelName: string, attributes: AttributeSet): MessageDescription => ({
  kernelName,
  headerLength: NFNETLINK_HEADER_LENGTH,
  attributes,
})

const descriptions: ReadonlyMap<number, ReadonlyMap<number, MessageDescription>> = new Map([
  [
    Protocol.Netfilter,
    new Map<number, MessageDescription>([
      [QueueMessage.Packet, netfilter('NFQNL_MSG_PACKET', queueAttributes)],
      [QueueMessage.Verdict, netfilter('NFQNL_MSG_VERDICT', queueAttributes)],
      [QueueMessage.Config, netfilter('NFQNL_MSG_CONFIG', queueConfigAttributes)],
      [QueueMessage.VerdictBatch, netfilter('NFQNL_MSG_VERDICT_BATCH', queueAttributes)],
    ]),
  ],
])

/** The description of a message type, if the codec has one; not having one is no error. */
export function describeMessage(protocol: number, type: number): MessageDescription | undefined {
  return descriptions.get(protocol)?.get(type)
}
