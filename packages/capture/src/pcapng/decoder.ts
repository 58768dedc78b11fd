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
import { ByteWindow } from './byte-window.ts'

interface Interface {
  readonly linkType: number
  readonly snapshotLength: number
  readonly unitsPerSecond: bigint
  /** nanoseconds to add to each time */
  readonly offset: bigint
}

/** The position of a block in the window: from its type to its second length. */
interface Extent {
  readonly start: number
  readonly length: number
}

/**
 * Called for each option, with the position of its value. Returns false if the value is not valid for the code; the
 * option is then ignored. It may be called for unknown codes.
 */
type OptionVisitor = (code: number, offset: number, length: number) => boolean

const SECOND = 1_000_000_000n
const MINIMUM_SIMPLE_PACKET = 4
/** Drop count of an obsolete packet without one. */
const UNKNOWN_DROPS = 0xffff
const text = new TextDecoder()

/**
 * Reads pcapng from chunks of any size, in either byte order: `push()` them as they come, and take blocks with `next()`
 * until it returns none. Blocks of other types are skipped. It keeps at most one block, of {@link MAXIMUM_BLOCK_LENGTH}
 * bytes, and the chunk in which it ends.
 *
 * Options and statistics only describe packets, so damage in them never costs a packet. A malformed option is ignored,
 * with those after it if their place is unknown; malformed statistics are ignored as a whole. {@link damaged} counts
 * both.
 *
 * Damage that makes packets unreadable throws from `next()`, and then every time:
 *
 * - `MESSAGE_TYPE`: not pcapng
 * - `UNSUPPORTED`: a version other than 1
 * - `MESSAGE_LENGTH`: a block, or a packet in it, has an impossible length
 * - `ATTRIBUTE_MISSING`: a packet of an interface that was not described
 * - `ATTRIBUTE_COUNT`: too many interfaces
 *
 * `offset` in these errors counts from the first byte that was pushed. An end in the middle of a block is not
 * malformed: {@link finish} reports it.
 */
export class PcapngDecoder {
  /** blocks skipped because their type is unknown here */
  skipped = 0
  /** options, and blocks of statistics, ignored because they are malformed */
  damaged = 0
  #window = new ByteWindow()
  #little = false
  #interfaces: Interface[] = []
  #inSection = false
  #failure: unknown
  #need = BLOCK_FRAMING

  /** Appends a chunk. It is read in place: packets are windows on it. */
  push(chunk: Uint8Array): void {
    this.#window.push(chunk)
  }

  /** The next block, or `undefined` if it has not arrived completely. */
  next(): CaptureBlock | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      for (;;) {
        const extent = this.#nextExtent()
        if (extent === undefined) return undefined
        const block = this.#read(extent)
        this.#window.skip(extent.length)
        if (block !== undefined) return block
      }
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  /**
   * Call it when everything was pushed and `next()` returns no more: why the capture ends in the middle of a block, if
   * it does.
   */
  finish(): DecodeError | undefined {
    const { available, position } = this.#window
    if (available === 0 && this.#inSection) return undefined
    const at = { offset: this.#window.offsetOf(position), need: this.#need, have: available }
    const code = available < BLOCK_FRAMING ? 'SHORT_HEADER' : 'MESSAGE_LENGTH'
    return new DecodeError(code, 'pcapng block cut by the end of the capture', at)
  }

  get #view(): DataView {
    return this.#window.view
  }

  /** The next block, whole and of a possible length. */
  #nextExtent(): Extent | undefined {
    this.#need = BLOCK_FRAMING
    if (!this.#window.require(BLOCK_FRAMING)) return undefined
    const start = this.#window.position
    // The type of a section header is the same in both byte orders.
    const isSection = this.#view.getUint32(start) === BlockType.SectionHeader
    if (isSection) this.#little = this.#sectionOrder(start)
    else if (!this.#inSection)
      throw this.#error('MESSAGE_TYPE', 'capture without a section header at its beginning', start)
    const type = this.#view.getUint32(start, this.#little)
    const length = this.#view.getUint32(start + 4, this.#little)
    const minimum = BLOCK_FRAMING + minimumBody(type)
    if (length < minimum) throw this.#error('MESSAGE_LENGTH', 'pcapng block', start, minimum, length)
    if (length > MAXIMUM_BLOCK_LENGTH || length % 4 !== 0) {
      const what = `pcapng block of ${length} bytes, expected a multiple of 4 up to ${MAXIMUM_BLOCK_LENGTH}`
      throw this.#error('MESSAGE_LENGTH', what, start, length, this.#window.available)
    }
    this.#need = length
    if (!this.#window.require(length)) return undefined
    const { position } = this.#window
    const again = this.#view.getUint32(position + length - 4, this.#little)
    if (again !== length && type !== BlockType.InterfaceStatistics) {
      throw this.#error('MESSAGE_LENGTH', 'pcapng block with two different lengths', position, length, again)
    }
    return { start: position, length }
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
        this.skipped++
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
      return true
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
        if (length !== 1) return false
        unitsPerSecond = timeUnits(this.#view.getUint8(at))
      } else if (code === InterfaceOption.TimeOffset) {
        if (length !== 8) return false
        offset = this.#view.getBigInt64(at, this.#little) * SECOND
      }
      return true
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
        else if (code === PacketOption.Flags) {
          if (length !== 4) return false
          direction = this.#direction(offset)
        } else if (code === PacketOption.DropCount) {
          if (length !== 8) return false
          dropCount = this.#view.getBigUint64(offset, this.#little)
        }
        return true
      })
    }
    return {
      type: 'packet',
      interface: number,
      linkType: from.linkType,
      at: this.#time(body + 4, from),
      bytes: this.#window.bytes.subarray(first, first + captured),
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
      bytes: this.#window.bytes.subarray(first, first + captured),
      fullLength: original,
      comment: undefined,
      dropCount: undefined,
      direction: undefined,
      byteOrder: this.#little ? 'little' : 'big',
    }
  }

