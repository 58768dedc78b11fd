/**
 * Packets out of capture files: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), in either
 * byte order.
 *
 *  pcap:   magic | version (2, 2) | zone | accuracy | snapshot length | link type | records
 *  record: seconds | fraction | captured length | original length | frame
 *  pcapng: blocks, each: type | length | body | length again
 *   section header   0x0a0d0d0a: byte-order magic | version (2, 2) | section length (8) | options
 *   interface        1: link type (2) | reserved (2) | snapshot length | options
 *   packet, obsolete 2: interface (2) | drops (2) | time, upper, lower | captured | original | frame | options
 *   simple packet    3: original length | frame
 *   enhanced packet  6: interface | time, upper, lower | captured length | original length | frame | options
 *   option: code (2) | length (2) | value, filled up to four bytes
 */
import { DecodeError, NetlinkError } from '@ringlink/codec/errors'
import type { TimedPacket } from './flows.ts'
import { framePacket, isKnownLinkType } from './link-layer.ts'

/** A packet out of a capture. Its bytes are a window on the file's. */
export interface CapturedPacket extends TimedPacket {
  /** nanoseconds since 1970; 0 where the file has no time (a simple packet block) */
  readonly at: bigint
  /** what the frame was before its header was taken off: `LinkType` */
  readonly linkType: number
  /** bytes that the packet had before the capture cut it */
  readonly fullLength: number
}

/** libpcap's own bound on a captured frame (MAXIMUM_SNAPLEN). */
export const MAXIMUM_CAPTURED_LENGTH = 262_144
/** The largest pcapng block that is believed. */
export const MAXIMUM_BLOCK_LENGTH = 16 * 1024 * 1024
/** Interfaces in one section of a pcapng file. */
export const MAXIMUM_INTERFACES = 4096

const PCAP_HEADER_LENGTH = 24
const RECORD_HEADER_LENGTH = 16
const MICROSECOND_MAGIC = 0xa1b2c3d4
const NANOSECOND_MAGIC = 0xa1b23c4d
const SECOND = 1_000_000_000n

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const OBSOLETE_PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** type, length, and the length again at the end */
const BLOCK_FRAMING = 12
const SECTION_HEADER_LENGTH = 28
const OPTION_END = 0
const OPTION_TIME_RESOLUTION = 9
const OPTION_TIME_OFFSET = 14

/**
 * A capture file in memory; iterating it yields its IP packets, from the start each time. Malformed contents throw from
 * the iteration, with the code of a `DecodeError`; a file that merely ends too early ends the iteration, and {@link
 * truncated} says so.
 */
export class Capture implements Iterable<CapturedPacket> {
  readonly format: 'pcap' | 'pcapng'
  /** frames passed over by the latest iteration: no IP packet in them, or a link type that is not known */
  skipped = 0
  /** where and why the latest iteration ended before the end of the file; `undefined` if it did not */
  truncated: DecodeError | undefined
  readonly #bytes: Uint8Array
  readonly #view: DataView

