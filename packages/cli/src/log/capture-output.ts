import { type CaptureSink, LinkType, nflogRecord, openCapture, openRotatingCapture } from '@ringlink/capture'
import type { LogRecordView } from '@ringlink/codec'

/** What `CaptureOutput` needs from a capture. */
type OpenCapture = CaptureSink & {
  close(): Promise<void>
  drained(): Promise<void>
  readonly failure: Promise<unknown>
}

export interface Rotation {
  /** bytes of a file */
  readonly size?: number | undefined
  /** milliseconds of a file */
  readonly time?: number | undefined
  /** files that are kept */
  readonly keep?: number | undefined
}

/** Saves records to a pcapng file, or several; each group is an interface of it. */
export class CaptureOutput {
  /** rejects when writing has failed, at once, and never resolves */
  readonly failure: Promise<never>
  #capture: OpenCapture
  #interfaces = new Map<number, number>()

  constructor(path: string, groups: readonly number[], { size, time, keep }: Rotation) {
    const isRotated = size !== undefined || time !== undefined
    const application = 'ringlink log'
    this.#capture = isRotated
      ? openRotatingCapture(path, { application, maximumBytes: size, maximumAge: time, maximumFiles: keep })
      : openCapture(path, { application })
    this.failure = this.#capture.failure.then((error) => {
      throw error
    })
    // It may fail when it is no longer awaited; `close` rejects then too.
    this.failure.catch(() => {})
    for (const group of groups) {
      this.#interfaces.set(group, this.#capture.addInterface({ linkType: LinkType.Nflog, name: `nflog:${group}` }))
    }
  }

  /** @param lost records of its group that were lost right before it */
  write(record: LogRecordView, at: bigint, lost: number): void {
    const number = this.#interfaces.get(record.group)
    if (number === undefined) return
    this.#capture.writePacket(nflogRecord(number, at, record, lost > 0 ? { dropCount: BigInt(lost) } : {}))
  }

  /**
   * Waits if the disk is slower than the log: packets that then do not fit into the kernel's memory are counted as
   * lost.
   */
  async settle(): Promise<void> {
    if (this.#capture.congested) await this.#capture.drained()
  }

  /** Writes the rest. Rejects if anything could not be written. */
  async close(): Promise<void> {
    await this.#capture.close()
  }
}
