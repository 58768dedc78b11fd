/**
 * nfnetlink_log: the messages, constants and attribute tables of the packet log (uapi/linux/netfilter/nfnetlink_log.h).
 * All attribute values are in network byte order. The view of a logged packet is in record.ts.
 *
 *  every message:  nlmsghdr | nfgenmsg, whose resource id is the group number | attributes
 *  a datagram:     one packet, or several consecutive packets and a Done message, whose payload is an nfgenmsg
 *
 * A packet is always padded to four bytes, and its length includes the padding, even for the last one of a datagram.
 */
import { be16, be32, bytes, nested, struct, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'
import { conntrackAttributes } from '../conntrack/attributes.ts'

/** `nlmsg_type` of the log's messages: NFNL_SUBSYS_ULOG in the upper byte. */
export const LogMessage = {
  /** NFULNL_MSG_PACKET: from the kernel, a logged packet */
  Packet: 0x0400,
  /** NFULNL_MSG_CONFIG */
  Config: 0x0401,
} as const
export type LogMessage = (typeof LogMessage)[keyof typeof LogMessage]

/** Commands of a Config message (`nfulnl_msg_config_cmds`). */
export const LogCommand = {
  /** NFULNL_CFG_CMD_NONE */
  None: 0,
  /** NFULNL_CFG_CMD_BIND: binds the group to this socket */
  Bind: 1,
  /** NFULNL_CFG_CMD_UNBIND: delivers the collected records, then no more */
  Unbind: 2,
  /** NFULNL_CFG_CMD_PF_BIND: makes this logger the family's default */
  FamilyBind: 3,
  /** NFULNL_CFG_CMD_PF_UNBIND */
  FamilyUnbind: 4,
} as const
export type LogCommand = (typeof LogCommand)[keyof typeof LogCommand]

/** Properties of a group, for the config attribute `flags`. */
export const LogFlag = {
  /** NFULNL_CFG_F_SEQ: packets carry a sequence number within the group */
  Sequence: 0x1,
  /** NFULNL_CFG_F_SEQ_GLOBAL: packets carry a sequence number over all groups */
  GlobalSequence: 0x2,
  /** NFULNL_CFG_F_CONNTRACK: packets carry their connection */
  Conntrack: 0x4,
} as const
export type LogFlag = (typeof LogFlag)[keyof typeof LogFlag]

/** The largest buffer in bytes in which the kernel collects packets before it delivers them (`NFULNL_NLBUFSIZ_MAX`). */
export const MAXIMUM_LOG_BUFFER = 131072
/** The longest prefix of a log rule, in bytes (`NF_LOG_PREFIXLEN` less the zero byte). */
export const MAXIMUM_LOG_PREFIX = 127
/** Milliseconds per unit of the config attribute `timeout`. */
export const LOG_TIMEOUT_UNIT = 10

/** NFULA_VLAN_*. */
export const logVlanAttributes = attributeSet('NFULA_VLAN', {
  /** EtherType of the tag: 0x8100, 0x88a8 */
  protocol: be16(1, 'NFULA_VLAN_PROTO'),
  /** priority, drop eligibility, VLAN number */
  tag: be16(2, 'NFULA_VLAN_TCI'),
})

/** NFULA_*: the attributes of logged packets. */
export const logAttributes = attributeSet('NFULA', {
  packetHeader: struct(1, 'NFULA_PACKET_HDR', { protocol: 'be16', hook: 'u8', padding: 1 }),
  mark: be32(2, 'NFULA_MARK'),
  timestamp: struct(3, 'NFULA_TIMESTAMP', { seconds: 'be64', microseconds: 'be64' }),
  inputDevice: be32(4, 'NFULA_IFINDEX_INDEV'),
  outputDevice: be32(5, 'NFULA_IFINDEX_OUTDEV'),
  physicalInputDevice: be32(6, 'NFULA_IFINDEX_PHYSINDEV'),
  physicalOutputDevice: be32(7, 'NFULA_IFINDEX_PHYSOUTDEV'),
  hardwareAddress: struct(8, 'NFULA_HWADDR', { length: 'be16', padding: 2, address: 8 }),
  payload: bytes(9, 'NFULA_PAYLOAD'),
  prefix: text(10, 'NFULA_PREFIX', MAXIMUM_LOG_PREFIX),
  userId: be32(11, 'NFULA_UID'),
  sequence: be32(12, 'NFULA_SEQ'),
  globalSequence: be32(13, 'NFULA_SEQ_GLOBAL'),
  groupId: be32(14, 'NFULA_GID'),
  hardwareType: be16(15, 'NFULA_HWTYPE'),
  hardwareHeader: bytes(16, 'NFULA_HWHEADER'),
  hardwareHeaderLength: be16(17, 'NFULA_HWLEN'),
  conntrack: nested(18, 'NFULA_CT', conntrackAttributes),
  conntrackInformation: be32(19, 'NFULA_CT_INFO'),
  vlan: nested(20, 'NFULA_VLAN', logVlanAttributes),
  linkLayerHeader: bytes(21, 'NFULA_L2HDR'),
})
/** A logged packet as owned values: the attributes that it has, and no others. */
export type LogAttributes = AttributeValues<typeof logAttributes>

/** NFULA_CFG_*: the attributes of Config messages. */
export const logConfigAttributes = attributeSet('NFULA_CFG', {
  command: struct(1, 'NFULA_CFG_CMD', { command: 'u8' }),
  mode: struct(2, 'NFULA_CFG_MODE', { copyRange: 'be32', copyMode: 'u8', padding: 1 }),
  /** bytes */
  bufferSize: be32(3, 'NFULA_CFG_NLBUFSIZ'),
  /** hundredths of a second */
  timeout: be32(4, 'NFULA_CFG_TIMEOUT'),
  /** packets */
  threshold: be32(5, 'NFULA_CFG_QTHRESH'),
  flags: be16(6, 'NFULA_CFG_FLAGS'),
})
/** A Config message as owned values. */
export type LogConfig = AttributeValues<typeof logConfigAttributes>
