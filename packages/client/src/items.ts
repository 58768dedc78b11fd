/**
 * The items of batches, one at a time. While a batch has items, a step costs one promise of the runtime and none of
 * ours: a view that each step aims at the next item is the same object, and so is the promise of it.
 */
export class ItemIterator<Item> implements AsyncGenerator<Item, undefined> {
  readonly #source: AsyncIterable<Iterable<Item>>
  #batches: AsyncIterator<Iterable<Item>> | undefined
  #items: Iterator<Item> | undefined
  // The step that waits for a batch: those asked for by then follow it.
  #pending: Promise<IteratorResult<Item, undefined>> | undefined
  #shown: Item | undefined
  #step: Promise<IteratorResult<Item, undefined>> | undefined
  #isDone = false

  constructor(source: AsyncIterable<Iterable<Item>>) {
    this.#source = source
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#pending !== undefined) return this.#after(this.#pending)
    try {
      return this.#nextItem() ?? this.#nextBatch()
    } catch (error) {
      return this.throw(error)
    }
  }

  /**
   * Ends the iteration, and with it the batch whose items were shown last. A step that waits for a batch ends first.
   */
  async return(): Promise<IteratorReturnResult<undefined>> {
    while (this.#pending !== undefined) await this.#pending.catch(() => {})
    const isFirst = !this.#isDone
    this.#end()
    if (isFirst) await this.#batches?.return?.()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorReturnResult<undefined>> {
    await this.return().catch(() => {})
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #nextItem(): Promise<IteratorResult<Item, undefined>> | undefined {
    const step = this.#items?.next()
    if (step === undefined || step.done === true) return undefined
    if (this.#step === undefined || step.value !== this.#shown) {
      this.#shown = step.value
      this.#step = Promise.resolve({ done: false, value: step.value })
    }
    return this.#step
  }

  #nextBatch(): Promise<IteratorResult<Item, undefined>> {
    this.#pending = this.#takeBatches()
    return this.#pending
  }

  async #takeBatches(): Promise<IteratorResult<Item, undefined>> {
    try {
      for (;;) {
        if (this.#isDone) return { done: true, value: undefined }
        this.#batches ??= this.#source[Symbol.asyncIterator]()
        const { done, value: batch } = await this.#batches.next()
        if (done === true) {
          this.#end()
          continue
        }
        this.#items = batch[Symbol.iterator]()
        const item = this.#nextItem()
        if (item !== undefined) return await item
      }
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#pending = undefined
    }
  }

  async #after(pending: Promise<unknown>): Promise<IteratorResult<Item, undefined>> {
    await pending.catch(() => {})
    return this.next()
  }

  #end(): void {
    this.#isDone = true
    this.#items = undefined
  }
}
