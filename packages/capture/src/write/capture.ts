import { arch, release, type } from 'node:os'
import type { Writable } from 'node:stream'
import { NetlinkError } from '@ringlink/codec/errors'
import {
  abortSignal,
  boolean,
  integer,
  type Members,
  milliseconds,
  object,
  oneOf,
  readOptions,
  type Schema,
  text,
} from '@ringlink/codec/options'
import { TransportError } from '@ringlink/transport'
import { namedError } from '../named-error.ts'
import { PcapngEncoder } from '../pcapng/encoder.ts'
import type {
  CaptureSink,
  InterfaceOptions,
  InterfaceStatistics,
  PacketRecord,
  SectionOptions,
} from '../pcapng/sink.ts'
import { type OutputOptions, openOutput } from './output-file.ts'

export interface CaptureOptions extends SectionOptions, OutputOptions {
  /** bytes that may wait to be written before the capture is `congested`; default 16 MiB */
  readonly bufferSize?: number | undefined
  /** leave the stream open at close; default false */
  readonly keepOpen?: boolean | undefined
  /** milliseconds without progress of the stream after which `close()` rejects with code `TIMEOUT`; default 5000 */
  readonly closeTimeout?: number | undefined
  /** one that is aborted: nothing is opened, and its reason is thrown. Default none */
  readonly signal?: AbortSignal | undefined
}

/** The maximum length of an option of pcapng. */
const LONGEST_TEXT = 0xffff
const sectionText = text(0, LONGEST_TEXT)

/** The members of `openCapture`'s options, for captures that add their own. */
export const captureMembers: Members<CaptureOptions> = {
  hardware: sectionText,
  operatingSystem: sectionText,
  application: sectionText,
  comment: sectionText,
  byteOrder: oneOf('little', 'big'),
  mode: integer(0, 0o7777),
  followSymbolicLinks: boolean,
  bufferSize: integer(0, Number.MAX_SAFE_INTEGER, 'bytes'),
  keepOpen: boolean,
  closeTimeout: milliseconds(),
  signal: abortSignal,
}
const captureOptions: Schema<CaptureOptions> = object<CaptureOptions>(captureMembers)

/** Bytes passed to the stream at a time. */
const CHUNK_SIZE = 65_536
const BUFFER_SIZE: number = 16 * 1024 * 1024
const CLOSE_TIMEOUT = 5000

/**
 * Writes pcapng to a file or stream. Blocks are collected and written in larger pieces, at the latest in the next turn
 * of the event loop.
 *
 *     if (!capture.writePacket(record)) await capture.drained()
 *
 * After a failure, including one of opening the file, `drained()` and `close()` reject with it, and {@link failure}
 * resolves with it at once; later packets are discarded. It is the system's error, and its message names the file.
 */
export class Capture implements CaptureSink, AsyncDisposable {
  /** resolves with the error when the capture fails, and never otherwise, for programs that should end then */
  readonly failure: Promise<unknown>
  #stream: Writable | undefined
  #path: string | undefined
  #encoder: PcapngEncoder
  #bufferSize: number
  #keepOpen: boolean
  #closeTimeout: number
  #error: unknown
  #failed = false
  #reportFailure: (error: unknown) => void = () => {}
  #closing: Promise<void> | undefined
  #flushScheduled = false
  #waiting: (() => void)[] = []

  /** Throws `OptionError` before the file is opened. */
  constructor(target: string | Writable, given: CaptureOptions = {}) {
    const options = readOptions('open capture', captureOptions, given)
    options.signal?.throwIfAborted()
    this.#path = typeof target === 'string' ? target : undefined
    this.#bufferSize = options.bufferSize ?? BUFFER_SIZE
    this.#keepOpen = options.keepOpen ?? false
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    this.#encoder = new PcapngEncoder({ operatingSystem: `${type()} ${release()}`, hardware: arch(), ...options })
    this.failure = new Promise((resolve) => {
      this.#reportFailure = resolve
    })
    this.#stream = this.#open(target, options)
    this.#stream?.on('error', this.#onError)
    this.#stream?.on('drain', this.#wakeWaiting)
    this.#stream?.on('close', this.#onClose)
    this.#scheduleFlush()
  }

