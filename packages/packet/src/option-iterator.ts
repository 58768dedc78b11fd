import type { Memory } from '@ringlink/codec/memory'
import { NO_MEMORY } from './header.ts'

/** "End of options" and "no operation", in IPv4 and in TCP alike: one byte without a length. */
const END = 0
const NO_OPERATION = 1

/**
 * Walks the options of an IPv4 or TCP header, which share one form: a kind, then, except for kinds 0 and 1, a length
 * that counts kind and length too. A malformed option ends the walk and sets {@link isMalformed}; nothing throws.
 */
export class OptionIterator {
  /** what the option is, 1 for a no-operation; -1 before the first step */
  kind = -1
  /** where the option begins */
  offset = 0
  /** bytes of the option: its kind and length included */
  length = 0
  /** whether the walk ended at an option without room for its length, or with a length below 2 or beyond the end */
  isMalformed = false
  memory: Memory = NO_MEMORY
  #next = 0
  #end = 0

  wrap(memory: Memory, offset: number, end: number): this {
    this.memory = memory
    this.kind = -1
    this.offset = offset
    this.length = 0
    this.isMalformed = false
    this.#next = offset
    this.#end = end
    return this
  }

  /** Steps to the next option; false at the end of the options. */
  next(): boolean {
    const { memory } = this
    const at = this.#next
    if (this.isMalformed || at >= this.#end) return false
    const kind = memory.u8[at] as number
    if (kind === END) {
      this.#next = this.#end
      return false
    }
    const length = kind === NO_OPERATION ? 1 : at + 2 > this.#end ? 0 : (memory.u8[at + 1] as number)
    if (length < (kind === NO_OPERATION ? 1 : 2) || at + length > this.#end) {
      this.isMalformed = true
      return false
    }
    this.kind = kind
    this.offset = at
    this.length = length
    this.#next = at + length
    return true
  }
}
