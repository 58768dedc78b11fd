/**
 * A window on bytes that come in chunks of any size. Bytes within one chunk are read in place; only bytes across chunks
 * are copied, once. It keeps only the requested bytes and the chunk in which they end.
 */
export class ByteWindow {
  /** the current bytes; parts that were given out stay unchanged */
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  /** position in `bytes` of the next unread byte */
  position = 0
  /** bytes that were pushed and not yet skipped */
  available = 0
  // Distance of `bytes` from the first byte of all, and the chunks pushed after it.
  #base = 0
  #later: Uint8Array[] = []

  /** Appends a chunk, which is read in place. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#later.push(chunk)
    this.available += chunk.length
  }

  /**
   * Makes `length` bytes from `position` on readable in `bytes` and `view`. Returns false if not all of them were
   * pushed yet.
   */
  require(length: number): boolean {
    if (this.available < length) return false
    const left = this.bytes.length - this.position
    if (left >= length) return true
    this.#base += this.position
    const only = this.#later[0]
    this.bytes = left === 0 && only !== undefined && this.#later.length === 1 ? only : this.#join()
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
    this.position = 0
    this.#later = []
    return true
  }

  /** Skips `length` bytes that were required before. */
  skip(length: number): void {
    this.position += length
    this.available -= length
  }

  /** Distance of a byte of `bytes` from the first byte that was pushed. */
  offsetOf(position: number): number {
    return this.#base + position
  }

  #join(): Uint8Array {
    const joined = new Uint8Array(this.available)
    const left = this.bytes.subarray(this.position)
    joined.set(left)
    let end = left.length
    for (const chunk of this.#later) {
      joined.set(chunk, end)
      end += chunk.length
    }
    return joined
  }
}
