import { expect, test } from 'vitest'
import { fillMarkers } from '../src/report/markers.ts'

const document =
  'before\n<!-- generated: a -->\nold\n<!-- end: a -->\nbetween\n<!-- generated: b -->\n<!-- end: b -->\nafter\n'

test('text goes between its markers, and what is written by hand stays', () => {
  const filled = fillMarkers(document, new Map([['a', 'new']]))
  expect(filled).toBe(
    'before\n<!-- generated: a -->\n\nnew\n\n<!-- end: a -->\nbetween\n<!-- generated: b -->\n<!-- end: b -->\nafter\n',
  )
  expect(fillMarkers(filled, new Map([['a', 'new']]))).toBe(filled)
})

test('text without a place is refused, and nothing is lost', () => {
  expect(() => fillMarkers(document, new Map([['c', 'text']]))).toThrow('no place for c')
})
