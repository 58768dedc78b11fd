// Writes the graph of packages into docs/architecture.md, from their manifests; with --check it only says whether it is
// current.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, workspacePackages } from './workspace.mjs'

const document = join(root, 'docs', 'architecture.md')
const [begin, end] = ['<!-- generated: packages -->', '<!-- end: packages -->']

const text = readFileSync(document, 'utf8')
const from = text.indexOf(begin) + begin.length
const to = text.indexOf(end)
if (from < begin.length || to < from) throw new Error(`${document} must have ${begin} and ${end}`)
const current = `${text.slice(0, from)}\n\n${graph()}\n\n${text.slice(to)}`
if (!process.argv.includes('--check')) writeFileSync(document, current)
else if (current !== text) {
  process.stderr.write('the package graph of docs/architecture.md is out of date: run node scripts/package-graph.mjs\n')
  process.exit(1)
}

/** An arrow for each dependency in a manifest, except those that another dependency brings. */
function graph() {
  const packages = workspacePackages().filter(({ folder }) => /^(packages|examples)\//.test(folder))
  const names = new Map(packages.map(({ manifest, folder }) => [manifest.name, folder.replace(/^packages\//, '')]))
  const direct = new Map(
    packages.map(({ manifest }) => [
      manifest.name,
      Object.keys(manifest.dependencies ?? {}).filter((name) => names.has(name)),
    ]),
  )
  const reaches = (name, target, skip) =>
    direct.get(name).some((next) => (next === target ? !skip : reaches(next, target, false)))
  const arrows = []
  for (const [name, dependencies] of direct) {
    for (const dependency of dependencies) {
      if (!reaches(name, dependency, true)) arrows.push(`  ${node(names.get(name))} --> ${node(names.get(dependency))}`)
    }
  }
  return ['```mermaid', 'graph TD', ...arrows.sort(), '```'].join('\n')
}

function node(name) {
  return /^[a-z]+$/.test(name) ? name : `${name.replaceAll(/[^a-z]/g, '_')}[${name}]`
}
