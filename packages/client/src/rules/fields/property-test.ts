/** The test that the value of a property stands for. */
import type { MarkBits, TcpFlag, TcpFlagsOf, TimeRange } from '../properties.ts'
import { listOf } from '../set.ts'
import { type Facts, type Field, timeKind } from './fields.ts'
import { bitsOf, connectionStateBits, connectionStatusBits, isEveryFlag, type Names, tcpFlagBits } from './names.ts'
import { bitsTest, markTest, type PropertyTest, rangesTest } from './test.ts'

/** A test, and whether packets pass it that do not meet it. */
export interface SignedTest {
  readonly test: PropertyTest
  readonly inverted: boolean
}

/** The test of a property that was checked; `inverted` for one of `not`. */
export function signedTest(field: Field, given: unknown, facts: Facts, inverted: boolean): SignedTest {
  const { style, name } = field
  if (style !== 'presence') return { test: testOf(field, given, facts), inverted }
  const isPresent = (given === true) !== inverted
  if (name === 'fragment' && facts.version !== 6) {
    return { test: { kind: 'bits', bits: field.form(facts).mask ?? 0n }, inverted: !isPresent }
  }
  return { test: { kind: 'ranges', ranges: [oneNumber(isPresent ? 1n : 0n)] }, inverted: false }
}

const bitNames: Readonly<Partial<Record<Field['name'], Names>>> = {
  ctState: connectionStateBits,
  ctStatus: connectionStatusBits,
}

function testOf({ style, name, kind }: Field, given: unknown, facts: Facts): PropertyTest {
  switch (style) {
    case 'mark':
      return markTest(kind(facts), given as MarkBits)
    case 'bits':
      return bitsTest(given as string | readonly string[], bitNames[name] ?? {})
    case 'flags':
      return flagsTest(given as TcpFlag | readonly TcpFlag[] | TcpFlagsOf)
    case 'time':
      return timeTest(given as TimeRange)
    case 'socket':
      return { kind: 'ranges', ranges: [given === 'transparent' ? oneNumber(1n) : { from: 0n, to: 1n }] }
    default:
      return rangesTest(kind(facts), given)
  }
}

function oneNumber(value: bigint) {
  return { from: value, to: value }
}

function flagsTest(given: TcpFlag | readonly TcpFlag[] | TcpFlagsOf): PropertyTest {
  if (typeof given === 'object' && 'mask' in given) {
    const value = BigInt(bitsOf(given.flags, tcpFlagBits))
    if (isEveryFlag(given.mask)) return { kind: 'ranges', ranges: [oneNumber(value)] }
    return {
      kind: 'masked',
      mask: BigInt(bitsOf(given.mask, tcpFlagBits)),
      value,
    }
  }
  return bitsTest(listOf(given as TcpFlag | readonly TcpFlag[]), tcpFlagBits)
}

const LAST_SECOND = 86_399n

function timeTest({ from, to }: TimeRange): PropertyTest {
  const [first, last] = [timeKind.rangeOf(from).from, timeKind.rangeOf(to).from]
  if (first <= last) return { kind: 'ranges', ranges: [{ from: first, to: last }] }
  const ranges = [
    { from: 0n, to: last },
    { from: first, to: LAST_SECOND },
  ]
  return { kind: 'ranges', ranges }
}
