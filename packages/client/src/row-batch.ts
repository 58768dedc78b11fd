import { type Message, MessageView, NetlinkError } from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import type { FrameBatch } from '@ringlink/transport'

/**
 * The position of each row of a batch. The arrays keep the length of the longest batch, and pass from one dump to the
 * next, so that a row costs no further memory.
 */
export interface RowPositions {
  readonly offsets: number[]
  readonly lengths: number[]
}

/** Rows of a dump that lie in the frames of one batch, which is released with them. */
export class BorrowedRows {
  /** rows */
  length = 0
  readonly positions: RowPositions
  readonly #offsets: number[]
  readonly #lengths: number[]
  #frames: FrameBatch | undefined

  /** @param positions of a dump that has ended */
  constructor(positions: RowPositions = { offsets: [], lengths: [] }) {
    this.positions = positions
    this.#offsets = positions.offsets
    this.#lengths = positions.lengths
  }

  /** Notes a row of `frames`. Returns false while there are rows of other frames: the row must be copied then. */
  add({ offset, length }: MessageView, frames: FrameBatch): boolean {
    this.#frames ??= frames
    if (this.#frames !== frames) return false
    this.#offsets[this.length] = offset
    this.#lengths[this.length] = length
    this.length++
    return true
  }

  /** Whether the rows lie in `frames`. */
  liesIn(frames: FrameBatch): boolean {
    return this.#frames === frames
  }

  /** Aims at row `index`. Throws code `RELEASED` once the transport is closed. */
  aim(view: MessageView, index: number): void {
    const frames = this.#frames
    if (frames === undefined || frames.released) {
      throw new NetlinkError(
        'RELEASED',
        'the rows of this batch were released: the session was closed, or the next batch requested',
      )
    }
    view.wrap(frames.memory, this.#offsets[index] as number, this.#lengths[index] as number)
  }

  /** The rows as owned messages. */
  copy(): Message[] {
    const view = new MessageView()
    return Array.from({ length: this.length }, (_, index) => {
      this.aim(view, index)
      return view.copy()
    })
  }

  /** Returns the frames to the transport. */
  release(): void {
    this.#frames?.release()
    this.forget()
  }

  /** Drops the rows; the caller releases the frames. */
  forget(): void {
    this.#frames = undefined
    this.length = 0
  }
}

/**
 * Rows of a dump that came with one wake-up. Iterating re-aims one view: it is valid until the next step, and the batch
 * until the next batch is requested. Copy what must outlive that: `view.copy()`.
 */
export class RowBatch implements Iterable<MessageView> {
  readonly #view = new MessageView()
  #borrowed: BorrowedRows | undefined
  #owned: readonly Message[] = []

  /** rows in the batch */
  get length(): number {
    return (this.#borrowed?.length ?? 0) + this.#owned.length
  }

  /** Aims at rows. The session does this. */
  aim(borrowed: BorrowedRows | undefined, owned: readonly Message[]): void {
    this.#borrowed = borrowed
    this.#owned = owned
  }

  /** Aims `view` at row `index`, below {@link length}. */
  show(view: MessageView, index: number): void {
    const borrowed = this.#borrowed?.length ?? 0
    // Not by an index below 0, which an engine makes a text of.
    if (index < borrowed) {
      this.#borrowed?.aim(view, index)
      return
    }
    const message = this.#owned[index - borrowed]
    if (message !== undefined) view.wrap(message.view.memory, message.view.offset, message.view.length)
  }

  /** Ends the batch: reading its view then throws code `RELEASED`. The session does this. */
  finish(): void {
    this.#borrowed?.release()
    this.#borrowed = undefined
    this.#owned = []
    this.#view.memory = RELEASED_MEMORY
  }

  [Symbol.iterator](): Iterator<MessageView> {
    const view = this.#view
    const result: IteratorYieldResult<MessageView> = { done: false, value: view }
    let index = 0
    return {
      next: (): IteratorResult<MessageView> => {
        if (index >= this.length) return { done: true, value: undefined }
        this.show(view, index++)
        return result
      },
    }
  }
}
