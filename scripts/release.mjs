// A release: the versions that the changesets ask for, everything built and packed, and `pnpm publish` of all packages.
//
//   node scripts/release.mjs version       takes the changesets into package.json and CHANGELOG.md, to be reviewed and committed
//   node scripts/release.mjs publish       publishes what the registry does not have; the prebuilt binaries must be in place
//   node scripts/release.mjs dry-run       both, in a copy of the last commit, with a registry on loopback, and checks what arrived
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Project } from '../test/packed/project.mjs'
import { startRegistry } from '../test/packed/registry.mjs'
import { readCommandLine, refuseCommandLine } from './command-line.mjs'
import { pack } from './pack.mjs'
import { publishedPackages, root } from './workspace.mjs'

const execute = promisify(execFile)
const { packageManager, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const commands = { version, publish, 'dry-run': dryRun }
const { positionals } = readCommandLine('release', { allowPositionals: true })
const command = Object.hasOwn(commands, positionals[0] ?? '') ? commands[positionals[0]] : undefined
if (command === undefined || positionals.length > 1) {
  refuseCommandLine('release', `expected one of ${Object.keys(commands).join(', ')}, got '${positionals.join(' ')}'`)
}
await command()

async function version() {
  await run(root, ...scripts.changeset.split(' '), 'version')
  // changesets writes package.json in a form of its own.
  await run(root, process.execPath, 'node_modules/@biomejs/biome/bin/biome', 'check', '--write', 'packages')
  const versions = new Set(publishedPackages().map(({ manifest }) => manifest.version))
  if (versions.size !== 1) throw new Error(`the packages must have one version, they have ${[...versions].join(', ')}`)
  console.log(`version ${[...versions][0]}`)
}

/**
 * Packages come after those that they depend on, and platforms' binaries before what loads them: pnpm sees to that
 * order.
 */
async function publish(environment = {}) {
  pack()
  const filters = publishedPackages().flatMap(({ manifest }) => ['--filter', manifest.name])
  const pnpm = ['npx', '--yes', packageManager, '--recursive', ...filters]
  await run(root, { environment }, ...pnpm, 'publish', '--no-git-checks', '--access', 'public')
}

async function dryRun() {
  const copy = mkdtempSync(join(tmpdir(), 'ringlink-release-'))
  const registry = await startRegistry()
  try {
    await run(root, 'sh', '-c', `git archive HEAD | tar -x -C ${copy}`)
    // changesets and pnpm look at the repository.
    await run(
      copy,
      'sh',
      '-c',
      'git init -q -b main . && git add -A && git -c user.name=dry -c user.email=dry@run commit -qm release',
    )
    writeFileSync(join(copy, '.changeset', 'dry-run.md'), '---\n"ringlink": minor\n---\n\nTries a release.\n')
    await run(copy, process.execPath, 'scripts/check-workflows.mjs')
    await run(copy, 'npx', '--yes', packageManager, 'install', '--frozen-lockfile', '--prefer-offline', '--silent')
    await run(copy, process.execPath, 'scripts/release.mjs', 'version')
    await run(copy, process.execPath, 'scripts/build.mjs')
    await run(copy, process.execPath, 'packages/native/scripts/platforms.mjs', '--install')
    const environment = registryEnvironment(copy, registry.url)
    for (let time = 1; time <= 2; time++)
      await run(copy, { environment }, process.execPath, 'scripts/release.mjs', 'publish')
    await checkPublished(registry, copy)
  } finally {
    await registry.close()
    rmSync(copy, { recursive: true, force: true })
  }
}

/** A registry on loopback needs no token, but npm refuses to publish without one. */
function registryEnvironment(copy, url) {
  const home = join(copy, '.home')
  mkdirSync(home)
  writeFileSync(join(home, '.npmrc'), `registry=${url}\n${url.replace('http:', '')}:_authToken=dry-run\n`)
  return { npm_config_userconfig: join(home, '.npmrc'), npm_config_registry: url, npm_config_provenance: 'false' }
}

/** All packages, once each, in one new version; and what is published can be installed and loaded. */
async function checkPublished(registry, copy) {
  const expected = publishedPackages().map(({ manifest }) => manifest.name)
  const missing = expected.filter((name) => !registry.packages.has(name))
  if (missing.length > 0) throw new Error(`not published: ${missing.join(', ')}`)
  const versions = new Set([...registry.packages.values()].flatMap((versions) => [...versions.keys()]))
  const { version: before } = JSON.parse(readFileSync(join(root, 'packages/ringlink/package.json'), 'utf8'))
  if (versions.size !== 1 || versions.has(before))
    throw new Error(`versions ${[...versions].join(', ')} after ${before}`)
  const changelog = readFileSync(join(copy, 'packages/ringlink/CHANGELOG.md'), 'utf8')
  if (!changelog.includes('Tries a release.')) throw new Error('the changelog does not have the change')
  const files = {
    'index.js':
      "import { loadNative } from '@ringlink/native'\nimport 'ringlink'\nconsole.log(loadNative().pageSize())",
  }
  const project = new Project({ registry: registry.url, files })
  try {
    await project.install('npm', 'ringlink')
    await project.script('index.js')
  } finally {
    project.remove()
  }
  console.log(
    `dry run: ${expected.length} packages of version ${[...versions][0]} published to loopback, installed and loaded`,
  )
}

/** Not in step with this process: the registry on loopback must continue to answer. */
async function run(cwd, ...command) {
  const { environment = {} } = typeof command[0] === 'object' ? command.shift() : {}
  const env = { ...process.env, ...environment }
  console.log(`release: ${command.join(' ')}`)
  await execute(command[0], command.slice(1), { cwd, env, maxBuffer: 1 << 28 })
}
