import type { PacketView } from '@ringlink/packet'

/** The input of filters and statistics: a packet of a queue, a record of a log, a packet of a capture. */
export interface PacketSource {
  readonly mark: number | undefined
  /** Its headers. */
  headers(): PacketView
}
