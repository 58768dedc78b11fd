/**
 * nf_tables: the messages that change and list the rules of the packet filter, the batch around a change, and the
 * attribute tables of tables and chains (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order. Rules
 * are in rule.ts; their expressions in expressions/load.ts, expressions/ct.ts, expressions/match.ts,
 * expressions/statement.ts and compat.ts; sets in set.ts.
 *
 * every message: nlmsghdr | nfgenmsg | attributes a change: Begin | message | message | … | End, in one datagram,
 * applied as a whole or not at all
 *
 * The resource id is the subsystem (10) in Begin and End, 0 in the other requests, and in the kernel's answers the
 * lower half of their generation. Requests that only read (Get…) are sent without a batch. The kernel sends nests
 * without `AttributeBit.Nested`, and accepts them with and without it.
 */
import { be32, be64, bytes, nested, sbe32, sequence, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'

/** `nlmsg_type` of the messages around a batch, of any subsystem that has batches. */
export const BatchMessage = {
  /** NFNL_MSG_BATCH_BEGIN */
  Begin: 0x10,
  /** NFNL_MSG_BATCH_END: apply the batch */
  End: 0x11,
} as const
export type BatchMessage = (typeof BatchMessage)[keyof typeof BatchMessage]

/** `nlmsg_type` of nf_tables' messages: NFNL_SUBSYS_NFTABLES in the upper byte. The answer to a Get… is a New…. */
export const NfTablesMessage = {
  /** NFT_MSG_NEWTABLE */
  NewTable: 0x0a00,
  /** NFT_MSG_GETTABLE */
  GetTable: 0x0a01,
  /** NFT_MSG_DELTABLE: with all its contents */
  DeleteTable: 0x0a02,
  /** NFT_MSG_NEWCHAIN */
  NewChain: 0x0a03,
  /** NFT_MSG_GETCHAIN */
  GetChain: 0x0a04,
  /** NFT_MSG_DELCHAIN */
  DeleteChain: 0x0a05,
  /** NFT_MSG_NEWRULE */
  NewRule: 0x0a06,
  /** NFT_MSG_GETRULE */
  GetRule: 0x0a07,
  /** NFT_MSG_DELRULE: one rule, or all of a chain or table */
  DeleteRule: 0x0a08,
  /** NFT_MSG_NEWSET */
  NewSet: 0x0a09,
  /** NFT_MSG_GETSET */
  GetSet: 0x0a0a,
  /** NFT_MSG_DELSET */
  DeleteSet: 0x0a0b,
  /** NFT_MSG_NEWSETELEM */
  NewSetElement: 0x0a0c,
  /** NFT_MSG_GETSETELEM */
  GetSetElement: 0x0a0d,
  /** NFT_MSG_DELSETELEM */
  DeleteSetElement: 0x0a0e,
  /** NFT_MSG_NEWGEN: from the kernel, the rules have changed */
  NewGeneration: 0x0a0f,
  /** NFT_MSG_GETGEN */
  GetGeneration: 0x0a10,
  /** NFT_MSG_TRACE: from the kernel, a step of a traced packet */
  Trace: 0x0a11,
  /** NFT_MSG_NEWOBJ */
  NewObject: 0x0a12,
  /** NFT_MSG_GETOBJ */
  GetObject: 0x0a13,
  /** NFT_MSG_DELOBJ */
  DeleteObject: 0x0a14,
  /** NFT_MSG_GETOBJ_RESET */
  GetAndResetObject: 0x0a15,
  /** NFT_MSG_NEWFLOWTABLE */
  NewFlowtable: 0x0a16,
  /** NFT_MSG_GETFLOWTABLE */
  GetFlowtable: 0x0a17,
  /** NFT_MSG_DELFLOWTABLE */
  DeleteFlowtable: 0x0a18,
  /** NFT_MSG_GETRULE_RESET: as GetRule, and resets the counters; Linux 6.2 */
  GetAndResetRule: 0x0a19,
  /** NFT_MSG_DESTROYTABLE: as DeleteTable, without an error if it does not exist; Linux 6.3 */
  DestroyTable: 0x0a1a,
  /** NFT_MSG_DESTROYCHAIN */
  DestroyChain: 0x0a1b,
  /** NFT_MSG_DESTROYRULE */
  DestroyRule: 0x0a1c,
  /** NFT_MSG_DESTROYSET */
  DestroySet: 0x0a1d,
  /** NFT_MSG_DESTROYSETELEM */
  DestroySetElement: 0x0a1e,
  /** NFT_MSG_DESTROYOBJ */
  DestroyObject: 0x0a1f,
  /** NFT_MSG_DESTROYFLOWTABLE */
  DestroyFlowtable: 0x0a20,
  /** NFT_MSG_GETSETELEM_RESET; Linux 6.5 */
  GetAndResetSetElement: 0x0a21,
} as const
export type NfTablesMessage = (typeof NfTablesMessage)[keyof typeof NfTablesMessage]

/** The longest name of a table, chain, set or object, in bytes (`NFT_NAME_MAXLEN` less the zero byte). */
export const MAXIMUM_NFTABLES_NAME = 255
/** The longest user data of a table, chain, rule, set or element, in bytes (`NFT_USERDATA_MAXLEN`). */
export const MAXIMUM_NFTABLES_USER_DATA = 256
/** The longest name of a network device, in bytes (`IFNAMSIZ` less the zero byte). */
export const MAXIMUM_DEVICE_NAME = 15

/** Flags of a table. */
export const TableFlag = {
  /** NFT_TABLE_F_DORMANT: its chains see no packets */
  Dormant: 0x1,
  /** NFT_TABLE_F_OWNER: only this socket may change it, and it is removed when the socket closes; Linux 5.12 */
  Owner: 0x2,
  /** NFT_TABLE_F_PERSIST: it outlives its owner; Linux 6.9 */
  Persist: 0x4,
} as const
export type TableFlag = (typeof TableFlag)[keyof typeof TableFlag]

/** Flags of a chain. */
export const ChainFlag = {
  /** NFT_CHAIN_BASE: from the kernel, it has a hook */
  Base: 0x1,
  /** NFT_CHAIN_HW_OFFLOAD */
  HardwareOffload: 0x2,
  /** NFT_CHAIN_BINDING: it belongs to the rule that jumps to it */
  Binding: 0x4,
} as const
export type ChainFlag = (typeof ChainFlag)[keyof typeof ChainFlag]

/** Hooks of family `Family.NetworkDevice`; the other families have `Hook`. */
export const NetworkDeviceHook = {
  /** NF_NETDEV_INGRESS */
  Ingress: 0,
  /** NF_NETDEV_EGRESS; Linux 5.16 */
  Egress: 1,
} as const
export type NetworkDeviceHook = (typeof NetworkDeviceHook)[keyof typeof NetworkDeviceHook]

/** Hooks of family `Family.Arp`. */
export const ArpHook = {
  /** NF_ARP_IN */
  Input: 0,
  /** NF_ARP_OUT */
  Output: 1,
  /** NF_ARP_FORWARD */
  Forward: 2,
} as const
export type ArpHook = (typeof ArpHook)[keyof typeof ArpHook]

/** Well-known priorities at a hook, in the families ip, ip6 and inet: a lower one sees a packet first. */
export const HookPriority = {
  /** NF_IP_PRI_RAW: before connection tracking */
  Raw: -300,
  /** NF_IP_PRI_CONNTRACK */
  Conntrack: -200,
  /** NF_IP_PRI_MANGLE */
  Mangle: -150,
  /** NF_IP_PRI_NAT_DST */
  DestinationNat: -100,
  /** NF_IP_PRI_FILTER */
  Filter: 0,
  /** NF_IP_PRI_SECURITY */
  Security: 50,
  /** NF_IP_PRI_NAT_SRC */
  SourceNat: 100,
} as const
export type HookPriority = (typeof HookPriority)[keyof typeof HookPriority]

/** Well-known priorities at a hook, in family bridge. */
export const BridgeHookPriority = {
  /** NF_BR_PRI_NAT_DST_BRIDGED */
  DestinationNat: -300,
  /** NF_BR_PRI_FILTER_BRIDGED */
  Filter: -200,
  /** NF_BR_PRI_NAT_DST_OTHER */
  Out: 100,
  /** NF_BR_PRI_NAT_SRC */
  SourceNat: 300,
} as const
export type BridgeHookPriority = (typeof BridgeHookPriority)[keyof typeof BridgeHookPriority]

/** NFNL_BATCH_*: attributes of Begin and End. */
export const batchAttributes = attributeSet('NFNL_BATCH', {
  /** refuse the batch with ERESTART unless this is the generation of the rules */
  generation: be32(1, 'NFNL_BATCH_GENID'),
})
/** A Begin or End message as owned values. */
export type Batch = AttributeValues<typeof batchAttributes>

/** NFTA_GEN_*: the generation of the rules, which changes with every batch. */
export const generationAttributes = attributeSet('NFTA_GEN', {
  id: be32(1, 'NFTA_GEN_ID'),
  /** id of the process that changed them */
  processId: be32(2, 'NFTA_GEN_PROC_PID'),
  processName: text(3, 'NFTA_GEN_PROC_NAME', 15),
})
/** A generation as an owned value. */
export type Generation = AttributeValues<typeof generationAttributes>

/** NFTA_TABLE_*. */
export const tableAttributes = attributeSet('NFTA_TABLE', {
  name: text(1, 'NFTA_TABLE_NAME', MAXIMUM_NFTABLES_NAME),
  /** bits of `TableFlag` */
  flags: be32(2, 'NFTA_TABLE_FLAGS'),
  /** from the kernel: chains, sets and objects in it */
  use: be32(3, 'NFTA_TABLE_USE'),
  handle: be64(4, 'NFTA_TABLE_HANDLE'),
  padding: bytes(5, 'NFTA_TABLE_PAD'),
  userData: bytes(6, 'NFTA_TABLE_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
  /** from the kernel: port id of the socket that owns it */
  owner: be32(7, 'NFTA_TABLE_OWNER'),
})
/** A table as an owned value. */
export type Table = AttributeValues<typeof tableAttributes>

/** NFTA_DEVICE_*: one device of several. */
export const deviceAttributes = attributeSet('NFTA_DEVICE', {
  name: text(1, 'NFTA_DEVICE_NAME', MAXIMUM_DEVICE_NAME),
  /** prefix of the device names; Linux 6.18 */
  prefix: text(2, 'NFTA_DEVICE_PREFIX', MAXIMUM_DEVICE_NAME),
})

/** NFTA_HOOK_*: the hook of a base chain. */
export const hookAttributes = attributeSet('NFTA_HOOK', {
  /** of `Hook`, `NetworkDeviceHook` or `ArpHook` */
  number: be32(1, 'NFTA_HOOK_HOOKNUM'),
  /** a lower one sees a packet first */
  priority: sbe32(2, 'NFTA_HOOK_PRIORITY'),
  /** the only device of an ingress or egress chain; Linux 6.18 also accepts a chain without this and `devices` */
  device: text(3, 'NFTA_HOOK_DEV', MAXIMUM_DEVICE_NAME),
  devices: sequence(4, 'NFTA_HOOK_DEVS', deviceAttributes),
})

/** NFTA_COUNTER_*: of an expression, or of all packets that reached a chain's policy. */
export const counterAttributes = attributeSet('NFTA_COUNTER', {
  bytes: be64(1, 'NFTA_COUNTER_BYTES'),
  packets: be64(2, 'NFTA_COUNTER_PACKETS'),
  padding: bytes(3, 'NFTA_COUNTER_PAD'),
})

/** NFTA_CHAIN_*. */
export const chainAttributes = attributeSet('NFTA_CHAIN', {
  table: text(1, 'NFTA_CHAIN_TABLE', MAXIMUM_NFTABLES_NAME),
  handle: be64(2, 'NFTA_CHAIN_HANDLE'),
  name: text(3, 'NFTA_CHAIN_NAME', MAXIMUM_NFTABLES_NAME),
  /** of a base chain; a chain without one is only a jump target */
  hook: nested(4, 'NFTA_CHAIN_HOOK', hookAttributes),
  /** the verdict on packets that no rule decides: NF_ACCEPT (1) or NF_DROP (0) */
  policy: be32(5, 'NFTA_CHAIN_POLICY'),
  /** from the kernel: rules in it and jumps to it */
  use: be32(6, 'NFTA_CHAIN_USE'),
  /** of a base chain: `filter`, `nat` or `route` */
  type: text(7, 'NFTA_CHAIN_TYPE', 63),
  counters: nested(8, 'NFTA_CHAIN_COUNTERS', counterAttributes),
  padding: bytes(9, 'NFTA_CHAIN_PAD'),
  /** bits of `ChainFlag` */
  flags: be32(10, 'NFTA_CHAIN_FLAGS'),
  /** within its batch */
  id: be32(11, 'NFTA_CHAIN_ID'),
  userData: bytes(12, 'NFTA_CHAIN_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
})
/** A chain as an owned value. */
export type Chain = AttributeValues<typeof chainAttributes>
