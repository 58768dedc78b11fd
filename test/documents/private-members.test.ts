import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** A member, not a constructor: that has no other spelling. */
const PRIVATE_MEMBER = /^ {2}(static )?private (?!constructor)/

/** The classes of a source whose first `private` member comes without a reason. */
function withoutReason(source: string): string[] {
  const found: string[] = []
  let name = ''
  let hasReason = false
  for (const line of source.split('\n')) {
    const declared = /\bclass (\w+)/.exec(line)
    if (/^(export )?(abstract )?class /.test(line)) {
      name = declared?.[1] ?? ''
      hasReason = false
    }
    if (/^ *(\/\/|\*|\/\*\*).*#private/.test(line)) hasReason = true
    if (PRIVATE_MEMBER.test(line) && !hasReason && !found.includes(name)) found.push(name)
  }
  return found
}

test('a class that has `private` members instead of `#private` ones says why, as docs/decisions/private-members.md asks', () => {
  const files = execFileSync('git', ['ls-files', 'packages/*/src/*.ts'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
  const found = files.flatMap((file) =>
    withoutReason(readFileSync(join(root, file), 'utf8')).map((name) => `${file}: ${name}`),
  )
  expect(found).toEqual([])
})

test('the check finds a member without a reason, and accepts one with it', () => {
  expect(withoutReason('export class A {\n  private x = 1\n}')).toEqual(['A'])
  expect(
    withoutReason('class A {\n  // Not #private: per packet.\n  private x = 1\n}\nclass B {\n  private y = 2\n}'),
  ).toEqual(['B'])
  expect(withoutReason('class A {\n  private constructor() {}\n  #x = 1\n}')).toEqual([])
})
