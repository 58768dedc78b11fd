/** The message that ends several log entries in one datagram. */
import { beginMessage, ControlType, finishMessage, type Memory } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from '@ringlink/codec/internal'

/** Bytes of the Done message that ends several entries. */
export const DONE_LENGTH: number = NFNETLINK_ATTRIBUTES

/** Ends several entries: a Done message with the group's number where others have an errno. */
export function writeDone(memory: Memory, offset: number, group: number): void {
  const limit = offset + DONE_LENGTH
  const start = beginMessage(memory, offset, limit, { type: ControlType.Done, flags: 0, sequence: 0 })
  finishMessage(memory, offset, writeNfnetlinkHeader(memory, start, limit, 0, group))
}
