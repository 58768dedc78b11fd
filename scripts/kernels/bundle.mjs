// A TypeScript program as one file that Node.js runs, where neither TypeScript nor vite is.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { root } from '../workspace.mjs'

const require = createRequire(import.meta.url)
// The compiler of vite, which the tests run under.
const { build } = createRequire(require.resolve('vite'))('esbuild')

/** @param seen where the root of the project is when the program runs: modules are found from there by their own URL */
export function bundle(entry, outfile, seen) {
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['ringlink-source'],
    logLevel: 'error',
    plugins: [{ name: 'module URLs', setup: (plugins) => plugins.onLoad({ filter: /\.ts$/ }, load) }],
  })

  function load({ path }) {
    const url = pathToFileURL(path.replace(root, `${seen}/`).replace('//', '/')).href
    return { loader: 'ts', contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(url)) }
  }
}
