import { DecodeError, NetlinkError } from '@ringlink/codec/errors'
import { align4 } from '@ringlink/codec/memory'
import {
  BLOCK_FRAMING,
  BlockType,
  BYTE_ORDER_MAGIC,
  type CaptureBlock,
  type Direction,
  INTERFACE_BODY,
  InterfaceOption,
  MAXIMUM_BLOCK_LENGTH,
  MAXIMUM_INTERFACES,
  OPTION_HEADER,
  OptionCode,
  PACKET_BODY,
  type PacketBlock,
  PacketOption,
  SECTION_HEADER_BODY,
  type SectionBlock,
  SectionOption,
  STATISTICS_BODY,
  type StatisticsBlock,
  StatisticsOption,
} from './block.ts'

interface Interface {
  readonly linkType: number
  readonly snapshotLength: number
  readonly unitsPerSecond: bigint
  /** nanoseconds to add to each time */
  readonly offset: bigint
}

/** Where a block lies in the window: from its type to its second length. */
interface Extent {
  readonly start: number
  readonly length: number
}

/** Called for each option, with where its value lies. */
type OptionVisitor = (code: number, offset: number, length: number) => void

const SECOND = 1_000_000_000n
const MINIMUM_SIMPLE_PACKET = 4
/** Of an obsolete packet. */
const UNKNOWN_DROPS = 0xffff
const text = new TextDecoder()

/**
 * Reads pcapng out of chunks of any size, in either byte order: `push()` them as they come, and take blocks with `next()` until it
 * gives none. Blocks of other types are passed over. It keeps no more than one block, of {@link MAXIMUM_BLOCK_LENGTH} bytes at the
 * most, and the chunk that its end lies in.
 *
 * Malformed contents throw from `next()`, every time from then on:
 *
 * - `MESSAGE_TYPE`: this is no pcapng
 * - `UNSUPPORTED`: another version than 1 of it
 * - `MESSAGE_LENGTH`: a block, or a packet in it, has an impossible length
 * - `ATTRIBUTE_LENGTH`, `ATTRIBUTE_SIZE`: an option does not fit into its block, or its type
 * - `ATTRIBUTE_MISSING`: a packet of an interface that was not described
 * - `ATTRIBUTE_COUNT`: too many interfaces
 *
 * `offset` in these errors is from the beginning of what was pushed. An end in the middle of a block is not malformed: {@link finish}
 * says it.
 */
export class PcapngDecoder {
  /** blocks passed over because their type is not known here */
  skipped = 0
  #little = false
  #interfaces: Interface[] = []
  #inSection = false
  #failure: unknown
  // What is looked at, where in it the next block begins, and how far that is from the beginning of everything.
  #window: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#window.buffer)
  #at = 0
  #base = 0
  // What comes behind the window.
  #parts: Uint8Array[] = []
  #available = 0
  #need = BLOCK_FRAMING

