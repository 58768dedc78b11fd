/**
 * Random numbers that are reproducible by a seed: Marsaglia's xorshift with 128 bits of state. For tests and
 * simulation, the same on every machine; not for secrets.
 */
export class Random {
  readonly seed: number
  #x: number
  #y: number
  #z: number
  #w: number

  /** @param seed its lower 32 bits are used; 0 is as good as any other */
  constructor(seed: number) {
    this.seed = seed >>> 0
    // Mixes neighbouring seeds apart. The state is never all zero: its four words are images of four different inputs
    // under a one-to-one mapping.
    this.#x = mix(this.seed)
    this.#y = mix(this.seed + 0x9e3779b9)
    this.#z = mix(this.seed + 0x3c6ef372)
    this.#w = mix(this.seed + 0xdaa66d2b)
  }

  /** The next 32 bits, as a number from 0. */
  next(): number {
    let mixed = this.#x ^ (this.#x << 11)
    mixed ^= mixed >>> 8
    this.#x = this.#y
    this.#y = this.#z
    this.#z = this.#w
    this.#w = (this.#w ^ (this.#w >>> 19) ^ mixed) >>> 0
    return this.#w
  }

  /** A number from 0 to less than 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000
  }

  /** An integer from 0 to less than `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** True with the given probability. Always uses one number. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** Another stream of numbers, independent of how many this one has returned. */
  fork(index: number): Random {
    return new Random(mix(this.seed ^ mix(index + 1)))
  }
}

function mix(word: number): number {
  let mixed = word | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
