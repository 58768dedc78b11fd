// Writes the table of error codes into README.md, from the unions that declare them; with --check it only says whether
// it is current.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { markdownTable } from './text-table.mjs'
import { root } from './workspace.mjs'

/** Where each package declares the codes that it throws, in the order of the table. */
const declarations = [
  ['ringlink', 'packages/ringlink/src/errors.ts', ['FanOutErrorCode']],
  ['client', 'packages/client/src/errors.ts', ['ClientErrorCode']],
  [
    'codec',
    'packages/codec/src/errors.ts',
    ['OptionErrorCode', 'KernelErrorCode', 'DecodeErrorCode', 'EncodeErrorCode'],
  ],
  ['transport', 'packages/transport/src/errors.ts', ['TransportErrorCode']],
  ['transport-nats', 'packages/transport-nats/src/errors.ts', ['NatsErrorCode']],
  ['native', 'packages/native/src/loader.ts', ['NativeUnavailableCode']],
]

const document = join(root, 'README.md')
const [begin, end] = ['<!-- generated: errors -->', '<!-- end: errors -->']

const text = readFileSync(document, 'utf8')
const from = text.indexOf(begin) + begin.length
const to = text.indexOf(end)
if (from < begin.length || to < from) throw new Error(`${document} must have ${begin} and ${end}`)
const current = `${text.slice(0, from)}\n\n${table()}\n\n${text.slice(to)}`
if (!process.argv.includes('--check')) writeFileSync(document, current)
else if (current !== text) {
  process.stderr.write('the table of errors of README.md is out of date: run node scripts/error-table.mjs\n')
  process.exit(1)
}

/** A row for each code: of one that several packages throw, what each says of it. */
function table() {
  const rows = new Map()
  for (const [name, path, unions] of declarations) {
    for (const { code, description } of codesIn(path, unions)) {
      const row = rows.get(code) ?? { packages: new Set(), descriptions: new Set() }
      row.packages.add(`[${name}](packages/${name})`)
      row.descriptions.add(description)
      rows.set(code, row)
    }
  }
  const cells = [...rows].map(([code, { packages, descriptions }]) => [
    `\`${code}\``,
    [...packages].join(', '),
    [...descriptions].join('; '),
  ])
  return markdownTable([['code', 'package', 'when'], ...cells])
}

/** The codes of unions, with their comments. */
function codesIn(path, unions) {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest, true)
  const found = new Map()
  source.forEachChild((node) => {
    if (ts.isTypeAliasDeclaration(node)) found.set(node.name.text, node.type)
  })
  return unions.flatMap((name) => {
    const type = found.get(name)
    if (type === undefined) throw new Error(`${path} declares no ${name}`)
    return (ts.isUnionTypeNode(type) ? [...type.types] : [type]).map((member) => codeOf(member, source, path))
  })
}

function codeOf(member, source, path) {
  if (!ts.isLiteralTypeNode(member) || !ts.isStringLiteral(member.literal)) {
    throw new Error(`${path}: ${member.getText()} is not a code`)
  }
  const code = member.literal.text
  const before = source.text.slice(0, member.getStart())
  const comment = /^\/\*\*\s*(.*?)\s*\*\/\s*\|?\s*$/s.exec(before.slice(before.lastIndexOf('/**')))
  if (comment === null) throw new Error(`${path}: ${code} has no comment of its own`)
  const description = comment[1]
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join(' ')
  return { code, description: description.replaceAll('|', '\\|').replaceAll(/\{@link (\S+)\}/g, '`$1`') }
}
