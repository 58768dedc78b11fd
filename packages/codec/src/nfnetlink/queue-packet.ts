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
import { ATTRIBUTE_HEADER_LENGTH, AttributeBit, attributeProblem } from '../attribute.ts'
import { type AttributeValues, attributeByNumber, payloadBounds, readAttributes } from '../attribute-set.ts'
import { networkOrder16, networkOrder32 } from '../endian.ts'
import { DecodeError } from '../errors.ts'
import { align4, checkRegion, Memory } from '../memory.ts'
import { type Conntrack, conntrackAttributes, type Expectation, expectationAttributes } from './conntrack.ts'
import { messageFamily, messageResourceId, NFNETLINK_ATTRIBUTES } from './header.ts'
import { PacketInformation, type QueueAttributes, QueueMessage, queueAttributes, queueVlanAttributes } from './queue.ts'

const PROTOCOL = 4
const HOOK = PROTOCOL + 2

const KNOWN = queueAttributes.names.length
const minimumLength = new Uint16Array(KNOWN)
const maximumLength = new Uint16Array(KNOWN).fill(0xffff)
for (let number = 0; number < KNOWN; number++) {
  const attribute = attributeByNumber(queueAttributes, number)
  if (attribute === undefined) continue
  const { minimum, maximum } = payloadBounds(attribute.format)
  minimumLength[number] = ATTRIBUTE_HEADER_LENGTH + minimum
  maximumLength[number] = ATTRIBUTE_HEADER_LENGTH + maximum
}

/**
 * A packet where it lies. After {@link wrap} no property can fail or read outside the message; that ends with the release
 * of the memory. A property is a load and `undefined` if the attribute is not there; a method allocates.
 */
export class QueuePacketView {
  memory: Memory = EMPTY
  /** where the message begins */
  offset = 0
  /** bytes of the message */
  length = 0
  // One bit per attribute that is there, so that aiming at the next packet resets one word and not twenty.
  private present = 0
  private header = 0
  private markAt = 0
  private timestampAt = 0
  private inputDeviceAt = 0
  private outputDeviceAt = 0
  private physicalInputDeviceAt = 0
  private physicalOutputDeviceAt = 0
  private hardwareAddressAt = 0
  private conntrackAt = 0
  private conntrackInformationAt = 0
  private fullLengthAt = 0
  private packetInformationAt = 0
  private expectationAt = 0
  private userIdAt = 0
  private groupIdAt = 0
  private securityContextAt = 0
  private vlanAt = 0
  private linkLayerHeaderAt = 0
  private priorityAt = 0
  private cgroupClassIdAt = 0
  /** where the payload begins in {@link memory}; meaningless when {@link payloadLength} is 0 */
  payloadOffset = 0
  /** bytes of the packet that were copied, from its network header on; 0 when none were asked for */
  payloadLength = 0

  /** Aims at the packet message at `offset`, `length` bytes long. Throws `DecodeError`. */
  wrap(memory: Memory, offset: number, length: number): this {
    checkRegion(memory, offset, length, 'queue packet')
    if (length < NFNETLINK_ATTRIBUTES) throw shortHeader(offset, length)
    const type = memory.u16[(offset + 4) >> 1] as number
    if (type !== QueueMessage.Packet) throw wrongType(type, offset, length)
    const end = offset + length
    const { u16 } = memory
    let position = offset + NFNETLINK_ATTRIBUTES
    let present = 0
    this.payloadLength = 0
    while (position < end) {
      const size = u16[position >> 1] as number
      const number = (u16[(position >> 1) + 1] as number) & AttributeBit.TypeMask
      if (end - position < ATTRIBUTE_HEADER_LENGTH || size < ATTRIBUTE_HEADER_LENGTH || size > end - position) {
        throw malformed(memory, position, end - position)
      }
      if (number < KNOWN) {
        if (size < (minimumLength[number] as number) || size > (maximumLength[number] as number)) {
          throw wrongSize(number, position, size)
        }
        present |= 1 << number
        this.note(number, position + ATTRIBUTE_HEADER_LENGTH, size - ATTRIBUTE_HEADER_LENGTH)
      }
      position += align4(size)
    }
    if ((present & (1 << 1)) === 0) throw missingHeader(offset, length)
    this.memory = memory
    this.offset = offset
    this.length = length
    this.present = present
    return this
  }

