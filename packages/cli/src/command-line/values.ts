import { quoteText } from '@ringlink/codec'
import { alternatives } from './alternatives.ts'
import { didYouMean } from './nearest.ts'

/** An invalid command line: exit code 2. */
export class UsageError extends Error {}

/** A number, decimal or with 0x; undefined if it was not given. Throws {@link UsageError}. */
export function readNumber(
  option: string,
  text: string | undefined,
  minimum: number,
  maximum: number,
): number | undefined {
  if (text === undefined) return undefined
  const value = /^(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN
  if (value >= minimum && value <= maximum) return value
  throw new UsageError(`${option} must be an integer from ${minimum} to ${maximum}, got ${quoteText(text)}`)
}

/** One of some names; undefined if it was not given. Throws {@link UsageError}. */
export function readName<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): Name | undefined {
  const name = names.find((it) => it === text)
  if (text === undefined || name !== undefined) return name
  throw new UsageError(`${option} must be ${alternatives(names)}, got ${quoteText(text)}${didYouMean(text, names)}`)
}

/** Units of an option, and a description of its values. */
export interface Units {
  readonly what: string
  readonly factors: Readonly<Record<string, number>>
}

/** bytes */
export const SIZES: Units = { what: 'a size (500k, 10M, 1G)', factors: { '': 1, k: 1e3, M: 1e6, G: 1e9 } }
/** milliseconds; a number without a unit is not a time */
export const TIMES: Units = { what: 'a time (60s, 5m, 1h)', factors: { ms: 1, s: 1e3, m: 60e3, h: 3600e3 } }

/** A number with a unit; undefined if it was not given. Throws {@link UsageError}. */
export function readUnit(option: string, text: string | undefined, { what, factors }: Units): number | undefined {
  if (text === undefined) return undefined
  const [, digits, unit = ''] = /^(\d+)([a-zA-Z]*)$/.exec(text) ?? []
  const value = Number(digits) * (Object.hasOwn(factors, unit) ? (factors[unit] ?? Number.NaN) : Number.NaN)
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return value
  throw new UsageError(`${option} must be ${what}, got ${quoteText(text)}`)
}
