/**
 * The description of each message type: the kernel's name, the length of its fixed header, and the attributes that
 * follow. Used by error messages and the inspector. A new family adds its messages here.
 */

import { conntrackAttributes } from './nfnetlink/conntrack/attributes.ts'
import { expectationAttributes } from './nfnetlink/conntrack/expectation.ts'
import { ConntrackMessage, ExpectationMessage } from './nfnetlink/conntrack/messages.ts'
import {
  conntrackGlobalAttributes,
  conntrackProcessorAttributes,
  expectationProcessorAttributes,
} from './nfnetlink/conntrack/statistics.ts'
import { NFNETLINK_HEADER_LENGTH } from './nfnetlink/header.ts'
import { LogMessage, logAttributes, logConfigAttributes } from './nfnetlink/log/attributes.ts'
import { CompatMessage, compatAttributes } from './nfnetlink/nftables/compat.ts'
import {
  BatchMessage,
  batchAttributes,
  chainAttributes,
  generationAttributes,
  NfTablesMessage,
  tableAttributes,
} from './nfnetlink/nftables/messages.ts'
import { objectAttributes } from './nfnetlink/nftables/object.ts'
import { ruleAttributes } from './nfnetlink/nftables/rule.ts'
import {
  flowtableAttributes,
  setAttributes,
  setElementListAttributes,
  traceAttributes,
} from './nfnetlink/nftables/set.ts'
import { QueueMessage, queueAttributes, queueConfigAttributes } from './nfnetlink/queue/attributes.ts'
import type { ErrorNames } from './schema/family.ts'
import type { AttributeSet, StructFormat } from './schema/format.ts'
import { Protocol } from './wire/message.ts'

