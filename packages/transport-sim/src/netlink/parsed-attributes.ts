import type { Memory } from '@ringlink/codec'
import { readText } from '@ringlink/codec/internal'

/**
 * The attributes of one request or nest that were found; of several of one number, the last. They are valid until the
 * request is answered.
 */
export class ParsedAttributes {
  readonly memory: Memory
  readonly #places = new Map<number, { readonly at: number; readonly length: number }>()

  constructor(memory: Memory) {
    this.memory = memory
  }

  add(number: number, at: number, length: number): void {
    this.#places.set(number, { at, length })
  }

  /** in the order in which their numbers were first met */
  get numbers(): Iterable<number> {
    return this.#places.keys()
  }

  has(number: number): boolean {
    return this.#places.has(number)
  }

  /** Offset of the payload; 0 without the attribute. */
  at(number: number): number {
    return this.#places.get(number)?.at ?? 0
  }

  length(number: number): number {
    return this.#places.get(number)?.length ?? 0
  }

  // Integers in host byte order; the attribute must be there.

  u8(number: number): number {
    return this.memory.u8[this.at(number)] as number
  }

  u16(number: number): number {
    return this.memory.u16[this.at(number) >> 1] as number
  }

  u32(number: number): number {
    return this.memory.u32[this.at(number) >> 2] as number
  }

  s32(number: number): number {
    return this.u32(number) | 0
  }

  /** A copy. */
  bytes(number: number): Uint8Array {
    return this.memory.copy(this.at(number), this.length(number))
  }

  /** Text up to its zero byte, or all of it without one. */
  text(number: number): string {
    return readText(this.memory, this.at(number), this.length(number))
  }
}
