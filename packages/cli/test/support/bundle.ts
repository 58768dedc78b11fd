import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
// esbuild is vite's, so that the tests need no further package.
const { buildSync } = createRequire(require.resolve('vite'))('esbuild') as {
  buildSync(options: object): { errors: readonly unknown[] }
}
const packages = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

/** The command in one file, built from the current sources, which the tests run as a separate process. */
export interface BuiltCommand extends Disposable {
  readonly path: string
  readonly folder: string
}

/** Builds the command from its sources. `nativeRoot`: another place of the addon, to try what happens without it. */
export function buildCommand(nativeRoot: string = join(packages, 'native')): BuiltCommand {
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-command-'))
  const path = join(folder, 'ringlink.mjs')
  // The addon is found beside the file that loads it, which is in another place here.
  const native = JSON.stringify(pathToFileURL(join(nativeRoot, 'src', 'index.ts')).href)
  buildSync({
    entryPoints: [join(packages, 'cli', 'src', 'main.ts')],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['ringlink-source'],
    logLevel: 'error',
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    define: { 'import.meta.url': native },
  })
  return { path, folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}
