import type { InspectNode } from '@ringlink/codec/inspect'
import type { Paint, Style } from '../terminal/paint.ts'

/** offset | two blanks | name, indented by nesting | two blanks | value */
const LINE = /^([\da-f]{4,})( {2,})(\S+(?: \S+)*)?(.*)$/s

/** A line of `inspectText` in colours. */
export function paintLine(line: string, paint: Paint): string {
  const [, offset = '', indent = '', name = '', value = ''] = LINE.exec(line) ?? []
  if (offset === '') return line
  const isProblem = name === 'problem'
  const isMessage = indent.length === 2 && !isProblem
  const style: Style = isProblem ? 'red' : isMessage ? ['bold', 'green'] : 'cyan'
  return `${paint('dim', offset)}${indent}${name === '' ? '' : paint(style, name)}${isProblem ? paint('red', value) : value}`
}

/** A node for `JSON.stringify`: bytes as hexadecimal digits, numbers that are too large for one as text. */
export function nodeObject(node: InspectNode): unknown {
  return JSON.parse(
    JSON.stringify(node, (_, value: unknown) => {
      if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
    }),
  )
}
