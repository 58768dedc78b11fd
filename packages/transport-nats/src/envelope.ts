/**
 * The payload of a NATS message: a header, then the frames as the kernel delivered them. Numbers of the header and of
 * the frames' descriptions are big-endian; the messages in the frames have the byte order that the header names.
 *
 *     0  u32    magic: "RLNF"
 *     4  u8     version: 1
 *     5  u8     byte order of the frames: 1 little-endian, 2 big-endian
 *     6  u8     compression of the body: 0 none, 1 deflate (RFC 1951), 2 zstd (RFC 8878)
 *     7  u8     length of the host name in bytes
 *     8  u16    netlink protocol
 *    10  u16    length of the header: where the body begins, a multiple of four
 *    12  u8[16] boot id of the host
 *    28  u8[8]  run: a random number of the publisher, because one boot can have several
 *    36  u64    sequence number of the first frame, counted by the publisher from 0
 *    44  u64    sequence number of the last frame; one below the first if there is none
 *    52  u32    netlink messages in the frames
 *    56  u32    length of the body, uncompressed
 *    60  u64    datagrams that the kernel dropped, not reported by an earlier message
 *    68  u64    frames that the publisher dropped since its previous message
 *    76  u64    netlink messages in those
 *    84         host name in UTF-8, padded with zeros
 *
 * A frame is its length, its full length (more if it was truncated) and its multicast groups, each u32, and its bytes,
 * padded with zeros to a multiple of four.
 */
import { align4 } from '@ringlink/codec/memory'
import { NatsError } from './errors.ts'

export type ByteOrder = 'little' | 'big'
export type Compression = 'none' | 'deflate' | 'zstd'

/** The header of a message. */
export interface Envelope {
  readonly byteOrder: ByteOrder
  readonly compression: Compression
  /** netlink protocol of the frames */
  readonly protocol: number
  readonly host: string
  /** a UUID in lower case */
  readonly bootId: string
  /** 16 hexadecimal digits */
  readonly run: string
  /** sequence number of the first frame */
  readonly first: number
  /** sequence number of the last frame; `first - 1`: there is none */
  readonly last: number
  /** netlink messages in the frames */
  readonly messages: number
  /** bytes of the body, uncompressed */
  readonly bodyLength: number
  /** datagrams that the kernel dropped, not reported by an earlier message */
  readonly lost: number
  /** frames that the publisher dropped since its previous message */
  readonly droppedFrames: number
  /** netlink messages in those */
  readonly droppedMessages: number
}

/** An envelope that was read, with the place of its body. */
export interface ReadEnvelope extends Envelope {
  readonly bodyOffset: number
}

const MAGIC = 0x524c4e46
const VERSION = 1
const HOST_OFFSET = 84
/** Bytes of a host name. */
export const MAXIMUM_HOST_LENGTH = 255
/** Bytes that describe a frame, before its own. */
export const FRAME_DESCRIPTION = 12
const BYTE_ORDERS: readonly (ByteOrder | undefined)[] = [undefined, 'little', 'big']
const COMPRESSIONS: readonly Compression[] = ['none', 'deflate', 'zstd']
const UINT32 = 0x1_0000_0000
const OPERATION = 'read message'

/** The byte order of this machine. */
export const HOST_BYTE_ORDER: ByteOrder = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big'

/** Bytes of the header for a host of that name. */
export function envelopeLength(host: string): number {
  return HOST_OFFSET + align4(new TextEncoder().encode(host).length)
}

/** Bytes that a frame of `byteLength` bytes takes in a body. */
export function frameSpace(byteLength: number): number {
  return FRAME_DESCRIPTION + align4(byteLength)
}

/** The parts of an envelope that all messages of a publisher share. */
export type EnvelopeIdentity = Pick<Envelope, 'byteOrder' | 'compression' | 'protocol' | 'host' | 'bootId' | 'run'>
/** The parts that differ from message to message. */
export type EnvelopeCounts = Omit<Envelope, keyof EnvelopeIdentity>

/** Writes the header at the beginning of `bytes`. Returns its length. */
export function writeEnvelope(bytes: Uint8Array, envelope: Envelope): number {
  const length = writeIdentity(bytes, envelope)
  writeCounts(bytes, envelope)
  return length
}

/** Writes what all messages of a publisher share. Returns the length of the header. */
export function writeIdentity(bytes: Uint8Array, envelope: EnvelopeIdentity): number {
  const host = new TextEncoder().encode(envelope.host)
  const length = HOST_OFFSET + align4(host.length)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC)
  view.setUint8(4, VERSION)
  view.setUint8(5, BYTE_ORDERS.indexOf(envelope.byteOrder))
  view.setUint8(6, COMPRESSIONS.indexOf(envelope.compression))
  view.setUint8(7, host.length)
  view.setUint16(8, envelope.protocol)
  view.setUint16(10, length)
  bytes.set(hexBytes(envelope.bootId.replaceAll('-', ''), 16), 12)
  bytes.set(hexBytes(envelope.run, 8), 28)
  bytes.set(host, HOST_OFFSET)
  bytes.fill(0, HOST_OFFSET + host.length, length)
  return length
}

/** Writes the rest of the header. */
export function writeCounts(bytes: Uint8Array, counts: EnvelopeCounts): void {
  const view = viewOf(bytes)
  setUint64(view, 36, counts.first)
  // The number before 0 does not exist, so that of a first message without frames wraps.
  view.setBigUint64(44, BigInt(counts.last))
  view.setUint32(52, counts.messages)
  view.setUint32(56, counts.bodyLength)
  setUint64(view, 60, counts.lost)
  setUint64(view, 68, counts.droppedFrames)
  setUint64(view, 76, counts.droppedMessages)
}

