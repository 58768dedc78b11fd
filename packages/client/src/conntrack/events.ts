import type { Request } from '../request.ts'
import type { Session } from '../session.ts'
import type { Subscription, SubscriptionStats } from '../subscription.ts'
import { ConnectionBatch } from './batch.ts'
import type { CompiledFilter } from './filter.ts'

/** The needs of events besides their subscription. */
export interface EventSource {
  readonly filter: CompiledFilter
  /** the session that dumps after a loss */
  readonly lister: Session
  /** the request of that dump */
  readonly dump: Request
  /** Called once when the events are closed. */
  close(): Promise<void>
}

/**
 * Events of connections, in batches.
 *
 *     for await (const batch of events) {
 *       for (const { event, sourceAddress, id } of batch) console.log(event, String(sourceAddress), id)
 *     }
 *
 * The kernel drops events that are not read in time. They are counted, and `lost` of the next batch says how many, even
 * if no event follows. A program that keeps a table of connections then replaces it by the result of {@link
 * resynchronise}, and continues with the loop.
 */
export class ConnectionEvents implements AsyncIterable<ConnectionBatch>, AsyncDisposable {
  readonly stats: Readonly<SubscriptionStats>
  readonly #subscription: Subscription
  readonly #source: EventSource
  #closing: Promise<void> | undefined

  /** Called by `Conntrack.events`. */
  constructor(subscription: Subscription, source: EventSource) {
    this.#subscription = subscription
    this.#source = source
    this.stats = subscription.stats
  }

  /** One loop at a time: a second throws code `BUSY`. Ends when the events are closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConnectionBatch, void, undefined> {
    const batch = new ConnectionBatch(this.#source.filter)
    try {
      for await (const notifications of this.#subscription) {
        batch.aim(notifications, notifications.lost)
        batch.origin = notifications.origin
        yield batch
        batch.finish()
      }
    } finally {
      batch.finish()
    }
  }

  /**
   * The current connections, after a loss: earlier events are dropped, and those after the beginning of the dump follow
   * in the loop, so that nothing is missing in between. Call it within the loop; it ends the current batch.
   */
  async *resynchronise(): AsyncGenerator<ConnectionBatch, void, undefined> {
    const { filter, lister: session, dump } = this.#source
    const batch = new ConnectionBatch(filter)
    try {
      for await (const rows of this.#subscription.resynchronise(dump, { session })) {
        batch.aim(rows, 0)
        yield batch
        batch.finish()
      }
    } finally {
      batch.finish()
    }
  }

  /** Ends the loop and closes the socket of the events. Does nothing if called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#subscription.close()
    await this.#source.close()
  }
}
