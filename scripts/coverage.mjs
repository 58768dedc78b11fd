// Writes docs/coverage.md; --check only says whether it is current, --record records the installed headers first.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coverageDocument } from './kernel-coverage/document.mjs'
import { FAMILIES, SOURCES } from './kernel-coverage/families.mjs'
import { formatRecord, installedHeaders, installedVersion, parseRecord } from './kernel-coverage/record.mjs'
import { answersIn, constantsIn, describedConstants } from './kernel-coverage/source.mjs'
import { root } from './workspace.mjs'

const document = join(root, 'docs', 'coverage.md')
const folder = join(root, 'scripts', 'kernel-coverage')

if (process.argv.includes('--record')) {
  const version = installedVersion()
  if (version === undefined) throw new Error('no kernel headers are installed: install linux-libc-dev')
  const headers = installedHeaders(FAMILIES.flatMap((family) => family.headers))
  writeFileSync(join(folder, `linux-${version}.txt`), formatRecord({ version, headers }))
}

const [name] = readdirSync(folder).filter((file) => /^linux-.*\.txt$/.test(file))
const recorded = parseRecord(readFileSync(join(folder, name), 'utf8'))
const generated = join(root, 'packages/families/src/generated')
const modules = new Map(
  readdirSync(generated).map((file) => {
    const module = readFileSync(join(generated, file), 'utf8')
    const names = constantsIn(module).map(([constant]) => constant)
    return [file.replace('.ts', ''), { names: [...new Set(names)], answers: new Set(answersIn(module)) }]
  }),
)
const text = coverageDocument(recorded, describedConstants(root, SOURCES), FAMILIES, modules)
if (!process.argv.includes('--check')) writeFileSync(document, text)
else if (readFileSync(document, 'utf8') !== text) {
  process.stderr.write('docs/coverage.md is out of date: run node scripts/coverage.mjs\n')
  process.exit(1)
}
