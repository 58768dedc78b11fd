/** What another program shows, held field by field against what we have read. */
import { spawnSync } from 'node:child_process'

/** A field of another program's: what it must be by our values, or why it is not compared. */
export type Reader<Row> = ((row: Row, shown: Shown) => unknown) | string
export type Readers<Row> = Readonly<Record<string, Reader<Row>>>
export type Shown = Readonly<Record<string, unknown>>

/**
 * Where a row and what is shown of it differ. Every field that is shown must have a reader: one that has none is a
 * difference, so that a newer program that shows more is noticed. `null` is a word without a value.
 */
export function differences<Row>(shown: Shown, row: Row, readers: Readers<Row>): string[] {
  const fields = flat(shown)
  return Object.entries(fields).flatMap(([name, value]) => {
    const reader = readers[name]
    if (reader === undefined) return [`${name} is shown as ${JSON.stringify(value)}, and nothing reads it`]
    if (typeof reader === 'string') return []
    const ours = reader(row, fields)
    if (JSON.stringify(ours) === JSON.stringify(value)) return []
    return [`${name} is shown as ${JSON.stringify(value)}, ours is ${JSON.stringify(ours)}`]
  })
}

/** The fields that were compared, of all that is shown. */
export function comparedFields<Row>(shown: readonly Shown[], readers: Readers<Row>): string[] {
  const names = new Set(shown.flatMap((each) => Object.keys(flat(each))))
  return [...names].filter((name) => typeof readers[name] === 'function')
}

/** Fields of objects within objects by their path; arrays are values. */
function flat(shown: Shown, path = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shown).flatMap(([name, value]) => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      return isObject ? Object.entries(flat(value as Shown, `${path}${name}.`)) : [[path + name, value]]
    }),
  )
}

/** The name of a value of constants as other programs have it: lower case, `prefix` before it. */
export function nameOf(constants: Readonly<Record<string, number>>, value: number | undefined): string | undefined {
  return Object.keys(constants).find((key) => constants[key] === value)
}

/** The names of the bits of flags, in capital letters. */
export function bitNames(constants: Readonly<Record<string, number>>, value: number): string[] {
  return Object.keys(constants)
    .filter((key) => (value & (constants[key] as number)) !== 0)
    .map((key) => key.toUpperCase())
}

export const hardware = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')

/** An address of 4 or 16 bytes as text. */
export function addressText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.length === 4) return bytes?.join('.')
  const digits = Buffer.from(bytes).toString('hex')
  const { hostname } = new URL(`http://[${digits.match(/.{4}/g)?.join(':')}]`)
  return hostname
    .slice(1, -1)
    .replace(/^::ffff:([0-9a-f]+):([0-9a-f]+)$/, () => `::ffff:${bytes.subarray(12).join('.')}`)
}

/** Why a program cannot be run; `undefined` where it can. */
export function missingProgram(command: string): string | undefined {
  return spawnSync(command, ['--version']).error === undefined ? undefined : `${command} is not installed`
}

/** The title of tests beside a program, with the reason where they are skipped. */
export function beside(title: string, missing: string | undefined): string {
  return missing === undefined ? title : `${title} (skipped: ${missing})`
}
