import { EncodeError } from '../errors.ts'
import { nearestNames } from '../options/nearest.ts'
import { escapeText } from '../text.ts'

/**
 * The error for a name that a table does not have, with the nearest ones that it has. `what`: `IFLA has no attribute`.
 */
export function unknownMember(what: string, name: string, known: readonly string[]): EncodeError {
  return new EncodeError('ATTRIBUTE_UNKNOWN', `${what} "${escapeText(name.slice(0, 80))}"${didYouMean(name, known)}`)
}

/** `; did you mean "x" or "y"?`, or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearestNames(name, known)
  return meant.length === 0 ? '' : `; did you mean ${meant.map((near) => `"${near}"`).join(' or ')}?`
}
