/** What a property must be, as numbers: what the compiler compares registers with. */
import type { OptionPlace } from '@ringlink/codec/options'
import type { MarkBits } from '../properties.ts'
import { type KeyRange, listOf } from '../set.ts'
import type { ValueKind } from './kinds.ts'
import { bitsOf, type Names } from './names.ts'

/** A test of one property. */
export type PropertyTest =
  /**
   * the number is in one of these; `prefix` bits are what a single one has in common, where that is how it was written
   */
  | { readonly kind: 'ranges'; readonly ranges: readonly KeyRange[]; readonly prefix?: number | undefined }
  /** these bits have this value */
  | { readonly kind: 'masked'; readonly mask: bigint; readonly value: bigint }
  /** one of these bits is set */
  | { readonly kind: 'bits'; readonly bits: bigint }

/** The test that a property's value is one of those given. */
export function rangesTest<Value>(kind: ValueKind<Value>, given: Value | readonly Value[]): PropertyTest {
  return { kind: 'ranges', ranges: listOf<Value>(given).map((value) => kind.rangeOf(value)) }
}

/** The test for a mark, some bits of it, or several. */
export function markTest<Value>(kind: ValueKind<Value>, given: Value | readonly Value[] | MarkBits): PropertyTest {
  if (typeof given === 'object' && given !== null && 'mask' in given) {
    const { mask, value } = given as MarkBits
    return { kind: 'masked', mask: BigInt(mask), value: BigInt(value) }
  }
  return rangesTest(kind, given as Value | readonly Value[])
}

/** The test for one of some bits. */
export function bitsTest(given: string | readonly string[], bits: Names): PropertyTest {
  return { kind: 'bits', bits: BigInt(bitsOf(listOf(given), bits)) }
}

/** Refuses values of a list that overlap: one of them was meant to be another. Throws code `ARGUMENT`. */
export function checkOverlap<Value>(kind: ValueKind<Value>, given: Value | readonly Value[], place: OptionPlace): void {
  if (!Array.isArray(given)) return
  const values = given as readonly Value[]
  const sorted = values
    .map((value, index) => ({ index, value, ...kind.rangeOf(value) }))
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.index - b.index))
  // The one that reaches farthest so far.
  let farthest = sorted[0]
  for (const current of sorted.slice(1)) {
    if (farthest !== undefined && current.from <= farthest.to) {
      const [first, second] = farthest.index < current.index ? [farthest, current] : [current, farthest]
      const at = place.element(second.index)
      throw at.conflict(
        `overlaps ${place.element(first.index).path}: ${kind.print(second.value)} and ${kind.print(first.value)}`,
      )
    }
    if (farthest === undefined || current.to > farthest.to) farthest = current
  }
}

/** Whether every number that passes `test` is among `others`: then a rule with `others` in `not` matches nothing. */
export function isCovered(test: PropertyTest, others: PropertyTest): boolean {
  if (test.kind === 'ranges' && others.kind === 'ranges') {
    const sorted = [...others.ranges].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
    return test.ranges.every(({ from, to }) => {
      let next = from
      for (const other of sorted) {
        if (other.from > next) break
        if (other.to >= next) next = other.to + 1n
      }
      return next > to
    })
  }
  if (test.kind === 'bits' && others.kind === 'bits') return (test.bits & ~others.bits) === 0n
  const known = knownBits(test)
  if (known === undefined || others.kind === 'ranges') return false
  if (others.kind === 'bits') return (known.value & others.bits) !== 0n
  const isWider = known.mask === undefined || (others.mask & ~known.mask) === 0n
  return isWider && (known.value & others.mask) === others.value
}

/**
 * Bits that have the same value in all that passes a test: those of `mask`, or all; `undefined` where none are known.
 */
function knownBits(test: PropertyTest): { readonly value: bigint; readonly mask?: bigint } | undefined {
  if (test.kind === 'masked') return test
  const [only, ...more] = test.kind === 'ranges' ? test.ranges : []
  return only !== undefined && more.length === 0 && only.from === only.to ? { value: only.from } : undefined
}
