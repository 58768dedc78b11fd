import { align4, MESSAGE_HEADER_LENGTH, type Memory, MINIMUM_MESSAGE_TYPE } from '@ringlink/codec'
import {
  type EnvelopeIdentity,
  envelopeLength,
  FRAME_DESCRIPTION,
  frameSpace,
  messageId,
  writeCounts,
  writeFrameDescription,
  writeIdentity,
} from '../envelope.ts'
import { FrameCopier } from './frame-copier.ts'

/** Offset of `nlmsg_type`. */
const TYPE = 4

/** What was lost before a message, by number. */
export interface Losses {
  lost: number
  droppedFrames: number
  droppedMessages: number
}

export function noLosses(): Losses {
  return { lost: 0, droppedFrames: 0, droppedMessages: 0 }
}

export function addLosses(to: Losses, from: Losses): void {
  to.lost += from.lost
  to.droppedFrames += from.droppedFrames
  to.droppedMessages += from.droppedMessages
}

/** Frames on their way into the stream. */
export interface OutgoingMessage {
  readonly first: number
  readonly frames: number
  /** netlink messages in the frames */
  readonly messages: number
  /** bytes that it takes in memory */
  readonly size: number
  readonly losses: Losses
  /** the payload; its header is written when it is sent for the first time */
  payload: Uint8Array
  /** bytes of the body, uncompressed */
  readonly bodyLength: number
  /** its payload is complete, except the header */
  isReady: boolean
  /** how often it was sent; from the first time on the server may have stored it, and it cannot be dropped any more */
  attempts: number
}

/** Bytes before and after a payload, for the command that publishes it. */
export interface Margins {
  readonly before: number
  readonly after: number
}

/** Collects frames into the payload of one message at a time. */
export class MessageBuilder {
  /** sequence number of the next frame */
  next = 0
  readonly #identity: EnvelopeIdentity
  readonly #capacity: number
  readonly #margins: Margins
  // The header of every message, before its counts are written.
  readonly #header: Uint8Array
  readonly #free: Uint8Array[] = []
  readonly #copier = new FrameCopier()
  #bytes: Uint8Array | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  #end = 0
  #first = 0
  #frames = 0
  #messages = 0

  /**
   * @param capacity bytes of the longest payload
   * @param margins memory around each payload
   */
  constructor(identity: EnvelopeIdentity, capacity: number, margins: Margins = { before: 0, after: 0 }) {
    this.#identity = identity
    this.#capacity = capacity
    this.#margins = margins
    this.#header = new Uint8Array(envelopeLength(identity.host))
    writeIdentity(this.#header, identity)
  }

  /** bytes of a header */
  get headerLength(): number {
    return this.#header.length
  }

  /** no frame was added since the last message was taken */
  get isEmpty(): boolean {
    return this.#frames === 0
  }

  /** Whether a frame of that length fits into the payload that is being written, or into an empty one. */
  fits(byteLength: number): 'now' | 'later' | 'never' {
    const space = frameSpace(byteLength)
    if (this.#frames > 0 && this.#end + space <= this.#capacity) return 'now'
    if (this.headerLength + space > this.#capacity) return 'never'
    return this.#frames === 0 ? 'now' : 'later'
  }

  /** The number of netlink messages in a frame: they are counted by their lengths, and not read. */
  count(memory: Memory, offset: number, byteLength: number): number {
    const { u16, u32 } = memory
    const end = offset + byteLength
    let count = 0
    for (let at = offset; end - at >= MESSAGE_HEADER_LENGTH; ) {
      const length = u32[at >> 2] as number
      if (length < MESSAGE_HEADER_LENGTH || length > end - at) break
      // NLMSG_DONE ends a datagram of several.
      if ((u16[(at + TYPE) >> 1] as number) >= MINIMUM_MESSAGE_TYPE) count++
      at += align4(length)
    }
    return count
  }

  /** Adds a frame that {@link fits} now. Returns the number of netlink messages in it. */
  add(memory: Memory, offset: number, byteLength: number, fullLength: number, groups: number): number {
    const bytes = this.#bytes ?? this.#begin()
    const end = this.#end + FRAME_DESCRIPTION + byteLength
    writeFrameDescription(this.#view, this.#end, byteLength, fullLength, groups)
    this.#copier.copy(memory, offset, byteLength, bytes, this.#end + FRAME_DESCRIPTION)
    this.#end += frameSpace(byteLength)
    for (let at = end; at < this.#end; at++) bytes[at] = 0
    const messages = this.count(memory, offset, byteLength)
    this.#messages += messages
    this.#frames++
    this.next++
    return messages
  }

  /** Takes the frames added so far as one message, which can have none. */
  take(losses: Losses): OutgoingMessage {
    const payload = this.#takePayload()
    // Without parts that are spread: those are slow before and after optimization.
    const message: OutgoingMessage = {
      first: this.#first,
      frames: this.#frames,
      messages: this.#messages,
      size: this.#memoryOf(payload),
      losses,
      payload,
      bodyLength: this.#end - this.headerLength,
      isReady: true,
      attempts: 0,
    }
    this.#frames = 0
    return message
  }

  /** The payload that was built: in memory of its size if it is short, so that many short ones fit into a buffer. */
  #takePayload(): Uint8Array {
    const bytes = this.#bytes ?? this.#begin()
    this.#bytes = undefined
    const payload = bytes.subarray(0, this.#end)
    if (this.#end > this.#capacity / 2) return payload
    const short = this.allocate(this.#end)
    short.set(payload)
    this.#free.push(bytes)
    return short
  }

  /**
   * Completes the payload before it is sent for the first time, after which it does not change. Returns the message's
   * id.
   */
  seal(message: OutgoingMessage): string {
    const { first, frames, messages, bodyLength, payload } = message
    const last = first + frames - 1
    if (message.attempts === 0) {
      const { lost, droppedFrames, droppedMessages } = message.losses
      payload.set(this.#header)
      writeCounts(payload, { first, last, messages, bodyLength, lost, droppedFrames, droppedMessages })
    }
    message.attempts++
    const { bootId, run } = this.#identity
    return messageId({ bootId, run, first, last })
  }

  /** Memory for a payload of `length` bytes, with its margins. */
  allocate(length: number): Uint8Array {
    const { before, after } = this.#margins
    // Not from the pool of Node.js, which other buffers share; every byte that is sent is written.
    return Buffer.allocUnsafeSlow(before + length + after).subarray(before, before + length)
  }

  /** Reuses the memory of a message that was stored or dropped. */
  recycle({ attempts, payload }: OutgoingMessage): void {
    // An earlier attempt may still wait to be written.
    if (this.#memoryOf(payload) !== this.#capacity || attempts > 1 || this.#free.length * this.#capacity >= FREE_BYTES)
      return
    this.#free.push(new Uint8Array(payload.buffer, payload.byteOffset, this.#capacity))
  }

  /** Bytes of the memory of a payload, without its margins. */
  #memoryOf({ buffer }: Uint8Array): number {
    return buffer.byteLength - this.#margins.before - this.#margins.after
  }

  #begin(): Uint8Array {
    const bytes = this.#free.pop() ?? this.allocate(this.#capacity)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#end = this.headerLength
    this.#first = this.next
    this.#messages = 0
    return bytes
  }
}

/** Bytes of payloads that are kept for reuse: as many as wait for a confirmation at one time, of the usual size. */
const FREE_BYTES = 16 * 1024 * 1024
