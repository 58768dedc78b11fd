import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeFrame, FRAME_WORDS, FrameWord, frameStride } from '../../src/index.ts'

const header = readFileSync(new URL('../../../native/src/frame.h', import.meta.url), 'utf8')

/** `FULL_LENGTH` of C is `FullLength` of TypeScript. */
function pascalCase(name: string): string {
  return name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

test('the words of a frame are the same in C and TypeScript', () => {
  const words = [...header.matchAll(/FRAME_WORD_(\w+) = (\d+)/g)].map(([, name = '', at]) => [
    pascalCase(name),
    Number(at),
  ])
  expect(Object.fromEntries(words)).toEqual(FrameWord)
  expect(Number(header.match(/#define FRAME_WORDS (\d+)/)?.[1])).toBe(FRAME_WORDS)
  expect(new Set(Object.values(FrameWord)).size).toBe(FRAME_WORDS)
})

test('no other source declares them', () => {
  for (const name of ['transfer.c', 'mapping.c', 'binding.ts', 'mapping-binding.ts']) {
    const source = readFileSync(new URL(`../../../native/src/${name}`, import.meta.url), 'utf8')
    expect(source, name).not.toMatch(/WORD_LENGTH|real_length|RealLength/)
  }
})

test('describing a frame writes its own words and no others', () => {
  const words = new Uint32Array(3 * FRAME_WORDS).fill(99)
  describeFrame(words, 1, 7, 100, 4711, 8)
  expect([...words]).toEqual([99, 99, 99, 99, 7, 100, 4711, 8, 99, 99, 99, 99])
})

test.each([
  [1, 64],
  [64, 64],
  [65, 192],
  [128, 192],
  [129, 192],
  [193, 320],
])('frames of %i bytes are %i apart: an odd number of cache lines', (byteLength, stride) => {
  expect(frameStride(byteLength)).toBe(stride)
})
