import { createWriteStream } from 'node:fs'
import { arch, release, type } from 'node:os'
import type { Writable } from 'node:stream'
import { closedError } from '@ringlink/transport'
import {
  type CaptureSink,
  type InterfaceOptions,
  type InterfaceStatistics,
  type PacketRecord,
  PcapngEncoder,
  type SectionOptions,
} from './pcapng/encoder.ts'

export interface CaptureOptions extends SectionOptions {
  /** bytes that may wait to be written before the capture is `congested`; default 16 MiB */
  readonly bufferSize?: number | undefined
  /** leave the stream open at close: default false */
  readonly keepOpen?: boolean | undefined
}

/** Bytes handed to the stream at a time. */
const CHUNK_SIZE = 65_536
const BUFFER_SIZE: number = 16 * 1024 * 1024

/**
 * Writes pcapng to a stream. Blocks are collected and written in larger pieces, at the latest when the event loop has its turn.
 *
 *     if (!capture.writePacket(record)) await capture.drained()
 *
 * The stream's failure is what `drained()` and `close()` reject with; packets that are written after it are discarded.
 */
export class Capture implements CaptureSink, AsyncDisposable {
  #stream: Writable
  #encoder: PcapngEncoder
  #bufferSize: number
  #keepOpen: boolean
  #failure: unknown
  #failed = false
  #closing: Promise<void> | undefined
  #flushScheduled = false
  #waiting: (() => void)[] = []

  constructor(stream: Writable, options: CaptureOptions = {}) {
    this.#stream = stream
    this.#bufferSize = options.bufferSize ?? BUFFER_SIZE
    this.#keepOpen = options.keepOpen ?? false
    this.#encoder = new PcapngEncoder({ operatingSystem: `${type()} ${release()}`, hardware: arch(), ...options })
    stream.on('error', this.#onError)
    stream.on('drain', this.#wakeWaiting)
    stream.on('close', this.#onClose)
    this.#scheduleFlush()
  }

  get congested(): boolean {
    if (this.#failed || this.#closing !== undefined) return true
    return this.#stream.writableLength + this.#encoder.pending >= this.#bufferSize
  }

  /** bytes of the capture so far, those that wait to be written among them */
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

  /** Bytes that {@link writePacket} would add for a packet. */
  packetLength(record: PacketRecord): number {
    return this.#encoder.packetLength(record)
  }

  /** Throws code `CLOSED`. */
  writeStatistics(statistics: InterfaceStatistics): void {
    this.#checkOpen('write statistics')
    this.#encoder.writeStatistics(statistics)
    this.#written()
  }

  /** Hands the stream what was collected. */
  flush(): void {
    const chunk = this.#encoder.take()
    if (chunk.length > 0 && !this.#failed) this.#stream.write(chunk)
  }

  /** Waits until the stream has taken what was given to it, if anything waits. */
  async drained(): Promise<void> {
    this.flush()
    while (!this.#failed && this.#closing === undefined && this.#stream.writableNeedDrain) await this.#nextEvent()
    this.#throwFailure()
  }

  /** Writes statistics for every interface that has none, and ends the stream. Again: nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#encoder.writeOwnStatistics()
    this.flush()
    if (!this.#failed) await this.#end()
    this.#wakeWaiting()
    // A failure may be told once more, later; only where the stream goes on is that somebody else's.
    if (this.#keepOpen) this.#stream.off('error', this.#onError)
    this.#stream.off('drain', this.#wakeWaiting)
    this.#stream.off('close', this.#onClose)
    this.#throwFailure()
  }

  /** Waits until all is written, and ends the stream unless it is to stay open. */
  #end(): Promise<void> {
    return new Promise((resolve) => {
      const onWritten = (error?: Error | null) => {
        if (error !== undefined && error !== null) this.#onError(error)
        resolve()
      }
      if (this.#keepOpen) this.#stream.write(new Uint8Array(0), onWritten)
      else this.#stream.end(onWritten)
    })
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
    this.#failed = true
    this.#failure = error
    this.#wakeWaiting()
  }

  #onClose = (): void => {
    // A stream that somebody else closed takes nothing any more.
    if (this.#closing === undefined && !this.#failed) this.#onError(closedError('write capture'))
  }

  #wakeWaiting = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failure
  }

  #checkOpen(operation: string): void {
    if (this.#closing !== undefined) throw closedError(operation)
  }
}

/** Writes a pcapng capture to a file, which is replaced if it is there, or to a stream. */
export function openCapture(target: string | Writable, options: CaptureOptions = {}): Capture {
  return new Capture(typeof target === 'string' ? createWriteStream(target) : target, options)
}
