// Packs every published package as `pnpm publish` would, into build/packed/*.tgz, and checks what is in each.
//
//   node scripts/pack.mjs [--host-only]      --host-only: of the prebuilt binaries only this machine's must be there
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkTarball } from './check-tarball.mjs'
import { manifestProblems } from './manifests.mjs'
import { publishedPackages, root } from './workspace.mjs'

export const packed = join(root, 'build', 'packed')

/** Packs all; the tarballs' paths by package name. Throws with everything that is wrong with them. */
export function pack({ hostOnly = false } = {}) {
  const packages = publishedPackages().filter(({ folder, manifest }) => hasItsBinary(folder, manifest, hostOnly))
  rmSync(packed, { recursive: true, force: true })
  mkdirSync(packed, { recursive: true })
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name])
  pnpm('--recursive', '--silent', ...filters, 'pack', '--pack-destination', packed)
  const tarballs = readdirSync(packed).map((name) => join(packed, name))
  const checked = tarballs.map((path) => ({ path, ...checkTarball(path) }))
  const problems = checked.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))
  problems.push(...manifestProblems())
  if (checked.length !== packages.length) problems.push(`${packages.length} packages made ${checked.length} tarballs`)
  if (problems.length > 0) throw new Error(`the packages are not fit to be published:\n  ${problems.join('\n  ')}`)
  return new Map(checked.map(({ name, path }) => [name, path]))
}

/** A platform's package without its binary is an error, except for other platforms when only this one is asked for. */
function hasItsBinary(folder, { name, main, cpu, libc }, hostOnly) {
  if (libc === undefined || existsSync(join(root, folder, main))) return true
  if (hostOnly && !(cpu.includes(process.arch) && libc.includes('glibc'))) return false
  throw new Error(`${name} has no ${main}: run node packages/native/scripts/platforms.mjs`)
}

function pnpm(...args) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { status, stdout, stderr } = spawnSync('npx', ['--yes', packageManager, ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`pnpm ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, path] of pack({ hostOnly: process.argv.includes('--host-only') })) console.log(`${name} ${path}`)
}
