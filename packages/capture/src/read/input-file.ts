import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'

/**
 * The bytes of a file or pipe. A pipe without a writer never blocks a thread: reading it waits in the event loop, and
 * the signal ends the wait.
 */
export async function* chunksOfFile(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  const stream = inputStream(path)
  if (signal !== undefined) addAbortSignal(signal, stream)
  try {
    yield* stream
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/**
 * Opens a file or pipe. Throws the system's error. It never blocks: reading a pipe without a writer waits in the event
 * loop, and destroying the stream ends that.
 */
export function inputStream(path: string): Readable {
  // O_NONBLOCK has no effect on a file; opening a pipe without it blocks until a writer comes.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() ? new Socket({ fd, readable: true, writable: false }) : createReadStream(path, { fd })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
