import type { LogRecord } from 'ringlink'
import { type Entry, entryOfRecord, headersOf } from '../packets/entry.ts'
import { PacketPrinter } from '../packets/printer.ts'
import type { PacketSource } from '../packets/source.ts'
import { Statistics } from '../packets/statistics.ts'
import { CaptureOutput } from './capture-output.ts'
import type { LogSettings } from './settings.ts'

/** What the rates and the summary are made of. */
export interface LogTotals {
  /** packets that the filter let through, and their bytes as their own headers say */
  readonly packets: number
  readonly bytes: number
  /** logged, and lost on the way here */
  readonly lost: number
  /** packets that the filter was asked about, if there is one */
  readonly received?: number
}

/** What is done with each packet: counted, shown, saved. */
export class LogProgram {
  readonly statistics = new Statistics()
  /** rejects when saving has failed, and never resolves */
  readonly failure: Promise<never>
  /** packets that were logged and did not arrive here */
  lost = 0
  #received = 0
  #settings: LogSettings
  #printer: PacketPrinter | undefined
  #capture: CaptureOutput | undefined

  constructor(settings: LogSettings) {
    this.#settings = settings
    const { json, link, read, write, groups, rotation, lines } = settings
    if (lines) this.#printer = new PacketPrinter({ json, link, isCapture: read !== undefined })
    if (write !== undefined) this.#capture = new CaptureOutput(write, groups, rotation)
    this.failure = this.#capture?.failure ?? new Promise(() => {})
  }

  read(): LogTotals {
    const { packets, bytes } = this.statistics
    const { lost } = this
    return this.#settings.isWanted === undefined
      ? { packets, bytes, lost }
      : { packets, bytes, lost, received: this.#received }
  }

  /** False when there were enough. Without lines nothing is made of a record except what is written to the file. */
  takeRecord(record: LogRecord, at: bigint, lost: number): boolean {
    this.lost += lost
    this.#received++
    const { isWanted } = this.#settings
    if (isWanted !== undefined && !isWanted(record)) return true
    this.statistics.count(record)
    this.#capture?.write(record, at, lost)
    this.#printer?.print(entryOfRecord(record, at, lost))
    return this.#wantsMore
  }

  /** As `takeRecord`, for packets that no log has made. */
  takeEntry(entry: Entry): boolean {
    const { lost, mark } = entry
    this.lost += lost
    this.#received++
    const packet: PacketSource = { mark, headers: () => headersOf(entry) }
    const { isWanted } = this.#settings
    if (isWanted !== undefined && !isWanted(packet)) return true
    this.statistics.count(packet)
    this.#printer?.print(entry)
    return this.#wantsMore
  }

  get #wantsMore(): boolean {
    return this.statistics.packets < this.#settings.count
  }

  /** Waits where the output is slower than the log. */
  async settle(): Promise<void> {
    await this.#printer?.settle()
    await this.#capture?.settle()
  }

  /** Writes what is left, and rejects where that fails. */
  async close(): Promise<void> {
    this.#printer?.flush()
    await this.#capture?.close()
  }
}
