/** Pseudo-random numbers from a seed, by Marsaglia's xorshift with 32 bits of state: the same on every machine. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    // The generator stays at 0 for ever once it is there.
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1
    for (let i = 0; i < 8; i++) this.next()
  }

  /** The next number: 32 bits, unsigned. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return this.#state
  }

  /** A number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit)
  }
}