  /** Adds what comes next. It is read where it lies: packets are windows on it. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#parts.push(chunk)
    this.#available += chunk.length
  }

  /** The next block, or `undefined` when it is not there whole. */
  next(): CaptureBlock | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      for (;;) {
        const extent = this.#nextExtent()
        if (extent === undefined) return undefined
        const block = this.#read(extent)
        this.#at += extent.length
        this.#available -= extent.length
        if (block !== undefined) return block
        this.skipped++
      }
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  /** To be asked when everything was pushed and `next()` gives no more: why the end is in the middle of a block, if it is. */
  finish(): DecodeError | undefined {
    if (this.#available === 0 && this.#inSection) return undefined
    const at = { offset: this.#base + this.#at, need: this.#need, have: this.#available }
    const code = this.#available < BLOCK_FRAMING ? 'SHORT_HEADER' : 'MESSAGE_LENGTH'
    return new DecodeError(code, 'pcapng block cut by the end of the capture', at)
  }

  /** The next block, whole and of a possible length. */
  #nextExtent(): Extent | undefined {
    this.#need = BLOCK_FRAMING
    if (!this.#see(BLOCK_FRAMING)) return undefined
    const start = this.#at
    // The type of a section header reads the same in both orders.
    const isSection = this.#view.getUint32(start) === BlockType.SectionHeader
    if (isSection) this.#little = this.#sectionOrder(start)
    else if (!this.#inSection) throw this.#error('MESSAGE_TYPE', 'capture that begins with no section header', start)
    const length = this.#view.getUint32(start + 4, this.#little)
    const minimum = BLOCK_FRAMING + minimumBody(this.#view.getUint32(start, this.#little))
    if (length < minimum) throw this.#error('MESSAGE_LENGTH', 'pcapng block', start, minimum, length)
    if (length > MAXIMUM_BLOCK_LENGTH || length % 4 !== 0) {
      const what = `pcapng block of ${length} bytes, not a multiple of 4 up to ${MAXIMUM_BLOCK_LENGTH}`
      throw this.#error('MESSAGE_LENGTH', what, start, length, this.#available)
    }
    this.#need = length
    if (!this.#see(length)) return undefined
    const again = this.#view.getUint32(this.#at + length - 4, this.#little)
    if (again !== length) {
      throw this.#error('MESSAGE_LENGTH', 'pcapng block with two different lengths', this.#at, length, again)
    }
    return { start: this.#at, length }
  }

  /** Sees to it that `length` bytes can be looked at; false when they are not there yet. */
  #see(length: number): boolean {
    if (this.#available < length) return false
    const left = this.#window.length - this.#at
    if (left >= length) return true
    this.#base += this.#at
    const only = this.#parts[0]
    if (left === 0 && only !== undefined && this.#parts.length === 1) {
      this.#window = only
    } else {
      const joined = new Uint8Array(this.#available)
      joined.set(this.#window.subarray(this.#at))
      let end = left
      for (const part of this.#parts) {
        joined.set(part, end)
        end += part.length
      }
      this.#window = joined
    }
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.length)
    this.#at = 0
    this.#parts = []
    return true
  }

  #sectionOrder(start: number): boolean {
    for (const little of [false, true]) {
      if (this.#view.getUint32(start + 8, little) === BYTE_ORDER_MAGIC) return little
    }
    throw this.#error('MESSAGE_TYPE', 'pcapng section header without its magic number', start)
  }

  #read({ start, length }: Extent): CaptureBlock | undefined {
    const type = this.#view.getUint32(start, this.#little)
    const body = start + 8
    const end = start + length - 4
    switch (type) {
      case BlockType.SectionHeader:
        return this.#readSection(body, end)
      case BlockType.InterfaceDescription:
        return this.#readInterface(body, end)
      case BlockType.EnhancedPacket:
        return this.#readPacket(this.#view.getUint32(body, this.#little), body, end)
      case BlockType.ObsoletePacket: {
        const packet = this.#readPacket(this.#view.getUint16(body, this.#little), body, end)
        const drops = this.#view.getUint16(body + 2, this.#little)
        return { ...packet, dropCount: drops === UNKNOWN_DROPS ? undefined : BigInt(drops) }
      }
      case BlockType.SimplePacket:
        return this.#readSimplePacket(body, end)
      case BlockType.InterfaceStatistics:
        return this.#readStatistics(body, end)
      default:
        return undefined
    }
  }

  #readSection(body: number, end: number): SectionBlock {
    const version = this.#view.getUint16(body + 4, this.#little)
    if (version !== 1) throw new NetlinkError('UNSUPPORTED', `pcapng: version ${version} of the format`)
    this.#interfaces = []
    this.#inSection = true
    let hardware: string | undefined
    let operatingSystem: string | undefined
    let application: string | undefined
    let comment: string | undefined
    this.#options(body + SECTION_HEADER_BODY, end, (code, offset, length) => {
      if (code === OptionCode.Comment) comment = joinComments(comment, this.#text(offset, length))
      else if (code === SectionOption.Hardware) hardware = this.#text(offset, length)
      else if (code === SectionOption.OperatingSystem) operatingSystem = this.#text(offset, length)
      else if (code === SectionOption.Application) application = this.#text(offset, length)
    })
    const byteOrder = this.#little ? 'little' : 'big'
    return { type: 'section', byteOrder, hardware, operatingSystem, application, comment }
  }

  #readInterface(body: number, end: number): CaptureBlock {
    const number = this.#interfaces.length
    if (number === MAXIMUM_INTERFACES) {
      throw this.#error('ATTRIBUTE_COUNT', 'interfaces of a pcapng section', body, MAXIMUM_INTERFACES)
    }
    const linkType = this.#view.getUint16(body, this.#little)
    const snapshotLength = this.#view.getUint32(body + 4, this.#little)
    let unitsPerSecond = 1_000_000n
    let offset = 0n
    let name: string | undefined
    let description: string | undefined
    let comment: string | undefined
    this.#options(body + INTERFACE_BODY, end, (code, at, length) => {
      if (code === OptionCode.Comment) comment = joinComments(comment, this.#text(at, length))
      else if (code === InterfaceOption.Name) name = this.#text(at, length)
      else if (code === InterfaceOption.Description) description = this.#text(at, length)
      else if (code === InterfaceOption.TimeResolution) {
        this.#checkSize('if_tsresol', at, length, 1)
        unitsPerSecond = timeUnits(this.#view.getUint8(at))
      } else if (code === InterfaceOption.TimeOffset) {
        this.#checkSize('if_tsoffset', at, length, 8)
        offset = this.#view.getBigInt64(at, this.#little) * SECOND
      }
    })
    this.#interfaces.push({ linkType, snapshotLength, unitsPerSecond, offset })
    return { type: 'interface', interface: number, linkType, snapshotLength, name, description, comment }
  }

  #readPacket(number: number, body: number, end: number): PacketBlock {
    const from = this.#interface(number, body)
    const captured = this.#view.getUint32(body + 12, this.#little)
    const original = this.#view.getUint32(body + 16, this.#little)
    const first = body + PACKET_BODY
    if (captured > end - first) throw this.#error('MESSAGE_LENGTH', 'packet in its block', first, captured, end - first)
    let comment: string | undefined
    let dropCount: bigint | undefined
    let direction: Direction | undefined
    const optionsAt = first + align4(captured)
    if (optionsAt < end) {
      this.#options(optionsAt, end, (code, offset, length) => {
        if (code === OptionCode.Comment) comment = joinComments(comment, this.#text(offset, length))
        else if (code === PacketOption.Flags) direction = this.#direction(offset, length)
        else if (code === PacketOption.DropCount) dropCount = this.#count('epb_dropcount', offset, length)
      })
    }
    return {
      type: 'packet',
      interface: number,
      linkType: from.linkType,
      at: this.#time(body + 4, from),
      bytes: this.#window.subarray(first, first + captured),
      fullLength: Math.max(captured, original),
      comment,
      dropCount,
      direction,
      byteOrder: this.#little ? 'little' : 'big',
    }
  }

  #readSimplePacket(body: number, end: number): PacketBlock {
    const { linkType, snapshotLength } = this.#interface(0, body)
    const original = this.#view.getUint32(body, this.#little)
    const first = body + MINIMUM_SIMPLE_PACKET
    const captured = snapshotLength === 0 ? original : Math.min(original, snapshotLength)
    if (captured > end - first) throw this.#error('MESSAGE_LENGTH', 'packet in its block', first, captured, end - first)
    return {
      type: 'packet',
      interface: 0,
      linkType,
      at: 0n,
      bytes: this.#window.subarray(first, first + captured),
      fullLength: original,
      comment: undefined,
      dropCount: undefined,
      direction: undefined,
      byteOrder: this.#little ? 'little' : 'big',
    }
  }

