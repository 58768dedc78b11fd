// TypeScript programs as files that Node.js runs, where neither TypeScript nor vite is.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../workspace.mjs'

const require = createRequire(import.meta.url)
// The compiler of vite, which the tests run under.
const { build } = createRequire(require.resolve('vite'))('esbuild')
// vitest depends on its runner; this workspace does not.
const runner = createRequire(require.resolve('vitest/package.json')).resolve('@vitest/runner')

/** Not in quotes, as test/support/bundle.ts has it. */
const IMPORT_META = /(?<!')import\.meta\.(url|dirname)\b(?!')/g

/**
 * @param entries paths by the names of the files they become, without `.mjs`; code that several need is beside them
 * @param folder where they are written
 * @param seen where the root of the project is when they run: modules are found from there by their own URL
 */
export function bundle(entries, folder, seen) {
  return build({
    entryPoints: entries,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['ringlink-source'],
    logLevel: 'error',
    alias: { '@vitest/runner/utils': join(dirname(runner), 'utils.js'), '@vitest/runner': runner },
    plugins: [
      { name: 'module URLs', setup: (plugins) => plugins.onLoad({ filter: /\.ts$/ }, load) },
      { name: 'CommonJS', setup: (plugins) => plugins.onResolve({ filter: /^typescript$/ }, leave) },
    ],
  })

  /** A package of CommonJS, which finds its files by its own place. */
  function leave({ path }) {
    return { path: pathToFileURL(require.resolve(path).replace(root, seen)).href, external: true }
  }

  function load({ path }) {
    const shown = path.replace(root, `${seen}/`).replace('//', '/')
    const values = { url: pathToFileURL(shown).href, dirname: dirname(shown) }
    const contents = readFileSync(path, 'utf8').replace(IMPORT_META, (_, name) => JSON.stringify(values[name]))
    return { loader: 'ts', contents }
  }
}
