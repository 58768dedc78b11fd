import { LogRecordView } from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import { PacketView } from '@ringlink/packet'
import { aimHeaders } from '../headers.ts'

/** A logged packet where it lies: everything that `LogRecordView` shows of it, and its headers. */
export class LogRecord extends LogRecordView {
  private packetView: PacketView | undefined

  /**
   * The packet's headers: addresses, ports, where its payload begins. One view for each batch, aimed at the record again by each call;
   * it is valid as long as the record is.
   */
  headers(): PacketView {
    this.packetView ??= new PacketView()
    return aimHeaders(this.packetView, this)
  }

  /** Lets go of the frame. The batch does this. */
  release(): void {
    this.memory = RELEASED_MEMORY
    this.packetView?.release()
  }
}
