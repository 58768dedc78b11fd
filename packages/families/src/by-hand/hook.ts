/**
 * Netfilter's hooks: the functions that see a packet, in their order (uapi/linux/netfilter/nfnetlink_hook.h). Integers
 * are in network order. Linux 5.14.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_HOOK in the upper byte of its type | nfgenmsg | NFNLA_HOOK_*
 */
import {
  type AttributeValues,
  attributeSet,
  be32,
  enumeration,
  headedOperation,
  nested,
  rawFamily,
  sbe32,
  text,
  u8,
  union,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** `nlmsg_type` of the messages. */
export const HookMessage = {
  /** NFNL_MSG_HOOK_GET */
  Get: 0x0c00,
} as const
export type HookMessage = (typeof HookMessage)[keyof typeof HookMessage]

/** What a function at a hook belongs to. */
export const HookType = {
  /** NFNL_HOOK_TYPE_NFTABLES: a chain */
  Nftables: 1,
  /** NFNL_HOOK_TYPE_BPF: a program; Linux 6.4 */
  Bpf: 2,
  /** NFNL_HOOK_TYPE_NFT_FLOWTABLE: a flow table; Linux 6.18 */
  NftFlowtable: 3,
} as const
export type HookType = (typeof HookType)[keyof typeof HookType]

const chainAttributes = attributeSet('NFNLA_CHAIN', {
  table: text(1, 'NFNLA_CHAIN_TABLE'),
  /** NFPROTO_* */
  family: u8(2, 'NFNLA_CHAIN_FAMILY'),
  name: text(3, 'NFNLA_CHAIN_NAME'),
})
const programAttributes = attributeSet('NFNLA_HOOK_BPF', { id: be32(1, 'NFNLA_HOOK_BPF_ID') })

/** NFNLA_HOOK_*. */
export const hookAttributes = attributeSet('NFNLA_HOOK', {
  number: be32(1, 'NFNLA_HOOK_HOOKNUM'),
  priority: sbe32(2, 'NFNLA_HOOK_PRIORITY'),
  /** of a hook of a network device */
  device: text(3, 'NFNLA_HOOK_DEV', 15),
  /** with CONFIG_KALLSYMS */
  function: text(4, 'NFNLA_HOOK_FUNCTION_NAME'),
  /** that the function is in, if it is in one */
  module: text(5, 'NFNLA_HOOK_MODULE_NAME'),
  owner: nested(
    6,
    'NFNLA_HOOK_CHAIN_INFO',
    attributeSet('NFNLA_HOOK_INFO', {
      description: union(1, 'NFNLA_HOOK_INFO_DESC', 'type', {
        1: chainAttributes,
        2: programAttributes,
        3: chainAttributes,
      }),
      type: be32(2, 'NFNLA_HOOK_INFO_TYPE', { constants: enumeration('NFNL_HOOK_TYPE_', HookType) }),
    }),
  ),
})
export interface HookAttributes extends AttributeValues<typeof hookAttributes> {}

/** The functions at one hook: a dump of `number`, in the family of the header. */
export const netfilterHook = rawFamily(
  'nf_hook',
  NETFILTER_PROTOCOL,
  {
    get: headedOperation<Nfgenmsg, HookAttributes>('NFNL_MSG_HOOK_GET', nfgenmsgLayout, hookAttributes, {
      dump: { request: HookMessage.Get, reply: HookMessage.Get },
    }),
  },
  {},
  'nfnetlink_hook',
  // EINVAL: nfnetlink has no such subsystem. NFPROTO_IPV4, its first hook.
  { operation: 'get', mode: 'dump', request: { header: { family: 2 }, number: 0 }, errno: 22 },
)
