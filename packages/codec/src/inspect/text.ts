import { match } from 'ts-pattern'
import { escapeText } from '../text.ts'
import { type InspectOptions, inspect } from './inspect.ts'
import type { InspectNode } from './tree.ts'

/** Number of bytes shown on one line. */
const LINE_BYTES = 16
/** Maximum width of the column of names. */
const MAXIMUM_NAME_WIDTH = 44

/**
 * {@link inspect} as text: one field per line, with its offset, the name indented by nesting, and the value. Every
 * control, format and bidi character is escaped.
 */
export function inspectText(bytes: Uint8Array, options: InspectOptions = {}): string {
  const lines = inspect(bytes, options).flatMap((node) => nodeLines(node, 0))
  const longest = lines.reduce((width, { name }) => Math.max(width, name.length), 0)
  const width = Math.min(longest, MAXIMUM_NAME_WIDTH)
  return lines
    .map(({ offset, name, value }) => `${hexadecimal(offset, 4)}  ${name.padEnd(width)}  ${value}`.trimEnd())
    .join('\n')
}

interface Line {
  offset: number
  name: string
  value: string
}

function nodeLines(node: InspectNode, level: number): Line[] {
  const { offset } = node
  const name = `${'  '.repeat(level)}${node.name}`
  const below = (children: readonly InspectNode[]) => children.flatMap((child) => nodeLines(child, level + 1))
  return match(node)
    .with({ kind: 'message' }, { kind: 'group' }, ({ length, children }): Line[] => {
      return [{ offset, name, value: `${length} bytes` }, ...below(children)]
    })
    .with({ kind: 'field' }, ({ value, meaning }): Line[] => {
      if (value instanceof Uint8Array) return bytesLines(offset, name, value)
      return [{ offset, name, value: meaning === undefined ? valueText(value) : `${value} ${meaning}` }]
    })
    .with({ kind: 'attribute' }, ({ value, meaning, children }): Line[] => {
      if (value instanceof Uint8Array) return bytesLines(offset, name, value)
      const text = value === undefined ? '' : valueText(value)
      return [{ offset, name, value: meaning === undefined ? text : `${text} ${meaning}` }, ...below(children)]
    })
    .with({ kind: 'bytes' }, ({ hexadecimal: digits }): Line[] => {
      return bytesLines(offset, name, bytesOf(digits))
    })
    .with({ kind: 'problem' }, ({ code, text }): Line[] => {
      return [{ offset, name: `${'  '.repeat(level)}problem`, value: `${code}: ${text}` }]
    })
    .exhaustive()
}

function valueText(value: true | number | bigint | string): string {
  if (typeof value === 'string') return `"${escapeText(value).replaceAll('"', '\\"')}"`
  if (value === true || value < 10) return `${value}`
  return `${value} (0x${value.toString(16)})`
}

function bytesOf(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2)
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16)
  }
  return bytes
}

function bytesLines(offset: number, name: string, bytes: Uint8Array): Line[] {
  if (bytes.length === 0) return [{ offset, name, value: '0 bytes' }]
  const lines: Line[] = []
  for (let start = 0; start < bytes.length; start += LINE_BYTES) {
    let digits = ''
    let characters = ''
    for (const byte of bytes.subarray(start, start + LINE_BYTES)) {
      digits += `${digits === '' ? '' : ' '}${hexadecimal(byte, 2)}`
      characters += byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.'
    }
    const value = `${digits.padEnd(LINE_BYTES * 3 - 1)}  ${characters}`
    lines.push(start === 0 ? { offset, name, value } : { offset: offset + start, name: '', value })
  }
  return lines
}

function hexadecimal(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