  private note(number: number, at: number, length: number): void {
    switch (number) {
      case 1:
        this.header = at
        return
      case 3:
        this.markAt = at
        return
      case 4:
        this.timestampAt = at
        return
      case 5:
        this.inputDeviceAt = at
        return
      case 6:
        this.outputDeviceAt = at
        return
      case 7:
        this.physicalInputDeviceAt = at
        return
      case 8:
        this.physicalOutputDeviceAt = at
        return
      case 9:
        this.hardwareAddressAt = at
        return
      case 10:
        this.payloadOffset = at
        this.payloadLength = length
        return
      case 11:
        this.conntrackAt = at
        return
      case 12:
        this.conntrackInformationAt = at
        return
      case 13:
        this.fullLengthAt = at
        return
      case 14:
        this.packetInformationAt = at
        return
      case 15:
        this.expectationAt = at
        return
      case 16:
        this.userIdAt = at
        return
      case 17:
        this.groupIdAt = at
        return
      case 18:
        this.securityContextAt = at
        return
      case 19:
        this.vlanAt = at
        return
      case 20:
        this.linkLayerHeaderAt = at
        return
      case 21:
        this.priorityAt = at
        return
      case 22:
        this.cgroupClassIdAt = at
        return
    }
  }

  /** the number that the verdict names: from 1, per queue, wrapping at 32 bits (NFQA_PACKET_HDR) */
  get id(): number {
    return networkOrder32(this.memory.u32[this.header >> 2] as number)
  }

  /** EtherType: 0x0800 IPv4, 0x86dd IPv6 (NFQA_PACKET_HDR) */
  get protocol(): number {
    return networkOrder16(this.memory.u16[(this.header + PROTOCOL) >> 1] as number)
  }

  /** where it was caught: `Hook` (NFQA_PACKET_HDR) */
  get hook(): number {
    return this.memory.u8[this.header + HOOK] as number
  }

  /** protocol family: `Family` (`nfgen_family`) */
  get family(): number {
    return messageFamily(this.memory, this.offset)
  }

  /** number of the queue (`res_id`) */
  get queueNumber(): number {
    return messageResourceId(this.memory, this.offset)
  }

  /** the packet's mark (NFQA_MARK); the kernel leaves a mark of 0 out */
  get mark(): number | undefined {
    return this.word(3, this.markAt)
  }

  /** index of the interface that it came in by (NFQA_IFINDEX_INDEV) */
  get inputDevice(): number | undefined {
    return this.word(5, this.inputDeviceAt)
  }

  /** index of the interface that it goes out by (NFQA_IFINDEX_OUTDEV) */
  get outputDevice(): number | undefined {
    return this.word(6, this.outputDeviceAt)
  }

  /** index of the bridge port that it came in by (NFQA_IFINDEX_PHYSINDEV) */
  get physicalInputDevice(): number | undefined {
    return this.word(7, this.physicalInputDeviceAt)
  }

  /** index of the bridge port that it goes out by (NFQA_IFINDEX_PHYSOUTDEV) */
  get physicalOutputDevice(): number | undefined {
    return this.word(8, this.physicalOutputDeviceAt)
  }

  /** how it stands to its connection: `ConntrackInfo` (NFQA_CT_INFO) */
  get conntrackInformation(): number | undefined {
    return this.word(12, this.conntrackInformationAt)
  }

  /** bytes that the packet has, of which {@link payloadLength} were copied (NFQA_CAP_LEN where the kernel cut it) */
  get fullLength(): number {
    return this.word(13, this.fullLengthAt) ?? this.payloadLength
  }

  /** bits of `PacketInformation` (NFQA_SKB_INFO); 0 when the kernel left it out */
  get packetInformation(): number {
    return this.word(14, this.packetInformationAt) ?? 0
  }

  /** larger than its device's MTU: segmentation is still to come */
  get isSegmentationOffloaded(): boolean {
    return (this.packetInformation & PacketInformation.SegmentationOffload) !== 0
  }

  /** user id of the sending socket's owner (NFQA_UID) */
  get userId(): number | undefined {
    return this.word(16, this.userIdAt)
  }

  /** group id of the sending socket's owner (NFQA_GID) */
  get groupId(): number | undefined {
    return this.word(17, this.groupIdAt)
  }

  /** `skb->priority` (NFQA_PRIORITY); Linux 5.18 */
  get priority(): number | undefined {
    return this.word(21, this.priorityAt)
  }

  /** net_cls class of the sending cgroup (NFQA_CGROUP_CLASSID); Linux 6.4 */
  get cgroupClassId(): number | undefined {
    return this.word(22, this.cgroupClassIdAt)
  }

  private word(number: number, at: number): number | undefined {
    return (this.present & (1 << number)) === 0 ? undefined : networkOrder32(this.memory.u32[at >> 2] as number)
  }

