import type { NatsTransport } from '@ringlink/transport-nats'
import type { LogRecord } from 'ringlink'
import { type Entry, entryOfRecord, headersOf } from '../packets/entry.ts'
import { PacketPrinter } from '../packets/printer.ts'
import type { PacketSource } from '../packets/source.ts'
import { Statistics } from '../packets/statistics.ts'
import { CaptureOutput } from './capture-output.ts'
import type { LogSettings } from './settings.ts'

/** The counters for the rates and the summary. */
export interface LogTotals {
  /** packets that passed the filter, and their bytes according to their headers */
  readonly packets: number
  readonly bytes: number
  /** logged, but lost before they arrived */
  readonly lost: number
  /** packets that the filter checked, if there is one */
  readonly received?: number
}

/** Processes each packet: counts, shows and saves it. */
export class LogProgram {
  readonly statistics = new Statistics()
  /** rejects when saving has failed, and never resolves */
  readonly failure: Promise<never>
  /** of --from: the transport, which knows the hosts */
  from: NatsTransport | undefined
  /** packets that were logged and did not arrive here */
  lost = 0
  #received = 0
  #settings: LogSettings
  #printer: PacketPrinter | undefined
  #capture: CaptureOutput | undefined

  constructor(settings: LogSettings) {
    this.#settings = settings
    const { json, link, read, write, groups, rotation, lines, nats } = settings
    if (lines) this.#printer = new PacketPrinter({ json, link, isCapture: read !== undefined || nats !== undefined })
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

  /** Returns false when there were enough. Without lines a record is only written to the file. */
  takeRecord(record: LogRecord, at: bigint, lost: number, host?: string): boolean {
    this.lost += lost
    this.#received++
    const { isWanted } = this.#settings
    if (isWanted !== undefined && !isWanted(record)) return true
    this.statistics.count(record)
    this.#capture?.write(record, at, lost)
    this.#printer?.print(entryOfRecord(record, at, lost, host))
    return this.#wantsMore
  }

  /** As `takeRecord`, for packets that do not come from a log. */
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

  /** Waits if the output is slower than the log. */
  async settle(): Promise<void> {
    await this.#printer?.settle()
    await this.#capture?.settle()
  }

  /** Writes the rest, and rejects if that fails. */
  async close(): Promise<void> {
    this.#printer?.flush()
    await this.#capture?.close()
  }
}
