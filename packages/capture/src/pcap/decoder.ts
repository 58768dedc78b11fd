import { DecodeError, NetlinkError } from '@ringlink/codec/errors'
import type { CaptureBlock, InterfaceBlock, PacketBlock } from '../pcapng/block.ts'
import { MAXIMUM_BLOCK_LENGTH } from '../pcapng/block.ts'
import { ByteWindow } from '../pcapng/byte-window.ts'
import { FILE_HEADER, LINK_TYPE_MASK, PACKET_HEADER, PcapMagic } from './layout.ts'

const SECOND = 1_000_000_000n

/** The properties of all packets, from the header of a file. */
interface FileHeader {
  readonly little: boolean
  readonly linkType: number
  readonly snapshotLength: number
  /** nanoseconds per unit of the second field of a time */
  readonly unit: bigint
}

/**
 * Reads classic pcap from chunks of any size, in either byte order, with times in micro- or nanoseconds, as the blocks
 * of a pcapng file with one interface: a section, the interface, packets. Use it like `PcapngDecoder`.
 *
 * `next()` throws, and then throws every time:
 *
 * - `MESSAGE_TYPE`: not pcap
 * - `UNSUPPORTED`: a version other than 2
 * - `MESSAGE_LENGTH`: a packet of an impossible length
 */
export class PcapDecoder {
  /** always 0: pcap has only packets */
  readonly skipped = 0
  /** always 0: pcap has no options and no statistics */
  readonly damaged = 0
  #window = new ByteWindow()
  #header: FileHeader | undefined
  #interface: InterfaceBlock | undefined
  #failure: unknown
  #need = FILE_HEADER

  /** Appends a chunk. It is read in place: packets are windows on it. */
  push(chunk: Uint8Array): void {
    this.#window.push(chunk)
  }

  /** The next block, or `undefined` if it has not arrived completely. */
  next(): CaptureBlock | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      if (this.#header === undefined) return this.#readHeader()
      const described = this.#interface
      this.#interface = undefined
      return described ?? this.#readPacket(this.#header)
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  /**
   * Call it when everything was pushed and `next()` returns no more: why the capture ends in the middle of a packet, if
   * it does.
   */
  finish(): DecodeError | undefined {
    const { available, position } = this.#window
    if (available === 0 && this.#header !== undefined) return undefined
    const at = { offset: this.#window.offsetOf(position), need: this.#need, have: available }
    const inHeader = this.#header === undefined || available < PACKET_HEADER
    return new DecodeError(
      inHeader ? 'SHORT_HEADER' : 'MESSAGE_LENGTH',
      'pcap packet cut by the end of the capture',
      at,
    )
  }

  #readHeader(): CaptureBlock | undefined {
    if (!this.#window.require(FILE_HEADER)) return undefined
    const { view, position } = this.#window
    const { little, unit } = this.#magic(position)
    const version = view.getUint16(position + 4, little)
    if (version !== 2) {
      throw new NetlinkError('UNSUPPORTED', `cannot read pcap: version ${version} of the format, expected 2`)
    }
    const snapshotLength = view.getUint32(position + 16, little)
    const linkType = view.getUint32(position + 20, little) & LINK_TYPE_MASK
    this.#window.skip(FILE_HEADER)
    this.#header = { little, linkType, snapshotLength, unit }
    const unsaid = { name: undefined, description: undefined, comment: undefined }
    this.#interface = { type: 'interface', interface: 0, linkType, snapshotLength, ...unsaid }
    const byteOrder = little ? 'little' : 'big'
    const comment = undefined
    return {
      type: 'section',
      byteOrder,
      hardware: undefined,
      operatingSystem: undefined,
      application: undefined,
      comment,
    }
  }

  #magic(position: number): { little: boolean; unit: bigint } {
    for (const little of [true, false]) {
      const magic = this.#window.view.getUint32(position, little)
      if (magic === PcapMagic.Microseconds) return { little, unit: 1000n }
      if (magic === PcapMagic.Nanoseconds) return { little, unit: 1n }
    }
    const at = { offset: this.#window.offsetOf(position), need: 0, have: 0 }
    throw new DecodeError('MESSAGE_TYPE', 'capture without the magic number of pcap', at)
  }

  #readPacket({ little, linkType, unit }: FileHeader): PacketBlock | undefined {
    this.#need = PACKET_HEADER
    if (!this.#window.require(PACKET_HEADER)) return undefined
    const start = this.#window.position
    const captured = this.#window.view.getUint32(start + 8, little)
    if (captured > MAXIMUM_BLOCK_LENGTH) {
      const at = { offset: this.#window.offsetOf(start), need: captured, have: this.#window.available }
      throw new DecodeError('MESSAGE_LENGTH', `pcap packet of more than ${MAXIMUM_BLOCK_LENGTH} bytes`, at)
    }
    this.#need = PACKET_HEADER + captured
    if (!this.#window.require(this.#need)) return undefined
    const { view, position, bytes } = this.#window
    const seconds = BigInt(view.getUint32(position, little))
    const units = BigInt(view.getUint32(position + 4, little))
    const original = view.getUint32(position + 12, little)
    const first = position + PACKET_HEADER
    this.#window.skip(this.#need)
    return {
      type: 'packet',
      interface: 0,
      linkType,
      at: seconds * SECOND + units * unit,
      bytes: bytes.subarray(first, first + captured),
      fullLength: Math.max(captured, original),
      comment: undefined,
      dropCount: undefined,
      direction: undefined,
      byteOrder: little ? 'little' : 'big',
    }
  }
}