/** Reads the header. Throws codes `ENVELOPE_FOREIGN` and `ENVELOPE_VERSION`. */
export function readEnvelope(bytes: Uint8Array): ReadEnvelope {
  const view = viewOf(bytes)
  if (bytes.length < 5 || view.getUint32(0) !== MAGIC) throw foreign('it does not begin with the bytes of an envelope')
  const version = view.getUint8(4)
  if (version !== VERSION) {
    throw new NatsError(
      'ENVELOPE_VERSION',
      OPERATION,
      `envelope version must be ${VERSION}, got ${version}: use the version of ringlink that wrote it`,
    )
  }
  if (bytes.length < HOST_OFFSET) throw foreign(`its header must have ${HOST_OFFSET} bytes, got ${bytes.length}`)
  const byteOrder = BYTE_ORDERS[view.getUint8(5)]
  if (byteOrder === undefined) throw foreign(`byte order must be 1 or 2, got ${view.getUint8(5)}`)
  const compression = COMPRESSIONS[view.getUint8(6)]
  if (compression === undefined) {
    throw new NatsError('ENVELOPE_VERSION', OPERATION, `compression must be 0 to 2, got ${view.getUint8(6)}`)
  }
  const hostLength = view.getUint8(7)
  const bodyOffset = view.getUint16(10)
  if (bodyOffset !== HOST_OFFSET + align4(hostLength) || bodyOffset > bytes.length) {
    throw foreign(`header length must be ${HOST_OFFSET + align4(hostLength)} bytes, got ${bodyOffset}`)
  }
  const bodyLength = view.getUint32(56)
  if (compression === 'none' && bodyLength !== bytes.length - bodyOffset) {
    throw foreign(`its body must have ${bodyLength} bytes, got ${bytes.length - bodyOffset}`)
  }
  const first = getUint64(view, 36)
  const count = Number(BigInt.asUintN(64, view.getBigUint64(44) - view.getBigUint64(36) + 1n))
  if (count * FRAME_DESCRIPTION > bodyLength) throw foreign(`${count} frames do not fit into ${bodyLength} bytes`)
  return {
    ...{ byteOrder, compression, bodyLength, bodyOffset, first, last: first + count - 1 },
    protocol: view.getUint16(8),
    host: new TextDecoder().decode(bytes.subarray(HOST_OFFSET, HOST_OFFSET + hostLength)),
    bootId: hexText(bytes.subarray(12, 28)).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    run: hexText(bytes.subarray(28, 36)),
    messages: view.getUint32(52),
    lost: getUint64(view, 60),
    droppedFrames: getUint64(view, 68),
    droppedMessages: getUint64(view, 76),
  }
}

/** Writes the description of a frame at `offset`; its bytes follow at `offset + FRAME_DESCRIPTION`. */
export function writeFrameDescription(
  view: DataView,
  offset: number,
  byteLength: number,
  fullLength: number,
  groups: number,
): void {
  view.setUint32(offset, byteLength)
  view.setUint32(offset + 4, fullLength)
  view.setUint32(offset + 8, groups)
}

/** Reads the frames of an uncompressed body, in order. */
export class FrameReader {
  /** of the current frame: the offset of its bytes in the body, their number, and the rest of its description */
  offset = 0
  byteLength = 0
  fullLength = 0
  groups = 0
  readonly #body: Uint8Array
  readonly #view: DataView
  #next = 0

  constructor(body: Uint8Array) {
    this.#body = body
    this.#view = viewOf(body)
  }

  /**
   * Goes to the next frame; false at the end. Throws code `ENVELOPE_FOREIGN` if the rest of the body is not a frame.
   */
  next(): boolean {
    const at = this.#next
    const left = this.#body.length - at
    if (left === 0) return false
    if (left < FRAME_DESCRIPTION) throw foreign(`its last frame must have ${FRAME_DESCRIPTION} bytes, got ${left}`)
    this.byteLength = this.#view.getUint32(at)
    this.fullLength = this.#view.getUint32(at + 4)
    this.groups = this.#view.getUint32(at + 8)
    const space = FRAME_DESCRIPTION + Math.ceil(this.byteLength / 4) * 4
    if (space > left) throw foreign(`a frame of ${this.byteLength} bytes does not fit into ${left} bytes`)
    if (this.fullLength < this.byteLength) {
      throw foreign(`the full length of a frame must be at least ${this.byteLength}, got ${this.fullLength}`)
    }
    this.offset = at + FRAME_DESCRIPTION
    this.#next = at + space
    return true
  }
}

/** Checks that a body has `count` whole frames. Throws code `ENVELOPE_FOREIGN`. */
export function checkFrames(body: Uint8Array, count: number): void {
  const reader = new FrameReader(body)
  let found = 0
  while (reader.next()) found++
  if (found !== count) throw foreign(`it must have ${count} frames, got ${found}`)
}

/** The identity of a message: `Nats-Msg-Id`, by which a server stores a repeated one once. */
export function messageId({ bootId, run, first, last }: Pick<Envelope, 'bootId' | 'run' | 'first' | 'last'>): string {
  // The number of the last frame too: a message without frames has the first number of the one that follows it.
  return `${bootId}-${run}-${first}-${last}`
}

function foreign(problem: string): NatsError {
  return new NatsError('ENVELOPE_FOREIGN', OPERATION, `this is not a message of ringlink: ${problem}`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function setUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / UINT32))
  view.setUint32(offset + 4, value % UINT32)
}

function getUint64(view: DataView, offset: number): number {
  const value = view.getUint32(offset) * UINT32 + view.getUint32(offset + 4)
  if (Number.isSafeInteger(value)) return value
  throw foreign(`a counter must be at most ${Number.MAX_SAFE_INTEGER}, got ${value}`)
}

function hexBytes(digits: string, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16))
}

function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
