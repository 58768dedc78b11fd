/**
 * Fuzzes readers of bytes: an input costs microseconds, so that `npm run fuzz` tries millions. Inputs are seeds that
 * were changed, cut, joined, nested and repeated, up to a mebibyte, and random bytes; the same for the same seed. `npm
 * run fuzz` sets the number of inputs over all targets (FUZZ_COUNT), the seed (FAST_CHECK_SEED), and a file for
 * progress (FAST_CHECK_LOG).
 */
import { appendFileSync } from 'node:fs'
import { isNetlinkError, Memory } from '@ringlink/codec'
import { Random } from '@ringlink/transport/faults'
import { expect, test } from 'vitest'

export type { Random }

const { FUZZ_COUNT, FAST_CHECK_SEED, FAST_CHECK_LOG } = process.env
const COUNT = Number(FUZZ_COUNT ?? 20_000)
const SEED = Number(FAST_CHECK_SEED ?? 20_261_126)

const MEBIBYTE = 1024 * 1024
/** Where an input begins, so that a read before it stays in the memory. */
const MARGIN = 64
/** One input in so many is long. */
const LONG = 16_384
const LONGEST_RANDOM = 300
/** Seconds of processor time that no input may need. */
const PATIENCE = 3
/** Numbers that are likely lengths, types or edges. */
const LIKELY = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0xffffffff,
]
/** Parts of the inputs after which progress is noted. */
const PROGRESS = 20

/** What is fuzzed. */
export interface ByteTarget {
  readonly name: string
  /** its part of all inputs */
  readonly share: number
  readonly seeds: readonly Uint8Array[]
  /** longest input in bytes; default a mebibyte */
  readonly longest?: number | undefined
  /** codes of errors that it may throw */
  readonly codes: readonly string[]
  /** Reads the input. May throw errors of the documented codes. */
  attempt(memory: Memory, offset: number, length: number, random: Random): void
}

/** Makes the inputs of a target. */
class Inputs {
  readonly memory: Memory
  readonly #random: Random
  readonly #seeds: readonly Uint8Array[]
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor({ seeds, longest = MEBIBYTE }: ByteTarget, random: Random) {
    this.memory = new Memory(MARGIN + longest + MARGIN)
    this.#random = random
    this.#seeds = seeds
    this.#bytes = this.memory.u8.subarray(MARGIN, MARGIN + longest)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, longest)
  }

  /** Writes the next input at MARGIN. Returns its length. */
  next(): number {
    const random = this.#random
    if (random.below(LONG) === 0) return this.#change(this.#repeat(random.below(this.#bytes.length)))
    if (random.below(16) > 0) return this.#change(this.#put(0, this.#seed()))
    const length = random.below(LONGEST_RANDOM)
    for (let at = 0; at < length; at++) this.#bytes[at] = random.next()
    return length
  }

