/** NFULNL_MSG_PACKET as the kernel writes it: these attributes in this order, all of them padded, the payload too. */
import {
  ATTRIBUTE_HEADER_LENGTH,
  type AttributeWriter,
  align4,
  beginMessage,
  CopyMode,
  encodeText,
  finishMessage,
  Hook,
  Subsystem,
} from '@ringlink/codec'
import { networkOrder16, networkOrder32, writeNfnetlinkHeader } from '@ringlink/codec/internal'
import type { ConntrackGlue, DescribedConnection } from '../conntrack/glue.ts'
import type { SimPacket } from '../netfilter/packet.ts'
import type { LogGroup } from './group.ts'

const PACKET = Subsystem.Log << 8

const Attribute = {
  PacketHeader: 1,
  Mark: 2,
  Timestamp: 3,
  InputDevice: 4,
  OutputDevice: 5,
  PhysicalInputDevice: 6,
  PhysicalOutputDevice: 7,
  HardwareAddress: 8,
  Payload: 9,
  Prefix: 10,
  UserId: 11,
  Sequence: 12,
  GlobalSequence: 13,
  GroupId: 14,
  HardwareType: 15,
  HardwareHeader: 16,
  HardwareLength: 17,
  Connection: 18,
  ConnectionInformation: 19,
} as const
const CONNECTION_ATTRIBUTES = {
  connection: Attribute.Connection,
  information: Attribute.ConnectionInformation,
} as const

/** NFULNL_CFG_F_* */
export const LogFlag = { Sequence: 1, GlobalSequence: 2, Conntrack: 4 } as const

/** Headers, the attributes of fixed size, a Done message: reserved for every packet; measured. */
const FIXED_SIZE = 140
const WORD_SIZE = 8

/** The contents planned for an entry. */
export interface EntryPlan {
  readonly prefix: Uint8Array
  /** bytes of the packet to copy */
  readonly copied: number
  /** bytes to reserve */
  readonly size: number
  readonly connection: DescribedConnection | undefined
}

/** Decides which parts of `packet` go into an entry. `copyLength` is the rule's limit. */
export function planEntry(
  group: LogGroup,
  packet: SimPacket,
  prefix: string,
  copyLength: number | undefined,
  glue: ConntrackGlue | undefined,
): EntryPlan {
  const text = encodeText(`${prefix}\0`)
  let size = FIXED_SIZE + attributeSize(text.length)
  if (packet.inputDevice !== 0) size += attributeSize(packet.linkLayerHeader.length) + 2 * WORD_SIZE
  if ((group.flags & LogFlag.Sequence) !== 0) size += WORD_SIZE
  if ((group.flags & LogFlag.GlobalSequence) !== 0) size += WORD_SIZE
  let copied = 0
  if (group.copyMode === CopyMode.Packet) {
    copied = Math.min(group.copyRange, copyLength ?? group.copyRange, packet.bytes.length)
    size += attributeSize(copied)
  }
  let connection: DescribedConnection | undefined
  if ((group.flags & LogFlag.Conntrack) !== 0 && packet.connection !== undefined) {
    connection = glue?.describe(packet, CONNECTION_ATTRIBUTES)
    size += connection?.allocated ?? 0
  }
  return { prefix: text, copied, size, connection }
}

/** Writes an entry at `offset`; its length. `now` stands in for a timestamp that the packet does not have. */
export function writeEntry(
  writer: AttributeWriter,
  group: LogGroup,
  offset: number,
  packet: SimPacket,
  plan: EntryPlan,
  numbers: { readonly now: bigint; readonly global: () => number },
): number {
  const { memory } = group
  const limit = memory.byteLength
  const start = beginMessage(memory, offset, limit, { type: PACKET, flags: 0, sequence: 0 })
  writer.wrap(memory, writeNfnetlinkHeader(memory, start, limit, packet.family, group.number), limit)
  const header = writer.reserve(Attribute.PacketHeader, 4)
  memory.u32[header >> 2] = 0
  memory.u16[header >> 1] = networkOrder16(packet.protocol)
  memory.u8[header + 2] = packet.hook
  writer.bytes(Attribute.Prefix, plan.prefix)
  putDevices(writer, packet)
  if (packet.mark !== 0) putWord(writer, Attribute.Mark, packet.mark)
  if (packet.inputDevice !== 0) putLinkLayer(writer, packet)
  if (packet.hook <= Hook.Forward) putTimestamp(writer, packet.timestamp ?? numbers.now)
  if (packet.owner !== undefined && packet.owner.closed !== true) {
    putWord(writer, Attribute.UserId, packet.owner.userId)
    putWord(writer, Attribute.GroupId, packet.owner.groupId)
  }
  if ((group.flags & LogFlag.Sequence) !== 0) {
    putWord(writer, Attribute.Sequence, group.sequence)
    group.sequence = (group.sequence + 1) >>> 0
  }
  if ((group.flags & LogFlag.GlobalSequence) !== 0) putWord(writer, Attribute.GlobalSequence, numbers.global())
  if (plan.connection !== undefined) {
    const { bytes } = plan.connection
    memory.u8.set(bytes, writer.position)
    writer.wrap(memory, writer.position + bytes.length, limit)
  }
  if (plan.copied > 0) writer.bytes(Attribute.Payload, packet.bytes.subarray(0, plan.copied))
  return finishMessage(memory, offset, writer.position)
}

function attributeSize(length: number): number {
  return ATTRIBUTE_HEADER_LENGTH + align4(length)
}

function putWord(writer: AttributeWriter, type: number, value: number): void {
  writer.memory.u32[writer.reserve(type, 4) >> 2] = networkOrder32(value)
}

function putHalf(writer: AttributeWriter, type: number, value: number): void {
  writer.memory.u16[writer.reserve(type, 2) >> 1] = networkOrder16(value)
}

function putDevices(writer: AttributeWriter, packet: SimPacket): void {
  if (packet.inputDevice !== 0) putWord(writer, Attribute.InputDevice, packet.inputDevice)
  if (packet.physicalInputDevice !== 0) putWord(writer, Attribute.PhysicalInputDevice, packet.physicalInputDevice)
  if (packet.outputDevice !== 0) putWord(writer, Attribute.OutputDevice, packet.outputDevice)
  if (packet.physicalOutputDevice !== 0) putWord(writer, Attribute.PhysicalOutputDevice, packet.physicalOutputDevice)
}

function putLinkLayer(writer: AttributeWriter, { hardwareAddress, hardwareType, linkLayerHeader }: SimPacket): void {
  if (hardwareAddress !== undefined) {
    const at = writer.reserve(Attribute.HardwareAddress, 12)
    writer.memory.u8.fill(0, at, at + 12)
    writer.memory.u16[at >> 1] = networkOrder16(hardwareAddress.length)
    writer.memory.u8.set(hardwareAddress.subarray(0, 8), at + 4)
  }
  putHalf(writer, Attribute.HardwareType, hardwareType)
  putHalf(writer, Attribute.HardwareLength, linkLayerHeader.length)
  writer.bytes(Attribute.HardwareHeader, linkLayerHeader)
}

function putTimestamp(writer: AttributeWriter, microseconds: bigint): void {
  const at = writer.reserve(Attribute.Timestamp, 16)
  writer.memory.data.setBigUint64(at, microseconds / 1_000_000n)
  writer.memory.data.setBigUint64(at + 8, microseconds % 1_000_000n)
}
