import { align4 } from '@ringlink/codec/memory'
import { TransportError } from '@ringlink/transport'

/**
 * Compares what is sent with what a recording says was sent, byte by byte. How messages are spread over commits does not matter.
 */
export class SentComparison {
  /** bytes that were sent as recorded */
  matched = 0
  /** the first difference */
  problem: TransportError | undefined
  /** nothing more is in the recording */
  complete = false
  #recorded: Uint8Array[] = []
  // Sent while the recording had not been read so far.
  #ahead: Uint8Array[] = []

  /** bytes that were recorded, read so far */
  recordedBytes = 0

  /** recorded messages, or pieces of several, of which not all was sent yet */
  get missing(): number {
    return this.#recorded.length
  }

  /** Adds what the recording says was sent next. */
  record(bytes: Uint8Array): void {
    const padded = new Uint8Array(align4(bytes.length))
    padded.set(bytes)
    this.#recorded.push(padded)
    this.recordedBytes += padded.length
    const ahead = this.#ahead
    this.#ahead = []
    for (const sent of ahead) this.#take(sent)
  }

  /** The recording is read to its end. */
  end(): void {
    this.complete = true
    const ahead = this.#ahead[0]
    if (ahead !== undefined) this.problem ??= nothingRecorded(ahead)
  }

  /** Takes what is sent. Throws code `UNSUPPORTED` at a difference, and takes nothing then. */
  send(bytes: Uint8Array): void {
    if (this.problem === undefined) this.#take(bytes.slice())
    if (this.problem !== undefined) throw this.problem
  }

  #take(bytes: Uint8Array): void {
    if (this.problem !== undefined) return
    let at = 0
    let piece = 0
    while (at < bytes.length && piece < this.#recorded.length) {
      const recorded = this.#recorded[piece] as Uint8Array
      const length = Math.min(recorded.length, bytes.length - at)
      for (let i = 0; i < length; i++) {
        if (recorded[i] === bytes[at + i]) continue
        this.problem = difference(this.matched + at + i, recorded[i] as number, bytes[at + i] as number)
        return
      }
      at += length
      if (length < recorded.length) {
        this.#recorded[piece] = recorded.subarray(length)
        break
      }
      piece++
    }
    if (at < bytes.length && this.complete) {
      this.problem = nothingRecorded(bytes.subarray(at))
      return
    }
    this.#recorded.splice(0, piece)
    this.matched += at
    if (at < bytes.length) this.#ahead.push(bytes.subarray(at))
  }
}

function difference(offset: number, recorded: number, sent: number): TransportError {
  const text = `byte ${offset} of what is sent is ${hex(sent)}, and was ${hex(recorded)} in the recording`
  return new TransportError('UNSUPPORTED', 'flush', text)
}

function nothingRecorded(bytes: Uint8Array): TransportError {
  return new TransportError('UNSUPPORTED', 'flush', `${bytes.length} bytes more are sent than in the recording`)
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