  #seed(): Uint8Array {
    return this.#seeds[this.#random.below(this.#seeds.length)] as Uint8Array
  }

  /** Puts bytes at an offset, as many as fit. Returns where they end. */
  #put(at: number, bytes: Uint8Array): number {
    const room = this.#bytes.length - at
    this.#bytes.set(bytes.length > room ? bytes.subarray(0, room) : bytes, at)
    return Math.min(at + bytes.length, this.#bytes.length)
  }

  /** One to three seeds again and again, or nests in each other. */
  #repeat(length: number): number {
    const random = this.#random
    const pieces = Array.from({ length: 1 + random.below(3) }, () => this.#seed().subarray(0, 4 + random.below(400)))
    const isNested = random.below(3) === 0
    for (let at = 0, turn = 0; at + 24 < length; turn++) {
      at = isNested ? this.#nest(at, length) : this.#put(at, pieces[turn % pieces.length] as Uint8Array)
      if (isNested && random.below(8) === 0) at = this.#put(at, pieces[0] as Uint8Array)
      at = (at + 3) & ~3
    }
    return length
  }

  /**
   * Begins a message that reaches to the end: an error that repeats the rest, or a nested attribute. Returns what is
   * after its header.
   */
  #nest(at: number, end: number): number {
    const isError = this.#random.below(2) === 0
    if (isError) {
      this.#view.setUint32(at, end - at, true)
      this.#view.setUint16(at + 4, 2, true)
      this.#view.setUint16(at + 6, this.#random.below(4) === 0 ? 0x200 : 0, true)
      return at + 20
    }
    this.#view.setUint16(at, Math.min(end - at, 0xfffc), true)
    this.#view.setUint16(at + 2, 0x8000 | this.#random.below(32), true)
    return at + 4
  }

  #change(length: number): number {
    let end = length
    for (let changes = this.#random.below(7); changes > 0 && end > 0; changes--) end = this.#changeOnce(end)
    return end
  }

  #changeOnce(length: number): number {
    const random = this.#random
    const at = random.below(length)
    const word = at & ~3
    switch (random.below(10)) {
      case 0:
      case 1:
        this.#bytes[at] = random.next()
        return length
      case 2:
        this.#bytes[at] = (this.#bytes[at] as number) ^ (1 << random.below(8))
        return length
      case 3:
        this.#bytes[at] = this.#likely(length - at)
        return length
      case 4:
        if (word + 2 <= length) this.#view.setUint16(word, this.#likely(length - word) & 0xffff, random.below(4) > 0)
        return length
      case 5:
        if (word + 4 <= length) this.#view.setUint32(word, this.#likely(length - word), random.below(4) > 0)
        return length
      case 6:
        return random.below(2) === 0 ? at : word
      case 7:
        return this.#splice(word, word, this.#bytes.slice(word, Math.min(length, word + 4 + random.below(64))), length)
      case 8:
        return this.#splice(word, Math.min(length, word + (random.below(16) << 2)), new Uint8Array(0), length)
      default:
        return this.#splice(word, word, this.#seed().subarray(0, random.below(200)), length)
    }
  }

  #likely(left: number): number {
    const random = this.#random
    const some = random.below(LIKELY.length + 4)
    return LIKELY[some] ?? left + random.below(9) - 4
  }

  /** Replaces what is between two offsets. Returns the new length. */
  #splice(from: number, to: number, bytes: Uint8Array, length: number): number {
    const tail = this.#bytes.slice(to, length)
    return this.#put(this.#put(from, bytes), tail)
  }
}

/** Tries a target with its share of the inputs. Every error must have one of its codes, and none may take long. */
export function fuzzBytes(target: ByteTarget): void {
  const { name, share, codes } = target
  const count = Math.max(100, Math.ceil(COUNT * share))
  test(`${count} inputs of ${name}: values or a documented code, in bounded time`, { timeout: 86_400_000 }, () => {
    const random = new Random(SEED)
    const inputs = new Inputs(target, random)
    const { memory } = inputs
    const attempt = (length: number): void => {
      try {
        target.attempt(memory, MARGIN, length, random)
      } catch (error) {
        if (!isNetlinkError(error) || !codes.includes(error.code)) throw error
      }
    }
    // The trace of an error costs more than the input.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    const begin = process.cpuUsage()
    let slowest = 0
    let longest = 0
    try {
      let noted = 0
      for (let input = 0; input < count; input++) {
        const length = inputs.next()
        longest = Math.max(longest, length)
        const start = performance.now()
        try {
          attempt(length)
          const took = (performance.now() - start) / 1000
          slowest = Math.max(slowest, took)
          // A busy machine makes anything slow; the processor time of the same input tells.
          if (took > PATIENCE) expect(secondsOf(() => attempt(length))).toBeLessThan(PATIENCE)
        } catch (error) {
          const bytes = Buffer.from(memory.u8.subarray(MARGIN, MARGIN + Math.min(length, 4096))).toString('hex')
          throw new Error(`input ${input} of ${name}, seed ${SEED}, ${length} bytes: ${bytes}`, { cause: error })
        }
        if (input + 1 < count && input + 1 - noted < count / PROGRESS) continue
        note({ target: name, inputs: input + 1 - noted, of: count, slowest, longest, seconds: seconds(begin) })
        noted = input + 1
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  })
}

function secondsOf(action: () => void): number {
  const begin = process.cpuUsage()
  action()
  return seconds(begin)
}

/** Seconds of processor time since then. */
function seconds(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1e6
}

function note(progress: object): void {
  if (FAST_CHECK_LOG !== undefined) appendFileSync(FAST_CHECK_LOG, `${JSON.stringify(progress)}\n`)
}
