import { EncodeError } from '@ringlink/codec/errors'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import { align4 } from '@ringlink/codec/memory'
import {
  BLOCK_FRAMING,
  BlockType,
  BYTE_ORDER_MAGIC,
  type ByteOrder,
  INTERFACE_BODY,
  InterfaceOption,
  MAXIMUM_CAPTURED_LENGTH,
  MAXIMUM_INTERFACES,
  MAXIMUM_OPTION_LENGTH,
  NANOSECONDS,
  OPTION_HEADER,
  OptionCode,
  PACKET_BODY,
  PacketOption,
  SECTION_HEADER_BODY,
  SectionOption,
  STATISTICS_BODY,
  StatisticsOption,
} from './block.ts'
import type { CaptureSink, InterfaceOptions, InterfaceStatistics, PacketRecord, SectionOptions } from './sink.ts'

interface Interface {
  readonly snapshotLength: number
  packets: number
  dropped: bigint
  firstAt: bigint
  lastAt: bigint
  hasStatistics: boolean
}

/** Bytes that an encoder allocates at a time. */
const CHUNK_SIZE = 65_536
const MAXIMUM_64 = 0xffff_ffff_ffff_ffffn
/** The order of this machine. */
export const HOST_BYTE_ORDER: ByteOrder = hostIsLittleEndian ? 'little' : 'big'
const text = new TextEncoder()
// A 64-bit number, and its two words: faster than arithmetic on bigints.
const wide = new BigUint64Array(1)
const words = new Uint32Array(wide.buffer)
const NO_BYTES = new Uint8Array(0)

/**
 * Writes pcapng blocks into memory: `take()` returns what was written so far. Times are in nanoseconds. It uses no
 * files and runs in a browser. An `EncodeError` (code `VALUE_RANGE`) leaves the output unchanged.
 */
export class PcapngEncoder implements CaptureSink {
  readonly congested = false
  readonly byteOrder: ByteOrder
  #little: boolean
  #bytes = new Uint8Array(CHUNK_SIZE)
  #view: DataView = new DataView(this.#bytes.buffer)
  #end = 0
  #taken = 0
  #interfaces: Interface[] = []

  constructor(options: SectionOptions = {}) {
    this.byteOrder = options.byteOrder ?? HOST_BYTE_ORDER
    this.#little = this.byteOrder === 'little'
    this.#writeSection(options)
  }

  /** bytes that {@link take} would return */
  get pending(): number {
    return this.#end
  }

  /** bytes written since the beginning */
  get byteLength(): number {
    return this.#taken + this.#end
  }

  /** The bytes written since the last call; owned by the caller. */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#end
    // A small part is copied, so that it does not keep a large buffer alive; a full buffer is passed on.
    const isLittle = length < this.#bytes.length / 2
    const taken = isLittle ? this.#bytes.slice(0, length) : this.#bytes.subarray(0, length)
    this.#taken += length
    this.#end = 0
    if (!isLittle || this.#bytes.length > CHUNK_SIZE) this.#allocate(CHUNK_SIZE)
    return taken
  }

