import type { DecodeError } from '@ringlink/codec/errors'
import type { CaptureBlock, PacketBlock } from './block.ts'
import { PcapngDecoder } from './decoder.ts'

/** Where bytes come from: all of them, or chunks of any size, as a file's or a socket's stream gives them. */
export type ByteSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * The blocks of a pcapng capture as they come, once.
 *
 *     for await (const packet of readPcapng(createReadStream('log.pcapng')).packets()) console.log(packet.at)
 *
 * Malformed contents end the iteration with an error, as {@link PcapngDecoder} says; what came before it has been given out.
 */
export class PcapngReader implements AsyncIterable<CaptureBlock> {
  /** set when the iteration has ended in the middle of a block: where and why */
  truncated: DecodeError | undefined
  #source: ByteSource
  #decoder = new PcapngDecoder()

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** blocks passed over because their type is not known here */
  get skipped(): number {
    return this.#decoder.skipped
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureBlock, undefined> {
    const source = this.#source instanceof Uint8Array ? [this.#source] : this.#source
    for await (const chunk of source) {
      this.#decoder.push(chunk)
      yield* decoded(this.#decoder)
    }
    this.truncated = this.#decoder.finish()
  }

  /** The packets alone. */
  async *packets(): AsyncGenerator<PacketBlock, undefined> {
    for await (const block of this) if (block.type === 'packet') yield block
  }
}

/** Reads pcapng from `source`. */
export function readPcapng(source: ByteSource): PcapngReader {
  return new PcapngReader(source)
}

/** The blocks of a capture that is in memory; the generator returns why it ends in the middle of a block, if it does. */
export function* decodePcapng(bytes: Uint8Array): Generator<CaptureBlock, DecodeError | undefined, undefined> {
  const decoder = new PcapngDecoder()
  decoder.push(bytes)
  yield* decoded(decoder)
  return decoder.finish()
}

function* decoded(decoder: PcapngDecoder): Generator<CaptureBlock, undefined, undefined> {
  for (let block = decoder.next(); block !== undefined; block = decoder.next()) yield block
}
