import { quoteText } from '@ringlink/codec/errors'

/**
 * The error with what was being done, and to which file, at the beginning of its message; its class and code stay. An error without
 * a code, as the reason of an abort, is left alone.
 */
export function namedError(error: unknown, operation: string, path: string): unknown {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string'
  if (hasCode) error.message = `${operation} ${quoteText(path)}: ${error.message}`
  return error
}
