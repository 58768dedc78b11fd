// Packs every published package and tries the tarballs as users would.
//
//   node test/packed/run.mjs [--all] [--only TEXT] [--write]
//
// Without --all, what CI runs at every change. --only (any number): checks that have the text in their name. --write:
// docs/platforms.md, from these results and, for the checks that were not run now, from those of runs before, which
// build/ keeps.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCommandLine, refuseCommandLine } from '../../scripts/command-line.mjs'
import { withKernels } from '../../scripts/kernels/table.mjs'
import { pack } from '../../scripts/pack.mjs'
import { root } from '../../scripts/workspace.mjs'
import { checks } from './checks.mjs'
import { removeProjects } from './project.mjs'
import { startRegistry } from './registry.mjs'
import { platformsDocument } from './report.mjs'

const { values } = readCommandLine('test:packed', {
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    write: { type: 'boolean', default: false },
  },
})
const chosen = checks.filter(({ name, quick }) =>
  values.only === undefined ? values.all || quick : values.only.some((text) => name.includes(text)),
)
if (chosen.length === 0) refuseCommandLine('test:packed', `no check has ${JSON.stringify(values.only)} in its name`)

const keptResults = join(root, 'build', 'packed-results.json')
const platforms = values.all ? [] : [`linux-${process.arch}-gnu`]
const start = performance.now()
run(process.execPath, 'scripts/build.mjs')
run(process.execPath, 'packages/native/scripts/platforms.mjs', '--install', ...platforms)
const tarballs = pack({ hostOnly: !values.all })
const registry = await startRegistry(tarballs)
let results
try {
  results = await attemptAll(chosen)
} finally {
  await registry.close()
  removeProjects()
}
const kept = keep(results)
if (values.write) write(kept)
const failed = results.filter(({ error }) => error !== undefined)
console.log(`${results.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 ? 1 : 0

/** Adds the results to those that are kept, and returns all, in the order of the checks. */
function keep(results) {
  const known = existsSync(keptResults) ? JSON.parse(readFileSync(keptResults, 'utf8')) : {}
  for (const { group, name, detail } of results) known[name] = { group, name, detail }
  writeFileSync(keptResults, JSON.stringify(known, null, 2))
  return checks.map(({ name }) => known[name] ?? { name })
}

function write(results) {
  const missing = results.filter(({ detail }) => detail === undefined)
  if (missing.length > 0) throw new Error(`never run: ${missing.map(({ name }) => name).join(', ')}`)
  writeFileSync(join(root, 'docs', 'platforms.md'), withKernels(platformsDocument(results)))
}

/** Attempts the checks, two at a time; the results are in the order of the checks. */
async function attemptAll(checks) {
  const results = []
  const waiting = checks.map((check, index) => async () => {
    results[index] = await attempt(check)
  })
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next()
  }
  await Promise.all([work(), work()])
  return results
}

async function attempt({ group, name, run }) {
  try {
    const detail = await run({ registry: registry.url, tarballs })
    report('ok', `${name}: ${detail}`)
    return { group, name, detail }
  } catch (error) {
    report('FAIL', `${name}: ${error.stack}`)
    return { group, name, detail: 'does not work', error }
  }
}

function report(outcome, text) {
  const seconds = ((performance.now() - start) / 1000).toFixed(0).padStart(4)
  console.log(`${seconds} s  ${outcome.padEnd(4)}  ${text}`)
}

function run(...command) {
  const { status } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command.join(' ')} failed`)
}
