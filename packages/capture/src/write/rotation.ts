import { unlink } from 'node:fs/promises'
import { format, parse } from 'node:path'
import { functionOf, integer, number, object, readOptions, type Schema } from '@ringlink/codec/options'
import type { CaptureSink, InterfaceOptions, InterfaceStatistics, PacketRecord } from '../pcapng/sink.ts'
import { type Capture, type CaptureOptions, captureMembers, closedError, openCapture } from './capture.ts'

export interface RotationOptions extends Omit<CaptureOptions, 'keepOpen'> {
  /** bytes of a file before the next one begins, without the statistics at its end */
  readonly maximumBytes?: number | undefined
  /** milliseconds from the first packet of a file, by the packets' times, before the next file begins */
  readonly maximumAge?: number | undefined
  /** files to keep; older ones are deleted */
  readonly maximumFiles?: number | undefined
  /** returns the name of file `index`, counted from 1; default: `log.pcapng` becomes `log-00001.pcapng` */
  readonly fileName?: ((index: number) => string) | undefined
}

const { keepOpen: _, ...members } = captureMembers
const rotationOptions: Schema<RotationOptions> = object<RotationOptions>({
  ...members,
  maximumBytes: integer(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  maximumAge: number(Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, 'milliseconds'),
  maximumFiles: integer(1, Number.MAX_SAFE_INTEGER),
  fileName: functionOf('a function that names a file by its index'),
})

/**
 * A capture in files of bounded size or time. Each file is complete: it has all interfaces, under the same numbers, and
 * its own statistics.
 */
export class RotatingCapture implements CaptureSink, AsyncDisposable {
  /** names of the files that exist, oldest first */
  readonly files: string[] = []
  /** resolves with the error when writing any file fails, and never otherwise, for programs that should end then */
  readonly failure: Promise<unknown>
  #options: RotationOptions
  #fileName: (index: number) => string
  #interfaces: InterfaceOptions[] = []
  #current: Capture
  #index = 0
  #firstAt: bigint | undefined
  #packets = 0
  // Pending closes and deletions, which close() awaits.
  #pending = new Set<Promise<void>>()
  #failures: unknown[] = []
  #reportFailure: (error: unknown) => void = () => {}
  #closing: Promise<void> | undefined

  /** Throws `OptionError` before a file is opened. */
  constructor(path: string, given: RotationOptions = {}) {
    const options = readOptions('open rotating capture', rotationOptions, given)
    options.signal?.throwIfAborted()
    this.failure = new Promise((resolve) => {
      this.#reportFailure = resolve
    })
    this.#options = options
    this.#fileName = options.fileName ?? numbered(path)
    this.#current = this.#open()
  }

  get congested(): boolean {
    return this.#closing !== undefined || this.#failures.length > 0 || this.#current.congested
  }

  addInterface(options: InterfaceOptions): number {
    this.#checkOpen('add interface')
    const number = this.#current.addInterface(options)
    this.#interfaces.push(options)
    return number
  }

  writePacket(record: PacketRecord): boolean {
    this.#checkOpen('write packet')
    // The capture is incomplete, so it makes no further files.
    if (this.#failures.length > 0) return false
    if (this.#packets > 0 && this.#isFull(record)) this.#rotate()
    this.#firstAt ??= record.at
    this.#packets++
    return this.#current.writePacket(record)
  }

  /** Writes statistics to the current file; earlier files have their own. */
  writeStatistics(statistics: InterfaceStatistics): void {
    this.#checkOpen('write statistics')
    this.#current.writeStatistics(statistics)
  }

  /** Waits until the current file has taken everything. Rejects with the first failure of any file. */
  async drained(): Promise<void> {
    if (this.#failures.length > 0) throw this.#failures[0]
    await this.#current.drained()
  }

  /** Ends the current file. Rejects with the first failure of any file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#inBackground(this.#current.close())
    while (this.#pending.size > 0) await Promise.all(this.#pending)
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  #isFull(record: PacketRecord): boolean {
    const { maximumBytes, maximumAge } = this.#options
    if (maximumBytes !== undefined) {
      if (this.#current.byteLength + this.#current.packetLength(record) > maximumBytes) return true
    }
    if (maximumAge === undefined || this.#firstAt === undefined) return false
    return Number(record.at - this.#firstAt) >= maximumAge * 1e6
  }

  #rotate(): void {
    this.#inBackground(this.#current.close())
    this.#current = this.#open()
    for (const options of this.#interfaces) this.#current.addInterface(options)
    this.#packets = 0
    this.#firstAt = undefined
  }

  #open(): Capture {
    const name = this.#fileName(++this.#index)
    this.files.push(name)
    const {
      maximumBytes: _,
      maximumAge: __,
      maximumFiles = Number.POSITIVE_INFINITY,
      fileName: ___,
      // It is for the first file alone: an abort does not end the capture.
      signal: ____,
      ...options
    } = this.#options
    if (this.files.length > maximumFiles) {
      const oldest = this.files.shift() as string
      // After pending closes, because the oldest file may be among them.
      this.#inBackground(Promise.all(this.#pending).then(() => unlink(oldest)))
    }
    const capture = openCapture(name, options)
    capture.failure.then((error) => this.#fail(error))
    return capture
  }

  #inBackground(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#pending.delete(done)
      })
    this.#pending.add(done)
  }

  #fail(error: unknown): void {
    // A capture reports a failure in several ways; handle each.
    if (!this.#failures.includes(error)) this.#failures.push(error)
    this.#reportFailure(error)
  }

  #checkOpen(operation: string): void {
    if (this.#closing !== undefined) throw closedError(operation, 'the capture')
  }
}

/**
 * Writes a pcapng capture to files that are rotated by size, time or both. Throws `OptionError`, and the reason of an
 * aborted signal.
 */
export function openRotatingCapture(path: string, options: RotationOptions = {}): RotatingCapture {
  return new RotatingCapture(path, options)
}

function numbered(path: string): (index: number) => string {
  const { dir, name, ext } = parse(path)
  return (index) => format({ dir, name: `${name}-${String(index).padStart(5, '0')}`, ext })
}
