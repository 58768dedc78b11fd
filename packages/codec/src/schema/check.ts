/** Types of the values that are to be written. */
import { checkInteger, outOfRange } from '../value.ts'

export function expectBytes(value: unknown, what: string, minimum: number, maximum: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw outOfRange(what, 'a Uint8Array', value)
  checkInteger(`bytes of ${what}`, value.length, minimum, maximum)
  return value
}

export function expectText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw outOfRange(what, 'a string', value)
  return value
}

export function expectObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw outOfRange(what, 'an object', value)
  return value as Readonly<Record<string, unknown>>
}

export function expectArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw outOfRange(what, 'an array', value)
  return value
}
