import { markdownTable } from '../../scripts/text-table.mjs'

/** docs/platforms.md from the results of a whole run: `{ group, name, detail }`. */
export function platformsDocument(results) {
  const groups = [...new Set(results.map(({ group }) => group))]
  const tables = groups.map((group) => {
    const rows = results.filter((result) => result.group === group)
    return `## ${group}\n\n${table(rows.map(({ name, detail }) => [name, detail]))}`
  })
  return `${introduction}\n${tables.join('\n\n')}\n`
}

const introduction = `# Platforms

What works, and what the packages say where they do not: a code in the table is the \`code\` of the error. Written by
\`node test/packed/run.mjs --all --write\`, which packs every package, installs the tarballs in projects outside of the workspace, with
no compiler on the PATH and install scripts blocked, and runs them. Do not edit it.
`

function table(rows) {
  return markdownTable([['', 'outcome'], ...rows])
}