  /** The payload as a window on the frame: it dies with it. */
  payload(): Uint8Array {
    return this.memory.u8.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength)
  }

  /** When it was received, in microseconds since 1970 (NFQA_TIMESTAMP). */
  timestamp(): bigint | undefined {
    if ((this.present & (1 << 4)) === 0) return undefined
    const { data } = this.memory
    return data.getBigUint64(this.timestampAt) * 1_000_000n + data.getBigUint64(this.timestampAt + 8)
  }

  /** A copy of the sender's link-layer address (NFQA_HWADDR). */
  hardwareAddress(): Uint8Array | undefined {
    if ((this.present & (1 << 9)) === 0) return undefined
    const length = networkOrder16(this.memory.u16[this.hardwareAddressAt >> 1] as number)
    return this.memory.copy(this.hardwareAddressAt + 4, Math.min(length, 8))
  }

  /** The connection that it belongs to (NFQA_CT). Throws `DecodeError` where its attributes are malformed. */
  conntrack(): Conntrack | undefined {
    if ((this.present & (1 << 11)) === 0) return undefined
    return readAttributes(conntrackAttributes, this.memory, this.conntrackAt, this.lengthAt(this.conntrackAt))
  }

  /** The connection that it makes expected (NFQA_EXP). Throws `DecodeError` where its attributes are malformed. */
  expectation(): Expectation | undefined {
    if ((this.present & (1 << 15)) === 0) return undefined
    return readAttributes(expectationAttributes, this.memory, this.expectationAt, this.lengthAt(this.expectationAt))
  }

  /** The VLAN tag (NFQA_VLAN). Throws `DecodeError` where its attributes are malformed. */
  vlan(): AttributeValues<typeof queueVlanAttributes> | undefined {
    if ((this.present & (1 << 19)) === 0) return undefined
    return readAttributes(queueVlanAttributes, this.memory, this.vlanAt, this.lengthAt(this.vlanAt))
  }

  /** The security context of the packet, as its security module prints it (NFQA_SECCTX). */
  securityContext(): string | undefined {
    if ((this.present & (1 << 18)) === 0) return undefined
    const text = this.memory.copy(this.securityContextAt, this.lengthAt(this.securityContextAt))
    return new TextDecoder().decode(text.at(-1) === 0 ? text.subarray(0, -1) : text)
  }

  /** A copy of the header below the network header (NFQA_L2HDR). */
  linkLayerHeader(): Uint8Array | undefined {
    if ((this.present & (1 << 20)) === 0) return undefined
    return this.memory.copy(this.linkLayerHeaderAt, this.lengthAt(this.linkLayerHeaderAt))
  }

  /** Everything that the message holds, as owned values, unknown attributes included. Throws `DecodeError`. */
  attributes(): QueueAttributes {
    const start = this.offset + NFNETLINK_ATTRIBUTES
    return readAttributes(queueAttributes, this.memory, start, this.offset + this.length - start)
  }

  private lengthAt(payload: number): number {
    const header = payload - ATTRIBUTE_HEADER_LENGTH
    return (this.memory.u16[header >> 1] as number) - ATTRIBUTE_HEADER_LENGTH
  }
}

const EMPTY = new Memory(NFNETLINK_ATTRIBUTES)

function shortHeader(offset: number, have: number): DecodeError {
  return new DecodeError('SHORT_HEADER', 'queue packet', { offset, need: NFNETLINK_ATTRIBUTES, have })
}

function wrongType(type: number, offset: number, have: number): DecodeError {
  return new DecodeError('MESSAGE_TYPE', `queue packet of type ${type}`, { offset, need: NFNETLINK_ATTRIBUTES, have })
}

function malformed(memory: Memory, offset: number, have: number): DecodeError {
  const code = attributeProblem(memory, offset, have) ?? 'ATTRIBUTE_LENGTH'
  const need = code === 'SHORT_HEADER' ? ATTRIBUTE_HEADER_LENGTH : (memory.u16[offset >> 1] as number)
  return new DecodeError(code, 'attribute of NFQA', { offset, need, have })
}

function wrongSize(number: number, offset: number, have: number): DecodeError {
  const name = attributeByNumber(queueAttributes, number)?.kernelName ?? `NFQA attribute ${number}`
  return new DecodeError('ATTRIBUTE_SIZE', name, { offset, need: minimumLength[number] as number, have })
}

function missingHeader(offset: number, have: number): DecodeError {
  return new DecodeError('ATTRIBUTE_MISSING', 'NFQA_PACKET_HDR', { offset, need: 11, have })
}
