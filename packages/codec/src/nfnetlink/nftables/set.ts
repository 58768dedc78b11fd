/**
 * Sets of nf_tables, their elements, flow tables and traces, as far as rules refer to them and dumps show them
 * (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order.
 */
import { be16, be32, be64, bytes, list, nested, sequence, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'
import { dataAttributes, verdictAttributes } from './expressions/load.ts'
import { deviceAttributes, MAXIMUM_NFTABLES_NAME, MAXIMUM_NFTABLES_USER_DATA } from './messages.ts'
import { expressionAttributes } from './rule.ts'

/** Properties of a set. */
export const SetFlag = {
  /** NFT_SET_ANONYMOUS: belongs to the rule that looks it up */
  Anonymous: 0x1,
  /** NFT_SET_CONSTANT */
  Constant: 0x2,
  /** NFT_SET_INTERVAL */
  Interval: 0x4,
  /** NFT_SET_MAP */
  Map: 0x8,
  /** NFT_SET_TIMEOUT */
  Timeout: 0x10,
  /** NFT_SET_EVAL: rules can add elements */
  Evaluated: 0x20,
  /** NFT_SET_OBJECT */
  Object: 0x40,
  /** NFT_SET_CONCAT */
  Concatenation: 0x80,
  /** NFT_SET_EXPR */
  Expression: 0x100,
} as const
export type SetFlag = (typeof SetFlag)[keyof typeof SetFlag]

/** Properties of an element of a set. */
export const SetElementFlag = {
  /** NFT_SET_ELEM_INTERVAL_END: the first key after the interval before it */
  IntervalEnd: 0x1,
  /** NFT_SET_ELEM_CATCHALL */
  CatchAll: 0x2,
} as const
export type SetElementFlag = (typeof SetElementFlag)[keyof typeof SetElementFlag]

/** What the kernel chooses the backend of a set for. */
export const SetPolicy = {
  /** NFT_SET_POL_PERFORMANCE */
  Performance: 0,
  /** NFT_SET_POL_MEMORY */
  Memory: 1,
} as const
export type SetPolicy = (typeof SetPolicy)[keyof typeof SetPolicy]

/** The type of a map's data. Others are nft's, which the kernel only stores. */
export const SetDataType = {
  /** NFT_DATA_VALUE */
  Value: 0,
  /** NFT_DATA_VERDICT */
  Verdict: 0xffff_ff00,
} as const
export type SetDataType = (typeof SetDataType)[keyof typeof SetDataType]

/** NFTA_SET_FIELD_*: a part of a key. */
export const setFieldAttributes = attributeSet('NFTA_SET_FIELD', {
  /** in bytes: the uapi header's comment says bits, but the kernel uses bytes */
  length: be32(1, 'NFTA_SET_FIELD_LEN'),
})

/** NFTA_SET_DESC_*: the size of a set and the parts of its keys. */
export const setDescriptionAttributes = attributeSet('NFTA_SET_DESC', {
  size: be32(1, 'NFTA_SET_DESC_SIZE'),
  fields: list(2, 'NFTA_SET_DESC_CONCAT', setFieldAttributes),
})

/** NFTA_SET_*. */
export const setAttributes = attributeSet('NFTA_SET', {
  table: text(1, 'NFTA_SET_TABLE', MAXIMUM_NFTABLES_NAME),
  name: text(2, 'NFTA_SET_NAME', MAXIMUM_NFTABLES_NAME),
  /** bits of `SetFlag` */
  flags: be32(3, 'NFTA_SET_FLAGS'),
  /** nft's number for the type; the kernel only stores it */
  keyType: be32(4, 'NFTA_SET_KEY_TYPE'),
  /** bytes */
  keyLength: be32(5, 'NFTA_SET_KEY_LEN'),
  /** of `SetDataType`, or nft's number for it */
  dataType: be32(6, 'NFTA_SET_DATA_TYPE'),
  /** bytes */
  dataLength: be32(7, 'NFTA_SET_DATA_LEN'),
  /** of `SetPolicy` */
  policy: be32(8, 'NFTA_SET_POLICY'),
  description: nested(9, 'NFTA_SET_DESC', setDescriptionAttributes),
  /** id within its batch */
  id: be32(10, 'NFTA_SET_ID'),
  /** milliseconds */
  timeout: be64(11, 'NFTA_SET_TIMEOUT'),
  /** milliseconds */
  collectionInterval: be32(12, 'NFTA_SET_GC_INTERVAL'),
  userData: bytes(13, 'NFTA_SET_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
  padding: bytes(14, 'NFTA_SET_PAD'),
  /** of `NfTablesObjectType`, of a map of objects */
  objectType: be32(15, 'NFTA_SET_OBJ_TYPE'),
  handle: be64(16, 'NFTA_SET_HANDLE'),
  expression: nested(17, 'NFTA_SET_EXPR', expressionAttributes),
  expressions: list(18, 'NFTA_SET_EXPRESSIONS', expressionAttributes),
  /** from the kernel: the backend of the set; Linux 6.16 */
  type: text(19, 'NFTA_SET_TYPE', 63),
  /** from the kernel: elements in it; Linux 6.16 */
  count: be32(20, 'NFTA_SET_COUNT'),
})
/** A set as an owned value. */
export type NamedSet = AttributeValues<typeof setAttributes>

/** NFTA_SET_ELEM_*: one element. */
export const setElementAttributes = attributeSet('NFTA_SET_ELEM', {
  key: nested(1, 'NFTA_SET_ELEM_KEY', dataAttributes),
  data: nested(2, 'NFTA_SET_ELEM_DATA', dataAttributes),
  /** bits of `SetElementFlag` */
  flags: be32(3, 'NFTA_SET_ELEM_FLAGS'),
  /** milliseconds */
  timeout: be64(4, 'NFTA_SET_ELEM_TIMEOUT'),
  /** milliseconds */
  expiration: be64(5, 'NFTA_SET_ELEM_EXPIRATION'),
  userData: bytes(6, 'NFTA_SET_ELEM_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
  expression: nested(7, 'NFTA_SET_ELEM_EXPR', expressionAttributes),
  padding: bytes(8, 'NFTA_SET_ELEM_PAD'),
  object: text(9, 'NFTA_SET_ELEM_OBJREF', MAXIMUM_NFTABLES_NAME),
  keyEnd: nested(10, 'NFTA_SET_ELEM_KEY_END', dataAttributes),
  expressions: list(11, 'NFTA_SET_ELEM_EXPRESSIONS', expressionAttributes),
})

/** NFTA_SET_ELEM_LIST_*: elements of one set. */
export const setElementListAttributes = attributeSet('NFTA_SET_ELEM_LIST', {
  table: text(1, 'NFTA_SET_ELEM_LIST_TABLE', MAXIMUM_NFTABLES_NAME),
  set: text(2, 'NFTA_SET_ELEM_LIST_SET', MAXIMUM_NFTABLES_NAME),
  elements: list(3, 'NFTA_SET_ELEM_LIST_ELEMENTS', setElementAttributes),
  setId: be32(4, 'NFTA_SET_ELEM_LIST_SET_ID'),
})

/** Properties of a flow table. */
export const FlowtableFlag = {
  /** NFT_FLOWTABLE_HW_OFFLOAD: a device forwards its packets */
  HardwareOffload: 0x1,
  /** NFT_FLOWTABLE_COUNTER: it counts packets for connection tracking */
  Counter: 0x2,
} as const
export type FlowtableFlag = (typeof FlowtableFlag)[keyof typeof FlowtableFlag]

/** NFTA_FLOWTABLE_*. */
export const flowtableAttributes = attributeSet('NFTA_FLOWTABLE', {
  table: text(1, 'NFTA_FLOWTABLE_TABLE', MAXIMUM_NFTABLES_NAME),
  name: text(2, 'NFTA_FLOWTABLE_NAME', MAXIMUM_NFTABLES_NAME),
  hook: nested(
    3,
    'NFTA_FLOWTABLE_HOOK',
    attributeSet('NFTA_FLOWTABLE_HOOK', {
      number: be32(1, 'NFTA_FLOWTABLE_HOOK_NUM'),
      priority: be32(2, 'NFTA_FLOWTABLE_HOOK_PRIORITY'),
      devices: sequence(3, 'NFTA_FLOWTABLE_HOOK_DEVS', deviceAttributes),
    }),
  ),
  use: be32(4, 'NFTA_FLOWTABLE_USE'),
  handle: be64(5, 'NFTA_FLOWTABLE_HANDLE'),
  padding: bytes(6, 'NFTA_FLOWTABLE_PAD'),
  /** bits of `FlowtableFlag` */
  flags: be32(7, 'NFTA_FLOWTABLE_FLAGS'),
})

/** What a step of a traced packet is. */
export const TraceType = {
  /** NFT_TRACETYPE_POLICY: it met the policy of a chain */
  Policy: 1,
  /** NFT_TRACETYPE_RETURN: it reached the end of a chain */
  Return: 2,
  /** NFT_TRACETYPE_RULE: it met a rule */
  Rule: 3,
} as const
export type TraceType = (typeof TraceType)[keyof typeof TraceType]

/** NFTA_TRACE_*: a step of a packet with `meta nftrace`. */
export const traceAttributes = attributeSet('NFTA_TRACE', {
  table: text(1, 'NFTA_TRACE_TABLE', MAXIMUM_NFTABLES_NAME),
  chain: text(2, 'NFTA_TRACE_CHAIN', MAXIMUM_NFTABLES_NAME),
  ruleHandle: be64(3, 'NFTA_TRACE_RULE_HANDLE'),
  /** of `TraceType` */
  type: be32(4, 'NFTA_TRACE_TYPE'),
  verdict: nested(5, 'NFTA_TRACE_VERDICT', verdictAttributes),
  id: be32(6, 'NFTA_TRACE_ID'),
  linkLayerHeader: bytes(7, 'NFTA_TRACE_LL_HEADER'),
  networkHeader: bytes(8, 'NFTA_TRACE_NETWORK_HEADER'),
  transportHeader: bytes(9, 'NFTA_TRACE_TRANSPORT_HEADER'),
  inputDevice: be32(10, 'NFTA_TRACE_IIF'),
  inputDeviceType: be16(11, 'NFTA_TRACE_IIFTYPE'),
  outputDevice: be32(12, 'NFTA_TRACE_OIF'),
  outputDeviceType: be16(13, 'NFTA_TRACE_OIFTYPE'),
  mark: be32(14, 'NFTA_TRACE_MARK'),
  family: be32(15, 'NFTA_TRACE_NFPROTO'),
  policy: be32(16, 'NFTA_TRACE_POLICY'),
  padding: bytes(17, 'NFTA_TRACE_PAD'),
})
