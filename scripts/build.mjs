// Builds dist/ of every package: JavaScript by tsup, and declarations by one TypeScript program for all published
// packages. Does nothing if no source has changed since.
//
//   node scripts/build.mjs [--force]
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as buildWithTsup } from 'tsup'
import { buildDeclarations } from './declarations.mjs'
import { markPure } from './pure.mjs'
import { filesBelow, root, workspacePackages } from './workspace.mjs'

// tsup and esbuild find files from where they are started.
if (process.cwd() !== root) throw new Error(`run it in ${root}, not in ${process.cwd()}`)

const stamp = join(root, 'node_modules', '.ringlink-build')

const packages = workspacePackages().filter(({ folder }) => existsSync(join(root, folder, 'src')))
const state = stateOfSources()
if (process.argv.includes('--force') || !isCurrent()) await build()

function isCurrent() {
  const built = packages.every(({ folder }) => existsSync(join(root, folder, 'dist')))
  return built && existsSync(stamp) && readFileSync(stamp, 'utf8') === state
}

async function build() {
  const start = performance.now()
  rmSync(stamp, { force: true })
  for (const { folder } of packages) rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
  await Promise.all(packages.map(buildScripts))
  buildDeclarations(packages.filter(({ manifest }) => manifest.private !== true))
  writeFileSync(stamp, state)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stderr.write(`build: ${packages.length} packages in ${seconds} s\n`)
}

/** Sources are published in src/, so source maps only refer to them. */
async function buildScripts({ folder, manifest }) {
  const source = join(folder, 'src')
  const common = {
    config: false,
    silent: true,
    outDir: join(folder, 'dist'),
    tsconfig: join(folder, 'tsconfig.json'),
    format: ['esm'],
    target: 'node20',
    skipNodeModulesBundle: true,
    esbuildPlugins: manifest.sideEffects === false ? [markPure] : [],
  }
  await buildWithTsup({
    ...common,
    entry: entries(folder, manifest),
    sourcemap: true,
    esbuildOptions(options) {
      options.outbase = source
      options.sourcesContent = false
    },
  })
  for (const name of manifest.tsup?.whole ?? []) {
    await buildWithTsup({
      ...common,
      entry: [join(folder, name)],
      // Sources of other packages are not where a map would look for them.
      sourcemap: false,
      // The addon is found from the folder of its package.
      noExternal: [/^@ringlink\/(?!native$)/],
      esbuildOptions(options) {
        options.outbase = source
        options.conditions = ['ringlink-source']
        // Half the size, and the names stay for traces.
        options.minifyWhitespace = true
        options.lineLimit = 120
      },
    })
  }
}

/**
 * For a published package the files that its `exports` name, and those in `tsup.entry` that start by themselves (a
 * Worker, a script); for others every file. Those in `tsup.whole` are built apart, each one file with the code of all
 * our packages that it needs.
 */
function entries(folder, { private: isPrivate, exports = {}, tsup = {} }) {
  if (isPrivate) return filesBelow(join(root, folder, 'src'), isSource).map((name) => join(folder, 'src', name))
  const exported = Object.values(exports).flatMap((target) => target['ringlink-source'] ?? [])
  const whole = tsup.whole ?? []
  return [...exported.filter((name) => !whole.some((other) => name.endsWith(other))), ...(tsup.entry ?? [])].map(
    (name) => join(folder, name),
  )
}

function isSource(name) {
  return name.endsWith('.ts') && !name.endsWith('.d.ts')
}

function stateOfSources() {
  const hash = createHash('sha256')
  const inputs = [
    ...packages.flatMap(({ folder }) => [
      ...filesBelow(join(root, folder, 'src')).map((name) => join(folder, 'src', name)),
      join(folder, 'package.json'),
    ]),
    ...['build.mjs', 'declarations.mjs', 'pure.mjs', 'workspace.mjs'].map((name) => join('scripts', name)),
    ...['tsconfig.base.json', 'pnpm-lock.yaml'],
  ]
  for (const path of inputs) {
    const { size, mtimeMs } = statSync(join(root, path))
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}
