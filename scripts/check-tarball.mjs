// The required contents of every published tarball: for a user's installation, and for npm's page.
import { spawnSync } from 'node:child_process'

const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
const REQUIRED = ['description', 'license', 'repository', 'homepage', 'bugs', 'keywords', 'engines', 'publishConfig']

/** Name, manifest and files of a tarball, and everything that is wrong with it. */
export function checkTarball(path) {
  const files = tar('--list', '--gzip', '--file', path)
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''))
  const manifest = JSON.parse(tar('--extract', '--gzip', '--to-stdout', '--file', path, 'package/package.json'))
  const problems = [
    ...['LICENSE', 'README.md'].filter((name) => !files.includes(name)).map((name) => `${name} is missing`),
    ...REQUIRED.filter((field) => manifest[field] === undefined).map((field) => `package.json has no ${field}`),
    ...LIFECYCLE.filter((script) => manifest.scripts?.[script]).map((script) => `has the script ${script}`),
    ...files.filter((name) => name === 'binding.gyp' || name.endsWith('.tsbuildinfo')).map((name) => `has ${name}`),
    ...files.filter((name) => /(^|\/)tests?\//.test(name)).map((name) => `has the test ${name}`),
    ...unresolved(manifest),
    ...absentTargets(manifest, files),
  ]
  return { name: manifest.name, manifest, files, problems }
}

/** Versions that only this workspace understands. */
function unresolved(manifest) {
  return ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((field) =>
    Object.entries(manifest[field] ?? {})
      .filter(([, version]) => /^(workspace|catalog|file|link):/.test(version))
      .map(([name, version]) => `${field} has ${name} ${version}`),
  )
}

/** Files that package.json names and the tarball does not have. */
function absentTargets({ exports = {}, main, bin = {} }, files) {
  const targets = [...Object.values(exports).flatMap(Object.values), ...Object.values(bin), ...(main ? [main] : [])]
  return targets
    .map((target) => target.replace(/^\.\//, ''))
    .filter((target) => !files.includes(target))
    .map((target) => `${target}, which package.json names, is missing`)
}

function tar(...args) {
  const { status, stdout, stderr } = spawnSync('tar', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`tar ${args.join(' ')} failed: ${stderr}`)
  return stdout
}
