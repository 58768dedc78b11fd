/** NFQNL_MSG_PACKET as the kernel writes it: these attributes in this order, the payload last and unpadded. */
import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeWriter,
  align4,
  CopyMode,
  Hook,
  type Memory,
  PacketInformation,
  QueueFlag,
  QueueMessage,
  queueAttributes,
} from '@ringlink/codec'
import { attributeNumbers, networkOrder16, networkOrder32 } from '@ringlink/codec/internal'
import type { ConntrackGlue, DescribedConnection } from '../conntrack/glue.ts'
import { fillChecksum } from '../internet/transit.ts'
import { Checksum, type PacketOwner, type SimPacket } from '../netfilter/packet.ts'
import type { QueueInstance } from './instance.ts'

const NFQA = attributeNumbers(queueAttributes)
const CONNECTION_ATTRIBUTES = { connection: NFQA.conntrack, information: NFQA.conntrackInformation }

/** Bytes that the kernel reserves for every packet: headers and the attributes of fixed size; measured. */
const FIXED_SIZE = 120
const TIMESTAMP_SIZE = 20
const USER_AND_GROUP_SIZE = 16
/** Where the id is, from the start of the message. */
const ID = 24
const encoder = new TextEncoder()

/** Writes the packet messages of all queues; one message at a time. */
export class PacketMessageWriter {
  /** the allocation size of the message, after {@link prepare} */
  size = 0
  /** bytes of the payload that are charged as pages */
  attached = 0
  #copied = 0
  #fullLength = 0
  #context: Uint8Array | undefined
  #connection: DescribedConnection | undefined
  #glue: ConntrackGlue | undefined
  #writer = new AttributeWriter()

  /** @param glue tells the connections of packets; undefined in a kernel without */
  constructor(glue: ConntrackGlue | undefined) {
    this.#glue = glue
  }

