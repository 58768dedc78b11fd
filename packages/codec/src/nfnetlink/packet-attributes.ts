/**
 * Reads nested attributes, and all attributes at once, of a packet or record as owned values. Functions, not methods of
 * the view, so that the bundle of a program that only reads properties does not contain the tables of connection
 * tracking.
 */
import type { AttributeSet, AttributeValues } from '../schema/format.ts'
import { readAttributes } from '../schema/read.ts'
import { NFNETLINK_ATTRIBUTES } from './header.ts'
import type { IndexedMessageView } from './packet-view.ts'

/** The attributes nested in attribute `number`, if it is present. Throws `DecodeError`. */
export function nestedAttributes<Set extends AttributeSet>(
  view: IndexedMessageView,
  number: number,
  set: Set,
): AttributeValues<Set> | undefined {
  const place = view.place(number)
  return place === undefined ? undefined : readAttributes(set, view.memory, place.offset, place.length)
}

/** All attributes of the message. Throws `DecodeError`. */
export function messageAttributes<Set extends AttributeSet>(view: IndexedMessageView, set: Set): AttributeValues<Set> {
  const start = view.offset + NFNETLINK_ATTRIBUTES
  return readAttributes(set, view.memory, start, view.offset + view.length - start)
}
