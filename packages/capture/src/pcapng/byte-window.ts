/**
 * A window on bytes that come in chunks of any size. What lies in one chunk is looked at in place; only what lies across chunks is
 * copied, once. It keeps no more than what was asked for and the chunk that this ends in.
 */
export class ByteWindow {
  /** what is looked at; a part of it that was given out stays as it is */
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  /** where in `bytes` the next unread byte lies */
  position = 0
  /** bytes that were pushed and not yet skipped */
  available = 0
  // How far `bytes` is from the first byte of all, and what was pushed after it.
  #base = 0
  #later: Uint8Array[] = []

  /** Appends a chunk, which is read where it lies. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#later.push(chunk)
    this.available += chunk.length
  }

  /** Makes `length` bytes from `position` on readable in `bytes` and `view`; false when they were not all pushed yet. */
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

  /** Steps over `length` bytes that were required before. */
  skip(length: number): void {
    this.position += length
    this.available -= length
  }

  /** How far a byte of `bytes` is from the first byte that was pushed. */
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
