/** Frames that one transport gives out in one turn of the event loop, before others get theirs. A batch is never divided. */
export const FRAMES_PER_TURN = 1024
/** Milliseconds after which a turn ends as well, however few its frames were: what is done with them takes time too. */
export const TIME_PER_TURN = 4

/** How much of a turn of the event loop a transport has used. */
export class Turn {
  #frames = 0
  #start = Number.NaN

  /** A new turn has begun. */
  begin(now: number): void {
    this.#frames = 0
    this.#start = now
  }

  /** Frames were given out. */
  note(frames: number): void {
    this.#frames += frames
  }

  /** The event loop must run before more is given out. */
  isOver(now: number): boolean {
    // Not begun: nothing has been received yet.
    if (Number.isNaN(this.#start)) this.begin(now)
    return this.#frames >= FRAMES_PER_TURN || now - this.#start >= TIME_PER_TURN
  }
}
