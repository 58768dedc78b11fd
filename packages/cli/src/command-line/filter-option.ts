import { compileAny, FilterError, type PacketFilter } from '../packets/filter.ts'
import { UsageError } from './values.ts'

/** The filter of an option that may be given several times; undefined if it was not. Throws {@link UsageError}. */
export function readFilter(option: string, expressions: readonly string[]): PacketFilter | undefined {
  try {
    return compileAny(expressions)
  } catch (error) {
    throw error instanceof FilterError ? new UsageError(`${option}: ${error.message}`) : error
  }
}
