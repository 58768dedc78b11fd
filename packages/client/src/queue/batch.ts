import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  align4,
  DecodeError,
  isNetlinkError,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  MessageIterator,
  NetlinkError,
  QueueMessage,
  Verdict,
  type VerdictChanges,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES, RELEASED_MEMORY } from '@ringlink/codec/internal'
import type { FrameBatch } from '@ringlink/transport'
import type { OffloadBits } from '../rules/options.ts'
import { type HeldPacket, QueuePacket } from './packet.ts'
import type { VerdictBook } from './verdict-book.ts'
import { checkChanges } from './verdict-check.ts'
import type { Verdicts } from './verdicts.ts'

/** What a batch needs from its queue. */
export interface PacketBatchEvents {
  /** a message cannot be parsed */
  malformed(error: NetlinkError): void
  /** packet `id` did not fit into its frame and is not shown */
  truncated(id: number): void
  /** the user asks to send the verdicts given so far */
  flush(): void
}

const PACKET_HEADER_ID = NFNETLINK_ATTRIBUTES + ATTRIBUTE_HEADER_LENGTH
const PACKET_HEADER_TYPE = NFNETLINK_ATTRIBUTES + 2
/** Bytes of a message up to the end of its packet id, which the kernel writes first. */
const IDENTIFIED_LENGTH = PACKET_HEADER_ID + 4

/**
 * The packets that one wake-up brought. Iterating re-aims one {@link QueuePacket}, which is valid until the next step.
 * The batch ends when the next one is requested; packets without a verdict then get the queue's `unanswered` verdict.
 */
export class PacketBatch implements Iterable<QueuePacket> {
  /**
   * packets that the firewall queued and that never arrived, lost before this batch and not reported by an earlier one
   */
  lost = 0
  /** the verdict state of its packets */
  readonly book: VerdictBook
  #verdicts: Verdicts
  #events: PacketBatchEvents
  #frames: FrameBatch | undefined
  #packet: BatchPacket
  #messages = new MessageIterator()
  // For each packet: its frame, the offset of its message, and the message's length (0: truncated, not readable).
  #frameOf: number[] = []
  #offsetOf: number[] = []
  #lengthOf: number[] = []

  constructor(verdicts: Verdicts, events: PacketBatchEvents) {
    this.#verdicts = verdicts
    this.book = verdicts.book
    this.#events = events
    this.#packet = new BatchPacket(this)
  }

  /** the bits of marks that offload connections, if a rule of the queue does */
  get offloadBits(): OffloadBits | undefined {
    return this.#verdicts.offloadBits
  }

  /** packets in the batch */
  get length(): number {
    return this.book.length
  }

  /** Aims at a batch of frames and enters its packets. Called by the queue. */
  aim(frames: FrameBatch, isFull: boolean): void {
    this.#verdicts.begin(isFull)
    this.#frames = frames
    for (let frame = 0; frame < frames.length; frame++) this.#enterFrame(frames, frame)
  }

