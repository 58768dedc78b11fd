/** `ringlink-families generate my.yaml [module.ts]`: the module of a specification, to a file or to standard output. */
import { readFileSync, writeFileSync } from 'node:fs'
import { escapeText, isNetlinkError } from '@ringlink/codec'
import { generate } from './generate.ts'

const usage = `usage: ringlink-families generate SPECIFICATION.yaml [MODULE.ts]

Writes the TypeScript module of a netlink specification, as the kernel has them in Documentation/netlink/specs.
Without MODULE.ts it goes to standard output.
`

process.exitCode = run(process.argv.slice(2))

function run(given: readonly string[]): number {
  const [command, specification, module, ...more] = given
  if (command === '--help' || command === '-h') {
    process.stdout.write(usage)
    return 0
  }
  if (command !== 'generate' || specification === undefined || more.length > 0) {
    process.stderr.write(usage)
    return 2
  }
  try {
    const text = generate(readFileSync(specification, 'utf8'), specification)
    if (module === undefined) process.stdout.write(text)
    else writeFileSync(module, text)
    return 0
  } catch (error) {
    const isKnown = isNetlinkError(error) || (error instanceof Error && 'syscall' in error)
    if (!isKnown) throw error
    process.stderr.write(`ringlink-families: ${escapeText((error as Error).message)}\n`)
    return 1
  }
}