  /** Throws `DecodeError` or, with code `MESSAGE_TYPE` or `UNSUPPORTED`, `NetlinkError` where this is no capture. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (bytes.length < 4) throw new DecodeError('SHORT_HEADER', 'capture', { offset: 0, need: 4, have: bytes.length })
    this.format = this.#view.getUint32(0) === SECTION_HEADER ? 'pcapng' : 'pcap'
    const needed = this.format === 'pcapng' ? SECTION_HEADER_LENGTH : PCAP_HEADER_LENGTH
    if (this.format === 'pcap') pcapOrder(this.#view)
    if (bytes.length < needed) {
      throw new DecodeError('SHORT_HEADER', `${this.format} header`, { offset: 0, need: needed, have: bytes.length })
    }
    if (this.format === 'pcapng') sectionOrder(this.#view, 0)
    else checkPcapLinkType(this.#view)
  }

  [Symbol.iterator](): Generator<CapturedPacket, void, undefined> {
    this.skipped = 0
    this.truncated = undefined
    return this.format === 'pcap' ? this.#records() : this.#blocks()
  }

  *#records(): Generator<CapturedPacket, void, undefined> {
    const view = this.#view
    const { littleEndian, fraction } = pcapOrder(view)
    const linkType = pcapLinkType(view, littleEndian)
    let at = PCAP_HEADER_LENGTH
    while (at < view.byteLength) {
      const have = view.byteLength - at
      if (have < RECORD_HEADER_LENGTH) return this.#cut('SHORT_HEADER', 'pcap record header', at, RECORD_HEADER_LENGTH)
      const captured = view.getUint32(at + 8, littleEndian)
      const original = view.getUint32(at + 12, littleEndian)
      checkCaptured(captured, at)
      if (captured > have - RECORD_HEADER_LENGTH) {
        return this.#cut('MESSAGE_LENGTH', 'pcap record', at, RECORD_HEADER_LENGTH + captured)
      }
      const seconds = BigInt(view.getUint32(at, littleEndian))
      const time = seconds * SECOND + BigInt(view.getUint32(at + 4, littleEndian)) * fraction
      const packet = this.#packet(linkType, at + RECORD_HEADER_LENGTH, captured, original, time, littleEndian)
      if (packet !== undefined) yield packet
      at += RECORD_HEADER_LENGTH + captured
    }
  }

  *#blocks(): Generator<CapturedPacket, void, undefined> {
    const view = this.#view
    let littleEndian = false
    let interfaces: CaptureInterface[] = []
    let at = 0
    while (at < view.byteLength) {
      const have = view.byteLength - at
      if (have < BLOCK_FRAMING) return this.#cut('SHORT_HEADER', 'pcapng block', at, BLOCK_FRAMING)
      // The type of a section header reads the same in both orders.
      const isSection = view.getUint32(at) === SECTION_HEADER
      if (isSection) {
        littleEndian = sectionOrder(view, at)
        interfaces = []
      }
      const type = view.getUint32(at, littleEndian)
      const length = view.getUint32(at + 4, littleEndian)
      checkBlock(length, at, blockMinimum(type))
      if (length > have) return this.#cut('MESSAGE_LENGTH', 'pcapng block', at, length)
      const again = view.getUint32(at + length - 4, littleEndian)
      if (again !== length) {
        throw new NetlinkError(
          'MESSAGE_LENGTH',
          `pcapng block at ${at}: ${length} bytes at its start, ${again} at its end`,
        )
      }
      if (type === INTERFACE_DESCRIPTION) {
        if (interfaces.length === MAXIMUM_INTERFACES) {
          throw new NetlinkError('ATTRIBUTE_COUNT', `pcapng: more than ${MAXIMUM_INTERFACES} interfaces`)
        }
        interfaces.push(readInterface(view, at, length, littleEndian))
      } else if (type === SIMPLE_PACKET || type === ENHANCED_PACKET || type === OBSOLETE_PACKET) {
        const packet = this.#blockPacket(type, at, length, littleEndian, interfaces)
        if (packet !== undefined) yield packet
      }
      at += length
    }
  }

  #blockPacket(
    type: number,
    at: number,
    length: number,
    littleEndian: boolean,
    interfaces: readonly CaptureInterface[],
  ): CapturedPacket | undefined {
    const view = this.#view
    const number =
      type === SIMPLE_PACKET
        ? 0
        : type === OBSOLETE_PACKET
          ? view.getUint16(at + 8, littleEndian)
          : view.getUint32(at + 8, littleEndian)
    const from = interfaces[number]
    if (from === undefined) {
      throw new NetlinkError('ATTRIBUTE_MISSING', `pcapng packet at ${at}: interface ${number} is not described`)
    }
    if (type === SIMPLE_PACKET) {
      const original = view.getUint32(at + 8, littleEndian)
      const snapshot = from.snapshotLength === 0 ? original : Math.min(original, from.snapshotLength)
      const captured = Math.min(snapshot, length - BLOCK_FRAMING - 4)
      checkCaptured(captured, at)
      return this.#packet(from.linkType, at + 12, captured, original, 0n, littleEndian)
    }
    const upper = BigInt(view.getUint32(at + 12, littleEndian))
    const units = (upper << 32n) | BigInt(view.getUint32(at + 16, littleEndian))
    const captured = view.getUint32(at + 20, littleEndian)
    const original = view.getUint32(at + 24, littleEndian)
    checkCaptured(captured, at)
    const room = length - blockMinimum(type)
    if (captured > room) {
      throw new DecodeError('MESSAGE_LENGTH', 'pcapng packet', { offset: at + 28, need: captured, have: room })
    }
    const time = (units * SECOND) / from.unitsPerSecond + from.offset
    return this.#packet(from.linkType, at + 28, captured, original, time, littleEndian)
  }

  #packet(
    linkType: number,
    offset: number,
    captured: number,
    original: number,
    at: bigint,
    littleEndian: boolean,
  ): CapturedPacket | undefined {
    const frame = this.#bytes.subarray(offset, offset + captured)
    // Some writers say 0 where they do not know the original length.
    const originalLength = Math.max(captured, original)
    const found = isKnownLinkType(linkType) ? framePacket(linkType, frame, originalLength, littleEndian) : undefined
    if (found === undefined) {
      this.skipped++
      return undefined
    }
    return { packet: found.packet, at, linkType, fullLength: found.fullLength }
  }

  #cut(code: 'SHORT_HEADER' | 'MESSAGE_LENGTH', what: string, offset: number, need: number): void {
    this.truncated = new DecodeError(code, what, { offset, need, have: this.#view.byteLength - offset })
  }
}

interface CaptureInterface {
  readonly linkType: number
  readonly snapshotLength: number
  readonly unitsPerSecond: bigint
  /** nanoseconds to add to each time */
  readonly offset: bigint
}