  [Symbol.iterator](): Iterator<QueuePacket> {
    const packet = this.#packet
    const result: IteratorYieldResult<QueuePacket> = { done: false, value: packet }
    let index = -1
    return {
      next: (): IteratorResult<QueuePacket> => {
        while (++index < this.book.length) if (this.#show(packet, index)) return result
        packet.release()
        return { done: true, value: undefined }
      },
    }
  }

  /** Accepts all packets that have no verdict yet. Returns how many those were. */
  accept(): number {
    return this.#answerRest(Verdict.Accept)
  }

  /** Drops all packets that have no verdict yet. Returns how many those were. */
  drop(): number {
    return this.#answerRest(Verdict.Drop)
  }

  /** Sends the verdicts given so far instead of at the end of the batch: for slow work between packets. */
  flush(): void {
    this.#events.flush()
  }

  /** The verdict for packet `index`. */
  answer(index: number, verdict: number, changes: VerdictChanges | undefined): void {
    this.#verdicts.answer(index, verdict, changes)
  }

  /** Keeps packet `index`. */
  hold(index: number): HeldPacket {
    const frames = this.#liveFrames()
    this.book.checkOpen(index)
    const frame = this.#frameOf[index] as number
    const lease = frames.hold(frame)
    const start = lease.offset + ((this.#offsetOf[index] as number) - frames.offset(frame))
    return this.#verdicts.hold(index, lease, start, this.#lengthOf[index] as number)
  }

  /** Ends the batch: sends its verdicts and, if that succeeds, returns the frames to the transport. */
  finish(): void {
    if (this.#frames === undefined) return
    if (this.book.length > 0) this.#verdicts.end()
    this.#packet.release()
    this.#frames.release()
    this.#frames = undefined
  }

  #answerRest(verdict: number): number {
    this.#liveFrames()
    return this.#verdicts.answerRest(verdict)
  }

  #liveFrames(): FrameBatch {
    if (this.#frames === undefined) throw released()
    return this.#frames
  }

  #show(packet: BatchPacket, index: number): boolean {
    const { memory } = this.#liveFrames()
    const length = this.#lengthOf[index] as number
    if (length === 0) return false
    try {
      packet.wrap(memory, this.#offsetOf[index] as number, length)
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      this.#events.malformed(error)
      return false
    }
    packet.index = index
    return true
  }

  #enterFrame(frames: FrameBatch, frame: number): void {
    const { memory } = frames
    const offset = frames.offset(frame)
    const size = frames.byteLength(frame)
    if (frames.fullLength(frame) > size) {
      this.#enterTruncated(frames, frame, offset, size)
      return
    }
    if (size >= MESSAGE_HEADER_LENGTH) {
      const length = memory.u32[offset >> 2] as number
      // One message that fills its frame: the usual case, because the kernel sends one per datagram.
      if (align4(length) >= size && length <= size) {
        this.#enterMessage(frames, frame, offset, length)
        return
      }
    }
    const messages = this.#messages.wrap(memory, offset, size)
    while (messages.next()) this.#enterMessage(frames, frame, messages.view.offset, messages.view.length)
    if (messages.problem !== undefined) {
      this.#verdicts.noteStuck()
      this.#events.malformed(
        new DecodeError(messages.problem, 'frame', { offset, need: MESSAGE_HEADER_LENGTH, have: size }),
      )
    }
  }

  #enterMessage(frames: FrameBatch, frame: number, offset: number, length: number): void {
    const { memory } = frames
    if (memory.u16[(offset + 4) >> 1] !== QueueMessage.Packet) return
    if (hasPacketId(memory, offset, length)) {
      this.#enter(memory, frame, offset, length)
    } else {
      this.#noteUnidentified(offset, length)
    }
  }

  /** A packet without its id waits in the kernel and cannot be answered. */
  #noteUnidentified(offset: number, have: number): void {
    this.#verdicts.noteStuck()
    this.#events.malformed(
      new DecodeError('ATTRIBUTE_MISSING', 'NFQA_PACKET_HDR', { offset, need: IDENTIFIED_LENGTH, have }),
    )
  }

  #enterTruncated(frames: FrameBatch, frame: number, offset: number, size: number): void {
    const { memory } = frames
    if (size >= MESSAGE_HEADER_LENGTH && memory.u16[(offset + 4) >> 1] !== QueueMessage.Packet) return
    if (!hasPacketId(memory, offset, size)) {
      this.#noteUnidentified(offset, size)
      return
    }
    // The packet cannot be shown, but it can be given a verdict.
    const index = this.#enter(memory, frame, offset, 0)
    this.#events.truncated(this.book.ids[index] as number)
  }

  #enter(memory: Memory, frame: number, offset: number, length: number): number {
    const index = this.#verdicts.enter(memory, offset + PACKET_HEADER_ID)
    this.#frameOf[index] = frame
    this.#offsetOf[index] = offset
    this.#lengthOf[index] = length
    return index
  }
}

/** Whether the message at `offset` begins with the id of a packet. */
function hasPacketId(memory: Memory, offset: number, length: number): boolean {
  if (length < IDENTIFIED_LENGTH) return false
  return ((memory.u16[(offset + PACKET_HEADER_TYPE) >> 1] as number) & AttributeBit.TypeMask) === 1
}

/** The packet that a batch shows. */
class BatchPacket extends QueuePacket {
  index = 0
  #batch: PacketBatch

  constructor(batch: PacketBatch) {
    super()
    this.#batch = batch
  }

  answer(verdict: number, changes?: VerdictChanges): void {
    if (this.memory === RELEASED_MEMORY) throw released()
    if (changes !== undefined) checkChanges(changes, this)
    this.#batch.answer(this.index, verdict, changes)
  }

  hold(): HeldPacket {
    if (this.memory === RELEASED_MEMORY) throw released()
    return this.#batch.hold(this.index)
  }

  protected get offloadBits(): OffloadBits | undefined {
    return this.#batch.offloadBits
  }

  release(): void {
    this.letGo()
  }
}

function released(): NetlinkError {
  return new NetlinkError('RELEASED', 'the batch of this packet has ended; hold() a packet that must outlive it')
}
