import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'

/**
 * The bytes of a file or pipe. A pipe without a writer never blocks a thread: reading it waits in the event loop, and
 * the signal ends the wait.
 */
export async function* chunksOfFile(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  const stream = openInput(path)
  if (signal !== undefined) addAbortSignal(signal, stream)
  try {
    yield* stream
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

function openInput(path: string): Readable {
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