  get congested(): boolean {
    if (this.#failed || this.#closing !== undefined) return true
    return this.#waitingBytes + this.#encoder.pending >= this.#bufferSize
  }

  /** bytes of the capture so far, including those that wait to be written */
  get byteLength(): number {
    return this.#encoder.byteLength
  }

  /** Throws code `CLOSED`. */
  addInterface(options: InterfaceOptions): number {
    this.#checkOpen('add interface')
    const number = this.#encoder.addInterface(options)
    this.#written()
    return number
  }

  /** Throws code `CLOSED`. */
  writePacket(record: PacketRecord): boolean {
    this.#checkOpen('write packet')
    this.#encoder.writePacket(record)
    this.#written()
    return !this.congested
  }

  /** The number of bytes that {@link writePacket} would add for a packet. */
  packetLength(record: PacketRecord): number {
    return this.#encoder.packetLength(record)
  }

  /** Throws code `CLOSED`. */
  writeStatistics(statistics: InterfaceStatistics): void {
    this.#checkOpen('write statistics')
    this.#encoder.writeStatistics(statistics)
    this.#written()
  }

  /** Passes the collected blocks to the stream. */
  flush(): void {
    const chunk = this.#encoder.take()
    if (chunk.length > 0 && !this.#failed) this.#stream?.write(chunk)
  }

  /** Waits until the stream has taken everything, if anything waits. */
  async drained(): Promise<void> {
    this.flush()
    while (!this.#failed && this.#closing === undefined && this.#stream?.writableNeedDrain) await this.#nextEvent()
    this.#throwFailure()
  }

  /**
   * Writes statistics for every interface that has none, and ends the stream. Idempotent. Rejects with the capture's
   * failure, and with code `TIMEOUT` when the stream takes nothing for `closeTimeout` milliseconds.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Opens a file; `undefined` if that fails. */
  #open(target: string | Writable, options: OutputOptions): Writable | undefined {
    if (typeof target !== 'string') return target
    try {
      return openOutput(target, options)
    } catch (error) {
      this.#onError(error)
      return undefined
    }
  }

  get #waitingBytes(): number {
    return this.#stream?.writableLength ?? 0
  }

  async #close(): Promise<void> {
    this.#encoder.writeOwnStatistics()
    this.flush()
    const stream = this.#stream
    if (!this.#failed && stream !== undefined) await this.#end(stream)
    this.#wakeWaiting()
    // A failed stream may report its error again later; a stream that stays open has an owner who listens.
    if (this.#keepOpen) stream?.off('error', this.#onError)
    stream?.off('drain', this.#wakeWaiting)
    stream?.off('close', this.#onClose)
    this.#throwFailure()
  }

  /** Waits until everything is written, and ends the stream unless it must stay open. */
  async #end(stream: Writable): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      const onWritten = (error?: Error | null) => {
        if (error !== undefined && error !== null) this.#onError(error)
        resolve()
      }
      if (this.#keepOpen) stream.write(new Uint8Array(0), onWritten)
      else stream.end(onWritten)
    })
    let left = this.#waitingBytes
    const watch = setInterval(() => {
      const now = this.#waitingBytes
      if (now < left) left = now
      else this.#giveUp(stream)
    }, this.#closeTimeout)
    // A failed stream need not call back.
    await Promise.race([ended, this.failure])
    clearInterval(watch)
  }

  /** The rest is not taken, but close must end. */
  #giveUp(stream: Writable): void {
    const text = `its reader took nothing for ${this.#closeTimeout} ms, and ${this.#waitingBytes} bytes are not written`
    this.#onError(new NetlinkError('TIMEOUT', text))
    if (!this.#keepOpen) stream.destroy()
  }

  #written(): void {
    if (this.#encoder.pending >= CHUNK_SIZE) this.flush()
    else this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      if (this.#closing === undefined) this.flush()
    })
  }

  #onError = (error: unknown): void => {
    if (!this.#failed) {
      this.#failed = true
      this.#error = this.#path === undefined ? error : namedError(error, 'cannot write capture', this.#path)
      this.#reportFailure(this.#error)
    }
    this.#wakeWaiting()
  }

  #onClose = (): void => {
    // A stream that was closed by others takes nothing any more.
    if (this.#closing === undefined && !this.#failed) this.#onError(closedError('write capture', 'the stream'))
  }

  #wakeWaiting = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#error
  }

  #checkOpen(operation: string): void {
    if (this.#closing !== undefined) throw closedError(operation, 'the capture')
  }
}

/**
 * Writes a pcapng capture to a stream, or to a file or pipe. A file is created with permissions 0600, or replaced if it
 * exists, and a symbolic link is refused, unless the options say otherwise. Throws `OptionError`, and the reason of an
 * aborted signal.
 */
export function openCapture(target: string | Writable, options: CaptureOptions = {}): Capture {
  return new Capture(target, options)
}

/** The error of using a closed capture or stream. */
export function closedError(operation: string, what: string): TransportError {
  return new TransportError('CLOSED', operation, `${what} is closed`)
}