function pcapOrder(view: DataView): { littleEndian: boolean; fraction: bigint } {
  for (const littleEndian of [false, true]) {
    const magic = view.getUint32(0, littleEndian)
    if (magic === MICROSECOND_MAGIC) return { littleEndian, fraction: 1000n }
    if (magic === NANOSECOND_MAGIC) return { littleEndian, fraction: 1n }
  }
  throw new NetlinkError('MESSAGE_TYPE', `capture: begins with 0x${view.getUint32(0).toString(16)}, no pcap or pcapng`)
}

function pcapLinkType(view: DataView, littleEndian: boolean): number {
  // The upper half says how long the frame check sequence is; it lies behind the packet.
  return view.getUint32(20, littleEndian) & 0xffff
}

function checkPcapLinkType(view: DataView): void {
  const linkType = pcapLinkType(view, pcapOrder(view).littleEndian)
  if (!isKnownLinkType(linkType)) throw new NetlinkError('UNSUPPORTED', `pcap: link type ${linkType} is not known`)
}

function sectionOrder(view: DataView, at: number): boolean {
  for (const littleEndian of [false, true]) {
    if (view.getUint32(at + 8, littleEndian) === BYTE_ORDER_MAGIC) return littleEndian
  }
  throw new NetlinkError('MESSAGE_TYPE', `pcapng section at ${at}: no byte-order magic`)
}

function blockMinimum(type: number): number {
  switch (type) {
    case SECTION_HEADER:
      return SECTION_HEADER_LENGTH
    case INTERFACE_DESCRIPTION:
      return BLOCK_FRAMING + 8
    case SIMPLE_PACKET:
      return BLOCK_FRAMING + 4
    case OBSOLETE_PACKET:
    case ENHANCED_PACKET:
      return BLOCK_FRAMING + 20
    default:
      return BLOCK_FRAMING
  }
}

function checkBlock(length: number, at: number, minimum: number): void {
  if (length < minimum || length % 4 !== 0 || length > MAXIMUM_BLOCK_LENGTH) {
    throw new NetlinkError(
      'MESSAGE_LENGTH',
      `pcapng block at ${at}: a multiple of 4 from ${minimum} to ${MAXIMUM_BLOCK_LENGTH} wanted, not ${length}`,
    )
  }
}

function checkCaptured(captured: number, at: number): void {
  if (captured > MAXIMUM_CAPTURED_LENGTH) {
    throw new NetlinkError('MESSAGE_LENGTH', `capture: a frame of ${captured} bytes at ${at}`)
  }
}

function readInterface(view: DataView, at: number, length: number, littleEndian: boolean): CaptureInterface {
  const end = at + length - 4
  let unitsPerSecond = 1_000_000n
  let offset = 0n
  for (let option = at + 16; option < end; ) {
    const code = view.getUint16(option, littleEndian)
    const size = view.getUint16(option + 2, littleEndian)
    if (code === OPTION_END) break
    const have = end - option - 4
    if (size > have) throw new DecodeError('ATTRIBUTE_LENGTH', 'pcapng option', { offset: option, need: size, have })
    const wanted = code === OPTION_TIME_RESOLUTION ? 1 : code === OPTION_TIME_OFFSET ? 8 : size
    if (size !== wanted) {
      throw new DecodeError('ATTRIBUTE_SIZE', `pcapng option ${code}`, { offset: option, need: wanted, have: size })
    }
    if (code === OPTION_TIME_RESOLUTION) unitsPerSecond = timeUnits(view.getUint8(option + 4))
    if (code === OPTION_TIME_OFFSET) offset = view.getBigInt64(option + 4, littleEndian) * SECOND
    option += 4 + ((size + 3) & ~3)
  }
  return {
    linkType: view.getUint16(at + 8, littleEndian),
    snapshotLength: view.getUint32(at + 12, littleEndian),
    unitsPerSecond,
    offset,
  }
}

/** if_tsresol: a negative power of 10 or, with the upper bit set, of 2. */
function timeUnits(resolution: number): bigint {
  const exponent = BigInt(resolution & 0x7f)
  return (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent
}
