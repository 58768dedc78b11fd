import type { Memory } from '@ringlink/codec'

/** Views have lengths of whole blocks, so that few serve frames of all lengths: 1 KiB. */
const BLOCK_SHIFT = 10
const BLOCK = 1 << BLOCK_SHIFT
/** Views that are kept: a transport with 64 frames of up to 64 KiB has at most that many. */
const MAXIMUM_VIEWS = 4096

/**
 * Copies frames, without a view of each: the frames of a transport are at the same places again and again, and the
 * views of these are kept. A new view for each frame costs as much as the copy of its bytes (measured).
 */
export class FrameCopier {
  #memory: Memory | undefined
  // By the number of their blocks, and by their offsets.
  #views: Map<number, Uint8Array>[] = []
  #count = 0

  /**
   * Copies `length` bytes at `offset` of `memory` to `at`. The bytes after them, up to the end of their last block, are
   * overwritten too where `to` has room.
   */
  copy(memory: Memory, offset: number, length: number, to: Uint8Array, at: number): void {
    if (memory !== this.#memory) this.#begin(memory)
    const blocks = (length + BLOCK - 1) >> BLOCK_SHIFT
    const view = this.#views[blocks]?.get(offset) ?? this.#add(memory, offset, blocks)
    to.set(at + view.length <= to.length ? view : view.subarray(0, length), at)
  }

  #begin(memory: Memory): void {
    this.#memory = memory
    this.#views = []
    this.#count = 0
  }

  #add(memory: Memory, offset: number, blocks: number): Uint8Array {
    // Frames of this memory have no places of their own.
    if (this.#count === MAXIMUM_VIEWS) this.#begin(memory)
    this.#count++
    while (this.#views.length <= blocks) this.#views.push(new Map())
    const view = memory.u8.subarray(offset, offset + blocks * BLOCK)
    this.#views[blocks]?.set(offset, view)
    return view
  }
}
