import type { PacketView } from '@ringlink/packet'

/** What filters and statistics look at: a packet of a queue, a record of a log, a packet of a capture. */
export interface PacketSource {
  readonly mark: number | undefined
  /** Where its headers lie. */
  headers(): PacketView
}
