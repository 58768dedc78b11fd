/**
 * A packet that waits for its verdict: NFQNL_MSG_PACKET, the message that comes a million times a second.
 *
 *  nlmsghdr | nfgenmsg | NFQA_PACKET_HDR | … | NFQA_PAYLOAD, last and unpadded
 *
 *  NFQA_PACKET_HDR (7 bytes, packed)     NFQA_HWADDR (12 bytes)            NFQA_TIMESTAMP (16 bytes)
 *  +--------------------------------+    +----------------+-----------+    +----------------------+
 *  |         id (big endian)        |    | length (be)    |  padding  |    |   seconds (be 64)    |
 *  +----------------+---------------+    +----------------+-----------+    +----------------------+
 *  | protocol (be)  |     hook      |    |     address, 8 bytes       |    | microseconds (be 64) |
 *  +----------------+---------------+    +----------------------------+    +----------------------+
 */
import { networkOrder16, networkOrder32 } from '../../wire/endian.ts'
import { messageResourceId } from '../header.ts'
import { attributeIndex, IndexedMessageView } from '../packet-view.ts'
import { PacketInformation, QueueMessage, queuePacketFields, queueVlanAttributes } from './attributes.ts'

const PROTOCOL = 4
const HOOK = PROTOCOL + 2
const HEADER = queuePacketFields.members.packetHeader.number
const index = attributeIndex(queuePacketFields, {
  messageType: QueueMessage.Packet,
  required: HEADER,
  payload: queuePacketFields.members.payload.number,
})

/**
 * A packet in place; `IndexedMessageView` says how long it is valid. `queuePacketAttributes` and its neighbours read
 * nested attributes, or all attributes at once. The attribute numbers are literals on this hot path: the tests compare
 * each property with the attribute of the table.
 */
export class QueuePacketView extends IndexedMessageView {
  constructor() {
    super(index)
  }

  /** packet id, which the verdict names: from 1, per queue, wrapping at 32 bits (NFQA_PACKET_HDR) */
  get id(): number {
    return networkOrder32(this.memory.u32[this.payloadAt(HEADER) >> 2] as number)
  }

  /** EtherType: 0x0800 IPv4, 0x86dd IPv6 (NFQA_PACKET_HDR) */
  get protocol(): number {
    return networkOrder16(this.memory.u16[(this.payloadAt(HEADER) + PROTOCOL) >> 1] as number)
  }

  /** hook at which it was caught: `Hook` (NFQA_PACKET_HDR) */
  get hook(): number {
    return this.memory.u8[this.payloadAt(HEADER) + HOOK] as number
  }

  /** queue number (`res_id`) */
  get queueNumber(): number {
    return messageResourceId(this.memory, this.offset)
  }

  /** the packet's mark (NFQA_MARK); the kernel omits a mark of 0 */
  get mark(): number | undefined {
    return this.word(3)
  }

  /** index of the interface that it arrived on (NFQA_IFINDEX_INDEV) */
  get inputDevice(): number | undefined {
    return this.word(5)
  }

  /** index of the interface that it leaves through (NFQA_IFINDEX_OUTDEV) */
  get outputDevice(): number | undefined {
    return this.word(6)
  }

  /** index of the bridge port that it arrived on (NFQA_IFINDEX_PHYSINDEV) */
  get physicalInputDevice(): number | undefined {
    return this.word(7)
  }

  /** index of the bridge port that it leaves through (NFQA_IFINDEX_PHYSOUTDEV) */
  get physicalOutputDevice(): number | undefined {
    return this.word(8)
  }

  /** its state within its connection: `ConntrackInfo` (NFQA_CT_INFO) */
  get conntrackInformation(): number | undefined {
    return this.word(12)
  }

  /**
   * length of the whole packet in bytes, of which {@link payloadLength} were copied (NFQA_CAP_LEN if the kernel
   * truncated it)
   */
  get fullLength(): number {
    return this.word(13) ?? this.payloadLength
  }

  /** bits of `PacketInformation` (NFQA_SKB_INFO); 0 when the kernel omitted it */
  get packetInformation(): number {
    return this.word(14) ?? 0
  }

  /** larger than its device's MTU: segmentation is still to come */
  get isSegmentationOffloaded(): boolean {
    return (this.packetInformation & PacketInformation.SegmentationOffload) !== 0
  }

  /**
   * the transport checksum is partial, for the device to complete; only with `segmentationOffload`. A payload that is
   * sent back must carry a complete one
   */
  get isChecksumPartial(): boolean {
    return (this.packetInformation & PacketInformation.ChecksumNotReady) !== 0
  }

  /** the VLAN tag that was removed from the packet, as the kernel's `vlan_tci`; bridge only (NFQA_VLAN_TCI) */
  get vlanTag(): number | undefined {
    return this.nestedHalfWord(19, queueVlanAttributes.members.tag.number)
  }

  /** user id of the sending socket's owner (NFQA_UID) */
  get userId(): number | undefined {
    return this.word(16)
  }

  /** group id of the sending socket's owner (NFQA_GID) */
  get groupId(): number | undefined {
    return this.word(17)
  }

  /** `skb->priority` (NFQA_PRIORITY); Linux 5.18 */
  get priority(): number | undefined {
    return this.word(21)
  }

  /** net_cls class of the sending cgroup (NFQA_CGROUP_CLASSID); Linux 6.4 */
  get cgroupClassId(): number | undefined {
    return this.word(22)
  }

  /** When it was received, in microseconds since 1970 (NFQA_TIMESTAMP). */
  timestamp(): bigint | undefined {
    return this.timeOf(4)
  }

  /** A copy of the sender's link-layer address (NFQA_HWADDR). */
  hardwareAddress(): Uint8Array | undefined {
    return this.addressOf(9)
  }

  /** The security context of the packet, as its security module prints it (NFQA_SECCTX). */
  securityContext(): string | undefined {
    return this.textOf(18)
  }

  /** A copy of the link-layer header that precedes the network header (NFQA_L2HDR). */
  linkLayerHeader(): Uint8Array | undefined {
    return this.copyOf(20)
  }
}
