// The fields of package.json that all published packages share, from the root's package.json.
//
//   node scripts/manifests.mjs [--write]      says which differ, or writes them
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from './workspace.mjs'

// In this order at the start of the file; what else a package has comes after.
const ORDER = ['name', 'version', 'description', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'type']
const LAST = ['publishConfig']

const shared = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const version = JSON.parse(readFileSync(join(root, 'packages', 'ringlink', 'package.json'), 'utf8')).version

/** The requirements for each package's package.json. */
export function expectedManifest(folder, manifest) {
  const { repository, license, engines } = shared
  const address = repository.url.replace(/^git\+|\.git$/g, '')
  const page = `${address}/tree/main/${folder}#readme`
  const bugs = { url: `${address}/issues` }
  const publishConfig = { access: 'public' }
  const whole = {
    ...manifest,
    version,
    ...{ homepage: page, bugs, repository: { ...repository, directory: folder }, license, engines, publishConfig },
  }
  const names = [...ORDER, ...Object.keys(whole).filter((name) => ![...ORDER, ...LAST].includes(name)), ...LAST]
  return Object.fromEntries(names.filter((name) => name in whole).map((name) => [name, whole[name]]))
}

/** One line for each package that differs. */
export function manifestProblems() {
  return publishedPackages().flatMap(({ folder, manifest }) => {
    const expected = expectedManifest(folder, manifest)
    const differing = Object.keys(expected).filter(
      (name) => JSON.stringify(expected[name]) !== JSON.stringify(manifest[name]),
    )
    const problems =
      differing.length > 0
        ? [`${folder}/package.json: ${differing.join(', ')}: run node scripts/manifests.mjs --write`]
        : []
    if (!(manifest.keywords?.length > 0)) problems.push(`${folder}/package.json: keywords are missing`)
    return problems
  })
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--write')) {
    for (const { folder, manifest } of publishedPackages())
      writeFileSync(
        join(root, folder, 'package.json'),
        `${JSON.stringify(expectedManifest(folder, manifest), null, 2)}\n`,
      )
  }
  const problems = manifestProblems()
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
}
