/** Checks values of callers before anything is written, and shows them in errors. */
import { EncodeError } from './errors.ts'
import { describeValue } from './options/place.ts'

/** Returns an integer from `minimum` to `maximum`. Throws code `VALUE_RANGE`: values are refused, never truncated. */
export function checkInteger(what: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value
  throw outOfRange(what, `an integer from ${minimum} to ${maximum}`, value)
}

/** The error for an invalid value: `queue number must be an integer from 0 to 65535, got '0' (string)`. */
export function outOfRange(what: string, expected: string, got: unknown): EncodeError {
  return new EncodeError('VALUE_RANGE', `${what} must be ${expected}, got ${shown(got)}`)
}

/** A value as shown in an error: on one line and of bounded length. */
export function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : describeValue(value)
}
