import { DecodeError } from '@ringlink/codec/errors'
import { PcapDecoder } from '../pcap/decoder.ts'
import { PcapMagic } from '../pcap/layout.ts'
import { BlockType, type CaptureBlock } from '../pcapng/block.ts'
import { PcapngDecoder } from '../pcapng/decoder.ts'
import { formatError } from './format-error.ts'

/** The number of bytes that identify the format of a capture. */
const MAGIC_LENGTH = 4
const pcapMagics: ReadonlySet<number> = new Set(Object.values(PcapMagic))

/**
 * Reads pcapng or classic pcap, by its first four bytes. Use it like `PcapngDecoder`. Throws code `MESSAGE_TYPE` for
 * any other format.
 */
export class CaptureDecoder {
  #decoder: PcapngDecoder | PcapDecoder | undefined
  // The bytes before the format is known: less than its magic.
  #begun: Uint8Array = new Uint8Array(0)
  #failure: DecodeError | undefined

  /** blocks skipped because their type is unknown here */
  get skipped(): number {
    return this.#decoder?.skipped ?? 0
  }

  /** options, and blocks of statistics, ignored because they are malformed */
  get damaged(): number {
    return this.#decoder?.damaged ?? 0
  }

  /** Appends a chunk. It is read in place: packets are windows on it. */
  push(chunk: Uint8Array): void {
    if (this.#decoder !== undefined) {
      this.#decoder.push(chunk)
      return
    }
    const begun = this.#begun.length === 0 ? chunk : concatenated(this.#begun, chunk)
    this.#begun = begun
    if (begun.length < MAGIC_LENGTH || this.#failure !== undefined) return
    this.#decoder = decoderOf(begun)
    if (this.#decoder === undefined) this.#failure = unknownFormat(begun)
    else this.#begun = new Uint8Array(0)
    this.#decoder?.push(begun)
  }

  /** The next block, or `undefined` if it has not arrived completely. */
  next(): CaptureBlock | undefined {
    if (this.#failure !== undefined) throw this.#failure
    return this.#decoder?.next()
  }

  /**
   * To be asked when everything was pushed and `next()` returns no more: why the end is in the middle of a block, if it
   * is.
   */
  finish(): DecodeError | undefined {
    if (this.#decoder !== undefined) return this.#decoder.finish()
    if (this.#failure !== undefined) return this.#failure
    const at = { offset: 0, need: MAGIC_LENGTH, have: this.#begun.length }
    return new DecodeError('SHORT_HEADER', 'capture cut in its first bytes', at)
  }
}

function decoderOf(bytes: Uint8Array): PcapngDecoder | PcapDecoder | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, MAGIC_LENGTH)
  if (view.getUint32(0) === BlockType.SectionHeader) return new PcapngDecoder()
  const isPcap = pcapMagics.has(view.getUint32(0, true)) || pcapMagics.has(view.getUint32(0, false))
  return isPcap ? new PcapDecoder() : undefined
}

function unknownFormat(bytes: Uint8Array): DecodeError {
  const begin = Array.from(bytes.subarray(0, MAGIC_LENGTH), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const text = `expected pcapng or pcap, plain or compressed with gzip, but it begins with ${begin}`
  return formatError(text, { offset: 0, need: MAGIC_LENGTH, have: bytes.length })
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}
