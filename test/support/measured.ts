/** Measurements in a process of their own, so that nothing else is on its heap. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

export interface MeasuredOptions {
  /** MB of the young generation: large enough that it is never collected while something is measured */
  readonly youngGeneration?: number
  readonly flags?: readonly string[]
  readonly define?: Readonly<Record<string, string>>
}

/** Bundles a program from the sources, runs it with `--expose-gc`, and returns its output, which is JSON. */
export async function measured<Result>(program: URL, options: MeasuredOptions = {}): Promise<Result> {
  const { youngGeneration = 128, flags = [], define = {} } = options
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-measured-'))
  try {
    await build({
      configFile: false,
      logLevel: 'silent',
      // The bundle runs in a folder without node_modules, so it must contain all its imports.
      ssr: { noExternal: true, resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] } },
      build: {
        target: 'node20',
        ssr: fileURLToPath(program),
        outDir: folder,
        minify: false,
        rollupOptions: { output: { entryFileNames: 'measured.mjs' } },
      },
      define: { ...define },
    })
    const sizes = ['max', 'min'].map((bound) => `--${bound}-semi-space-size=${youngGeneration}`)
    const args = ['--expose-gc', ...flags, ...sizes, join(folder, 'measured.mjs')]
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Result
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
