import { createReadStream, statSync } from 'node:fs'
import { type CaptureReader, readCapture } from '@ringlink/capture'
import { quoteText } from '@ringlink/codec'
import { Progress } from '../terminal/progress.ts'
import { whole } from '../terminal/text.ts'

/** A capture that is read, and how far that is. */
export interface OpenCaptureFile extends Disposable {
  readonly reader: CaptureReader
  /** Shows the progress on the terminal, if it is time to. */
  readonly progress: (packets: number) => void
}

/** Opens the capture of that name. Errors of reading name the file. `quiet`: lines on the terminal are progress enough. */
export function openCaptureFile(path: string, signal: AbortSignal, quiet: boolean): OpenCaptureFile {
  const size = sizeOf(path)
  const progress = new Progress()
  let read = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of createReadStream(path, { signal })) {
        read += chunk.length
        yield chunk
      }
    } catch (error) {
      throw new Error(`cannot read capture ${quoteText(path)}: ${messageOf(error)}`, { cause: error })
    }
  }
  // A pipe has no size, and needs more care than a file: that is the reader's.
  const reader = size === undefined ? readCapture(path, { signal }) : readCapture(chunks())
  const describe = (packets: number) => {
    const part = size === undefined ? '' : `${Math.floor((100 * read) / Math.max(1, size))} %, `
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

/** bytes of a regular file */
function sizeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true ? stats.size : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
