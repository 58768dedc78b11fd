/** Allocation per message of the views and of verdict templates. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { expect, test } from 'vitest'

test('walking, aiming, reading properties and writing verdicts do not allocate', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-allocation-'))
  try {
    const entry = fileURLToPath(new URL('./allocation.ts', import.meta.url))
    await build({
      configFile: false,
      logLevel: 'silent',
      // The bundle runs in a folder without node_modules, so it must contain all its imports.
      ssr: { noExternal: true, resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] } },
      build: {
        target: 'node20',
        ssr: entry,
        outDir: directory,
        minify: false,
        rollupOptions: { output: { entryFileNames: 'allocation.mjs' } },
      },
      // The vectors lie beside what reads them.
      define: { 'import.meta.url': JSON.stringify(new URL('../../../test/support/vectors.ts', import.meta.url)) },
    })
    const options = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128']
    const output = execFileSync(process.execPath, [...options, join(directory, 'allocation.mjs')], { encoding: 'utf8' })
    const grown = JSON.parse(output) as Record<'packet' | 'verdict' | 'record' | 'connection' | 'control', number>
    expect(grown.control).toBeGreaterThan(8)
    // One number boxed on the heap per hundred packets would be 0.16.
    expect(grown.packet).toBeLessThan(0.05)
    expect(grown.verdict).toBeLessThan(0.05)
    expect(grown.record).toBeLessThan(0.05)
    expect(grown.connection).toBeLessThan(0.05)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 30_000)
