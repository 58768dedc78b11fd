// The checks of the packed packages: each is a row of docs/platforms.md. `run` returns its text, or throws.
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../scripts/workspace.mjs'
import { bundlerChecks } from './bundlers.mjs'
import { doctorChecks } from './doctor.mjs'
import { lintChecks } from './lint.mjs'
import { platformChecks } from './platforms.mjs'
import { nodes, Project } from './project.mjs'
import { answersRealPackets } from './real-kernel.mjs'
import { runtimeChecks } from './runtimes.mjs'
import { typeScriptChecks } from './typescript.mjs'

const execute = promisify(execFile)

/**
 * @typedef {object} Check
 * @property {string} group the table that it is a row of
 * @property {string} name
 * @property {boolean} [quick] whether CI runs it at every change
 * @property {(context: { registry: string, tarballs: Map<string, string> }) => Promise<string>} run
 */

/** @type {Check[]} */
export const checks = [
  ...['npm', 'npm@10.9.9', 'npm@12.2.1', 'pnpm@10.34.9'].map((manager) => ({
    group: 'Package managers',
    name: manager === 'npm' ? `npm@${npmVersion()}` : manager,
    quick: manager === 'npm' || manager.startsWith('pnpm'),
    run: ({ registry }) => firstExample(registry, manager, nodeFor(manager)),
  })),
  ...[...nodes].map(([major, node]) => ({
    group: 'Runtimes',
    name: `Node ${major}`,
    quick: false,
    run: ({ registry }) => firstExample(registry, 'npm', node),
  })),
  { group: 'Packages', name: 'lean install', quick: true, run: leanInstall },
  { group: 'Packages', name: 'names of the declarations exist', quick: true, run: declaredNames },
  ...doctorChecks,
  ...lintChecks,
  ...platformChecks,
  ...typeScriptChecks,
  ...runtimeChecks,
  ...bundlerChecks,
]

function npmVersion() {
  return spawnSync('npm', ['--version'], { encoding: 'utf8' }).stdout.trim()
}

/** npm 12 needs a newer Node than the oldest that ringlink supports. */
function nodeFor(manager) {
  return manager.startsWith('npm@12') ? nodes.get('26') : process.execPath
}

/** Installs ringlink with scripts blocked and no compiler, and runs the README's first program on the real kernel. */
async function firstExample(registry, manager, node) {
  const project = new Project({ registry, node })
  try {
    await project.install(manager, 'ringlink')
    const [example] = /^```js\n\/\/ filter\.mjs[\s\S]*?^```/m.exec(
      readFileSync(join(root, 'packages/ringlink/README.md'), 'utf8'),
    )
    project.write({ 'filter.mjs': example.split('\n').slice(1, -1).join('\n') })
    return await answersRealPackets(project, 'filter.mjs')
  } finally {
    project.remove()
  }
}

const FORBIDDEN = ['rxjs', 'typed-emitter', 'vitest', 'fast-check', 'node-gyp', 'node-gyp-build']
const INSTALLED_LIMIT = 6_800_000

/** A user's installation has neither build-time packages nor another platform's binary. */
async function leanInstall({ registry }) {
  const project = new Project({ registry })
  try {
    await project.install('npm', 'ringlink')
    const lock = JSON.parse(readFileSync(join(project.folder, 'node_modules/.package-lock.json'), 'utf8'))
    const names = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''))
    const unwanted = names.filter((name) => FORBIDDEN.includes(name))
    if (unwanted.length > 0) throw new Error(`it brings ${unwanted.join(', ')}`)
    const binaries = names.filter((name) => name.startsWith('@ringlink/native-'))
    if (binaries.length !== 1) throw new Error(`expected one binary, got ${binaries.join(', ')}`)
    const scripts = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)
    if (scripts.length > 0) throw new Error(`install scripts: ${scripts.map(([path]) => path).join(', ')}`)
    const bytes = Number((await execute('du', ['-sb', join(project.folder, 'node_modules')])).stdout.split('\t')[0])
    if (bytes > INSTALLED_LIMIT) throw new Error(`it is ${bytes} bytes, more than ${INSTALLED_LIMIT}`)
    return `${names.length} packages, ${(bytes / 1e6).toFixed(1)} MB, no install script`
  } finally {
    project.remove()
  }
}

/** Every value that a package's declarations export is there at run time. */
async function declaredNames({ registry, tarballs }) {
  const names = [...tarballs.keys()].filter((name) => !name.startsWith('@ringlink/native-'))
  const project = new Project({
    registry,
    files: { 'names.mjs': readFileSync(join(root, 'test/packed/declared-names.mjs'), 'utf8') },
  })
  try {
    // The peers that the packages' test entries need.
    await project.install('npm', ...names, 'typescript@5.9.3', '@types/node@20', 'vitest@4.1.12', 'fast-check@4.10.2')
    return (await project.script('names.mjs', ...names)).trim()
  } finally {
    project.remove()
  }
}
