import { once } from 'node:events'
import { jsonText } from '@ringlink/codec'

type OutputStream = Pick<NodeJS.WriteStream, 'write' | 'on' | 'once' | 'off'>

/** The only access to standard output: it distinguishes a reader that has gone from a full disk. */
export class Output {
  #stream: NodeJS.WritableStream & OutputStream
  #error: NodeJS.ErrnoException | undefined
  #listeners: (() => void)[] = []

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error
      for (const listener of this.#listeners) listener()
    })
  }

  /** Whether the output is no longer read. */
  get isGone(): boolean {
    return this.#error !== undefined
  }

  /** Calls `listener` when the reader has gone, or writing has failed. */
  onGone(listener: () => void): void {
    this.#listeners.push(listener)
    if (this.isGone) listener()
  }

  /** Returns false if the stream holds more than it should; then await {@link drained}. */
  write(text: string): boolean {
    return this.isGone || this.#stream.write(text)
  }

  line(text: string): boolean {
    return this.write(`${text}\n`)
  }

  /** One JSON object, on one line. */
  json(value: object): boolean {
    return this.line(jsonText(value))
  }

  /** Waits until the stream takes more; returns at once if it is not read. */
  async drained(): Promise<void> {
    if (this.isGone || !(this.#stream as NodeJS.WriteStream).writableNeedDrain) return
    const gone = new AbortController()
    this.onGone(() => gone.abort())
    await once(this.#stream as NodeJS.WriteStream, 'drain', { signal: gone.signal }).catch(() => {})
  }

  /** Waits until all is written. A reader that went away (EPIPE) is not an error; anything else is thrown. */
  async finish(): Promise<void> {
    if (!this.isGone) {
      await new Promise<void>((resolve) => {
        this.onGone(resolve)
        this.#stream.write('', () => resolve())
      })
      // The error of a write is emitted after its callback.
      await new Promise(setImmediate)
    }
    const error = this.#error
    if (error === undefined || error.code === 'EPIPE') return
    throw new Error(`cannot write to standard output: ${error.message}`, { cause: error })
  }
}

/** Standard output. */
export const output: Output = new Output(process.stdout)
