// SPDX-License-Identifier: MIT
// Reads every vector back as a plain reader would and compares it with the raw capture. Needs no privileges.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRecords } from './annotate.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const problems = []
const expectations = ['short-header', 'message-length', 'attribute-length', 'nested-depth', 'trailing-bytes']

function read(folder, file) {
  const head = {}
  const bytes = []
  readFileSync(join(here, '..', folder, file), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const pair = /^# (name|from|command|kernel|library|date|note|expect): (.+)$/.exec(line)
      if (pair && bytes.length === 0) head[pair[1]] = pair[2]
      else if (/^([0-9a-f]{2})( [0-9a-f]{2})*( +# .*)?$/.test(line))
        bytes.push(
          ...line
            .split('#')[0]
            .trim()
            .split(' ')
            .map((n) => Number.parseInt(n, 16)),
        )
      else if (line !== '') problems.push(`${folder}/${file}:${index + 1}: cannot read "${line}"`)
      if (/left over|undefined|NaN/.test(line)) problems.push(`${folder}/${file}:${index + 1}: ${line}`)
      if (/[^\x20-\x7e]/.test(line)) problems.push(`${folder}/${file}:${index + 1}: not ASCII`)
    })
  if (head.name !== file.replace(/\.hex$/, '')) problems.push(`${folder}/${file}: is named ${head.name}`)
  return { head, bytes: Buffer.from(bytes) }
}

// The lengths of a datagram's messages: they must fill it, each starting at a multiple of 4.
function messageLengths(bytes) {
  const lengths = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < 16 ? 0 : bytes.readUInt32LE(at)
    if (length < 16 || length > bytes.length - at) return undefined
    lengths.push(length)
    at += (length + 3) & ~3
  }
  return lengths
}

const files = []
for (const folder of ['queue', 'log', 'nftables', 'conntrack']) {
  const records = new Map(
    readRecords(readFileSync(join(here, `${folder}.raw.txt`), 'utf8')).map((record) => [record.name, record]),
  )
  for (const file of readdirSync(join(here, '..', folder)).filter((name) => name.endsWith('.hex'))) {
    const { head, bytes } = read(folder, file)
    const record = records.get(head.name)
    records.delete(head.name)
    files.push(`${folder}/${file}`)
    if (!record) problems.push(`${folder}/${file}: no such record`)
    else if (!bytes.equals(record.bytes)) problems.push(`${folder}/${file}: differs from the raw capture`)
    for (const key of ['name', 'from', 'command', 'kernel', 'date'])
      if (!head[key]) problems.push(`${folder}/${file}: no ${key}`)
    const lengths = messageLengths(bytes)
    if (!lengths) problems.push(`${folder}/${file}: its messages do not fill its ${bytes.length} bytes`)
    else if (lengths.length > 1 !== /^several messages/.test(head.note ?? ''))
      problems.push(`${folder}/${file}: ${lengths.length} messages, and the note says something else`)
  }
  for (const name of records.keys()) problems.push(`${folder}/${name}: has no vector`)
}

const invalid = readdirSync(join(here, '../invalid')).filter((name) => name.endsWith('.hex'))
for (const file of invalid) {
  const { head } = read('invalid', file)
  if (head.from !== 'hand' || !expectations.includes(head.expect))
    problems.push(`invalid/${file}: from ${head.from}, expect ${head.expect}`)
}

// A file is named in a table of its folder's chapter: the folders share names.
const readme = readFileSync(join(here, '../README.md'), 'utf8')
const chapters = Object.fromEntries(
  ['queue', 'log', 'nftables', 'conntrack', 'invalid'].map((name) => [name, `## Files of \`${name}/\``]),
)
for (const path of [...files, ...invalid.map((file) => `invalid/${file}`)]) {
  const [folder, file] = path.split('/')
  const chapter = readme.split(`${chapters[folder]}\n`)[1]?.split('\n## ')[0] ?? ''
  if (!chapter.includes(`\`${file.slice(0, -4)}\``)) problems.push(`README.md: does not name ${path}`)
}

for (const problem of problems) console.error(problem)
console.log(
  `${files.length} vectors equal to the capture, ${invalid.length} invalid ones readable, ${problems.length} problems`,
)
process.exitCode = problems.length ? 1 : 0
