import { abortSignal, object, readOptions, type Schema } from '@ringlink/codec/options'
import { namedError } from '../named-error.ts'
import type { CaptureBlock } from '../pcapng/block.ts'
import { type ByteSource, PcapngReader } from '../pcapng/reader.ts'
import { CaptureDecoder } from './decoder.ts'
import { InflatedBytes } from './gunzip.ts'
import { chunksOfFile } from './input-file.ts'

export interface ReadOptions {
  /** ends the reading, even while it waits for a pipe: the iteration rejects with the signal's reason */
  readonly signal?: AbortSignal | undefined
}

const readerOptions: Schema<ReadOptions> = object<ReadOptions>({ signal: abortSignal })

/** The blocks of a capture of either format, as they come, once. */
export class CaptureReader extends PcapngReader {
  #bytes: InflatedBytes
  #path: string | undefined

  constructor(source: string | ByteSource, given: ReadOptions = {}) {
    const options = readOptions('read capture', readerOptions, given)
    const bytes = new InflatedBytes(typeof source === 'string' ? chunksOfFile(source, options.signal) : source)
    super(bytes, new CaptureDecoder())
    this.#bytes = bytes
    this.#path = typeof source === 'string' ? source : undefined
  }

  /** bytes of the source read so far, before decompression: a measure of progress */
  get bytesRead(): number {
    return this.#bytes.bytesRead
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<CaptureBlock, undefined> {
    try {
      yield* super[Symbol.asyncIterator]()
    } catch (error) {
      throw this.#path === undefined ? error : namedError(error, 'cannot read capture', this.#path)
    }
    this.truncated ??= this.#bytes.cut
    if (this.truncated !== undefined && this.#path !== undefined) {
      namedError(this.truncated, 'capture', this.#path)
    }
  }
}

/**
 * Reads pcapng or classic pcap, plain or compressed with gzip, from the file of that name or from a stream, chunks or
 * all bytes. The content decides, not the name.
 *
 *     for await (const packet of readCapture('log.pcapng').packets()) console.log(packet.at, packet.bytes)
 *
 * The iteration rejects with `DecodeError` for malformed contents (after all blocks before them), code `UNSUPPORTED`
 * for another version of the format, and with the system's error; the message names the file. A capture that ends in
 * the middle of a packet is read up to there, and `truncated` says so.
 */
export function readCapture(source: string | ByteSource, options: ReadOptions = {}): CaptureReader {
  return new CaptureReader(source, options)
}
