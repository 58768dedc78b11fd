import { LogRecordView, logRecordConntrack } from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import { PacketView } from '@ringlink/packet'
import { connectionOf } from '../conntrack/connection.ts'
import type { Connection } from '../conntrack/types.ts'
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

  /**
   * The connection that it belongs to (NFULA_CT), as `Conntrack.list` gives it. Throws `DecodeError` if its attributes
   * are malformed.
   */
  conntrack(): Connection | undefined {
    const attributes = logRecordConntrack(this)
    return attributes && connectionOf(attributes)
  }

  /** Releases the frame. Called by the batch. */
  release(): void {
    this.memory = RELEASED_MEMORY
    this.#headers?.release()
  }
}
