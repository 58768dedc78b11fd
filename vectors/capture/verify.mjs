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

const records = new Map(
  readRecords(readFileSync(join(here, 'queue.raw.txt'), 'utf8')).map((record) => [record.name, record]),
)
const files = readdirSync(join(here, '../queue')).filter((name) => name.endsWith('.hex'))
for (const file of files) {
  const { head, bytes } = read('queue', file)
  const record = records.get(head.name)
  records.delete(head.name)
  if (!record) problems.push(`queue/${file}: no such record`)
  else if (!bytes.equals(record.bytes)) problems.push(`queue/${file}: differs from the raw capture`)
  for (const key of ['name', 'from', 'command', 'kernel', 'date'])
    if (!head[key]) problems.push(`queue/${file}: no ${key}`)
  if (bytes.readUInt32LE(0) !== bytes.length)
    problems.push(`queue/${file}: nlmsg_len ${bytes.readUInt32LE(0)}, ${bytes.length} bytes`)
}
for (const name of records.keys()) problems.push(`${name}: has no vector`)

const invalid = readdirSync(join(here, '../invalid')).filter((name) => name.endsWith('.hex'))
for (const file of invalid) {
  const { head } = read('invalid', file)
  if (head.from !== 'hand' || !expectations.includes(head.expect))
    problems.push(`invalid/${file}: from ${head.from}, expect ${head.expect}`)
}

const readme = readFileSync(join(here, '../README.md'), 'utf8')
for (const file of [...files, ...invalid])
  if (!readme.includes(`\`${file.slice(0, -4)}\``)) problems.push(`README.md: does not name ${file}`)

for (const problem of problems) console.error(problem)
console.log(
  `${files.length} vectors equal to the capture, ${invalid.length} invalid ones readable, ${problems.length} problems`,
)
process.exitCode = problems.length ? 1 : 0
