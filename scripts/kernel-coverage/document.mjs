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
- **no specification**: the kernel has none, and nobody has written the family or these messages by hand. docs/contributing/a-family.md
  says how.
- **left out by hand**: the family is described by hand, as far as it is used.

Of families that are generated, where the specification leaves something out:

- **version**: of the family; its description has it.
- **number of an answer**: the operation that it answers has the number.
- **no operation**: the specification has no operation for it, or the kernel has never used it.
- **limit**: a length or number that the kernel checks, and the specification does not have.
- **kind without a table**: data of a kind of device that the specification does not describe: it is kept as bytes.
- **nest without a table**: attributes within one that the specification has as bytes.
- **values without names**: the field is described, as a number; the specification has no names for its values.
- **removed**: Linux 6.3 has removed that part of traffic control.
`

/**
 * @param {import('./record.mjs').Recorded} recorded
 * @param {ReadonlyMap<string, import('./source.mjs').Description>} described
 * @param {readonly { title: string, headers: string[], complete?: boolean, module?: string }[]} families
 * @param {ReadonlyMap<string, { names: readonly string[], answers: ReadonlySet<number> }>} modules of each generated
 *   module the constants, and the numbers of answers
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
    const own = (family.module?.split(', ') ?? []).flatMap((module) => modules.get(module) ?? [])
    const answers = new Set(own.flatMap((module) => [...module.answers]))
    for (const header of family.headers) {
      const groups = headers.get(header)
      if (groups === undefined || groups.size === 0) continue
      lines.push(`### ${header}`, '')
      for (const [group, constants] of groups) {
        const place = { header, group, answers }
        const statuses = [...constants].map(([name, number]) => statusOf(name, number, described, family, place))
        for (const { kind } of statuses) counts[kind]++
        lines.push(groupLine(group, statuses))
      }
      lines.push('')
    }
    const further = own.flatMap(({ names }) => names)
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
