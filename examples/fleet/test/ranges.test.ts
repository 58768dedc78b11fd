import fc from 'fast-check'
import { expect, it } from 'vitest'
import { countRanges, SeenNumbers } from '../src/ranges.ts'

it('ranges count as the numbers in them do', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(60), { maxLength: 40 }), { maxLength: 3 }), (programs) => {
      const ranges = programs.flatMap((numbers) => {
        const seen = new SeenNumbers()
        for (const number of numbers) seen.add(number)
        return seen.ranges
      })
      const all = programs.flat()
      const distinct = new Set(all).size
      expect(countRanges(ranges)).toEqual({ distinct, again: all.length - distinct })
    }),
  )
})
