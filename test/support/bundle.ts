import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
// The compiler of vite, under which the tests run.
const { buildSync } = createRequire(require.resolve('vite'))('esbuild') as {
  buildSync(options: Record<string, unknown>): void
}
const native = fileURLToPath(new URL('../../packages/native/src/index.ts', import.meta.url))

/** Bundles a TypeScript program into one file that any version of Node runs, for separate processes and threads. */
export class Bundle implements Disposable {
  readonly path: string
  #directory: string

  constructor(program: URL) {
    this.#directory = mkdtempSync(join(tmpdir(), 'ringlink-bundle-'))
    this.path = join(this.#directory, 'program.mjs')
    buildSync({
      entryPoints: [fileURLToPath(program)],
      outfile: this.path,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['ringlink-source'],
      // The addon is next to the sources of its package.
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(native).href) },
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true })
  }
}
