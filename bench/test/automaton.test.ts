import { expect, test } from 'vitest'
import { Automaton } from '../src/ids/automaton.ts'
import { makePatterns } from '../src/ids/scanner.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Places where some pattern ends, found the slow way. */
function endsOf(patterns: readonly Uint8Array[], text: Uint8Array): number {
  const isAt = (pattern: Uint8Array, end: number) =>
    end >= pattern.length && pattern.every((byte, at) => text[end - pattern.length + at] === byte)
  let ends = 0
  for (let end = 1; end <= text.length; end++) if (patterns.some((pattern) => isAt(pattern, end))) ends++
  return ends
}

test('patterns within and after each other are found', () => {
  const patterns = ['he', 'she', 'his', 'hers'].map(bytes)
  const text = bytes('ushers and his heshe')
  expect(new Automaton(patterns).count(text, 0, text.length)).toBe(endsOf(patterns, text))
  expect(endsOf(patterns, text)).toBe(5)
})

test('thousands of patterns are found as the slow search finds them', () => {
  const patterns = makePatterns(2500)
  const automaton = new Automaton(patterns)
  const parts = patterns.filter((_, index) => index % 50 === 0).flatMap((pattern) => [...pattern, 0x20, 0x71])
  const text = Uint8Array.from(parts)
  const found = automaton.count(text, 0, text.length)
  expect(found).toBe(endsOf(patterns, text))
  expect(found).toBeGreaterThanOrEqual(50)
})
