import { quoteText } from '@ringlink/codec/errors'

/**
 * Prefixes the error's message with the operation and the file; class and code stay. An error without a code, such as
 * the reason of an abort, is unchanged.
 */
export function namedError(error: unknown, operation: string, path: string): unknown {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string'
  if (hasCode) error.message = `${operation} ${quoteText(path)}: ${error.message}`
  return error
}
