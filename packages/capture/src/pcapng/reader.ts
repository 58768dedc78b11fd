import type { DecodeError } from '@ringlink/codec/errors'
import type { CaptureBlock, PacketBlock } from './block.ts'
import { PcapngDecoder } from './decoder.ts'

/** A source of bytes: all of them, or chunks of any size, such as the stream of a file or socket. */
export type ByteSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Blocks from chunks: `PcapngDecoder`, and classes with the same members. */
export interface BlockDecoder {
  readonly skipped: number
  readonly damaged: number
  push(chunk: Uint8Array): void
  next(): CaptureBlock | undefined
  finish(): DecodeError | undefined
}

/**
 * The blocks of a capture as they come, once.
 *
 *     for await (const packet of readPcapng(chunks).packets()) console.log(packet.at)
 *
 * Malformed contents end the iteration with an error of the decoder, after all blocks before it.
 */
export class PcapngReader implements AsyncIterable<CaptureBlock> {
  /** set when the iteration has ended in the middle of a block: where and why */
  truncated: DecodeError | undefined
  #source: ByteSource
  #decoder: BlockDecoder

  constructor(source: ByteSource, decoder: BlockDecoder = new PcapngDecoder()) {
    this.#source = source
    this.#decoder = decoder
  }

  /** blocks skipped because their type is unknown here */
  get skipped(): number {
    return this.#decoder.skipped
  }

  /** options, and blocks of statistics, ignored because they are malformed: this loses no packet */
  get damaged(): number {
    return this.#decoder.damaged
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureBlock, undefined> {
    const source = this.#source instanceof Uint8Array ? [this.#source] : this.#source
    for await (const chunk of source) {
      this.#decoder.push(chunk)
      yield* decoded(this.#decoder)
    }
    this.truncated = this.#decoder.finish()
  }

  /** Only the packets. */
  async *packets(): AsyncGenerator<PacketBlock, undefined> {
    for await (const block of this) if (block.type === 'packet') yield block
  }
}

/** Reads pcapng from `source`. `readCapture` reads classic pcap and gzip too. */
export function readPcapng(source: ByteSource): PcapngReader {
  return new PcapngReader(source)
}

/**
 * The blocks of a pcapng capture in memory. The generator returns why the capture ends in the middle of a block, if it
 * does.
 */
export function* decodePcapng(bytes: Uint8Array): Generator<CaptureBlock, DecodeError | undefined, undefined> {
  const decoder = new PcapngDecoder()
  decoder.push(bytes)
  yield* decoded(decoder)
  return decoder.finish()
}

function* decoded(decoder: BlockDecoder): Generator<CaptureBlock, undefined, undefined> {
  for (let block = decoder.next(); block !== undefined; block = decoder.next()) yield block
}
