import { type Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import type { Lease } from '../transport.ts'

/** What a lease needs of the store that it came from. */
export interface LeaseOwner {
  /** Ends the lease; the lease calls it once, at its release. */
  giveLease(lease: FrameLease): void
}

/** {@link FrameLease.frame} of a lease that is a copy. */
export const COPIED = -1

/** The one lease: a frame that stays where it is, or a copy of it. */
export class FrameLease implements Lease {
  memory: Memory
  readonly offset: number
  readonly byteLength: number
  released = false
  /** the frame that is kept, or {@link COPIED} */
  readonly frame: number
  readonly #owner: LeaseOwner

  constructor(owner: LeaseOwner, memory: Memory, offset: number, byteLength: number, frame: number) {
    this.#owner = owner
    this.memory = memory
    this.offset = offset
    this.byteLength = byteLength
    this.frame = frame
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.#owner.giveLease(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
