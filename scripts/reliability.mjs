// docs/reliability.md, from the records that runs leave in docs/reliability/: figures, and the command that repeats
// them.
//
//   node scripts/reliability.mjs [--check]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { markdownTable } from './text-table.mjs'
import { root } from './workspace.mjs'

const folder = join(root, 'docs', 'reliability')
const document = join(root, 'docs', 'reliability.md')

/**
 * Keeps what a run found, and writes the document again.
 *
 * @param name of the record, which replaces an earlier one of that name; records are in the order of their names
 * @param record `{ title, text, command, figures, chart }`: `figures` are pairs of a phrase and a value, `chart` is SVG
 */
export function keepRecord(name, { chart, ...record }) {
  const circumstances = { date: new Date().toISOString().slice(0, 10), kernel: release(), node: process.version }
  mkdirSync(folder, { recursive: true })
  if (chart !== undefined) writeFileSync(join(folder, `${name}.svg`), chart)
  const kept = { ...record, ...circumstances, chart: chart !== undefined }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(kept, null, 2)}\n`)
  writeFileSync(document, reliabilityDocument())
}

function reliabilityDocument() {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const sections = files.sort().map((file) => section(file, JSON.parse(readFileSync(join(folder, file), 'utf8'))))
  return `${introduction}\n${sections.join('\n')}`
}

const introduction = `# Reliability

What was tried, how much of it, and what came of it. Every section is written by the run that it names, and repeated by its command. Do not
edit it. The same checks on other kernels: [platforms.md](platforms.md).
`

function section(file, { title, text, command, figures, date, kernel, node, chart }) {
  const rows = figures.map(([what, value]) => [what, typeof value === 'number' ? value.toLocaleString('en') : value])
  const picture = chart ? `\n![${title}](reliability/${file.replace('.json', '.svg')})\n` : ''
  return `## ${title}

${text}

\`\`\`sh
${command}
\`\`\`

${markdownTable([['', 'figure'], ...rows])}
${picture}
${date}, Linux ${kernel}, Node ${node}.
`
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = reliabilityDocument()
  if (!process.argv.includes('--check')) writeFileSync(document, text)
  else if (readFileSync(document, 'utf8') !== text) {
    console.error('docs/reliability.md is not what its records say: node scripts/reliability.mjs')
    process.exitCode = 1
  }
}
