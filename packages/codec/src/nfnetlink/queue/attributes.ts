/**
 * nfnetlink_queue: the messages, constants and attribute tables of the packet queue
 * (uapi/linux/netfilter/nfnetlink_queue.h). All attribute values are in network byte order. The view of a packet is in
 * packet.ts, the writers of verdicts are in verdict.ts.
 *
 *  every message:  nlmsghdr | nfgenmsg, whose resource id is the queue number | attributes
 */
import { be16, be32, bytes, nested, struct, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet, MAXIMUM_PAYLOAD } from '../../schema/format.ts'
import { conntrackAttributes } from '../conntrack/attributes.ts'
import { expectationAttributes } from '../conntrack/expectation.ts'

/** `nlmsg_type` of the queue's messages: NFNL_SUBSYS_QUEUE in the upper byte. */
export const QueueMessage = {
  /** NFQNL_MSG_PACKET: from the kernel, a packet that waits for its verdict */
  Packet: 0x0300,
  /** NFQNL_MSG_VERDICT: the verdict on one packet */
  Verdict: 0x0301,
  /** NFQNL_MSG_CONFIG */
  Config: 0x0302,
  /** NFQNL_MSG_VERDICT_BATCH: one verdict on all packets up to an id */
  VerdictBatch: 0x0303,
} as const
export type QueueMessage = (typeof QueueMessage)[keyof typeof QueueMessage]

/** Commands of a Config message (`nfqnl_msg_config_cmds`). */
export const QueueCommand = {
  /** NFQNL_CFG_CMD_NONE */
  None: 0,
  /** NFQNL_CFG_CMD_BIND: binds the queue to this socket */
  Bind: 1,
  /** NFQNL_CFG_CMD_UNBIND: drops the packets that still wait */
  Unbind: 2,
  /** NFQNL_CFG_CMD_PF_BIND: no effect since Linux 3.8 */
  FamilyBind: 3,
  /** NFQNL_CFG_CMD_PF_UNBIND: no effect since Linux 3.8 */
  FamilyUnbind: 4,
} as const
export type QueueCommand = (typeof QueueCommand)[keyof typeof QueueCommand]

/** How much of a packet the kernel copies to user space (`nfqnl_config_mode`). */
export const CopyMode = {
  /** NFQNL_COPY_NONE, NFULNL_COPY_NONE: nothing is delivered */
  None: 0,
  /** NFQNL_COPY_META, NFULNL_COPY_META: everything but the payload */
  Meta: 1,
  /** NFQNL_COPY_PACKET, NFULNL_COPY_PACKET: also the payload, up to the copy range */
  Packet: 2,
} as const
export type CopyMode = (typeof CopyMode)[keyof typeof CopyMode]

/** Flags of a queue, for the config attributes `flags` and `mask`. */
export const QueueFlag = {
  /** NFQA_CFG_F_FAIL_OPEN: packets are accepted when the queue is full; Linux 3.6 */
  FailOpen: 0x1,
  /** NFQA_CFG_F_CONNTRACK: packets carry their connection */
  Conntrack: 0x2,
  /** NFQA_CFG_F_GSO: packets are not segmented, and may have no checksum yet; Linux 3.10 */
  SegmentationOffload: 0x4,
  /** NFQA_CFG_F_UID_GID: packets carry the user and group of their socket; Linux 3.14 */
  UserAndGroup: 0x8,
  /** NFQA_CFG_F_SECCTX: packets carry their security context; Linux 4.3 */
  SecurityContext: 0x10,
} as const
export type QueueFlag = (typeof QueueFlag)[keyof typeof QueueFlag]

/** Flags of a packet, in the attribute `packetInformation`. */
export const PacketInformation = {
  /** NFQA_SKB_CSUMNOTREADY: the checksums are still to be computed by the device */
  ChecksumNotReady: 0x1,
  /** NFQA_SKB_GSO: larger than the device's MTU, to be segmented later */
  SegmentationOffload: 0x2,
  /** NFQA_SKB_CSUM_NOTVERIFIED: the checksums of this incoming packet have not been verified */
  ChecksumNotVerified: 0x4,
} as const
export type PacketInformation = (typeof PacketInformation)[keyof typeof PacketInformation]

