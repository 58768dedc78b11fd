import {
  align4,
  DecodeError,
  isNetlinkError,
  LogMessage,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  type NetlinkError,
} from '@ringlink/codec'
import type { FrameBatch } from '@ringlink/transport'
import { LogRecord } from './record.ts'

/** Where `nlmsg_type` is. */
const TYPE = 4

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
export class RecordBatch implements Iterable<LogRecord> {
  /**
   * Packets that were logged and lost before a record of this batch, by the gaps in their numbers; it grows while the batch is read,
   * because the numbers are in the records. 0 without `sequence`.
   */
  lost = 0
  /** datagrams, of one record or many, that the kernel could not deliver before this batch */
  lostMessages = 0
  private readonly owner: RecordBatchOwner
  private readonly record = new LogRecord()
  private frames: FrameBatch | undefined
  private frame = 0
  // The walk over the messages of the frame: where the next one begins, and where the frame ends.
  private position = 0
  private end = 0

  constructor(owner: RecordBatchOwner) {
    this.owner = owner
  }

  /** Aims at a batch of frames. The log does this. */
  aim(frames: FrameBatch, lostMessages: number): void {
    this.frames = frames
    this.lost = 0
    this.lostMessages = lostMessages
    this.enterFrame(frames, 0)
  }

  /** The records, once: a second iteration goes on where the first was left. */
  [Symbol.iterator](): Iterator<LogRecord> {
    const result: IteratorYieldResult<LogRecord> = { done: false, value: this.record }
    return { next: () => (this.next() ? result : { done: true, value: undefined }) }
  }

  /** Ends the batch: records that nobody read are counted all the same, and the frames go back. */
  finish(): void {
    if (this.frames === undefined) return
    while (this.next());
    this.frames.release()
    this.frames = undefined
  }

  /** Shows the next record; false at the end. */
  private next(): boolean {
    const { frames } = this
    if (frames === undefined) return false
    const { u16, u32 } = frames.memory
    for (;;) {
      const { position } = this
      const left = this.end - position
      const length = left < MESSAGE_HEADER_LENGTH ? 0 : (u32[position >> 2] as number)
      if (length < MESSAGE_HEADER_LENGTH || length > left) {
        if (left > 0) this.noteProblem(frames)
        if (!this.enterFrame(frames, this.frame + 1)) return false
        continue
      }
      this.position = position + align4(length)
      if (u16[(position + TYPE) >> 1] === LogMessage.Packet && this.show(frames.memory, position, length)) return true
    }
  }

  private enterFrame(frames: FrameBatch, frame: number): boolean {
    this.frame = frame
    if (frame >= frames.length) {
      this.frame = frames.length
      this.position = 0
      this.end = 0
      this.record.release()
      return false
    }
    this.position = frames.offset(frame)
    this.end = this.position + frames.byteLength(frame)
    if (isCut(frames, frame)) this.owner.noteTruncated()
    return true
  }

  /** Of a cut datagram the records before the cut are whole; that the one at the cut is not is no other fault. */
  private noteProblem(frames: FrameBatch): void {
    if (isCut(frames, this.frame)) return
    const { position: offset } = this
    const have = this.end - offset
    const isShort = have < MESSAGE_HEADER_LENGTH
    const need = isShort ? MESSAGE_HEADER_LENGTH : (frames.memory.u32[offset >> 2] as number)
    const code = isShort ? 'SHORT_HEADER' : 'MESSAGE_LENGTH'
    this.owner.noteMalformed(new DecodeError(code, 'log datagram', { offset, need, have }))
  }

  private show(memory: Memory, offset: number, length: number): boolean {
    const { record } = this
    try {
      record.wrap(memory, offset, length)
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      this.owner.noteMalformed(error)
      return false
    }
    this.lost += this.owner.noteRecord(record.group, record.sequence)
    return true
  }
}

function isCut(frames: FrameBatch, frame: number): boolean {
  return frames.fullLength(frame) > frames.byteLength(frame)
}
