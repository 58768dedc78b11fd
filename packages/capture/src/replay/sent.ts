import { align4 } from '@ringlink/codec/memory'
import { TransportError } from '@ringlink/transport'

/**
 * Compares sent messages with those in a recording, byte by byte. Their distribution over commits does not matter.
 */
export class SentComparison {
  /** bytes that were sent as recorded */
  matched = 0
  /** the first difference */
  problem: TransportError | undefined
  /** the recording has no more messages */
  complete = false
  #recorded: Uint8Array[] = []
  // Bytes sent before the recording had been read that far.
  #ahead: Uint8Array[] = []

  /** bytes that were recorded, read so far */
  recordedBytes = 0

  /** recorded messages that were not completely sent yet */
  get missing(): number {
    return this.#recorded.length
  }

  /** Adds the next sent message of the recording. */
  record(bytes: Uint8Array): void {
    const padded = new Uint8Array(align4(bytes.length))
    padded.set(bytes)
    this.#recorded.push(padded)
    this.recordedBytes += padded.length
    const ahead = this.#ahead
    this.#ahead = []
    for (const sent of ahead) this.#take(sent)
  }

  /** Notes that the recording was read to its end. */
  end(): void {
    this.complete = true
    const ahead = this.#ahead[0]
    if (ahead !== undefined) this.problem ??= nothingRecorded(ahead)
  }

  /** Takes sent bytes. Throws code `UNSUPPORTED` at a difference, and then takes nothing. */
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
  const text = `byte ${offset} of the sent messages is ${hex(sent)}, expected ${hex(recorded)} as in the recording`
  return new TransportError('UNSUPPORTED', 'flush', text)
}

function nothingRecorded(bytes: Uint8Array): TransportError {
  return new TransportError('UNSUPPORTED', 'flush', `${bytes.length} more bytes were sent than in the recording`)
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