  addInterface(options: InterfaceOptions): number {
    const { linkType, snapshotLength = MAXIMUM_CAPTURED_LENGTH } = options
    checkInteger('link type', linkType, 0, 0xffff)
    checkInteger('snapshot length', snapshotLength, 1, MAXIMUM_CAPTURED_LENGTH)
    const number = this.#interfaces.length
    if (number === MAXIMUM_INTERFACES) throw rangeError(`more than ${MAXIMUM_INTERFACES} interfaces`)
    const name = optionText('name', options.name)
    const description = optionText('description', options.description)
    const comment = optionText('comment', options.comment)
    const resolution = Uint8Array.of(NANOSECONDS)
    const values = [comment, name, description, resolution]
    const start = this.#begin(BlockType.InterfaceDescription, INTERFACE_BODY + optionsLength(values))
    this.#view.setUint16(start, linkType, this.#little)
    this.#view.setUint16(start + 2, 0, this.#little)
    this.#view.setUint32(start + 4, snapshotLength, this.#little)
    this.#end = start + INTERFACE_BODY
    this.#option(OptionCode.Comment, comment)
    this.#option(InterfaceOption.Name, name)
    this.#option(InterfaceOption.Description, description)
    this.#option(InterfaceOption.TimeResolution, resolution)
    this.#finish()
    this.#interfaces.push({
      snapshotLength,
      packets: 0,
      dropped: 0n,
      firstAt: 0n,
      lastAt: 0n,
      hasStatistics: false,
    })
    return number
  }

  writePacket(record: PacketRecord): true {
    const { at, bytes, header = NO_BYTES, dropCount, direction } = record
    const from = this.#interface(record.interface)
    const comment = optionText('comment', record.comment)
    const fullLength = header.length + (record.fullLength ?? bytes.length)
    checkCount('time', at)
    checkInteger('full length', fullLength, header.length + bytes.length, 0xffff_ffff)
    if (dropCount !== undefined) checkCount('drop count', dropCount)

    const captured = Math.min(header.length + bytes.length, from.snapshotLength)
    const start = this.#begin(BlockType.EnhancedPacket, packetLength(record, comment, from.snapshotLength))
    const view = this.#view
    view.setUint32(start, record.interface, this.#little)
    this.#time(start + 4, at)
    view.setUint32(start + 12, captured, this.#little)
    view.setUint32(start + 16, fullLength, this.#little)
    let end = start + PACKET_BODY
    this.#bytes.set(header.length > captured ? header.subarray(0, captured) : header, end)
    const rest = captured - Math.min(header.length, captured)
    this.#bytes.set(rest < bytes.length ? bytes.subarray(0, rest) : bytes, end + captured - rest)
    end += captured
    this.#pad(end)
    this.#option(OptionCode.Comment, comment)
    if (direction !== undefined) {
      this.#optionHeader(PacketOption.Flags, 4)
      this.#view.setUint32(this.#end, direction === 'inbound' ? 1 : 2, this.#little)
      this.#end += 4
    }
    this.#count(PacketOption.DropCount, dropCount)
    this.#finish()

    if (from.packets === 0) from.firstAt = at
    from.packets++
    from.lastAt = at
    if (dropCount !== undefined) from.dropped += dropCount
    return true
  }

  /** The number of bytes that {@link writePacket} would add for a packet. */
  packetLength(record: PacketRecord): number {
    const { snapshotLength } = this.#interface(record.interface)
    return BLOCK_FRAMING + packetLength(record, optionText('comment', record.comment), snapshotLength)
  }

  writeStatistics(statistics: InterfaceStatistics): void {
    const { at, received, dropped, startedAt, endedAt } = statistics
    const from = this.#interface(statistics.interface)
    const comment = optionText('comment', statistics.comment)
    checkCount('time', at)
    let counts = 0
    for (const count of [received, dropped, startedAt, endedAt]) {
      if (count === undefined) continue
      checkCount('count', count)
      counts++
    }
    const options = counts * (OPTION_HEADER + 8) + optionLength(comment)
    const body = STATISTICS_BODY + (options > 0 ? options + OPTION_HEADER : 0)
    const start = this.#begin(BlockType.InterfaceStatistics, body)
    this.#view.setUint32(start, statistics.interface, this.#little)
    this.#time(start + 4, at)
    this.#end = start + STATISTICS_BODY
    this.#option(OptionCode.Comment, comment)
    this.#timeOption(StatisticsOption.StartTime, startedAt)
    this.#timeOption(StatisticsOption.EndTime, endedAt)
    this.#count(StatisticsOption.Received, received)
    this.#count(StatisticsOption.Dropped, dropped)
    this.#finish()
    from.hasStatistics = true
  }

  /** For each interface without statistics: the number of packets written here, and the sum of their drop counts. */
  writeOwnStatistics(): void {
    for (const [number, from] of this.#interfaces.entries()) {
      if (from.hasStatistics) continue
      this.writeStatistics({
        interface: number,
        at: from.lastAt,
        received: BigInt(from.packets),
        dropped: from.dropped,
        ...(from.packets > 0 ? { startedAt: from.firstAt, endedAt: from.lastAt } : {}),
      })
    }
  }

  #writeSection(options: SectionOptions): void {
    const comment = optionText('comment', options.comment)
    const hardware = optionText('hardware', options.hardware)
    const operatingSystem = optionText('operating system', options.operatingSystem)
    const application = optionText('application', options.application)
    const values = [comment, hardware, operatingSystem, application]
    const start = this.#begin(BlockType.SectionHeader, SECTION_HEADER_BODY + optionsLength(values))
    this.#view.setUint32(start, BYTE_ORDER_MAGIC, this.#little)
    this.#view.setUint16(start + 4, 1, this.#little)
    this.#view.setUint16(start + 6, 0, this.#little)
    // -1: the length of the section is not known yet.
    this.#view.setBigInt64(start + 8, -1n, this.#little)
    this.#end = start + SECTION_HEADER_BODY
    this.#option(OptionCode.Comment, comment)
    this.#option(SectionOption.Hardware, hardware)
    this.#option(SectionOption.OperatingSystem, operatingSystem)
    this.#option(SectionOption.Application, application)
    this.#finish()
  }

  #interface(number: number): Interface {
    const found = this.#interfaces[number]
    if (found === undefined) throw rangeError(`interface ${number} was not added`)
    return found
  }

  // The start of the current block, and whether it has options that need an end.
  #start = 0
  #hasOptions = false

  /**
   * Begins a block with `bodyLength` bytes between its lengths, and makes room for it. Returns the offset of its body.
   */
  #begin(type: number, bodyLength: number): number {
    const length = BLOCK_FRAMING + bodyLength
    if (this.#end + length > this.#bytes.length) this.#allocate(Math.max(this.#bytes.length * 2, this.#end + length))
    this.#start = this.#end
    this.#hasOptions = false
    this.#view.setUint32(this.#start, type, this.#little)
    this.#view.setUint32(this.#start + 4, length, this.#little)
    return this.#start + 8
  }

  #finish(): void {
    if (this.#hasOptions) this.#optionHeader(OptionCode.End, 0)
    this.#view.setUint32(this.#end, this.#end + 4 - this.#start, this.#little)
    this.#end += 4
  }

  #option(code: number, value: Uint8Array | undefined): void {
    if (value === undefined) return
    this.#optionHeader(code, value.length)
    this.#bytes.set(value, this.#end)
    this.#pad(this.#end + value.length)
  }

  /** Pads with zeros after `end` to a multiple of four, and continues there. */
  #pad(end: number): void {
    this.#end = align4(end)
    for (let at = end; at < this.#end; at++) this.#bytes[at] = 0
  }

  #count(code: number, value: bigint | undefined): void {
    if (value === undefined) return
    this.#optionHeader(code, 8)
    this.#view.setBigUint64(this.#end, value, this.#little)
    this.#end += 8
  }

  #timeOption(code: number, at: bigint | undefined): void {
    if (at === undefined) return
    this.#optionHeader(code, 8)
    this.#time(this.#end, at)
    this.#end += 8
  }

  #optionHeader(code: number, length: number): void {
    this.#view.setUint16(this.#end, code, this.#little)
    this.#view.setUint16(this.#end + 2, length, this.#little)
    this.#end += OPTION_HEADER
    this.#hasOptions = true
  }

  #time(offset: number, at: bigint): void {
    wide[0] = at
    this.#view.setUint32(offset, words[hostIsLittleEndian ? 1 : 0] as number, this.#little)
    this.#view.setUint32(offset + 4, words[hostIsLittleEndian ? 0 : 1] as number, this.#little)
  }

  #allocate(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

