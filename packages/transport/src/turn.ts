/**
 * The clock for timeouts and turns. Read once, because the global of that name is a getter; the import of
 * node:perf_hooks loads all that is in there.
 */
export const clock: typeof performance = performance

/**
 * Maximum frames that one transport delivers in one turn of the event loop, before others get their turn. A batch is
 * never divided.
 */
export const FRAMES_PER_TURN = 1024
/** Milliseconds after which a turn ends even with fewer frames, because processing them takes time too. */
export const TIME_PER_TURN = 4

/** The part of a turn of the event loop that a transport has used. */
export class Turn {
  #frames = 0
  #start = Number.NaN

  /** Begins a new turn. */
  begin(now: number): void {
    this.#frames = 0
    this.#start = now
  }

  /** Notes frames that were given out. */
  note(frames: number): void {
    this.#frames += frames
  }

  /** Whether the event loop must run before more is given out. */
  isOver(now: number): boolean {
    // Not started: nothing has been received yet.
    if (Number.isNaN(this.#start)) this.begin(now)
    return this.#frames >= FRAMES_PER_TURN || now - this.#start >= TIME_PER_TURN
  }
}
