import {
  DecodeError,
  type DecodeErrorCode,
  isNetlinkError,
  LogMessage,
  LogRecordView,
  MESSAGE_HEADER_LENGTH,
  MessageIterator,
  type NetlinkError,
  RELEASED_MEMORY,
} from '@ringlink/codec'
import type { FrameBatch } from '@ringlink/transport'

/** What a batch asks of its log. */
export interface RecordBatchOwner {
  /** Notes a record: how many are missing between it and the one before it in its group. */
  noteRecord(group: number, sequence: number | undefined): number
  noteMalformed(error: NetlinkError): void
  noteTruncated(): void
}

/**
 * The logged packets that one wake-up brought. Iterating re-aims one view: it is valid until the next step, and the batch until
 * the next batch is asked for. What shall outlive that is copied: `record.attributes()`, `record.payload().slice()`.
 */
export class RecordBatch implements Iterable<LogRecordView> {
  /**
   * Packets that were logged and lost before a record of this batch, by the gaps in their numbers; it grows while the batch is read,
   * because the numbers are in the records. 0 without `sequence`.
   */
  lost = 0
  /** datagrams, of one record or many, that the kernel could not deliver before this batch */
  lostMessages = 0
  #owner: RecordBatchOwner
  #frames: FrameBatch | undefined
  #record = new LogRecordView()
  #messages = new MessageIterator()
  #frame = -1

  constructor(owner: RecordBatchOwner) {
    this.#owner = owner
  }

  /** Aims at a batch of frames. The log does this. */
  aim(frames: FrameBatch, lostMessages: number): void {
    this.#frames = frames
    this.#frame = -1
    this.lost = 0
    this.lostMessages = lostMessages
  }

  /** The records, once: a second iteration goes on where the first was left. */
  [Symbol.iterator](): Iterator<LogRecordView> {
    const result: IteratorYieldResult<LogRecordView> = { done: false, value: this.#record }
    return { next: () => (this.#next() ? result : { done: true, value: undefined }) }
  }

  /** Ends the batch: records that nobody read are counted all the same, and the frames go back. */
  finish(): void {
    if (this.#frames === undefined) return
    while (this.#next());
    this.#record.memory = RELEASED_MEMORY
    this.#frames.release()
    this.#frames = undefined
  }

  /** Shows the next record; false at the end. */
  #next(): boolean {
    const frames = this.#frames
    if (frames === undefined) return false
    const messages = this.#messages
    while (this.#frame < frames.length) {
      while (this.#frame >= 0 && messages.next()) {
        if (messages.view.type === LogMessage.Packet && this.#show(messages.view.offset, messages.view.length))
          return true
      }
      if (messages.problem !== undefined && this.#frame >= 0) this.#noteProblem(frames, messages.problem)
      this.#nextFrame(frames)
    }
    return false
  }

  #nextFrame(frames: FrameBatch): void {
    const frame = ++this.#frame
    if (frame >= frames.length) {
      this.#record.memory = RELEASED_MEMORY
      return
    }
    this.#messages.wrap(frames.memory, frames.offset(frame), frames.byteLength(frame))
    if (isCut(frames, frame)) this.#owner.noteTruncated()
  }

  /** Of a cut datagram the records before the cut are whole; that the one at the cut is not is no other fault. */
  #noteProblem(frames: FrameBatch, code: DecodeErrorCode): void {
    const frame = this.#frame
    if (isCut(frames, frame)) return
    const offset = this.#messages.position
    const have = frames.offset(frame) + frames.byteLength(frame) - offset
    const need = code === 'SHORT_HEADER' ? MESSAGE_HEADER_LENGTH : (frames.memory.u32[offset >> 2] as number)
    this.#owner.noteMalformed(new DecodeError(code, 'log datagram', { offset, need, have }))
  }

  #show(offset: number, length: number): boolean {
    const record = this.#record
    try {
      record.wrap((this.#frames as FrameBatch).memory, offset, length)
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      this.#owner.noteMalformed(error)
      return false
    }
    this.lost += this.#owner.noteRecord(record.group, record.sequence)
    return true
  }
}

function isCut(frames: FrameBatch, frame: number): boolean {
  return frames.fullLength(frame) > frames.byteLength(frame)
}
