/** Chunks that a test pushes one by one, as a stream that is still being written. */
export class PushedSource implements AsyncIterable<Uint8Array> {
  /** the reader has ended it */
  returned = false
  #chunks: Uint8Array[] = []
  #ended = false
  #failure: unknown
  #wake: () => void = () => {}

  push(...chunks: Uint8Array[]): void {
    this.#chunks.push(...chunks)
    this.#wake()
  }

  end(failure?: unknown): void {
    this.#ended = true
    this.#failure = failure
    this.#wake()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        for (;;) {
          const value = this.#chunks.shift()
          if (value !== undefined) return { done: false, value }
          if (this.#failure !== undefined) throw this.#failure
          if (this.#ended) return { done: true, value: undefined }
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      },
      return: async () => {
        this.returned = true
        this.end()
        return { done: true, value: undefined }
      },
    }
  }
}
