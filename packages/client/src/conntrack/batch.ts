import { isNetlinkError, type MessageView } from '@ringlink/codec'
import type { FrameOrigin } from '@ringlink/transport'
import { type CompiledFilter, selects } from './filter.ts'
import type { Connection } from './types.ts'
import { ConnectionView } from './view.ts'

/** The source of a batch of connections: rows of a dump, or notifications. */
export type Messages = Iterable<MessageView>

/**
 * Connections that came with one wake-up: rows of a dump, or events. Iterating re-aims one view: it is valid until the
 * next step, and the batch until the next batch is requested. Keep `view.connection()`, an owned copy, beyond that.
 */
export class ConnectionBatch implements Iterable<ConnectionView> {
  /**
   * events lost before this batch and not reported by an earlier one; a batch may report a loss and hold nothing else.
   * 0 for a listing
   */
  lost = 0
  /** where the events happened; `undefined`: on this machine */
  origin: FrameOrigin | undefined = undefined
  /** messages that could not be parsed, of those iterated so far */
  malformed = 0
  readonly #filter: CompiledFilter
  readonly #view = new ConnectionView()
  #messages: Messages = []

  /** Made by a `Conntrack`. */
  constructor(filter: CompiledFilter) {
    this.#filter = filter
  }

  /** Aims at messages. Called by the dump or the subscription. */
  aim(messages: Messages, lost: number): void {
    this.#messages = messages
    this.lost = lost
  }

  /** Ends the batch: reading its view then throws code `RELEASED`. */
  finish(): void {
    this.#messages = []
    this.#view.release()
  }

  [Symbol.iterator](): Iterator<ConnectionView> {
    const view = this.#view
    const filter = this.#filter
    const messages = this.#messages[Symbol.iterator]()
    const result: IteratorYieldResult<ConnectionView> = { done: false, value: view }
    return {
      next: (): IteratorResult<ConnectionView> => {
        for (;;) {
          const { done, value } = messages.next()
          if (done === true) return { done: true, value: undefined }
          if (this.#aimView(view, value) && selects(filter, view)) return result
        }
      },
    }
  }

  /** The connections as owned values. */
  *connections(): Generator<Connection, void, undefined> {
    for (const view of this) yield view.connection()
  }

  #aimView(view: ConnectionView, { memory, offset, length }: MessageView): boolean {
    try {
      view.wrap(memory, offset, length)
      return true
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      this.malformed++
      return false
    }
  }
}
