import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inColour } from '../../src/terminal/paint.ts'
import { sparkline } from '../../src/terminal/sparkline.ts'
import { cutTo, formatTable, widthOf } from '../../src/terminal/table.ts'

const cells = fc.string({ unit: fc.constantFrom('a', 'ä', '7', '▁'), maxLength: 12 })
const painted = cells.map((text) => inColour('red', text))

describe('a table', () => {
  test('has columns as wide as they must be, colours or not', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(cells, painted), cells), { minLength: 1 }), (rows) => {
        const lines = formatTable([{}, { align: 'right' }], rows)
        const widths = [0, 1].map((i) => Math.max(...rows.map((row) => widthOf(row[i] ?? ''))))
        const [first = 0, second = 0] = widths
        for (const [i, line] of lines.entries()) {
          const plain = stripVTControlCharacters(line).padEnd(first + 2 + second)
          expect([...plain].slice(0, first).join('').trimEnd()).toBe(stripVTControlCharacters(rows[i]?.[0] ?? ''))
          expect(
            [...plain]
              .slice(first + 2)
              .join('')
              .trimStart()
              .trimEnd(),
          ).toBe(rows[i]?.[1])
        }
      }),
    )
  })
})

describe('cutTo', () => {
  test('leaves so many columns, and the colours', () => {
    fc.assert(
      fc.property(painted, fc.nat(14), (text, width) => {
        const cut = cutTo(text, width)
        expect(widthOf(cut)).toBe(Math.min(widthOf(text), width))
        expect(stripVTControlCharacters(text).startsWith(stripVTControlCharacters(cut))).toBe(true)
        expect(cut.split('\x1b[').length).toBe(text.split('\x1b[').length)
      }),
    )
  })
})

describe('a sparkline', () => {
  test('has the last values, the highest as the highest bar', () => {
    expect(sparkline([5, 0, 1, 2, 3, 4, 5, 6, 7], 8, true)).toBe('▁▂▃▄▅▆▇█')
    expect(sparkline([0, 0], 8, true)).toBe('▁▁')
    expect(sparkline([1, 9], 8, false)).toBe('.@')
    expect(sparkline([1, 9], 0, false)).toBe('')
  })
})
