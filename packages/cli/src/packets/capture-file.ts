import { statSync } from 'node:fs'
import { type CaptureReader, readCapture } from '@ringlink/capture'
import { quoteText } from '@ringlink/codec'
import { Progress } from '../terminal/progress.ts'
import { whole } from '../terminal/text.ts'

/** A capture that is being read, and the progress. */
export interface OpenCaptureFile extends Disposable {
  readonly reader: CaptureReader
  /** Shows the progress on the terminal, if it is time to. */
  readonly progress: (packets: number) => void
}

/**
 * Opens the capture of that name. Errors of reading name the file. `quiet`: lines on the terminal are progress enough.
 */
export function openCaptureFile(path: string, signal: AbortSignal, quiet: boolean): OpenCaptureFile {
  const size = sizeOf(path)
  const progress = new Progress()
  const reader = readCapture(path, { signal })
  const describe = (packets: number) => {
    const part = size === undefined ? '' : `${Math.floor((100 * reader.bytesRead) / Math.max(1, size))} %, `
    return `reading ${quoteText(path)}: ${part}${whole(packets)} packets`
  }
  return {
    reader,
    progress: (packets) => {
      if (!quiet) progress.update(() => describe(packets))
    },
    [Symbol.dispose]: () => progress.stop(),
  }
}

/** bytes of a regular file; throws if it cannot be a capture */
function sizeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true) throw new Error(`cannot read capture ${quoteText(path)}: it is a directory`)
  if (stats?.isFile() === true && stats.size === 0) {
    throw new Error(`cannot read capture ${quoteText(path)}: it is empty, expected a pcapng or pcap file`)
  }
  return stats?.isFile() === true ? stats.size : undefined
}
