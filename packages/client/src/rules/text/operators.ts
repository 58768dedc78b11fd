/** The signs and words that compare. */
import type { TokenReader } from './tokens.ts'

/** How a property is compared; empty where nothing is written, which is `==`. */
export type Operator = '' | '==' | '!=' | '<' | '<=' | '>' | '>='

const signs: readonly (readonly [written: string, meant: Operator])[] = [
  ['==', '=='],
  ['!=', '!='],
  ['<=', '<='],
  ['>=', '>='],
  ['<', '<'],
  ['>', '>'],
  ['eq', '=='],
  ['ne', '!='],
  ['le', '<='],
  ['ge', '>='],
  ['lt', '<'],
  ['gt', '>'],
]

/** Steps over an operator, if one is next. */
export function readOperator(reader: TokenReader): Operator {
  return signs.find(([written]) => reader.skip(written))?.[1] ?? ''
}

/** A value that was read, and whether packets must not have it. */
export interface SignedValue<Value> {
  readonly value: Value
  readonly isNegative: boolean
}

/**
 * Steps over `==` or `!=`, which may be left out; whether packets must not have the value. Throws for `<` and the like.
 */
export function readEquality(reader: TokenReader): boolean {
  const { column } = reader
  const operator = readOperator(reader)
  if (operator === '' || operator === '==') return false
  if (operator === '!=') return true
  throw reader.conflict(column, `expected '==' or '!=', got '${operator}': this has no order`)
}
