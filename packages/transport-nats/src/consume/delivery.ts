import type { FrameOrigin } from '@ringlink/transport'
import { FrameReader, messageId, type ReadEnvelope } from '../envelope.ts'

/** The reply subject of a message, by which it is acknowledged, and what it says. */
export interface Reply {
  readonly subject: string
  /** how often the server has delivered it */
  readonly deliveries: number
}

/** A message of the stream, from its arrival until it is acknowledged. */
export class Delivery {
  readonly id: string
  readonly envelope: ReadEnvelope
  /** the bytes that came; not read any more once all frames were given out */
  readonly payload: Uint8Array
  /** of the last time that the server delivered it */
  reply: Reply
  /** the frames, once the body is expanded */
  reader: FrameReader | undefined
  body: Uint8Array = new Uint8Array(0)
  /** what its batches say of their origin, once it has begun */
  origin: FrameOrigin | undefined
  /** batches and leases that are not released; one more until all frames were given out */
  users = 1

  constructor(envelope: ReadEnvelope, reply: Reply, payload: Uint8Array) {
    this.envelope = envelope
    this.payload = payload
    this.id = messageId(envelope)
    this.reply = reply
  }

  /** number of its frames */
  get frames(): number {
    return this.envelope.last - this.envelope.first + 1
  }

  open(body: Uint8Array): void {
    this.body = body
    this.reader = new FrameReader(body)
  }
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; servers may add a
 * domain and an account before the stream.
 */
export function parseReply(subject: string): Reply | undefined {
  const parts = subject.split('.')
  if (parts[0] !== '$JS' || parts[1] !== 'ACK' || parts.length < 9) return undefined
  const deliveries = Number(parts[parts.length === 9 ? 4 : 6])
  return Number.isInteger(deliveries) && deliveries > 0 ? { subject, deliveries } : undefined
}