  /** Decides how much of `packet` is copied, and completes its checksum if that is due. */
  prepare(queue: QueueInstance, packet: SimPacket): void {
    let size = FIXED_SIZE
    if (packet.timestamp !== undefined) size += TIMESTAMP_SIZE
    this.#copied = 0
    this.#fullLength = 0
    this.attached = 0
    if (queue.copyMode === CopyMode.Packet) {
      if (packet.checksum === Checksum.Partial && (queue.flags & QueueFlag.SegmentationOffload) === 0) {
        completeChecksum(packet)
      }
      const copied = Math.min(queue.copyRange, packet.bytes.length)
      const linear = Math.min(packet.linearLength, copied)
      this.#copied = copied
      this.#fullLength = packet.bytes.length
      this.attached = copied - linear
      size += ATTRIBUTE_HEADER_LENGTH + linear
    }
    if ((queue.flags & QueueFlag.UserAndGroup) !== 0) size += USER_AND_GROUP_SIZE
    this.#context = undefined
    if (
      (queue.flags & QueueFlag.SecurityContext) !== 0 &&
      packet.owner !== undefined &&
      packet.securityContext !== undefined
    ) {
      this.#context = encoder.encode(packet.securityContext)
      size += ATTRIBUTE_HEADER_LENGTH + align4(this.#context.length)
    }
    this.#connection = undefined
    if ((queue.flags & QueueFlag.Conntrack) !== 0 && packet.connection !== undefined) {
      this.#connection = this.#glue?.describe(packet, CONNECTION_ATTRIBUTES)
      size += this.#connection?.allocated ?? 0
    }
    this.size = size
  }

  /** Writes the message at `offset`; its length. The id is settled by {@link writeId}. */
  write(memory: Memory, offset: number, queue: QueueInstance, packet: SimPacket): number {
    const { u8, u16, u32 } = memory
    const word = offset >> 2
    const half = offset >> 1
    u16[half + 2] = QueueMessage.Packet
    u16[half + 3] = 0
    u32[word + 2] = 0
    u32[word + 3] = 0
    u8[offset + 16] = packet.family
    u8[offset + 17] = 0
    u16[half + 9] = networkOrder16(queue.number)
    u16[half + 10] = 11
    u16[half + 11] = NFQA.packetHeader
    u16[half + 14] = networkOrder16(packet.protocol)
    u8[offset + 30] = packet.hook
    u8[offset + 31] = 0
    let at = offset + 32
    if (packet.inputDevice !== 0) at = putWord(memory, at, NFQA.inputDevice, packet.inputDevice)
    if (packet.physicalInputDevice !== 0) {
      at = putWord(memory, at, NFQA.physicalInputDevice, packet.physicalInputDevice)
    }
    if (packet.outputDevice !== 0) at = putWord(memory, at, NFQA.outputDevice, packet.outputDevice)
    if (packet.physicalOutputDevice !== 0) {
      at = putWord(memory, at, NFQA.physicalOutputDevice, packet.physicalOutputDevice)
    }
    if (packet.mark !== 0) at = putWord(memory, at, NFQA.mark, packet.mark)
    if (packet.priority !== 0) at = putWord(memory, at, NFQA.priority, packet.priority)
    if (packet.inputDevice !== 0 && packet.hardwareAddress !== undefined) {
      at = putHardwareAddress(memory, at, packet.hardwareAddress)
    }
    if (packet.timestamp !== undefined && packet.hook <= Hook.Forward) {
      at = putTimestamp(memory, at, packet.timestamp)
    }
    if (packet.owner !== undefined) at = this.#putOwner(memory, at, queue, packet, packet.owner)
    if (this.#connection !== undefined) {
      memory.u8.set(this.#connection.bytes, at)
      at += this.#connection.bytes.length
    }
    if (this.#fullLength > this.#copied) at = putWord(memory, at, NFQA.fullLength, this.#fullLength)
    const information = packetInformation(packet)
    if (information !== 0) at = putWord(memory, at, NFQA.packetInformation, information)
    if (this.#copied > 0) at = putPayload(memory, at, packet.bytes, this.#copied)
    u32[word] = at - offset
    return at - offset
  }

  #putOwner(memory: Memory, start: number, queue: QueueInstance, packet: SimPacket, owner: PacketOwner): number {
    let at = start
    if ((queue.flags & QueueFlag.UserAndGroup) !== 0 && owner.closed !== true) {
      at = putWord(memory, at, NFQA.userId, owner.userId)
      at = putWord(memory, at, NFQA.groupId, owner.groupId)
    }
    if (packet.cgroupClassId !== 0) at = putWord(memory, at, NFQA.cgroupClassId, packet.cgroupClassId)
    if (this.#context === undefined) return at
    this.#writer.wrap(memory, at, at + ATTRIBUTE_HEADER_LENGTH + align4(this.#context.length))
    this.#writer.bytes(NFQA.securityContext, this.#context)
    return this.#writer.position
  }
}

/** Settles the id of a message that is written already: it is given out only once the packet has its place. */
export function writeId(memory: Memory, offset: number, id: number): void {
  memory.u32[(offset + ID) >> 2] = networkOrder32(id)
}

function completeChecksum(packet: SimPacket): void {
  packet.bytes = packet.bytes.slice()
  fillChecksum(packet.bytes)
  packet.checksum = Checksum.Unverified
}

function packetInformation(packet: SimPacket): number {
  const fromOutside = packet.hook <= Hook.Forward || (packet.hook === Hook.Postrouting && packet.owner === undefined)
  let information = 0
  if (packet.checksum === Checksum.Partial) information = PacketInformation.ChecksumNotReady
  else if (fromOutside && packet.checksum === Checksum.Unverified) information = PacketInformation.ChecksumNotVerified
  return packet.segmentSize === 0 ? information : information | PacketInformation.SegmentationOffload
}

function putWord({ u16, u32 }: Memory, at: number, type: number, value: number): number {
  u16[at >> 1] = 8
  u16[(at >> 1) + 1] = type
  u32[(at >> 2) + 1] = networkOrder32(value)
  return at + 8
}

function putHardwareAddress(memory: Memory, at: number, address: Uint8Array): number {
  const { u8, u16, u32 } = memory
  u16[at >> 1] = 16
  u16[(at >> 1) + 1] = NFQA.hardwareAddress
  u32.fill(0, (at >> 2) + 1, (at >> 2) + 4)
  u16[(at >> 1) + 2] = networkOrder16(address.length)
  for (let i = 0; i < 8 && i < address.length; i++) u8[at + 8 + i] = address[i] as number
  return at + 16
}

function putTimestamp(memory: Memory, at: number, microseconds: bigint): number {
  memory.u16[at >> 1] = TIMESTAMP_SIZE
  memory.u16[(at >> 1) + 1] = NFQA.timestamp
  memory.data.setBigUint64(at + 4, microseconds / 1_000_000n)
  memory.data.setBigUint64(at + 12, microseconds % 1_000_000n)
  return at + TIMESTAMP_SIZE
}

/** Copies this short are faster byte by byte than through a view of the part. */
const SHORT_COPY = 40

function putPayload({ u8, u16 }: Memory, at: number, bytes: Uint8Array, length: number): number {
  u16[at >> 1] = ATTRIBUTE_HEADER_LENGTH + length
  u16[(at >> 1) + 1] = NFQA.payload & AttributeBit.TypeMask
  const start = at + ATTRIBUTE_HEADER_LENGTH
  if (length <= SHORT_COPY) for (let i = 0; i < length; i++) u8[start + i] = bytes[i] as number
  else u8.set(length === bytes.length ? bytes : bytes.subarray(0, length), start)
  return start + length
}
