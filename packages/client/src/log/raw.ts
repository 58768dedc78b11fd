import type { FrameBatch, TransportStats } from '@ringlink/transport'
import { BatchLoop, type BatchSource } from '../receive-loop.ts'
import type { Session } from '../session.ts'

/** The place of the current batch, which the loop shows again and again. */
interface Shown {
  frames: FrameBatch | undefined
}

/**
 * The datagrams of a log, not decoded. A batch is valid until the next one is requested; `stats` are those of the
 * transport. One loop at a time, and not beside one over records: a second rejects with code `BUSY`.
 */
export class RawFrames implements AsyncIterable<FrameBatch> {
  readonly stats: TransportStats
  readonly #loop: BatchLoop<Shown>
  readonly #shown: Shown = { frames: undefined }

  /** Made by `Log.frames`. */
  constructor(session: Session, source: Omit<BatchSource, 'aim' | 'endBatch'>, noteLost: () => void) {
    const shown = this.#shown
    this.stats = session.transport.stats
    this.#loop = new BatchLoop(session, shown, {
      ...source,
      aim: (frames) => {
        noteLost()
        shown.frames = frames
        return true
      },
      endBatch: () => {
        shown.frames?.release()
        shown.frames = undefined
      },
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<FrameBatch, undefined> {
    const iterator = this.#loop.begin()
    return {
      next: async () => {
        const { done } = await iterator.next()
        const { frames } = this.#shown
        return done === true || frames === undefined ? { done: true, value: undefined } : { done: false, value: frames }
      },
      return: async () => {
        await iterator.return?.()
        return { done: true, value: undefined }
      },
    }
  }

  /** The log is about to end: the loop does not rest any more. */
  hurry(): void {
    this.#loop.hurry()
  }

  /** Resolves once everything that was received has been shown. */
  idle(): Promise<void> {
    return this.#loop.idle()
  }

  /** Releases the batch that was shown last. */
  finish(): void {
    this.#shown.frames?.release()
    this.#shown.frames = undefined
  }
}
