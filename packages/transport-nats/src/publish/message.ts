import { align4, MESSAGE_HEADER_LENGTH, type Memory, MINIMUM_MESSAGE_TYPE } from '@ringlink/codec'
import {
  type Envelope,
  envelopeLength,
  FRAME_DESCRIPTION,
  frameSpace,
  writeEnvelope,
  writeFrameDescription,
} from '../envelope.ts'

/** Offset of `nlmsg_type`. */
const TYPE = 4

/** The parts of an envelope that all messages of a publisher share. */
export type PublisherIdentity = Pick<Envelope, 'byteOrder' | 'compression' | 'protocol' | 'host' | 'bootId' | 'run'>

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
  /** it was sent, so that the server may have stored it: it cannot be dropped any more */
  attempted: boolean
}

/** Collects frames into the payload of one message at a time. */
export class MessageBuilder {
  /** sequence number of the next frame */
  next = 0
  readonly #identity: PublisherIdentity
  readonly #capacity: number
  readonly #headerLength: number
  readonly #free: Uint8Array[] = []
  #bytes: Uint8Array | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  #end = 0
  #first = 0
  #frames = 0
  #messages = 0

  /** @param capacity bytes of the longest payload */
  constructor(identity: PublisherIdentity, capacity: number) {
    this.#identity = identity
    this.#capacity = capacity
    this.#headerLength = envelopeLength(identity.host)
  }

  /** bytes of a header */
  get headerLength(): number {
    return this.#headerLength
  }

  /** no frame was added since the last message was taken */
  get isEmpty(): boolean {
    return this.#frames === 0
  }

  /** Whether a frame of that length fits into the payload that is being written, or into an empty one. */
  fits(byteLength: number): 'now' | 'later' | 'never' {
    const space = frameSpace(byteLength)
    if (this.#frames > 0 && this.#end + space <= this.#capacity) return 'now'
    if (this.#headerLength + space > this.#capacity) return 'never'
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
    bytes.set(memory.u8.subarray(offset, offset + byteLength), this.#end + FRAME_DESCRIPTION)
    this.#end += frameSpace(byteLength)
    bytes.fill(0, end, this.#end)
    const messages = this.count(memory, offset, byteLength)
    this.#messages += messages
    this.#frames++
    this.next++
    return messages
  }

  /** Takes the frames added so far as one message, which can have none. */
  take(losses: Losses): OutgoingMessage {
    const bytes = this.#bytes ?? this.#begin()
    const message: OutgoingMessage = {
      ...{
        first: this.#first,
        frames: this.#frames,
        messages: this.#messages,
        losses,
        isReady: true,
        attempted: false,
      },
      ...{ size: bytes.length, payload: bytes.subarray(0, this.#end), bodyLength: this.#end - this.#headerLength },
    }
    this.#bytes = undefined
    this.#frames = 0
    return message
  }

  /** The header of a message. */
  envelopeOf({ first, frames, messages, losses, bodyLength }: OutgoingMessage): Envelope {
    return { ...this.#identity, ...losses, first, last: first + frames - 1, messages, bodyLength }
  }

  /** The whole payload: writes the header when it is sent for the first time, after which it does not change. */
  seal(message: OutgoingMessage): Uint8Array {
    if (!message.attempted) writeEnvelope(message.payload, this.envelopeOf(message))
    message.attempted = true
    return message.payload
  }

  /** Reuses the memory of a message that was stored or dropped. */
  recycle({ size, payload }: OutgoingMessage): void {
    if (size !== this.#capacity || this.#free.length >= MAXIMUM_FREE || payload.buffer.byteLength !== size) return
    this.#free.push(new Uint8Array(payload.buffer as ArrayBuffer))
  }

  #begin(): Uint8Array {
    const bytes = this.#free.pop() ?? new Uint8Array(this.#capacity)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
    this.#end = this.#headerLength
    this.#first = this.next
    this.#messages = 0
    return bytes
  }
}

/** Payloads that are kept for reuse. */
const MAXIMUM_FREE = 16
