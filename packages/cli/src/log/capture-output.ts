import { type CaptureSink, LinkType, nflogRecord, openCapture, openRotatingCapture } from '@ringlink/capture'
import type { LogRecordView } from '@ringlink/codec'

/** What `CaptureOutput` needs of a capture. */
type OpenCapture = CaptureSink & { close(): Promise<void>; drained(): Promise<void> }

export interface Rotation {
  /** bytes of a file */
  readonly size?: number | undefined
  /** milliseconds of a file */
  readonly time?: number | undefined
  /** files that are kept */
  readonly keep?: number | undefined
}

/** Saves records to a pcapng file, or several; every group is an interface of it. */
export class CaptureOutput implements AsyncDisposable {
  #capture: OpenCapture
  #interfaces = new Map<number, number>()

  constructor(path: string, groups: readonly number[], { size, time, keep }: Rotation) {
    const isRotated = size !== undefined || time !== undefined
    const application = 'ringlink example-log'
    this.#capture = isRotated
      ? openRotatingCapture(path, { application, maximumBytes: size, maximumAge: time, maximumFiles: keep })
      : openCapture(path, { application })
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

  /** Waits where the disk is slower than the log: what does not fit in the kernel's memory then is counted as lost. */
  async settle(): Promise<void> {
    if (this.#capture.congested) await this.#capture.drained()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#capture.close()
  }
}
