import { type AttributeSet, isNetlinkError, type Message } from '@ringlink/codec'
import type { Exchange } from './exchange.ts'
import type { Request } from './request.ts'
import { BorrowedRows, RowBatch, type RowPositions } from './row-batch.ts'
import type { DumpOptions } from './session-options.ts'
import { Turns } from './turns.ts'

/** What dumps need from their session. */
export interface DumpHost {
  /** default milliseconds to wait for an answer */
  readonly requestTimeout: number
  /** Sends the request of a dump; `borrowed`: where the rows that are left in their frames are noted. */
  send(request: Request, borrowed: BorrowedRows | undefined): Exchange
  /** Waits until `isDone`; rejects as a request. */
  until(exchange: Exchange, isDone: () => boolean, options: DumpOptions): Promise<void>
  /** Reads what is there without waiting. Returns false when nothing is. */
  readNow(): boolean
  /** Marks that no caller waits for `exchange` any more. */
  remove(exchange: Exchange): void
  /** Undoes {@link remove}. */
  keep(exchange: Exchange): void
}

/** Milliseconds for which the rest of an abandoned dump is read, so that the next one can begin. */
const DISCARD_TIMEOUT = 1000

/** The dumps of a session. They take turns: the kernel refuses a second dump on a socket while one is running. */
export class Dumps {
  readonly #host: DumpHost
  readonly #turns = new Turns()
  // Left by the last dump that borrowed its rows, for the next one.
  #positions: RowPositions | undefined

  constructor(host: DumpHost) {
    this.#host = host
  }

  /** All rows of a table. */
  async all<Set extends AttributeSet>(request: Request<Set>, options: DumpOptions): Promise<Message[]> {
    for (let left = options.retries ?? 0; ; left--) {
      try {
        return await this.#collect(request, options)
      } catch (error) {
        if (left <= 0 || !isNetlinkError(error, 'DUMP_INTERRUPTED')) throw error
        options.onRetry?.()
      }
    }
  }

  /** The rows of a table as owned messages, those that came with one wake-up together. */
  async *groups<Set extends AttributeSet>(
    request: Request<Set>,
    options: DumpOptions,
  ): AsyncGenerator<readonly Message[], void, undefined> {
    for await (const exchange of this.#retrying(request, options, false)) yield exchange.takeRows()
  }

  /** The rows of a table, in place. */
  async *batches<Set extends AttributeSet>(
    request: Request<Set>,
    options: DumpOptions,
  ): AsyncGenerator<RowBatch, void, undefined> {
    const batch = new RowBatch()
    try {
      for await (const exchange of this.#retrying(request, options, true)) {
        batch.aim(exchange.borrowed, exchange.rows)
        yield batch
        batch.finish()
        exchange.takeRows()
      }
    } finally {
      batch.finish()
    }
  }

  async #collect<Set extends AttributeSet>(request: Request<Set>, options: DumpOptions): Promise<Message[]> {
    const turn = this.#begin(request, options)
    if (turn !== undefined) await turn
    let exchange: Exchange | undefined
    try {
      const sent = this.#host.send(request, undefined)
      exchange = sent
      await this.#host.until(sent, () => sent.ended, options)
      if (sent.error !== undefined) throw sent.error
      return sent.takeRows()
    } finally {
      this.#end(exchange)
    }
  }

  async *#retrying<Set extends AttributeSet>(
    request: Request<Set>,
    options: DumpOptions,
    borrows: boolean,
  ): AsyncGenerator<Exchange, void, undefined> {
    for (let left = options.retries ?? 0; ; left--) {
      try {
        yield* this.#stream(request, options, borrows)
        return
      } catch (error) {
        if (left <= 0 || !isNetlinkError(error, 'DUMP_INTERRUPTED')) throw error
        options.onRetry?.()
      }
    }
  }

  /** The exchange of a dump, each time that it has rows. */
  async *#stream<Set extends AttributeSet>(
    request: Request<Set>,
    options: DumpOptions,
    borrows: boolean,
  ): AsyncGenerator<Exchange, void, undefined> {
    const turn = this.#begin(request, options)
    if (turn !== undefined) await turn
    let exchange: Exchange | undefined
    try {
      const sent = this.#host.send(request, borrows ? this.#borrow() : undefined)
      exchange = sent
      const isDone = () => sent.ended || sent.hasRows
      for (;;) {
        options.signal?.throwIfAborted()
        while (!isDone() && this.#host.readNow());
        if (!isDone()) await this.#host.until(sent, isDone, options)
        // If an error ends the loop, the error holds the remaining rows.
        if (sent.ended && sent.error !== undefined) throw sent.error
        if (!sent.hasRows) return
        yield sent
      }
    } finally {
      this.#end(exchange)
    }
  }

  /** The promise to wait for before the dump can begin, if any: without one its request is sent at once. */
  #begin(request: Request, options: DumpOptions): Promise<void> | undefined {
    return this.#turns.begin(request.what, options.timeout ?? this.#host.requestTimeout, options.signal)
  }

  /** Room for the positions of rows. An abandoned dump keeps its own, as rows of it may still arrive. */
  #borrow(): BorrowedRows {
    const borrowed = new BorrowedRows(this.#positions)
    this.#positions = undefined
    return borrowed
  }

  /** Lets the next dump begin once the kernel has finished this one. */
  #end(exchange: Exchange | undefined): void {
    if (exchange !== undefined) this.#host.remove(exchange)
    if (exchange?.ended === true) this.#positions = exchange.borrowed?.positions ?? this.#positions
    if (exchange === undefined || exchange.ended) this.#turns.end()
    else this.#discard(exchange).then(() => this.#turns.end())
  }

  /** Reads the rest of a dump that was left early: the kernel refuses another dump before that. */
  async #discard(exchange: Exchange): Promise<void> {
    const isDone = () => {
      exchange.takeRows()
      return exchange.ended
    }
    try {
      this.#host.keep(exchange)
      // The caller already knows why the dump ended early. If the kernel does not finish it, the next dump rejects.
      await this.#host.until(exchange, isDone, { timeout: DISCARD_TIMEOUT }).catch(() => {})
    } finally {
      this.#host.remove(exchange)
    }
  }
}
