import { LogRecordView } from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import { PacketView } from '@ringlink/packet'
import { aimHeaders } from '../headers.ts'

/** A logged packet in place: everything that `LogRecordView` shows, and the packet's headers. */
export class LogRecord extends LogRecordView {
  #headers: PacketView | undefined

  /**
   * The packet's headers: addresses, ports, where its payload begins. Each batch has one such view, which each call
   * aims at the current record; it is valid as long as the record is.
   */
  headers(): PacketView {
    this.#headers ??= new PacketView()
    return aimHeaders(this.#headers, this)
  }

  /** Releases the frame. Called by the batch. */
  release(): void {
    this.memory = RELEASED_MEMORY
    this.#headers?.release()
  }
}
