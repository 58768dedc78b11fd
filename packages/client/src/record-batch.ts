import {
  DecodeError,
  isNetlinkError,
  LogMessage,
  LogRecordView,
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
  aim(frames: FrameBatch): void {
    this.#frames = frames
    this.#frame = -1
    this.lost = 0
    this.lostMessages = frames.lost
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
    for (;;) {
      while (this.#frame >= 0 && messages.next()) {
        if (messages.view.type === LogMessage.Packet && this.#show(messages.view.offset, messages.view.length))
          return true
      }
      if (this.#frame >= 0 && messages.problem !== undefined) {
        this.#owner.noteMalformed(
          new DecodeError(messages.problem, 'log datagram', { offset: messages.view.offset, need: 16, have: 0 }),
        )
      }
      if (!this.#nextFrame(frames)) return false
    }
  }

  #nextFrame(frames: FrameBatch): boolean {
    if (this.#frame >= frames.length - 1) {
      this.#record.memory = RELEASED_MEMORY
      return false
    }
    const frame = ++this.#frame
    const size = frames.byteLength(frame)
    if (frames.fullLength(frame) > size) this.#owner.noteTruncated()
    // Of a cut datagram the records before the cut are whole; the iterator stops at the one that is not.
    this.#messages.wrap(frames.memory, frames.offset(frame), size)
    return true
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
