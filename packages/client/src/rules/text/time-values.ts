/** Reads times of day, as `"08:00"-"18:00"`. */
import { timeKind } from '../fields/fields.ts'
import type { TimeRange } from '../properties.ts'
import { readOperator, type SignedValue } from './operators.ts'
import type { TokenReader } from './tokens.ts'

const FIRST = '00:00'
const LAST = '23:59:59'

export function readTime(reader: TokenReader): SignedValue<TimeRange> {
  const operator = readOperator(reader)
  if (operator === '>=') return { value: { from: time(reader), to: LAST }, isNegative: false }
  if (operator === '<=') return { value: { from: FIRST, to: time(reader) }, isNegative: false }
  const isNegative = operator === '!='
  const start = reader.column
  if (operator === '<' || operator === '>') throw reader.conflict(start, `write '${operator}=', or a range of times`)
  if (!reader.skip('{')) return { value: timeRange(reader), isNegative }
  const first = timeRange(reader)
  reader.need(',')
  const second = timeRange(reader)
  reader.need('}')
  // As formatRule writes a range that spans midnight.
  const [early, late] = first.from < second.from ? [first, second] : [second, first]
  if (secondsOf(early.from) !== secondsOf(FIRST) || secondsOf(late.to) !== secondsOf(LAST)) {
    throw reader.conflict(start, 'only a range that spans midnight can be written as two')
  }
  return { value: { from: late.from, to: early.to }, isNegative }
}

function timeRange(reader: TokenReader): TimeRange {
  const from = time(reader)
  const dash = reader.take()
  const isJoined = dash?.kind === 'word' && dash.text.startsWith('-')
  if (!isJoined) throw dash === undefined ? reader.unexpected("'-'") : reader.wrong(dash, "'-'")
  if (dash.text === '-') return { from, to: time(reader) }
  const to = timeKind.parse(dash.text.slice(1))
  if (to === undefined) throw reader.wrong(dash, timeKind.expected)
  return { from, to }
}

function time(reader: TokenReader): string {
  const token = reader.word(timeKind.expected)
  const value = timeKind.parse(token.text)
  if (value === undefined) throw reader.wrong(token, timeKind.expected)
  return value
}

function secondsOf(text: string): bigint {
  return timeKind.rangeOf(text).from
}
