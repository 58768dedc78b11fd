/**
 * Random numbers that a seed repeats: Marsaglia's xorshift with 128 bits of state. For tests and simulation, on every
 * machine the same; not for secrets.
 */
export class Random {
  readonly seed: number
  #x: number
  #y: number
  #z: number
  #w: number

  /** @param seed its lower 32 bits count; 0 is as good as any other */
  constructor(seed: number) {
    this.seed = seed >>> 0
    // Neighbouring seeds are mixed apart, and the state is never all zero: the four words are four different inputs of a
    // mixing that maps no two inputs to one output.
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

  /** A number from 0 up to, and without, 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000
  }

  /** A whole number from 0 up to, and without, `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** True with the given probability. It costs one number, whatever the probability is. */
  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** Another stream of numbers, which does not depend on how many this one has given. */
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
