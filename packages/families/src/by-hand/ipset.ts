/**
 * ipset: sets of addresses, ports and the like that rules of xtables look up (uapi/linux/netfilter/ipset/ip_set.h,
 * errors of types in ip_set_bitmap.h, ip_set_hash.h and ip_set_list.h). Integers longer than a byte are in network
 * order, and marked as such.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_IPSET in the upper byte of its type | nfgenmsg | IPSET_ATTR_*
 *
 * Every request names the protocol's version (`IPSET_VERSION`).
 */
import {
  type Attribute,
  type AttributeValues,
  attributeSet,
  be16,
  be32,
  be64,
  bytes,
  type ErrorNames,
  flags,
  headedOperation,
  multi,
  nested,
  networkMarked,
  padding,
  rawFamily,
  text,
  u8,
  u32,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** The version that requests name (`IPSET_PROTOCOL`). */
export const IPSET_VERSION = 7
/** The oldest version that kernels still speak (`IPSET_PROTOCOL_MIN`). */
export const IPSET_MINIMUM_VERSION = 6
/** The longest name of a set or type in bytes, with the zero byte (`IPSET_MAXNAMELEN`). */
const MAXIMUM_NAME = 32
/** The longest comment in bytes (`IPSET_MAX_COMMENT_SIZE`). */
const MAXIMUM_COMMENT = 255

/** `nlmsg_type` of the messages. */
export const IpsetMessage = {
  /** IPSET_CMD_PROTOCOL: which versions the kernel speaks */
  Protocol: 0x0601,
  /** IPSET_CMD_CREATE */
  Create: 0x0602,
  /** IPSET_CMD_DESTROY: one set, or without a name all */
  Destroy: 0x0603,
  /** IPSET_CMD_FLUSH */
  Flush: 0x0604,
  /** IPSET_CMD_RENAME */
  Rename: 0x0605,
  /** IPSET_CMD_SWAP */
  Swap: 0x0606,
  /** IPSET_CMD_LIST */
  List: 0x0607,
  /** IPSET_CMD_SAVE */
  Save: 0x0608,
  /** IPSET_CMD_ADD */
  Add: 0x0609,
  /** IPSET_CMD_DEL */
  Delete: 0x060a,
  /** IPSET_CMD_TEST */
  Test: 0x060b,
  /** IPSET_CMD_HEADER */
  Header: 0x060c,
  /** IPSET_CMD_TYPE */
  Type: 0x060d,
  /** IPSET_CMD_GET_BYNAME */
  GetByName: 0x060e,
  /** IPSET_CMD_GET_BYINDEX */
  GetByIndex: 0x060f,
} as const
export type IpsetMessage = (typeof IpsetMessage)[keyof typeof IpsetMessage]

/** Flags of a request. */
export const IpsetFlag = {
  /** IPSET_FLAG_EXIST: it is not an error that the set or element is there, or is not */
  Exist: 0x001,
  /** IPSET_FLAG_LIST_SETNAME: lists names only */
  ListSetname: 0x002,
  /** IPSET_FLAG_LIST_HEADER: lists no elements */
  ListHeader: 0x004,
  /** IPSET_FLAG_SKIP_COUNTER_UPDATE */
  SkipCounterUpdate: 0x008,
  /** IPSET_FLAG_SKIP_SUBCOUNTER_UPDATE */
  SkipSubcounterUpdate: 0x010,
  /** IPSET_FLAG_MATCH_COUNTERS */
  MatchCounters: 0x020,
  /** IPSET_FLAG_RETURN_NOMATCH */
  ReturnNomatch: 0x080,
  /** IPSET_FLAG_MAP_SKBMARK */
  MapSkbmark: 0x100,
  /** IPSET_FLAG_MAP_SKBPRIO */
  MapSkbprio: 0x200,
  /** IPSET_FLAG_MAP_SKBQUEUE */
  MapSkbqueue: 0x400,
} as const
export type IpsetFlag = (typeof IpsetFlag)[keyof typeof IpsetFlag]

/** Flags of a set or element. */
export const IpsetDataFlag = {
  /** IPSET_FLAG_BEFORE: of a list of sets, where the element goes */
  Before: 0x01,
  /** IPSET_FLAG_PHYSDEV: the device is the port of a bridge */
  Physdev: 0x02,
  /** IPSET_FLAG_NOMATCH: the element is an exception */
  Nomatch: 0x04,
  /** IPSET_FLAG_WITH_COUNTERS: elements of the set count */
  WithCounters: 0x08,
  /** IPSET_FLAG_WITH_COMMENT: elements of the set have comments */
  WithComment: 0x10,
  /** IPSET_FLAG_WITH_FORCEADD: a full set drops an element for a new one */
  WithForceadd: 0x20,
  /** IPSET_FLAG_WITH_SKBINFO: elements of the set have a mark, priority and queue */
  WithSkbinfo: 0x40,
  /** IPSET_FLAG_IFACE_WILDCARD: the device's name is a prefix */
  IfaceWildcard: 0x80,
} as const
export type IpsetDataFlag = (typeof IpsetDataFlag)[keyof typeof IpsetDataFlag]

/** What a set refuses with in place of an errno. */
export const IpsetError = {
  /** IPSET_ERR_PRIVATE: the first number */
  Private: 4096,
  /** IPSET_ERR_PROTOCOL: the message is malformed */
  Protocol: 4097,
  /** IPSET_ERR_FIND_TYPE: the kernel has no such type of set */
  FindType: 4098,
  /** IPSET_ERR_MAX_SETS */
  MaximumSets: 4099,
  /** IPSET_ERR_BUSY: rules use the set */
  Busy: 4100,
  /** IPSET_ERR_EXIST_SETNAME2: there is a set of the new name */
  ExistingName: 4101,
  /** IPSET_ERR_TYPE_MISMATCH */
  TypeMismatch: 4102,
  /** IPSET_ERR_EXIST: the element is there, or is not */
  Exist: 4103,
  /** IPSET_ERR_INVALID_CIDR */
  InvalidCidr: 4104,
  /** IPSET_ERR_INVALID_NETMASK */
  InvalidNetmask: 4105,
  /** IPSET_ERR_INVALID_FAMILY */
  InvalidFamily: 4106,
  /** IPSET_ERR_TIMEOUT: the set has no timeouts */
  Timeout: 4107,
  /** IPSET_ERR_REFERENCED */
  Referenced: 4108,
  /** IPSET_ERR_IPADDR_IPV4: an address of IPv4 was expected */
  Ipv4: 4109,
  /** IPSET_ERR_IPADDR_IPV6: an address of IPv6 was expected */
  Ipv6: 4110,
  /** IPSET_ERR_COUNTER: the set has no counters */
  Counter: 4111,
  /** IPSET_ERR_COMMENT: the set has no comments */
  Comment: 4112,
  /** IPSET_ERR_INVALID_MARKMASK */
  InvalidMarkmask: 4113,
  /** IPSET_ERR_SKBINFO: the set has no marks */
  Skbinfo: 4114,
  /** IPSET_ERR_TYPE_SPECIFIC: the first number that a type of set gives its own meaning */
  TypeSpecific: 4352,
} as const
export type IpsetError = (typeof IpsetError)[keyof typeof IpsetError]

/** Errors of sets of the types `bitmap:…`; the numbers are also those of the other types. */
export const IpsetBitmapError = {
  /** IPSET_ERR_BITMAP_RANGE: the element is outside the set's range */
  Range: 4352,
  /** IPSET_ERR_BITMAP_RANGE_SIZE: the range has more elements than a set can */
  RangeSize: 4353,
} as const
export type IpsetBitmapError = (typeof IpsetBitmapError)[keyof typeof IpsetBitmapError]

/** Errors of sets of the types `hash:…`; the numbers are also those of the other types. */
export const IpsetHashError = {
  /** IPSET_ERR_HASH_FULL */
  Full: 4352,
  /** IPSET_ERR_HASH_ELEM: the element is null */
  Element: 4353,
  /** IPSET_ERR_INVALID_PROTO */
  InvalidProtocol: 4354,
  /** IPSET_ERR_MISSING_PROTO: the element needs a protocol beside its port */
  MissingProtocol: 4355,
  /** IPSET_ERR_HASH_RANGE_UNSUPPORTED */
  RangeUnsupported: 4356,
  /** IPSET_ERR_HASH_RANGE: the range is invalid */
  Range: 4357,
} as const
export type IpsetHashError = (typeof IpsetHashError)[keyof typeof IpsetHashError]

/** Errors of the type `list:set`; the numbers are also those of the other types. */
export const IpsetListError = {
  /** IPSET_ERR_NAME: there is no set of the name */
  Name: 4352,
  /** IPSET_ERR_LOOP: a list cannot have lists */
  Loop: 4353,
  /** IPSET_ERR_BEFORE: the set to go before or after is not in the list */
  Before: 4354,
  /** IPSET_ERR_NAMEREF: there is no set of the reference's name */
  Reference: 4355,
  /** IPSET_ERR_LIST_FULL */
  Full: 4356,
  /** IPSET_ERR_REF_EXIST: the reference is not in the list */
  ReferenceMissing: 4357,
} as const
export type IpsetListError = (typeof IpsetListError)[keyof typeof IpsetListError]

/** The kernel's names of the errors. From `IpsetError.TypeSpecific` on a number has a meaning for each kind of set. */
const ipsetErrors: ErrorNames = {
  [IpsetError.Protocol]: 'IPSET_ERR_PROTOCOL',
  [IpsetError.FindType]: 'IPSET_ERR_FIND_TYPE',
  [IpsetError.MaximumSets]: 'IPSET_ERR_MAX_SETS',
  [IpsetError.Busy]: 'IPSET_ERR_BUSY',
  [IpsetError.ExistingName]: 'IPSET_ERR_EXIST_SETNAME2',
  [IpsetError.TypeMismatch]: 'IPSET_ERR_TYPE_MISMATCH',
  [IpsetError.Exist]: 'IPSET_ERR_EXIST',
  [IpsetError.InvalidCidr]: 'IPSET_ERR_INVALID_CIDR',
  [IpsetError.InvalidNetmask]: 'IPSET_ERR_INVALID_NETMASK',
  [IpsetError.InvalidFamily]: 'IPSET_ERR_INVALID_FAMILY',
  [IpsetError.Timeout]: 'IPSET_ERR_TIMEOUT',
  [IpsetError.Referenced]: 'IPSET_ERR_REFERENCED',
  [IpsetError.Ipv4]: 'IPSET_ERR_IPADDR_IPV4',
  [IpsetError.Ipv6]: 'IPSET_ERR_IPADDR_IPV6',
  [IpsetError.Counter]: 'IPSET_ERR_COUNTER',
  [IpsetError.Comment]: 'IPSET_ERR_COMMENT',
  [IpsetError.InvalidMarkmask]: 'IPSET_ERR_INVALID_MARKMASK',
  [IpsetError.Skbinfo]: 'IPSET_ERR_SKBINFO',
  [IpsetHashError.Full]: 'IPSET_ERR_HASH_FULL (hash), IPSET_ERR_BITMAP_RANGE (bitmap) or IPSET_ERR_NAME (list)',
  [IpsetHashError.Element]: 'IPSET_ERR_HASH_ELEM (hash), IPSET_ERR_BITMAP_RANGE_SIZE (bitmap) or IPSET_ERR_LOOP (list)',
  [IpsetHashError.InvalidProtocol]: 'IPSET_ERR_INVALID_PROTO (hash) or IPSET_ERR_BEFORE (list)',
  [IpsetHashError.MissingProtocol]: 'IPSET_ERR_MISSING_PROTO (hash) or IPSET_ERR_NAMEREF (list)',
  [IpsetHashError.RangeUnsupported]: 'IPSET_ERR_HASH_RANGE_UNSUPPORTED (hash) or IPSET_ERR_LIST_FULL (list)',
  [IpsetHashError.Range]: 'IPSET_ERR_HASH_RANGE (hash) or IPSET_ERR_REF_EXIST (list)',
}

const dataFlags = { constants: flags('IPSET_FLAG_', IpsetDataFlag) }

/** IPSET_ATTR_IPADDR_*: one of them. */
export const ipsetAddressAttributes = attributeSet('IPSET_ATTR_IPADDR', {
  ipv4: networkMarked(bytes(1, 'IPSET_ATTR_IPADDR_IPV4', 4, 4, 'ipv4')),
  ipv6: networkMarked(bytes(2, 'IPSET_ATTR_IPADDR_IPV6', 16, 16, 'ipv6')),
})
const address = (number: number, kernelName: string) => nested(number, kernelName, ipsetAddressAttributes)

/** What sets and elements have. */
const common = {
  address: address(1, 'IPSET_ATTR_IP'),
  addressTo: address(2, 'IPSET_ATTR_IP_TO'),
  prefixLength: u8(3, 'IPSET_ATTR_CIDR'),
  port: networkMarked(be16(4, 'IPSET_ATTR_PORT')),
  portTo: networkMarked(be16(5, 'IPSET_ATTR_PORT_TO')),
  /** seconds; of a set, that its elements have unless they say otherwise */
  timeout: networkMarked(be32(6, 'IPSET_ATTR_TIMEOUT')),
  /** IPPROTO_* */
  protocol: u8(7, 'IPSET_ATTR_PROTO'),
  dataFlags: networkMarked(be32(8, 'IPSET_ATTR_CADT_FLAGS', dataFlags)),
  line: u32(9, 'IPSET_ATTR_CADT_LINENO'),
  mark: networkMarked(be32(10, 'IPSET_ATTR_MARK')),
  markMask: networkMarked(be32(11, 'IPSET_ATTR_MARKMASK')),
}

/** The data of a set: of Create, and of the sets that List gives. */
export const ipsetCreateAttributes = attributeSet('IPSET_ATTR', {
  ...common,
  initialValue: networkMarked(be32(17, 'IPSET_ATTR_INITVAL')),
  hashSize: networkMarked(be32(18, 'IPSET_ATTR_HASHSIZE')),
  maximumElements: networkMarked(be32(19, 'IPSET_ATTR_MAXELEM')),
  netmask: u8(20, 'IPSET_ATTR_NETMASK'),
  bucketSize: u8(21, 'IPSET_ATTR_BUCKETSIZE'),
  resize: u8(22, 'IPSET_ATTR_RESIZE'),
  /** of a list of sets */
  size: networkMarked(be32(23, 'IPSET_ATTR_SIZE')),
  /** from the kernel, and so the two that follow */
  elements: networkMarked(be32(24, 'IPSET_ATTR_ELEMENTS')),
  references: networkMarked(be32(25, 'IPSET_ATTR_REFERENCES')),
  /** bytes */
  memorySize: networkMarked(be32(26, 'IPSET_ATTR_MEMSIZE')),
})
export interface IpsetCreateAttributes extends AttributeValues<typeof ipsetCreateAttributes> {}

/** An element of a set. */
export const ipsetElementAttributes = attributeSet('IPSET_ATTR', {
  ...common,
  ethernet: bytes(17, 'IPSET_ATTR_ETHER', 6, 6, 'mac'),
  /** of a list of sets: a set in it */
  name: text(18, 'IPSET_ATTR_NAME', MAXIMUM_NAME - 1),
  /** of a list of sets: the set before or after which this one goes */
  reference: text(19, 'IPSET_ATTR_NAMEREF', MAXIMUM_NAME - 1),
  secondAddress: address(20, 'IPSET_ATTR_IP2'),
  secondPrefixLength: u8(21, 'IPSET_ATTR_CIDR2'),
  secondAddressTo: address(22, 'IPSET_ATTR_IP2_TO'),
  device: text(23, 'IPSET_ATTR_IFACE', 15),
  bytes: networkMarked(be64(24, 'IPSET_ATTR_BYTES')),
  packets: networkMarked(be64(25, 'IPSET_ATTR_PACKETS')),
  comment: text(26, 'IPSET_ATTR_COMMENT', MAXIMUM_COMMENT),
  /** mark in the upper half, mask in the lower */
  packetMark: networkMarked(be64(27, 'IPSET_ATTR_SKBMARK')),
  packetPriority: networkMarked(be32(28, 'IPSET_ATTR_SKBPRIO')),
  packetQueue: networkMarked(be16(29, 'IPSET_ATTR_SKBQUEUE')),
  padding: padding(30, 'IPSET_ATTR_PAD'),
})
export interface IpsetElementAttributes extends AttributeValues<typeof ipsetElementAttributes> {}

const elementsAttributes = attributeSet('IPSET_ATTR_ADT', {
  elements: multi(nested(7, 'IPSET_ATTR_DATA', ipsetElementAttributes)),
})

function commandAttributes<Data>(data: Attribute<Data>) {
  return attributeSet('IPSET_ATTR', {
    version: u8(1, 'IPSET_ATTR_PROTOCOL'),
    name: text(2, 'IPSET_ATTR_SETNAME', MAXIMUM_NAME - 1),
    /** of Rename and Swap the other set's name (`IPSET_ATTR_SETNAME2`) */
    type: text(3, 'IPSET_ATTR_TYPENAME', MAXIMUM_NAME - 1),
    revision: u8(4, 'IPSET_ATTR_REVISION'),
    /** NFPROTO_* */
    family: u8(5, 'IPSET_ATTR_FAMILY'),
    flags: networkMarked(be32(6, 'IPSET_ATTR_FLAGS', { constants: flags('IPSET_FLAG_', IpsetFlag) })),
    data,
    /** elements of the set */
    content: nested(8, 'IPSET_ATTR_ADT', elementsAttributes),
    line: u32(9, 'IPSET_ATTR_LINENO'),
    /** of Type the oldest revision (`IPSET_ATTR_REVISION_MIN`) */
    minimumVersion: u8(10, 'IPSET_ATTR_PROTOCOL_MIN'),
    index: networkMarked(be16(11, 'IPSET_ATTR_INDEX')),
  })
}

/** IPSET_ATTR_* of messages on sets. */
export const ipsetAttributes = commandAttributes(nested(7, 'IPSET_ATTR_DATA', ipsetCreateAttributes))
export interface IpsetAttributes extends AttributeValues<typeof ipsetAttributes> {}
/** IPSET_ATTR_* of messages on elements. */
export const ipsetChangeAttributes = commandAttributes(nested(7, 'IPSET_ATTR_DATA', ipsetElementAttributes))
export interface IpsetChangeAttributes extends AttributeValues<typeof ipsetChangeAttributes> {}

const onSet = (kernelName: string, numbers: Parameters<typeof headedOperation>[3]) =>
  headedOperation<Nfgenmsg, IpsetAttributes>(kernelName, nfgenmsgLayout, ipsetAttributes, numbers)
const onElement = (kernelName: string, request: number) =>
  headedOperation<Nfgenmsg, IpsetChangeAttributes>(kernelName, nfgenmsgLayout, ipsetChangeAttributes, {
    do: { request },
  })
const answered = (number: number) => ({ do: { request: number, reply: number } })

/** Sets and their elements. */
export const ipset = rawFamily(
  'ipset',
  NETFILTER_PROTOCOL,
  {
    protocol: onSet('IPSET_CMD_PROTOCOL', answered(IpsetMessage.Protocol)),
    create: onSet('IPSET_CMD_CREATE', { do: { request: IpsetMessage.Create } }),
    destroy: onSet('IPSET_CMD_DESTROY', { do: { request: IpsetMessage.Destroy } }),
    flush: onSet('IPSET_CMD_FLUSH', { do: { request: IpsetMessage.Flush } }),
    rename: onSet('IPSET_CMD_RENAME', { do: { request: IpsetMessage.Rename } }),
    swap: onSet('IPSET_CMD_SWAP', { do: { request: IpsetMessage.Swap } }),
    list: onSet('IPSET_CMD_LIST', { dump: { request: IpsetMessage.List, reply: IpsetMessage.List } }),
    save: onSet('IPSET_CMD_SAVE', { dump: { request: IpsetMessage.Save, reply: IpsetMessage.Save } }),
    add: onElement('IPSET_CMD_ADD', IpsetMessage.Add),
    delete: onElement('IPSET_CMD_DEL', IpsetMessage.Delete),
    test: onElement('IPSET_CMD_TEST', IpsetMessage.Test),
    header: onSet('IPSET_CMD_HEADER', answered(IpsetMessage.Header)),
    type: onSet('IPSET_CMD_TYPE', answered(IpsetMessage.Type)),
    getByName: onSet('IPSET_CMD_GET_BYNAME', answered(IpsetMessage.GetByName)),
    getByIndex: onSet('IPSET_CMD_GET_BYINDEX', answered(IpsetMessage.GetByIndex)),
  },
  {},
  'ip_set',
  // EINVAL: nfnetlink has no such subsystem.
  { operation: 'protocol', mode: 'do', request: { version: IPSET_MINIMUM_VERSION }, errno: 22 },
  ipsetErrors,
)
