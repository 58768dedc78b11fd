/**
 * A logged packet: NFULNL_MSG_PACKET. With a threshold many of them come in one datagram, so cheaply that reading them
 * dominates the cost.
 *
 *  nlmsghdr | nfgenmsg | NFULA_PACKET_HDR | … | NFULA_PAYLOAD, last and padded
 *
 *  NFULA_PACKET_HDR (4 bytes)
 *  +----------------+-------+-------+
 *  | protocol (be)  | hook  |  pad  |
 *  +----------------+-------+-------+
 *
 * Time and link-layer address are laid out as in queue/packet.ts.
 */
import type { AttributeValues } from '../../schema/format.ts'
import { networkOrder16 } from '../../wire/endian.ts'
import { type Conntrack, conntrackAttributes } from '../conntrack/attributes.ts'
import { messageResourceId } from '../header.ts'
import { messageAttributes, nestedAttributes } from '../packet-attributes.ts'
import { attributeIndex, IndexedMessageView } from '../packet-view.ts'
import { type LogAttributes, LogMessage, logAttributes, logVlanAttributes } from './attributes.ts'

const HOOK = 2
const HEADER = logAttributes.members.packetHeader.number
const index = attributeIndex(logAttributes, {
  messageType: LogMessage.Packet,
  required: HEADER,
  payload: logAttributes.members.payload.number,
})

/**
 * A logged packet in place; `IndexedMessageView` says how long it is valid. The attribute numbers are literals on this
 * hot path: the tests compare each property with the attribute of the table.
 */
export class LogRecordView extends IndexedMessageView {
  constructor() {
    super(index)
  }

  /** EtherType: 0x0800 IPv4, 0x86dd IPv6 (NFULA_PACKET_HDR) */
  get protocol(): number {
    return networkOrder16(this.memory.u16[this.payloadAt(HEADER) >> 1] as number)
  }

  /** hook at which it was logged: `Hook` (NFULA_PACKET_HDR) */
  get hook(): number {
    return this.memory.u8[this.payloadAt(HEADER) + HOOK] as number
  }

  /** log group number (`res_id`) */
  get group(): number {
    return messageResourceId(this.memory, this.offset)
  }

  /** the packet's mark (NFULA_MARK); the kernel omits a mark of 0 */
  get mark(): number | undefined {
    return this.word(2)
  }

  /** index of the interface that it arrived on (NFULA_IFINDEX_INDEV) */
  get inputDevice(): number | undefined {
    return this.word(4)
  }

  /** index of the interface that it leaves through (NFULA_IFINDEX_OUTDEV) */
  get outputDevice(): number | undefined {
    return this.word(5)
  }

  /** index of the bridge port that it arrived on (NFULA_IFINDEX_PHYSINDEV) */
  get physicalInputDevice(): number | undefined {
    return this.word(6)
  }

  /** index of the bridge port that it leaves through (NFULA_IFINDEX_PHYSOUTDEV) */
  get physicalOutputDevice(): number | undefined {
    return this.word(7)
  }

  /** the VLAN tag that was removed from the packet, as the kernel's `vlan_tci`; bridge only (NFULA_VLAN_TCI) */
  get vlanTag(): number | undefined {
    return this.nestedHalfWord(20, logVlanAttributes.members.tag.number)
  }

  /** user id of the sending socket's owner (NFULA_UID) */
  get userId(): number | undefined {
    return this.word(11)
  }

  /** group id of the sending socket's owner (NFULA_GID) */
  get groupId(): number | undefined {
    return this.word(14)
  }

  /** sequence number of the packet within its group, from 0 (NFULA_SEQ) */
  get sequence(): number | undefined {
    return this.word(12)
  }

  /** sequence number of the packet over all groups (NFULA_SEQ_GLOBAL) */
  get globalSequence(): number | undefined {
    return this.word(13)
  }

  /** type of the device, ARPHRD_… (NFULA_HWTYPE) */
  get hardwareType(): number | undefined {
    return this.halfWord(15)
  }

  /** its state within its connection: `ConntrackInfo` (NFULA_CT_INFO) */
  get conntrackInformation(): number | undefined {
    return this.word(19)
  }

  /** The rule's log prefix (NFULA_PREFIX). */
  prefix(): string | undefined {
    return this.textOf(10)
  }

  /** When it was received, in microseconds since 1970 (NFULA_TIMESTAMP). */
  timestamp(): bigint | undefined {
    return this.timeOf(3)
  }

  /** A copy of the sender's link-layer address (NFULA_HWADDR). */
  hardwareAddress(): Uint8Array | undefined {
    return this.addressOf(8)
  }

  /** A copy of the link-layer header (NFULA_HWHEADER). */
  hardwareHeader(): Uint8Array | undefined {
    return this.copyOf(16)
  }

  /** The VLAN tag (NFULA_VLAN). Throws `DecodeError` if its attributes are malformed. */
  vlan(): AttributeValues<typeof logVlanAttributes> | undefined {
    return nestedAttributes(this, 20, logVlanAttributes)
  }

  /** A copy of the link-layer header that precedes the network header (NFULA_L2HDR). */
  linkLayerHeader(): Uint8Array | undefined {
    return this.copyOf(21)
  }

  /** All attributes of the message as owned values, unknown ones included. Throws `DecodeError`. */
  attributes(): LogAttributes {
    return messageAttributes(this, logAttributes)
  }
}

/**
 * The connection that the logged packet belongs to (NFULA_CT). Throws `DecodeError` if its attributes are malformed.
 */
export function logRecordConntrack(record: LogRecordView): Conntrack | undefined {
  return nestedAttributes(record, logAttributes.members.conntrack.number, conntrackAttributes)
}