  #readStatistics(body: number, end: number): StatisticsBlock {
    const number = this.#view.getUint32(body, this.#little)
    const from = this.#interface(number, body)
    let received: bigint | undefined
    let dropped: bigint | undefined
    let startedAt: bigint | undefined
    let endedAt: bigint | undefined
    let comment: string | undefined
    this.#options(body + STATISTICS_BODY, end, (code, offset, length) => {
      if (code === OptionCode.Comment) comment = joinComments(comment, this.#text(offset, length))
      else if (code === StatisticsOption.Received) received = this.#count('isb_ifrecv', offset, length)
      else if (code === StatisticsOption.Dropped) dropped = this.#count('isb_ifdrop', offset, length)
      else if (code === StatisticsOption.StartTime || code === StatisticsOption.EndTime) {
        this.#checkSize('isb_starttime or isb_endtime', offset, length, 8)
        if (code === StatisticsOption.StartTime) startedAt = this.#time(offset, from)
        else endedAt = this.#time(offset, from)
      }
    })
    const at = this.#time(body + 4, from)
    return { type: 'statistics', interface: number, at, received, dropped, startedAt, endedAt, comment }
  }

  #interface(number: number, offset: number): Interface {
    const found = this.#interfaces[number]
    if (found === undefined) throw this.#error('ATTRIBUTE_MISSING', `description of interface ${number}`, offset)
    return found
  }

  #options(start: number, end: number, visit: OptionVisitor): void {
    let at = start
    while (at + OPTION_HEADER <= end) {
      const code = this.#view.getUint16(at, this.#little)
      const length = this.#view.getUint16(at + 2, this.#little)
      if (code === OptionCode.End) return
      const value = at + OPTION_HEADER
      if (length > end - value) throw this.#error('ATTRIBUTE_LENGTH', `pcapng option ${code}`, at, length, end - value)
      visit(code, value, length)
      at = value + align4(length)
    }
  }

  #direction(offset: number, length: number): Direction | undefined {
    this.#checkSize('epb_flags', offset, length, 4)
    const bits = this.#view.getUint32(offset, this.#little) & 3
    return bits === 1 ? 'inbound' : bits === 2 ? 'outbound' : undefined
  }

  #count(what: string, offset: number, length: number): bigint {
    this.#checkSize(what, offset, length, 8)
    return this.#view.getBigUint64(offset, this.#little)
  }

  #checkSize(what: string, offset: number, length: number, wanted: number): void {
    if (length !== wanted) throw this.#error('ATTRIBUTE_SIZE', `pcapng option ${what}`, offset, wanted, length)
  }

  #time(offset: number, { unitsPerSecond, offset: from }: Interface): bigint {
    const upper = BigInt(this.#view.getUint32(offset, this.#little))
    const units = (upper << 32n) | BigInt(this.#view.getUint32(offset + 4, this.#little))
    return unitsPerSecond === SECOND ? units + from : (units * SECOND) / unitsPerSecond + from
  }

  #text(offset: number, length: number): string {
    return text.decode(this.#window.subarray(offset, offset + length))
  }

  #error(code: DecodeError['code'], what: string, offset: number, need = 0, have = 0): DecodeError {
    return new DecodeError(code, what, { offset: this.#base + offset, need, have })
  }
}

function minimumBody(type: number): number {
  switch (type) {
    case BlockType.SectionHeader:
      return SECTION_HEADER_BODY
    case BlockType.InterfaceDescription:
      return INTERFACE_BODY
    case BlockType.EnhancedPacket:
    case BlockType.ObsoletePacket:
      return PACKET_BODY
    case BlockType.SimplePacket:
      return MINIMUM_SIMPLE_PACKET
    case BlockType.InterfaceStatistics:
      return STATISTICS_BODY
    default:
      return 0
  }
}

function timeUnits(resolution: number): bigint {
  const exponent = BigInt(resolution & 0x7f)
  return (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent
}

function joinComments(earlier: string | undefined, comment: string): string {
  return earlier === undefined ? comment : `${earlier}\n${comment}`
}
