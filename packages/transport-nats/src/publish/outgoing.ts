import { addLosses, type Losses, type OutgoingMessage } from './message.ts'

/** Which frames go when the memory is full: those that have waited longest, or those that come. */
export type Overflow = 'oldest' | 'newest'

/** The messages of a publisher that the server has not confirmed, in their order, within a bound of memory. */
export class OutgoingQueue {
  /** bytes that the messages take */
  size = 0
  // Not sent yet, or to be sent again; and those that wait for a confirmation.
  #waiting: OutgoingMessage[] = []
  readonly #unconfirmed = new Set<OutgoingMessage>()
  readonly #limit: number

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get unconfirmed(): number {
    return this.#unconfirmed.size
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#unconfirmed.size === 0
  }

  /** Whether a message of `size` bytes fits. */
  hasRoom(size: number): boolean {
    return this.size + size <= this.#limit
  }

  /** Adds a message at the end. */
  push(message: OutgoingMessage): void {
    this.#waiting.push(message)
    this.size += message.size
  }

  /**
   * Removes the oldest message that was never sent; its losses, and its frames, count for the message that follows it.
   */
  dropOldest(later: Losses): OutgoingMessage | undefined {
    const index = this.#waiting.findIndex(({ attempts }) => attempts === 0)
    const [message] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (message === undefined) return undefined
    this.size -= message.size
    const { losses, frames, messages } = message
    const heir = this.#waiting.slice(index).find(({ attempts }) => attempts === 0)?.losses ?? later
    addLosses(heir, losses)
    heir.droppedFrames += frames
    heir.droppedMessages += messages
    return message
  }

  /** The next message to send, if it is ready; it waits for its confirmation from now on. */
  send(): OutgoingMessage | undefined {
    if (this.#waiting[0]?.isReady !== true) return undefined
    const message = this.#waiting.shift()
    if (message !== undefined) this.#unconfirmed.add(message)
    return message
  }

  /** The server has stored a message. False if that was known. */
  confirm(message: OutgoingMessage): boolean {
    const isSent = this.#unconfirmed.delete(message)
    if (!isSent) {
      // The confirmation of an earlier attempt.
      const index = this.#waiting.indexOf(message)
      if (index < 0) return false
      this.#waiting.splice(index, 1)
    }
    this.size -= message.size
    return true
  }

  /** Puts a message back, to be sent again, in its place. */
  retry(message: OutgoingMessage): void {
    if (!this.#unconfirmed.delete(message)) return
    const index = this.#waiting.findIndex(({ first }) => first > message.first)
    this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, message)
  }

  /** Puts all messages back that wait for a confirmation. */
  retryAll(): void {
    for (const message of [...this.#unconfirmed]) this.retry(message)
  }

  /** Removes everything. Returns what was there. */
  clear(): OutgoingMessage[] {
    const all = [...this.#unconfirmed, ...this.#waiting].sort((a, b) => a.first - b.first)
    this.#unconfirmed.clear()
    this.#waiting = []
    this.size = 0
    return all
  }
}
