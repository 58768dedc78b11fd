/**
 * What is known of each message type: the kernel's name, how long its fixed header is and which attributes follow. Error
 * texts and the inspector look it up. A new family adds its messages here.
 */
import type { AttributeSet } from './attribute-set.ts'
import { Protocol } from './message.ts'
import {
  ConntrackMessage,
  conntrackAttributes,
  ExpectationMessage,
  expectationAttributes,
} from './nfnetlink/conntrack.ts'
import { NFNETLINK_HEADER_LENGTH } from './nfnetlink/header.ts'
import { LogMessage, logAttributes, logConfigAttributes } from './nfnetlink/log.ts'
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
      [ConntrackMessage.New, netfilter('IPCTNL_MSG_CT_NEW', conntrackAttributes)],
      [ConntrackMessage.Get, netfilter('IPCTNL_MSG_CT_GET', conntrackAttributes)],
      [ConntrackMessage.Delete, netfilter('IPCTNL_MSG_CT_DELETE', conntrackAttributes)],
      [ConntrackMessage.GetAndZeroCounters, netfilter('IPCTNL_MSG_CT_GET_CTRZERO', conntrackAttributes)],
      [ExpectationMessage.New, netfilter('IPCTNL_MSG_EXP_NEW', expectationAttributes)],
      [ExpectationMessage.Get, netfilter('IPCTNL_MSG_EXP_GET', expectationAttributes)],
      [ExpectationMessage.Delete, netfilter('IPCTNL_MSG_EXP_DELETE', expectationAttributes)],
      [QueueMessage.Packet, netfilter('NFQNL_MSG_PACKET', queueAttributes)],
      [QueueMessage.Verdict, netfilter('NFQNL_MSG_VERDICT', queueAttributes)],
      [QueueMessage.Config, netfilter('NFQNL_MSG_CONFIG', queueConfigAttributes)],
      [QueueMessage.VerdictBatch, netfilter('NFQNL_MSG_VERDICT_BATCH', queueAttributes)],
      [LogMessage.Packet, netfilter('NFULNL_MSG_PACKET', logAttributes)],
      [LogMessage.Config, netfilter('NFULNL_MSG_CONFIG', logConfigAttributes)],
    ]),
  ],
])

/** The description of a message type, if the codec has one; not having one is no error. */
export function describeMessage(protocol: number, type: number): MessageDescription | undefined {
  return descriptions.get(protocol)?.get(type)
}