function packetLength(record: PacketRecord, comment: Uint8Array | undefined, snapshotLength: number): number {
  const captured = Math.min((record.header?.length ?? 0) + record.bytes.length, snapshotLength)
  const flags = record.direction === undefined ? 0 : OPTION_HEADER + 4
  const drops = record.dropCount === undefined ? 0 : OPTION_HEADER + 8
  const options = optionLength(comment) + flags + drops
  return PACKET_BODY + align4(captured) + (options > 0 ? options + OPTION_HEADER : 0)
}

function optionText(what: string, value: string | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined
  const bytes = text.encode(value)
  if (bytes.length > MAXIMUM_OPTION_LENGTH) {
    throw rangeError(`the ${what} must have at most ${MAXIMUM_OPTION_LENGTH} bytes, got ${bytes.length}`)
  }
  return bytes
}

function optionLength(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : OPTION_HEADER + align4(value.length)
}

function optionsLength(values: readonly (Uint8Array | undefined)[]): number {
  const length = values.reduce((sum, value) => sum + optionLength(value), 0)
  return length === 0 ? 0 : length + OPTION_HEADER
}

function checkInteger(what: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw rangeError(`${what} must be an integer from ${minimum} to ${maximum}, got ${value}`)
  }
}

function checkCount(what: string, value: bigint): void {
  if (value < 0n || value > MAXIMUM_64) throw rangeError(`${what} must be from 0 to 2^64 - 1, got ${value}`)
}

function rangeError(message: string): EncodeError {
  return new EncodeError('VALUE_RANGE', `pcapng: ${message}`)
}
