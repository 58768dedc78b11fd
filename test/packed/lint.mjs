// publint and attw (Are the types wrong?) on every tarball.
import { join } from 'node:path'
import { checkTarball } from '../../scripts/check-tarball.mjs'
import { Project } from './project.mjs'

const PUBLINT = '0.3.25'
const ATTW = '0.18.5'

export const lintChecks = [
  { group: 'Packages', name: `publint ${PUBLINT}`, quick: true, run: publint },
  { group: 'Packages', name: `attw ${ATTW}`, quick: true, run: attw },
]

async function publint({ registry, tarballs }) {
  const project = new Project({ registry })
  await project.install('npm', `publint@${PUBLINT}`)
  for (const path of tarballs.values()) await project.bin('publint/src/cli.js', path, '--strict')
  return `${tarballs.size} packages without a warning`
}

/**
 * Modules only: a `require` of them is right where Node has it (20.19), which the check of CommonJS tries. TypeScript's
 * resolution of Node 10 knows no `exports`.
 */
async function attw({ registry, tarballs }) {
  const project = new Project({ registry })
  await project.install('npm', `@arethetypeswrong/cli@${ATTW}`)
  const typed = [...tarballs].filter(([, path]) => checkTarball(path).manifest.exports !== undefined)
  for (const [, path] of typed) {
    const cli = join('@arethetypeswrong', 'cli', 'dist', 'index.js')
    await project.bin(cli, path, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii')
  }
  return `${typed.length} packages without a problem`
}