  /** Returns nothing for a malformed block: statistics never cost later blocks. */
  #readStatistics(body: number, end: number): StatisticsBlock | undefined {
    const isWhole =
      end - body >= STATISTICS_BODY && this.#view.getUint32(end, this.#little) === end - body + BLOCK_FRAMING
    const number = isWhole ? this.#view.getUint32(body, this.#little) : -1
    const from = this.#interfaces[number]
    if (from === undefined) {
      this.damaged++
      return undefined
    }
    let received: bigint | undefined
    let dropped: bigint | undefined
    let startedAt: bigint | undefined
    let endedAt: bigint | undefined
    let comment: string | undefined
    this.#options(body + STATISTICS_BODY, end, (code, offset, length) => {
      if (code === OptionCode.Comment) {
        comment = joinComments(comment, this.#text(offset, length))
        return true
      }
      const isKnown = code >= StatisticsOption.StartTime && code <= StatisticsOption.Dropped
      if (isKnown && length !== 8) return false
      if (code === StatisticsOption.Received) received = this.#view.getBigUint64(offset, this.#little)
      else if (code === StatisticsOption.Dropped) dropped = this.#view.getBigUint64(offset, this.#little)
      else if (code === StatisticsOption.StartTime) startedAt = this.#time(offset, from)
      else if (code === StatisticsOption.EndTime) endedAt = this.#time(offset, from)
      return true
    })
    const at = this.#time(body + 4, from)
    return { type: 'statistics', interface: number, at, received, dropped, startedAt, endedAt, comment }
  }

  #interface(number: number, offset: number): Interface {
    const found = this.#interfaces[number]
    if (found === undefined) throw this.#error('ATTRIBUTE_MISSING', `description of interface ${number}`, offset)
    return found
  }

  /** Visits the options of a block, up to the first that does not fit into it. */
  #options(start: number, end: number, visit: OptionVisitor): void {
    let at = start
    while (at + OPTION_HEADER <= end) {
      const code = this.#view.getUint16(at, this.#little)
      const length = this.#view.getUint16(at + 2, this.#little)
      if (code === OptionCode.End) return
      const value = at + OPTION_HEADER
      const fits = length <= end - value
      if (!fits || !visit(code, value, length)) this.damaged++
      if (!fits) return
      at = value + align4(length)
    }
  }

  #direction(offset: number): Direction | undefined {
    const bits = this.#view.getUint32(offset, this.#little) & 3
    return bits === 1 ? 'inbound' : bits === 2 ? 'outbound' : undefined
  }

  #time(offset: number, { unitsPerSecond, offset: from }: Interface): bigint {
    const upper = BigInt(this.#view.getUint32(offset, this.#little))
    const units = (upper << 32n) | BigInt(this.#view.getUint32(offset + 4, this.#little))
    return unitsPerSecond === SECOND ? units + from : (units * SECOND) / unitsPerSecond + from
  }

  #text(offset: number, length: number): string {
    return text.decode(this.#window.bytes.subarray(offset, offset + length))
  }

  #error(code: DecodeError['code'], what: string, offset: number, need = 0, have = 0): DecodeError {
    return new DecodeError(code, what, { offset: this.#window.offsetOf(offset), need, have })
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
