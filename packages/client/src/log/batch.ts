import {
  align4,
  DecodeError,
  isNetlinkError,
  LogMessage,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  type NetlinkError,
} from '@ringlink/codec'
import type { FrameBatch, FrameOrigin } from '@ringlink/transport'
import { LogRecord } from './record.ts'

/** Offset of `nlmsg_type`. */
const TYPE = 4

/** What a batch needs from its log. */
export interface RecordBatchOwner {
  /** shows only records of these groups; `undefined`: all, because the kernel delivers only what is bound */
  readonly wantedGroups: ReadonlySet<number> | undefined
  /** Notes a record. Returns how many are missing between it and the previous one of its group. */
  noteRecord(group: number, sequence: number | undefined): number
  noteMalformed(error: NetlinkError): void
  noteTruncated(): void
}

/**
 * The logged packets that one wake-up brought. Iterating re-aims one view: it is valid until the next step, and the
 * batch until the next batch is requested. Copy what must live longer: `record.attributes()`,
 * `record.payload().slice()`.
 */
export class RecordBatch implements Iterable<LogRecord> {
  /**
   * Packets that were logged and lost before a record of this batch, counted by the gaps in the sequence numbers. Grows
   * while the batch is read, because the numbers are in the records. 0 without `sequence`.
   */
  lost = 0
  /** datagrams, each of one or more records, that the kernel could not deliver before this batch */
  lostMessages = 0
  // Not #private: `next` reads and sets them for each record (docs/decisions/private-members.md).
  private readonly owner: RecordBatchOwner
  private readonly record = new LogRecord()
  private frames: FrameBatch | undefined
  private frame = 0
  // Position in the frame: where the next message begins, and where the frame ends.
  private position = 0
  private end = 0

  constructor(owner: RecordBatchOwner) {
    this.owner = owner
  }

  /** Aims at a batch of frames; `lost` packets are missing before it that no gap shows. Called by the log. */
  aim(frames: FrameBatch, lostMessages: number, lost: number): void {
    this.frames = frames
    this.lost = lost
    this.lostMessages = lostMessages
    this.enterFrame(frames, 0)
  }

  /** where the records were logged; `undefined`: on this machine */
  get origin(): FrameOrigin | undefined {
    return this.frames?.origin
  }

  /** The records, once: a second iteration continues where the first one stopped. */
  [Symbol.iterator](): Iterator<LogRecord> {
    const result: IteratorYieldResult<LogRecord> = { done: false, value: this.record }
    return { next: () => (this.next() ? result : { done: true, value: undefined }) }
  }

  /** Ends the batch: counts the records that were not read, and returns the frames to the transport. */
  finish(): void {
    if (this.frames === undefined) return
    while (this.next());
    this.frames.release()
    this.frames = undefined
  }

  /** Aims at the next record; false at the end. */
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

  /** The records before the cut of a datagram are whole. The one at the cut was already counted as truncated. */
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
    if (this.owner.wantedGroups?.has(record.group) === false) return false
    this.lost += this.owner.noteRecord(record.group, record.sequence)
    return true
  }
}

function isCut(frames: FrameBatch, frame: number): boolean {
  return frames.fullLength(frame) > frames.byteLength(frame)
}
