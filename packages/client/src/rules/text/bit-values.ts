/** Reads what a text says of bits that have names: connection states, their status, TCP flags. */
import type { ValueKind } from '../fields/kinds.ts'
import { tcpFlagBits } from '../fields/names.ts'
import type { PropertyName } from '../properties.ts'
import { readEquality, type SignedValue } from './operators.ts'
import type { TokenReader } from './tokens.ts'

/** The property whose bits are read. */
export interface BitProperty {
  readonly name: PropertyName
  readonly kind: ValueKind<unknown>
}

/** Names of bits of which one must be set, or which are compared with some or all others. */
export function readBits(reader: TokenReader, property: BitProperty): SignedValue<unknown> {
  if (reader.skip('&') || reader.skip('and')) return maskedBits(reader, property)
  const isNone = reader.skip('!')
  const before = reader.next
  const isNegative = isNone || readEquality(reader)
  const operator = before === reader.next ? '' : isNegative ? '!=' : '=='
  const start = reader.column
  if (reader.isAt('{')) return { value: statesInBraces(reader, property), isNegative }
  const isFlags = property.name === 'tcpFlags'
  const names = isFlags && operator !== '' && isZero(reader) ? [] : bitList(reader, property)
  if (isFlags && reader.skip('/')) return { value: { flags: names, mask: bitList(reader, property) }, isNegative }
  if (isFlags && operator !== '') return { value: { flags: names, mask: Object.keys(tcpFlagBits) }, isNegative }
  const isState = property.name === 'ctState' && (operator === '==' || names.length === 1)
  if (operator !== '' && !isState) {
    throw reader.conflict(start, `write '! ${names.join(',')}' for none of them, or '& (mask) ${operator} value'`)
  }
  return { value: oneOrAll(names), isNegative }
}

/** `{ new, established }`, of which a packet has one. */
function statesInBraces(reader: TokenReader, property: BitProperty): unknown {
  if (property.name !== 'ctState') {
    throw reader.conflict(reader.column, "flags are written without braces, 'syn,ack': a packet has one of them")
  }
  reader.need('{')
  const names = bitList(reader, property)
  reader.need('}')
  return oneOrAll(names)
}

function maskedBits(reader: TokenReader, property: BitProperty): SignedValue<unknown> {
  const mask = bitList(reader, property)
  const before = reader.next
  const isNegative = readEquality(reader)
  if (before === reader.next) throw reader.unexpected("'==' or '!='")
  const start = reader.column
  const flags = isZero(reader) ? [] : bitList(reader, property)
  if (flags.length === 0) return { value: oneOrAll(mask), isNegative: !isNegative }
  if (property.name === 'tcpFlags') return { value: { flags, mask }, isNegative }
  const isOne = flags.length === 1 && mask.length === 1 && flags[0] === mask[0]
  if (isOne) return { value: flags[0], isNegative }
  throw reader.conflict(start, `only 0 can be compared with some bits of ${property.name}`)
}

function isZero(reader: TokenReader): boolean {
  return reader.skip('0') || reader.skip('0x0')
}

function oneOrAll(names: readonly unknown[]): unknown {
  return names.length === 1 ? names[0] : names
}

function bitList(reader: TokenReader, property: BitProperty): unknown[] {
  const hasParentheses = reader.skip('(')
  const names = [bit(reader, property)]
  while (reader.skip('|') || reader.skip(',')) names.push(bit(reader, property))
  if (hasParentheses) reader.need(')')
  return names
}

function bit(reader: TokenReader, { kind }: BitProperty): unknown {
  const token = reader.word(kind.expected)
  const value = kind.parse(token.text)
  if (value === undefined) throw reader.wrong(token, kind.expected)
  return value
}
