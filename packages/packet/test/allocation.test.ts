/** Allocation and time of aiming and reading a PacketView. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { expect, test } from 'vitest'

interface Measured {
  readonly bytes: number
  readonly nanoseconds: number
  readonly sum: number
}

test('aiming and reading allocate nothing, and are several times faster than making objects', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-packet-allocation-'))
  try {
    await build({
      configFile: false,
      logLevel: 'silent',
      resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] },
      ssr: { noExternal: true, resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] } },
      build: {
        target: 'node20',
        ssr: fileURLToPath(new URL('./allocation.ts', import.meta.url)),
        outDir: directory,
        minify: false,
        rollupOptions: { output: { entryFileNames: 'allocation.mjs' } },
      },
    })
    const options = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256']
    const output = execFileSync(process.execPath, [...options, join(directory, 'allocation.mjs')], { encoding: 'utf8' })
    const { views, objects, everything } = JSON.parse(output) as Record<'views' | 'objects' | 'everything', Measured>
    // The control: an object decoder is seen to allocate.
    expect(objects.bytes).toBeGreaterThan(50)
    // One number boxed on the heap per hundred packets would be 0.16.
    expect(views.bytes).toBeLessThan(0.05)
    expect(everything.bytes).toBeLessThan(0.05)
    expect(views.sum).toBe(objects.sum)
    // Measured: 20 to 60. A guard against a view that has become slow, as a ratio that a busy machine leaves alone.
    expect(objects.nanoseconds / views.nanoseconds).toBeGreaterThan(5)
    if (process.env.RINGLINK_SHOW_TIMES !== undefined) console.log(output)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 120_000)
