/** What a verdict changes, as far as its encoding depends on it. */
import { ATTRIBUTE_HEADER_LENGTH, align4, LONGEST_PAYLOAD, VERDICT_LENGTH, type VerdictChanges } from '@ringlink/codec'

/** Whether it is valid, or not changed. */
export function isMark(mark: number | undefined): boolean {
  return mark === undefined || mark >>> 0 === mark
}

/** Whether it fits into an attribute, or is not changed. */
export function isPayload(payload: Uint8Array | undefined): boolean {
  return payload === undefined || payload.length <= LONGEST_PAYLOAD
}

/** Bytes of its attribute. */
export function payloadSize(payload: Uint8Array): number {
  return ATTRIBUTE_HEADER_LENGTH + align4(payload.length)
}

/** Bytes of an attribute of 32 bits. */
const WORD_ATTRIBUTE = ATTRIBUTE_HEADER_LENGTH + 4
/** Room in bytes for nested attributes of a verdict, whose length is known only once they are written. */
const NESTED_SIZE = 2048

/** Room in bytes for a verdict with these changes. */
export function changedVerdictSize({ payload, linkLayerHeader, conntrack, expectation, vlan }: VerdictChanges): number {
  let size = VERDICT_LENGTH + 2 * WORD_ATTRIBUTE
  for (const bytes of [payload, linkLayerHeader]) if (bytes !== undefined) size += payloadSize(bytes)
  for (const nested of [conntrack, expectation, vlan]) if (nested !== undefined) size += NESTED_SIZE
  return size
}
