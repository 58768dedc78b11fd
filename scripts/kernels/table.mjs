// The table of docs/platforms.md: kernels and checks, from all runs so far.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../workspace.mjs'
import { outcomeTable } from './guest.mjs'

const kept = join(root, 'docs', 'platforms', 'kernels.json')
const document = join(root, 'docs', 'platforms.md')
const heading = '## Kernels\n'

/**
 * Adds outcomes to those that are kept, and writes the table. A check on another version of a kernel replaces all of
 * the former one.
 *
 * @param columns `{ name, version, outcomes }`
 */
export function keepOutcomes(columns) {
  const known = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}
  for (const { name, version, outcomes } of columns) {
    const before = known[name]?.version === version ? known[name].outcomes : {}
    const now = [...outcomes].map(([check, { status, seconds }]) => [check, { status, seconds: Math.round(seconds) }])
    known[name] = { version, outcomes: { ...before, ...Object.fromEntries(now) } }
  }
  mkdirSync(dirname(kept), { recursive: true })
  writeFileSync(kept, `${JSON.stringify(known, null, 2)}\n`)
  writeFileSync(document, withKernels(readFileSync(document, 'utf8')))
}

/** A document with its section on kernels as the kept outcomes have it. */
export function withKernels(text) {
  const before = text.split(`\n${heading}`)[0].trimEnd()
  return `${before}\n\n${heading}\n${introduction}\n${kernelTable(JSON.parse(readFileSync(kept, 'utf8')))}\n`
}

const introduction = `Debian's stock kernels under emulation, and this machine's. Written by \`npm run test:kernels -- --write 6.1 6.12 here\`, all at once or check by check
(\`--only\`); seconds are those of the machine that ran them, beside other work. A check that was not run on a kernel says so.
`

function kernelTable(known) {
  const columns = Object.values(known).map(({ version, outcomes }) => ({
    version,
    outcomes: new Map(Object.entries(outcomes)),
  }))
  const names = [...new Set(columns.flatMap(({ outcomes }) => [...outcomes.keys()]))]
  return outcomeTable(names, columns, 'not run')
}
