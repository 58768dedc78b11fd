import { createGunzip, type Gunzip } from 'node:zlib'
import { DecodeError } from '@ringlink/codec/errors'
import type { ByteSource } from '../pcapng/reader.ts'
import { formatError } from './format-error.ts'

/** Maximum compressed bytes inflated at a time: they can grow a thousandfold. */
const PIECE = 65_536
const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * The bytes of a capture, decompressed if its first two bytes are gzip's (RFC 1952). Damage in the compressed bytes
 * throws a `DecodeError` of code `MESSAGE_TYPE`; a premature end is kept in {@link cut}, after giving out everything
 * before it.
 */
export class InflatedBytes implements AsyncIterable<Uint8Array> {
  /** set at the end where the compressed bytes end too early */
  cut: DecodeError | undefined
  /** bytes taken from the source so far, before they are inflated */
  bytesRead = 0
  #source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>

  constructor(source: ByteSource) {
    this.#source = source instanceof Uint8Array ? [source] : source
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    let inflater: Inflater | undefined
    // Less than the magic, until that has arrived.
    let begun: Uint8Array | undefined = new Uint8Array(0)
    try {
      for await (const next of this.#source) {
        let chunk = next
        this.bytesRead += chunk.length
        if (begun !== undefined) {
          chunk = begun.length === 0 ? chunk : Uint8Array.from([...begun, ...chunk])
          begun = chunk.length < GZIP_MAGIC.length ? chunk : undefined
          if (begun !== undefined) continue
          if (isGzip(chunk)) inflater = new Inflater()
        }
        if (inflater === undefined) yield chunk
        else yield* inflater.inflate(chunk)
      }
      if (begun !== undefined && begun.length > 0) yield begun
      if (inflater === undefined) return undefined
      this.cut = await inflater.finish()
      yield* inflater.taken()
    } finally {
      inflater?.close()
    }
  }
}

/** Whether bytes are compressed with gzip, by their content. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1]
}

class Inflater {
  #gunzip: Gunzip = createGunzip()
  #output: Uint8Array[] = []
  #failure: Error | undefined
  #read = 0

  #failed: Promise<void>

  constructor() {
    this.#gunzip.on('data', (chunk: Uint8Array) => this.#output.push(chunk))
    this.#failed = new Promise((resolve) => {
      this.#gunzip.on('error', (error) => {
        this.#failure = error
        resolve()
      })
    })
  }

  async *inflate(chunk: Uint8Array): AsyncGenerator<Uint8Array, undefined> {
    for (let at = 0; at < chunk.length; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE)
      await this.#settled((done) => this.#gunzip.write(piece, done))
      yield* this.taken()
      if (this.#failure !== undefined) throw this.#damage(this.#failure)
      this.#read += piece.length
    }
  }

  /** Call it when everything was written: why the end comes too early, if it does. */
  async finish(): Promise<DecodeError | undefined> {
    await this.#settled((done) => this.#gunzip.once('end', done).end())
    if (this.#failure === undefined) return undefined
    if (!('code' in this.#failure) || this.#failure.code !== 'Z_BUF_ERROR') throw this.#damage(this.#failure)
    const at = { offset: this.#read, need: 1, have: 0 }
    return new DecodeError('MESSAGE_LENGTH', 'gzip stream cut by the end of the capture', at)
  }

  /** The bytes inflated since the last call. */
  taken(): Uint8Array[] {
    return this.#output.splice(0)
  }

  close(): void {
    this.#gunzip.destroy()
  }

  /** Waits until `start` calls back or the stream fails, because a failed stream need not call back. */
  #settled(start: (done: () => void) => void): Promise<void> {
    return Promise.race([new Promise<void>(start), this.#failed])
  }

  #damage(error: Error): DecodeError {
    const at = { offset: this.#read, need: 0, have: 0 }
    return formatError(`gzip stream is damaged (${error.message})`, at)
  }
}
