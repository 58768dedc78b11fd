/** The README's table of errors against the sources of all packages. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

/** The file in which each package declares its codes. */
const declarations = [
  'packages/codec/src/errors.ts',
  'packages/transport/src/errors.ts',
  'packages/client/src/errors.ts',
  'packages/native/src/loader.ts',
  'packages/ringlink/src/errors.ts',
]

function declaredCodes(): Set<string> {
  const unions = declarations.flatMap((path) =>
    [...read(path).matchAll(/export type \w+Code =\n?((?:\s*(?:\/\*\*[^\n]*\n|\|?\s*'[A-Z_]+'))+)/g)].map(
      ([, union]) => union,
    ),
  )
  return new Set(unions.flatMap((union) => [...(union ?? '').matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code ?? '')))
}

test('the table of errors in the README has exactly the codes that the packages declare', () => {
  const [, table = ''] = /^## Errors\n([\s\S]*?)^`isNetlinkError/m.exec(read('README.md')) ?? []
  const firstColumns = table.split('\n').map((row) => row.split('|')[1] ?? '')
  const listed = firstColumns.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code ?? ''))
  expect([...new Set(listed)].sort()).toEqual([...declaredCodes()].sort())
  expect(listed.length).toBeGreaterThan(30)
})
