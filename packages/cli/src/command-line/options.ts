/** A command line that is wrong: exit code 2. */
export class UsageError extends Error {}

/** Runs a parser of command lines; whatever it throws is the user's mistake. */
export function readingWords<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A number, decimal or with 0x; undefined when there is none. Throws {@link UsageError}. */
export function readNumber(
  option: string,
  text: string | undefined,
  minimum: number,
  maximum: number,
): number | undefined {
  if (text === undefined) return undefined
  const value = /^(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN
  if (value >= minimum && value <= maximum) return value
  throw new UsageError(`${option} ${text}: a whole number from ${minimum} to ${maximum} is wanted`)
}

/** One of some names. Throws {@link UsageError}. */
export function readName(option: string, text: string | undefined, names: readonly string[]): string | undefined {
  if (text === undefined || names.includes(text)) return text
  throw new UsageError(`${option} ${text}: there is ${names.join(', ')}`)
}
