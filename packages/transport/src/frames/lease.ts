import { type Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import type { Lease } from '../transport.ts'

/** What a lease needs from its store. */
export interface LeaseOwner {
  /** Ends the lease. Called once, when the lease is released. */
  giveLease(lease: FrameLease): void
}

/** The value of {@link FrameLease.frame} for a lease that is a copy. */
export const COPIED = -1

/** The only implementation of a lease: a frame that stays in place, or a copy of it. */
export class FrameLease implements Lease {
  memory: Memory
  readonly offset: number
  readonly byteLength: number
  released = false
  /** the frame kept in place, or {@link COPIED} */
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
