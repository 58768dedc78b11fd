const ALPHABET = 256
/** Flag of a state in the table: a pattern ends here. */
const MATCH = 1 << 30
const STATE = MATCH - 1

/**
 * Aho and Corasick's automaton over bytes, as one table: for each state and byte the next state, with a bit that says
 * that a pattern ends there. A search is one load for each byte, however many patterns there are.
 */
export class Automaton {
  readonly states: number
  #table: Int32Array

  constructor(patterns: readonly Uint8Array[]) {
    const most = patterns.reduce((sum, pattern) => sum + pattern.length, 1)
    const table = new Int32Array(most * ALPHABET)
    const ends = new Uint8Array(most)
    let states = 1
    for (const pattern of patterns) {
      let state = 0
      for (const byte of pattern) {
        const at = state * ALPHABET + byte
        if (table[at] === 0) table[at] = states++
        state = table[at] as number
      }
      ends[state] = 1
    }
    link(table, ends)
    this.states = states
    this.#table = table.slice(0, states * ALPHABET)
    for (let i = 0; i < this.#table.length; i++) {
      if (ends[this.#table[i] as number] === 1) this.#table[i] = (this.#table[i] as number) | MATCH
    }
  }

  /** Ends of patterns in `length` bytes from `offset`. */
  count(bytes: Uint8Array, offset: number, length: number): number {
    const table = this.#table
    const end = offset + length
    let state = 0
    let matches = 0
    for (let at = offset; at < end; at++) {
      const next = table[state * ALPHABET + (bytes[at] as number)] as number
      state = next & STATE
      matches += next >> 30
    }
    return matches
  }
}

/** Fills in the next state for bytes that continue no pattern: that of the longest suffix that is a prefix. */
function link(table: Int32Array, ends: Uint8Array): void {
  const failure = new Int32Array(ends.length)
  const waiting: number[] = []
  for (let byte = 0; byte < ALPHABET; byte++) if (table[byte] !== 0) waiting.push(table[byte] as number)
  for (let head = 0; head < waiting.length; head++) {
    const state = waiting[head] as number
    const suffix = failure[state] as number
    if (ends[suffix] === 1) ends[state] = 1
    for (let byte = 0; byte < ALPHABET; byte++) {
      const at = state * ALPHABET + byte
      const fallback = table[suffix * ALPHABET + byte] as number
      if (table[at] === 0) {
        table[at] = fallback
      } else {
        failure[table[at] as number] = fallback
        waiting.push(table[at] as number)
      }
    }
  }
}
