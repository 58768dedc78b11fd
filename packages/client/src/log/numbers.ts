/** The state of the sequence numbers of one group. */
interface GroupNumbers {
  readonly group: number
  /** the number expected next */
  next: number
  /** datagrams lost before the last record of the group was queued: its number accounts for them */
  told: number
}

/** What {@link RecordNumbers} works with. */
export interface NumberingOptions {
  readonly groups: readonly number[]
  /** the first number can be any number, as in a recording; a kernel begins with 0 */
  readonly beginsAnywhere: boolean
}

/** The sequence numbers of the records of a log: how many packets are missing, and what the numbers cannot tell. */
export class RecordNumbers {
  /** missing packets, counted by the gaps */
  missing = 0
  /** datagrams that were lost before the records noted from now on were queued */
  lostBefore = 0
  readonly #groups: readonly number[]
  readonly #beginsAnywhere: boolean
  // The group of the last record is kept, to save the look-up.
  readonly #states: Map<number, GroupNumbers> = new Map()
  #current: GroupNumbers = { group: -1, next: 0, told: 0 }

  constructor({ groups, beginsAnywhere }: NumberingOptions) {
    this.#groups = groups
    this.#beginsAnywhere = beginsAnywhere
  }

  /** Notes a record. Returns the number of packets missing between it and the previous one of its group. */
  note(group: number, sequence: number): number {
    if (this.#current.group !== group) this.#current = this.#stateOf(group, sequence)
    const state = this.#current
    const gap = (sequence - state.next) >>> 0
    state.next = (sequence + 1) >>> 0
    state.told = this.lostBefore
    // A number that steps back was delivered twice or out of order; it does not mean four thousand million lost
    // packets.
    if (gap >= 0x80000000) return 0
    this.missing += gap
    return gap
  }

  /**
   * Of `lost` datagrams, those that may have been lost after the last record of a group: no number tells what they
   * held.
   */
  untold(lost: number): number {
    const told = this.#groups.map((group) => this.#states.get(group)?.told ?? 0)
    return told.length === 0 ? lost : Math.max(0, lost - Math.min(...told))
  }

  /** @param first the number of the current record */
  #stateOf(group: number, first: number): GroupNumbers {
    let state = this.#states.get(group)
    if (state === undefined) {
      state = { group, next: this.#beginsAnywhere ? first : 0, told: 0 }
      this.#states.set(group, state)
    }
    return state
  }
}
