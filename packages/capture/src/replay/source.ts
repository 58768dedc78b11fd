import { Readable } from 'node:stream'
import type { ByteSource } from '../pcapng/reader.ts'
import { InflatedBytes, isGzip } from '../read/gunzip.ts'

/** Chunks of a recording, taken when needed; at most one chunk of a stream is kept. */
export class RecordingSource {
  /** no more chunks come */
  hasEnded = false
  failure: unknown
  #source: ByteSource
  #sync: Iterator<Uint8Array> | undefined
  // The iterator of a stream, and the stream itself: ending the former may have to wait for the latter.
  #async: AsyncIterator<Uint8Array> | undefined
  #inner: AsyncIterator<Uint8Array> | undefined
  #bytes: InflatedBytes | undefined
  #chunk: Uint8Array | undefined
  #asking = false
  #arrived: () => void

  /** @param arrived called when a chunk of a stream has arrived, and at its end */
  constructor(source: ByteSource, arrived: () => void) {
    this.#source = source
    this.#arrived = arrived
    if (source instanceof Uint8Array || !(Symbol.asyncIterator in source)) this.#openSync(source)
    else this.#openAsync(source[Symbol.asyncIterator]())
  }

  /** why compressed bytes end too early, if they do */
  get cut(): InflatedBytes['cut'] {
    return this.#bytes?.cut
  }

  /** {@link take} may return a chunk now */
  get hasMore(): boolean {
    return this.#chunk !== undefined || (this.#sync !== undefined && !this.hasEnded)
  }

  /** The next chunk, if it has arrived. Throws what the source throws. */
  take(): Uint8Array | undefined {
    if (this.hasEnded) return undefined
    if (this.#sync !== undefined) {
      const { done, value } = this.#sync.next()
      if (done === true) this.hasEnded = true
      return done === true ? undefined : value
    }
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk !== undefined) this.#ask()
    return chunk
  }

  close(): void {
    this.hasEnded = true
    this.#chunk = undefined
    this.#sync?.return?.()
    // The replay is closed, so an error of closing the source is ignored.
    this.#inner?.return?.().catch(() => {})
    this.#async?.return?.().catch(() => {})
    // The iterator of a stream waits for data before it ends; the stream itself does not.
    if (this.#source instanceof Readable) this.#source.destroy()
  }

  /** Compressed bytes are inflated in the event loop, as those of a stream. */
  #openSync(source: Uint8Array | Iterable<Uint8Array>): void {
    const chunks = source instanceof Uint8Array ? [source][Symbol.iterator]() : source[Symbol.iterator]()
    let begun = new Uint8Array(0)
    try {
      while (begun.length < 2) {
        const { done, value } = chunks.next()
        if (done === true) break
        begun = begun.length === 0 ? Uint8Array.from(value) : Uint8Array.from([...begun, ...value])
      }
    } catch (error) {
      this.failure = error
      this.hasEnded = true
      return
    }
    const all = concatenated(begun, chunks)
    if (isGzip(begun)) this.#openAsync(eventually(all))
    else this.#sync = all
  }

  #openAsync(inner: AsyncIterator<Uint8Array>): void {
    this.#inner = inner
    this.#bytes = new InflatedBytes({ [Symbol.asyncIterator]: () => inner })
    this.#async = this.#bytes[Symbol.asyncIterator]()
    this.#ask()
  }

  #ask(): void {
    if (this.#asking || this.hasEnded || this.#async === undefined) return
    this.#asking = true
    this.#async.next().then(
      ({ done, value }) => {
        this.#asking = false
        if (this.hasEnded) return
        if (done === true) this.hasEnded = true
        else this.#chunk = value
        this.#arrived()
      },
      (error: unknown) => {
        this.#asking = false
        this.failure = error
        this.hasEnded = true
        this.#arrived()
      },
    )
  }
}

function* concatenated(first: Uint8Array, rest: Iterator<Uint8Array>): Generator<Uint8Array, undefined> {
  if (first.length > 0) yield first
  yield* { [Symbol.iterator]: () => rest }
}

async function* eventually(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  yield* chunks
}
