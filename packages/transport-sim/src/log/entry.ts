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
  LogFlag,
  LogMessage,
  logAttributes,
} from '@ringlink/codec'
import { attributeNumbers, networkOrder16, networkOrder32, writeNfnetlinkHeader } from '@ringlink/codec/internal'
import type { ConntrackGlue, DescribedConnection } from '../conntrack/glue.ts'
import type { SimPacket } from '../netfilter/packet.ts'
import type { LogGroup } from './group.ts'

const NFULA = attributeNumbers(logAttributes)
const CONNECTION_ATTRIBUTES = { connection: NFULA.conntrack, information: NFULA.conntrackInformation }

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

/** Writes an entry at `offset`; its length. `now` stands in for a time that the packet does not have. */
export function writeEntry(
  writer: AttributeWriter,
  group: LogGroup,
  offset: number,
  packet: SimPacket,
  plan: EntryPlan,
  numbers: { readonly now: bigint | undefined; readonly global: () => number },
): number {
  const { memory } = group
  const limit = memory.byteLength
  const start = beginMessage(memory, offset, limit, { type: LogMessage.Packet, flags: 0, sequence: 0 })
  writer.wrap(memory, writeNfnetlinkHeader(memory, start, limit, packet.family, group.number), limit)
  const header = writer.reserve(NFULA.packetHeader, 4)
  memory.u32[header >> 2] = 0
  memory.u16[header >> 1] = networkOrder16(packet.protocol)
  memory.u8[header + 2] = packet.hook
  writer.bytes(NFULA.prefix, plan.prefix)
  putDevices(writer, packet)
  if (packet.mark !== 0) putWord(writer, NFULA.mark, packet.mark)
  if (packet.inputDevice !== 0) putLinkLayer(writer, packet)
  const time = packet.timestamp ?? numbers.now
  if (packet.hook <= Hook.Forward && time !== undefined) putTimestamp(writer, time)
  if (packet.owner !== undefined && packet.owner.closed !== true) {
    putWord(writer, NFULA.userId, packet.owner.userId)
    putWord(writer, NFULA.groupId, packet.owner.groupId)
  }
  if ((group.flags & LogFlag.Sequence) !== 0) {
    putWord(writer, NFULA.sequence, group.sequence)
    group.sequence = (group.sequence + 1) >>> 0
  }
  if ((group.flags & LogFlag.GlobalSequence) !== 0) putWord(writer, NFULA.globalSequence, numbers.global())
  if (plan.connection !== undefined) {
    const { bytes } = plan.connection
    memory.u8.set(bytes, writer.position)
    writer.wrap(memory, writer.position + bytes.length, limit)
  }
  if (plan.copied > 0) writer.bytes(NFULA.payload, packet.bytes.subarray(0, plan.copied))
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
  if (packet.inputDevice !== 0) putWord(writer, NFULA.inputDevice, packet.inputDevice)
  if (packet.physicalInputDevice !== 0) putWord(writer, NFULA.physicalInputDevice, packet.physicalInputDevice)
  if (packet.outputDevice !== 0) putWord(writer, NFULA.outputDevice, packet.outputDevice)
  if (packet.physicalOutputDevice !== 0) putWord(writer, NFULA.physicalOutputDevice, packet.physicalOutputDevice)
}

function putLinkLayer(writer: AttributeWriter, { hardwareAddress, hardwareType, linkLayerHeader }: SimPacket): void {
  if (hardwareAddress !== undefined) {
    const at = writer.reserve(NFULA.hardwareAddress, 12)
    writer.memory.u8.fill(0, at, at + 12)
    writer.memory.u16[at >> 1] = networkOrder16(hardwareAddress.length)
    writer.memory.u8.set(hardwareAddress.subarray(0, 8), at + 4)
  }
  putHalf(writer, NFULA.hardwareType, hardwareType)
  putHalf(writer, NFULA.hardwareHeaderLength, linkLayerHeader.length)
  writer.bytes(NFULA.hardwareHeader, linkLayerHeader)
}

function putTimestamp(writer: AttributeWriter, microseconds: bigint): void {
  const at = writer.reserve(NFULA.timestamp, 16)
  writer.memory.data.setBigUint64(at, microseconds / 1_000_000n)
  writer.memory.data.setBigUint64(at + 8, microseconds % 1_000_000n)
}
