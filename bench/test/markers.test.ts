import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fillMarkers } from '../src/report/markers.ts'
import { GROUPS } from '../src/workload.ts'

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

test('the document has a place for every group of measurements', () => {
  const written = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8')
  const sections = new Map(['machine', 'goals', ...GROUPS].map((name) => [name, `text of ${name}`]))
  for (const text of sections.values()) expect(fillMarkers(written, sections)).toContain(text)
})
