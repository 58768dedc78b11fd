/** Functions for scenarios besides the builders of @ringlink/packet. */
import { EncodeError } from '@ringlink/codec/errors'
import type { Payload } from '@ringlink/packet'

/** The bytes of a payload. */
export function payloadBytes(payload: Payload | undefined): Uint8Array {
  if (payload === undefined) return new Uint8Array(0)
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
}

/** `value` if it is a whole number from 0 to `maximum`. Throws `EncodeError`, code `VALUE_RANGE`. */
export function whole(name: string, value: number, maximum: number): number {
  if (!Number.isInteger(value) || value < 0 || value > maximum) {
    throw range(name, `a whole number from 0 to ${maximum}`, value)
  }
  return value
}

function range(name: string, expected: string, value: number): EncodeError {
  return new EncodeError('VALUE_RANGE', `${name} must be ${expected}, got ${value}`)
}
