// docs/coverage.md: what of the kernel's netlink constants is described, and where.

import { markdownTable } from '../text-table.mjs'
import { statusOf } from './status.mjs'

const HEAD = `# What of netlink is described

Each constant of the kernel's netlink headers is _described_ in a table written by hand, _generated_ from the kernel's specification of the
family, or _absent_ with the reason. \`node scripts/coverage.mjs\` writes this document from the names and numbers of \`HEADERS\`
(\`scripts/kernel-coverage/linux-VERSION.txt\`) and from our sources; a test holds it. In the families marked complete a test fails when a constant is neither
described nor has a reason. What the headers lack, or call otherwise, follows as further names of the specification.

Reasons:

- **bound**: the 0 that no message has, the bound of an enum, or their number.
- **several others**: a combination of described flags.
- **bit number of a flag**: the flag itself is described.
- **another name**: the same number has another name, which is described.
- **in no message**: inside the kernel, of the interface of xtables, or of a program.
- **field of a struct** that is described.
- **macro of C**, **part of the format**: the codec does it.
- **length of another**: it equals a described length.
- **not in the specification**: the family is generated, and the specification that it is generated from leaves the constant out.
- **left out by hand**: the family is described by hand, as far as it is used.
- **no specification**: the kernel has none, and nobody has written the family by hand. docs/contributing/a-family.md says how.
`

/**
 * @param {import('./record.mjs').Recorded} recorded
 * @param {ReadonlyMap<string, import('./source.mjs').Description>} described
 * @param {readonly { title: string, headers: string[], complete?: boolean, module?: string }[]} families
 * @param {ReadonlyMap<string, readonly string[]>} modules the constants of each generated module
 */
export function coverageDocument({ version, headers }, described, families, modules) {
  const rows = []
  const sections = []
  const known = new Set(
    [...headers.values()].flatMap((groups) => [...groups.values()].flatMap((all) => [...all.keys()])),
  )
  for (const family of families) {
    const counts = { described: 0, generated: 0, absent: 0 }
    const lines = [`## ${family.title}`, '']
    for (const header of family.headers) {
      const groups = headers.get(header)
      if (groups === undefined || groups.size === 0) continue
      lines.push(`### ${header}`, '')
      for (const [group, constants] of groups) {
        const statuses = [...constants].map(([name, number]) => statusOf(name, number, described, family))
        for (const { kind } of statuses) counts[kind]++
        lines.push(groupLine(group, statuses))
      }
      lines.push('')
    }
    const further = (family.module?.split(', ') ?? []).flatMap((module) => modules.get(module) ?? [])
    const newer = further.filter((name) => !known.has(name))
    if (newer.length > 0) lines.push('### Further names of the specification', '', `generated: ${code(newer)}`, '')
    rows.push([
      `[${family.title}](#${anchor(family.title)})${family.complete === true ? ', complete' : ''}`,
      String(counts.described),
      String(counts.generated + newer.length),
      String(counts.absent),
    ])
    sections.push(...lines)
  }
  const head = HEAD.replace('`HEADERS`', `the headers of Linux ${version}`).replace('VERSION', version)
  return `${head}\n${markdownTable([['family', 'described', 'generated', 'absent'], ...rows])}\n\n${sections.join('\n').trimEnd()}\n`
}

function groupLine(group, statuses) {
  const parts = ['described', 'generated'].flatMap((kind) => {
    const names = statuses.filter((status) => status.kind === kind).map(({ name }) => name)
    return names.length === 0 ? [] : [`${kind}: ${code(names)}`]
  })
  const absent = statuses.filter(({ kind }) => kind === 'absent')
  for (const reason of new Set(absent.map((status) => status.reason))) {
    const names = absent.filter((status) => status.reason === reason).map(({ name }) => name)
    parts.push(`absent (${reason}): ${code(names)}`)
  }
  return `- \`${group}\`; ${parts.join('; ')}`
}

function anchor(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')
}

function code(names) {
  return `\`${names.join(', ')}\``
}
