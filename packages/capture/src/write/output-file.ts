import { closeSync, constants, createWriteStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

export interface OutputOptions {
  /** permissions of a file that is created; default 0o600: packets are private. A file that exists keeps its own */
  readonly mode?: number | undefined
  /** write to the file that a symbolic link at the path points to; default false, an error of code `ELOOP` */
  readonly followSymbolicLinks?: boolean | undefined
}

/** The meaning of a system error for an output file, and what to do. */
const advice: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link; name its target, or allow it with followSymbolicLinks',
  ENXIO: 'no program reads this pipe; start the reader first',
}

/**
 * Opens a file, truncated if it exists, or a pipe for writing. Throws the system's error. It never blocks: a pipe
 * without a reader is an error (`ENXIO`), and writing to one whose reader is slow waits in the event loop.
 */
export function openOutput(path: string, options: OutputOptions): Writable {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK, O_NOFOLLOW } = constants
  const follow = options.followSymbolicLinks === true ? 0 : O_NOFOLLOW
  let fd: number
  try {
    fd = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | follow, options.mode ?? 0o600)
  } catch (error) {
    throw advised(error)
  }
  try {
    const isPipe = fstatSync(fd).isFIFO()
    return isPipe ? new Socket({ fd, readable: false, writable: true }) : createWriteStream(path, { fd })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function advised(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const text = advice[String(error.code)]
  if (text !== undefined) error.message += ` (${text})`
  return error
}
