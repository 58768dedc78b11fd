// The packages of this workspace, as pnpm-workspace.yaml has them.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Every package: its folder, relative to the root, and its package.json. */
export function workspacePackages() {
  return workspaceGlobs()
    .flatMap(expand)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) }))
    .sort((left, right) => (left.folder < right.folder ? -1 : 1))
}

/** Those that are published. */
export function publishedPackages() {
  return workspacePackages().filter(({ manifest }) => manifest.private !== true)
}

/** Every file below a folder for which `wants` holds, relative to the folder. */
export function filesBelow(folder, wants = () => true) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => wants(name) && statSync(join(folder, name)).isFile())
    .sort()
}

function workspaceGlobs() {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const [, list] = /^packages:\n((?: +- .*\n)+)/m.exec(text)
  return [...list.matchAll(/^ +- "?([^"\n]+)"?$/gm)].map(([, glob]) => glob)
}

/** A glob of pnpm-workspace.yaml; the only wildcard there is `/*` at the end. */
function expand(glob) {
  if (!glob.endsWith('/*')) return [glob]
  const parent = glob.slice(0, -2)
  return readdirSync(join(root, parent)).map((name) => join(parent, name))
}