export interface MessageDescription {
  /** the name in the uapi header */
  readonly kernelName: string
  /** bytes between the netlink header and the first attribute */
  readonly headerLength: number
  readonly attributes: AttributeSet
  /** the struct in those bytes, after the protocol's own header, if there is one */
  readonly header?: StructFormat | undefined
  /** the name of a generic family, which `nlmsg_type` stands for */
  readonly family?: string | undefined
  /** names of the errors of its family besides those of errno.h */
  readonly errors?: ErrorNames | undefined
  /** the payload is text in place of a header and attributes */
  readonly isText?: boolean | undefined
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
      [ConntrackMessage.GetProcessorStatistics, netfilter('IPCTNL_MSG_CT_GET_STATS_CPU', conntrackProcessorAttributes)],
      [ConntrackMessage.GetStatistics, netfilter('IPCTNL_MSG_CT_GET_STATS', conntrackGlobalAttributes)],
      [ConntrackMessage.GetDying, netfilter('IPCTNL_MSG_CT_GET_DYING', conntrackAttributes)],
      [ConntrackMessage.GetUnconfirmed, netfilter('IPCTNL_MSG_CT_GET_UNCONFIRMED', conntrackAttributes)],
      [ExpectationMessage.New, netfilter('IPCTNL_MSG_EXP_NEW', expectationAttributes)],
      [ExpectationMessage.Get, netfilter('IPCTNL_MSG_EXP_GET', expectationAttributes)],
      [ExpectationMessage.Delete, netfilter('IPCTNL_MSG_EXP_DELETE', expectationAttributes)],
      [
        ExpectationMessage.GetProcessorStatistics,
        netfilter('IPCTNL_MSG_EXP_GET_STATS_CPU', expectationProcessorAttributes),
      ],
      [QueueMessage.Packet, netfilter('NFQNL_MSG_PACKET', queueAttributes)],
      [QueueMessage.Verdict, netfilter('NFQNL_MSG_VERDICT', queueAttributes)],
      [QueueMessage.Config, netfilter('NFQNL_MSG_CONFIG', queueConfigAttributes)],
      [QueueMessage.VerdictBatch, netfilter('NFQNL_MSG_VERDICT_BATCH', queueAttributes)],
      [LogMessage.Packet, netfilter('NFULNL_MSG_PACKET', logAttributes)],
      [LogMessage.Config, netfilter('NFULNL_MSG_CONFIG', logConfigAttributes)],
      [BatchMessage.Begin, netfilter('NFNL_MSG_BATCH_BEGIN', batchAttributes)],
      [BatchMessage.End, netfilter('NFNL_MSG_BATCH_END', batchAttributes)],
      [NfTablesMessage.NewTable, netfilter('NFT_MSG_NEWTABLE', tableAttributes)],
      [NfTablesMessage.GetTable, netfilter('NFT_MSG_GETTABLE', tableAttributes)],
      [NfTablesMessage.DeleteTable, netfilter('NFT_MSG_DELTABLE', tableAttributes)],
      [NfTablesMessage.NewChain, netfilter('NFT_MSG_NEWCHAIN', chainAttributes)],
      [NfTablesMessage.GetChain, netfilter('NFT_MSG_GETCHAIN', chainAttributes)],
      [NfTablesMessage.DeleteChain, netfilter('NFT_MSG_DELCHAIN', chainAttributes)],
      [NfTablesMessage.NewRule, netfilter('NFT_MSG_NEWRULE', ruleAttributes)],
      [NfTablesMessage.GetRule, netfilter('NFT_MSG_GETRULE', ruleAttributes)],
      [NfTablesMessage.DeleteRule, netfilter('NFT_MSG_DELRULE', ruleAttributes)],
      [NfTablesMessage.NewSet, netfilter('NFT_MSG_NEWSET', setAttributes)],
      [NfTablesMessage.GetSet, netfilter('NFT_MSG_GETSET', setAttributes)],
      [NfTablesMessage.DeleteSet, netfilter('NFT_MSG_DELSET', setAttributes)],
      [NfTablesMessage.NewSetElement, netfilter('NFT_MSG_NEWSETELEM', setElementListAttributes)],
      [NfTablesMessage.GetSetElement, netfilter('NFT_MSG_GETSETELEM', setElementListAttributes)],
      [NfTablesMessage.DeleteSetElement, netfilter('NFT_MSG_DELSETELEM', setElementListAttributes)],
      [NfTablesMessage.NewGeneration, netfilter('NFT_MSG_NEWGEN', generationAttributes)],
      [NfTablesMessage.GetGeneration, netfilter('NFT_MSG_GETGEN', generationAttributes)],
      [NfTablesMessage.Trace, netfilter('NFT_MSG_TRACE', traceAttributes)],
      [NfTablesMessage.NewObject, netfilter('NFT_MSG_NEWOBJ', objectAttributes)],
      [NfTablesMessage.GetObject, netfilter('NFT_MSG_GETOBJ', objectAttributes)],
      [NfTablesMessage.DeleteObject, netfilter('NFT_MSG_DELOBJ', objectAttributes)],
      [NfTablesMessage.GetAndResetObject, netfilter('NFT_MSG_GETOBJ_RESET', objectAttributes)],
      [NfTablesMessage.NewFlowtable, netfilter('NFT_MSG_NEWFLOWTABLE', flowtableAttributes)],
      [NfTablesMessage.GetFlowtable, netfilter('NFT_MSG_GETFLOWTABLE', flowtableAttributes)],
      [NfTablesMessage.DeleteFlowtable, netfilter('NFT_MSG_DELFLOWTABLE', flowtableAttributes)],
      [NfTablesMessage.GetAndResetRule, netfilter('NFT_MSG_GETRULE_RESET', ruleAttributes)],
      [NfTablesMessage.DestroyTable, netfilter('NFT_MSG_DESTROYTABLE', tableAttributes)],
      [NfTablesMessage.DestroyChain, netfilter('NFT_MSG_DESTROYCHAIN', chainAttributes)],
      [NfTablesMessage.DestroyRule, netfilter('NFT_MSG_DESTROYRULE', ruleAttributes)],
      [NfTablesMessage.DestroySet, netfilter('NFT_MSG_DESTROYSET', setAttributes)],
      [NfTablesMessage.DestroySetElement, netfilter('NFT_MSG_DESTROYSETELEM', setElementListAttributes)],
      [NfTablesMessage.DestroyObject, netfilter('NFT_MSG_DESTROYOBJ', objectAttributes)],
      [NfTablesMessage.DestroyFlowtable, netfilter('NFT_MSG_DESTROYFLOWTABLE', flowtableAttributes)],
      [NfTablesMessage.GetAndResetSetElement, netfilter('NFT_MSG_GETSETELEM_RESET', setElementListAttributes)],
      [CompatMessage.Get, netfilter('NFNL_MSG_COMPAT_GET', compatAttributes)],
    ]),
  ],
])

/** The description of a message type, or `undefined` if the codec has none. */
export function describeMessage(protocol: number, type: number): MessageDescription | undefined {
  return descriptions.get(protocol)?.get(type)
}