/** The largest copy range, in bytes; 0 or more than this means this. */
export const MAXIMUM_COPY_RANGE: number = MAXIMUM_PAYLOAD
/** The largest queue length that the kernel grants, in packets. */
export const MAXIMUM_QUEUE_LENGTH = 65536
/** The queue length that the kernel starts with, in packets. */
export const DEFAULT_QUEUE_LENGTH = 1024

/** NFQA_VLAN_*. */
export const queueVlanAttributes = attributeSet('NFQA_VLAN', {
  /** EtherType of the tag: 0x8100, 0x88a8 */
  protocol: be16(1, 'NFQA_VLAN_PROTO'),
  /** priority, drop eligibility, VLAN number */
  tag: be16(2, 'NFQA_VLAN_TCI'),
})

// NFQA_* in the order of their numbers, without the three that are nests.
const beforeConntrack = {
  packetHeader: struct(1, 'NFQA_PACKET_HDR', { id: 'be32', protocol: 'be16', hook: 'u8' }),
  verdictHeader: struct(2, 'NFQA_VERDICT_HDR', { verdict: 'be32', id: 'be32' }),
  mark: be32(3, 'NFQA_MARK'),
  timestamp: struct(4, 'NFQA_TIMESTAMP', { seconds: 'be64', microseconds: 'be64' }),
  inputDevice: be32(5, 'NFQA_IFINDEX_INDEV'),
  outputDevice: be32(6, 'NFQA_IFINDEX_OUTDEV'),
  physicalInputDevice: be32(7, 'NFQA_IFINDEX_PHYSINDEV'),
  physicalOutputDevice: be32(8, 'NFQA_IFINDEX_PHYSOUTDEV'),
  hardwareAddress: struct(9, 'NFQA_HWADDR', { length: 'be16', padding: 2, address: 8 }),
  payload: bytes(10, 'NFQA_PAYLOAD'),
}
const beforeExpectation = {
  conntrackInformation: be32(12, 'NFQA_CT_INFO'),
  fullLength: be32(13, 'NFQA_CAP_LEN'),
  packetInformation: be32(14, 'NFQA_SKB_INFO'),
}
const beforeVlan = {
  userId: be32(16, 'NFQA_UID'),
  groupId: be32(17, 'NFQA_GID'),
  securityContext: text(18, 'NFQA_SECCTX', 4096),
}
const afterVlan = {
  linkLayerHeader: bytes(20, 'NFQA_L2HDR'),
  priority: be32(21, 'NFQA_PRIORITY'),
  cgroupClassId: be32(22, 'NFQA_CGROUP_CLASSID'),
}

/** NFQA_*: the attributes of packets and verdicts. */
export const queueAttributes = attributeSet('NFQA', {
  ...beforeConntrack,
  conntrack: nested(11, 'NFQA_CT', conntrackAttributes),
  ...beforeExpectation,
  expectation: nested(15, 'NFQA_EXP', expectationAttributes),
  ...beforeVlan,
  vlan: nested(19, 'NFQA_VLAN', queueVlanAttributes),
  ...afterVlan,
})
/** The same table for the view, with nests as bytes: it needs no tables of connection tracking. */
export const queuePacketFields = attributeSet('NFQA', {
  ...beforeConntrack,
  conntrack: bytes(11, 'NFQA_CT'),
  ...beforeExpectation,
  expectation: bytes(15, 'NFQA_EXP'),
  ...beforeVlan,
  vlan: bytes(19, 'NFQA_VLAN'),
  ...afterVlan,
})
/** A packet or verdict as owned values: the attributes that it has, and no others. */
export type QueueAttributes = AttributeValues<typeof queueAttributes>

/** NFQA_CFG_*: the attributes of Config messages. */
export const queueConfigAttributes = attributeSet('NFQA_CFG', {
  command: struct(1, 'NFQA_CFG_CMD', { command: 'u8', padding: 1, family: 'be16' }),
  parameters: struct(2, 'NFQA_CFG_PARAMS', { copyRange: 'be32', copyMode: 'u8' }),
  maximumLength: be32(3, 'NFQA_CFG_QUEUE_MAXLEN'),
  mask: be32(4, 'NFQA_CFG_MASK'),
  flags: be32(5, 'NFQA_CFG_FLAGS'),
})
/** A Config message as owned values. */
export type QueueConfig = AttributeValues<typeof queueConfigAttributes>
