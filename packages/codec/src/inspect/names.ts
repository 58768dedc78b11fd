/** The kernel's names of numbers in headers. */

import { ControlType, MINIMUM_MESSAGE_TYPE, Protocol } from '../wire/message.ts'
import type { MessageContext, Source } from './source.ts'

const controlTypes: ReadonlyMap<number, string> = new Map([
  [ControlType.Noop, 'NLMSG_NOOP'],
  [ControlType.Error, 'NLMSG_ERROR'],
  [ControlType.Done, 'NLMSG_DONE'],
  [ControlType.Overrun, 'NLMSG_OVERRUN'],
])

const subsystems = [
  'NONE',
  'CTNETLINK',
  'CTNETLINK_EXP',
  'QUEUE',
  'ULOG',
  'OSF',
  'IPSET',
  'ACCT',
  'CTNETLINK_TIMEOUT',
  'CTHELPER',
  'NFTABLES',
  'NFT_COMPAT',
  'HOOK',
]

const families: ReadonlyMap<number, string> = new Map([
  [0, 'NFPROTO_UNSPEC'],
  [1, 'NFPROTO_INET'],
  [2, 'NFPROTO_IPV4'],
  [3, 'NFPROTO_ARP'],
  [5, 'NFPROTO_NETDEV'],
  [7, 'NFPROTO_BRIDGE'],
  [10, 'NFPROTO_IPV6'],
])

const generalFlags = ['REQUEST', 'MULTI', 'ACK', 'ECHO', 'DUMP_INTR', 'DUMP_FILTERED']

/** The name of a message type; of an unknown one the subsystem and number. */
export function typeName(
  { protocol, describe }: Pick<Source, 'protocol' | 'describe'>,
  type: number,
  context: MessageContext,
): string | undefined {
  const control = controlTypes.get(type)
  if (control !== undefined) return control
  const described = describe(protocol, type, context)
  if (described !== undefined) return described.kernelName
  const subsystem = protocol === Protocol.Netfilter && type >= MINIMUM_MESSAGE_TYPE ? subsystems[type >> 8] : undefined
  return subsystem === undefined ? undefined : `NFNL_SUBSYS_${subsystem} << 8 | ${type & 0xff}`
}

/**
 * Names of the flags set, joined by ` | `. The meaning of the upper byte depends on the message type; it is named only
 * where that is certain.
 */
export function flagNames(type: number, flags: number): string | undefined {
  const names = generalFlags.filter((_, bit) => (flags & (1 << bit)) !== 0).map((name) => `NLM_F_${name}`)
  let rest = flags & ~0x3f
  if (type === ControlType.Error || type === ControlType.Done) {
    if ((rest & 0x100) !== 0) names.push('NLM_F_CAPPED')
    if ((rest & 0x200) !== 0) names.push('NLM_F_ACK_TLVS')
    rest &= ~0x300
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.length === 0 ? undefined : names.join(' | ')
}

/** The name of a protocol family. */
export function familyName(family: number): string | undefined {
  return families.get(family)
}
