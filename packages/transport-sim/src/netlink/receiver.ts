import type { Memory } from '@ringlink/codec'

/**
 * Where the messages for one socket go: the seam between the model of a socket and the way in which messages reach its
 * user. {@link ReceiveQueue} is the plain one; a memory-mapped ring is another.
 *
 * A message is made in two steps, so that it can be built where the user reads it: `allocate`, write, `deliver`. One
 * that is allocated and not delivered is forgotten at the next `allocate`.
 */
export interface Receiver {
  /** offset at which to write the last allocated message; may change with every allocation */
  readonly memory: Memory
  readonly offset: number
  /**
   * Makes room for a message of up to `size` bytes, and `attached` more that are not copied by the kernel but charged
   * as the pages that they lie in; false without room, when nothing can be written.
   */
  allocate(size: number, attached?: number): boolean
  /**
   * Makes room for a message that the kernel builds before it knows on which way it is delivered (`nlmsg_new`): never
   * in a place that the user reads.
   */
  build(size: number): void
  /**
   * Queues the message, `length` bytes in all, `attached` of them as in {@link allocate}. 0, or the errno (negative)
   * that the sender of the message gets.
   */
  deliver(length: number, attached: number, portId: number, groups: number): number
  /** As {@link deliver}, regardless of the receive buffer: chunks of a dump. */
  force(length: number): void
  /**
   * Takes the place for a message that is collected over time and then delivered by {@link deliverReserved}: its
   * number; {@link NO_PLACE} where it has none to take, and the message is allocated when it is complete; {@link
   * NO_ROOM} where there is none left.
   */
  reserve?(size: number): number
  /** bytes of a place that was reserved */
  readonly placeSize?: number
  /** Delivers a message of `length` bytes in a place that was reserved. */
  deliverReserved?(place: number, memory: Memory, length: number): void
}

/** The receiver has no places that are taken before the message is complete. */
export const NO_PLACE = -1
/** No place is left: the message is dropped, and counted. */
export const NO_ROOM = -2
