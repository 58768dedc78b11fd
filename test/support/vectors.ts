/** Reads the golden vectors of /vectors for tests; vectors/README.md describes the format. */

import { readdirSync, readFileSync } from 'node:fs'
import { type AttributeSet, type DecodeErrorCode, Memory, Protocol } from '@ringlink/codec'
import { attributeByNumber } from '@ringlink/codec/internal'

const ROOT = new URL('../../vectors/', import.meta.url)

/** The comment of one line about its bytes. */
export interface VectorField {
  /** offset of its first byte, from the start of the file's bytes */
  readonly offset: number
  /** levels of nesting, by the comment's indentation */
  readonly level: number
  /** the first word of the comment: the kernel's name of the field */
  readonly name: string
  /** the rest of the comment */
  readonly value: string
}

export interface Vector {
  readonly name: string
  readonly from: string
  readonly command: string
  readonly kernel: string
  readonly note: string
  /** why a reader must refuse it; only in `invalid` */
  readonly expect: string
  readonly bytes: Uint8Array
  readonly fields: readonly VectorField[]
}

export type Folder = 'queue' | 'log' | 'nftables' | 'conntrack' | 'invalid'

/** All vectors of a folder, ordered by name. */
export function loadVectors(folder: Folder): Vector[] {
  const directory = new URL(`${folder}/`, ROOT)
  return readdirSync(directory)
    .filter((file) => file.endsWith('.hex'))
    .sort()
    .map((file) => parseVector(readFileSync(new URL(file, directory), 'utf8')))
}

/** One vector by its name. */
export function loadVector(folder: Folder, name: string): Vector {
  return parseVector(readFileSync(new URL(`${folder}/${name}.hex`, ROOT), 'utf8'))
}

/** The messages of a datagram, each as a separate vector, split where the comments mark a beginning. */
export function messagesOf(datagram: Vector): Vector[] {
  const { name, bytes, fields } = datagram
  const starts = fields.filter((field) => field.name === 'nlmsg_len' && field.level === 0).map(({ offset }) => offset)
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? bytes.length
    return {
      ...datagram,
      name: starts.length === 1 ? name : `${name}, message ${index + 1}`,
      bytes: bytes.slice(start, end),
      fields: fields
        .filter(({ offset }) => offset >= start && offset < end)
        .map((field) => ({ ...field, offset: field.offset - start })),
    }
  })
}

/** The messages captured from a kernel, by file name. */
export function capturedMessages(): (readonly [name: string, Vector])[] {
  return (['queue', 'log', 'nftables', 'conntrack'] as const).flatMap((folder) =>
    loadVectors(folder)
      .flatMap(messagesOf)
      .map((vector) => [`${folder}/${vector.name}`, vector] as const),
  )
}

export function parseVector(source: string): Vector {
  const header = new Map<string, string>()
  const bytes: number[] = []
  const fields: VectorField[] = []
  for (const line of source.split('\n')) {
    const key = /^# (\w+): (.*)$/.exec(line)
    if (key !== null) {
      header.set(key[1] as string, key[2] as string)
      continue
    }
    const [hex = '', ...rest] = line.split('#')
    const comment = /^ ( *)(\S+) ?(.*)$/.exec(rest.join('#'))
    if (comment !== null) {
      const [, blanks = '', name = '', value = ''] = comment
      fields.push({ offset: bytes.length, level: blanks.length / 2, name, value })
    }
    for (const byte of hex.split(' ')) if (byte !== '') bytes.push(Number.parseInt(byte, 16))
  }
  const text = (name: string) => header.get(name) ?? ''
  return {
    name: text('name'),
    from: text('from'),
    command: text('command'),
    kernel: text('kernel'),
    note: text('note'),
    expect: text('expect'),
    bytes: Uint8Array.from(bytes),
    fields,
  }
}

/** The netlink protocol that a vector was captured from: NETLINK_NETFILTER unless its note names another one. */
export function protocolOf({ note }: Vector): number {
  if (note.includes('NETLINK_ROUTE')) return Protocol.Route
  return note.includes('NETLINK_GENERIC') ? Protocol.Generic : Protocol.Netfilter
}

/** The number at the beginning of a comment, if it is followed by a blank or the end. */
export function numberIn(value: string): bigint | undefined {
  const match = /^(-?)(0x[0-9a-f]+|\d+)(?= |$)/.exec(value)
  if (match === null) return undefined
  const number = BigInt(match[2] as string)
  return match[1] === '-' ? -number : number
}

/** The error code that corresponds to the text of `# expect:`. */
export const expectedCode: Readonly<Record<string, DecodeErrorCode>> = {
  'short-header': 'SHORT_HEADER',
  'message-length': 'MESSAGE_LENGTH',
  'attribute-length': 'ATTRIBUTE_LENGTH',
  'nested-depth': 'NESTED_DEPTH',
  'trailing-bytes': 'SHORT_HEADER',
}

const NESTED = 0x8000

/**
 * A message of nf_tables as the codec writes it. Normalises two encodings: the kernel sends nests without NLA_F_NESTED,
 * and libnftnl numbers the elements of a set.
 */
export function canonical(message: Uint8Array, start: number, set: AttributeSet): Uint8Array {
  const bytes = message.slice()
  const data = new DataView(bytes.buffer)
  const each = (from: number, to: number, visit: (at: number, type: number, end: number) => void) => {
    for (let at = from; at + 4 <= to; at += (data.getUint16(at, true) + 3) & ~3) {
      visit(at, data.getUint16(at + 2, true) & 0x3fff, at + data.getUint16(at, true))
    }
  }
  const walk = (from: number, to: number, inner: AttributeSet): void =>
    each(from, to, (at, type, end) => {
      const format = attributeByNumber(inner, type)?.format
      const nest = (nestSet: AttributeSet | undefined, number: number, offset = at, limit = end) => {
        if (nestSet === undefined) return
        data.setUint16(offset + 2, number | NESTED, true)
        walk(offset + 4, limit, nestSet)
      }
      if (format?.kind === 'nested' || format?.kind === 'sequence') nest(format.set(), type)
      if (format?.kind === 'list') {
        data.setUint16(at + 2, type | NESTED, true)
        each(at + 4, end, (offset, _, limit) => nest(format.element(), 1, offset, limit))
      }
      if (format?.kind !== 'union') return
      const key = inner.members[format.key]?.number
      each(from, to, (offset, number, limit) => {
        if (number !== key) return
        const chosen = format.sets[new TextDecoder().decode(bytes.subarray(offset + 4, limit - 1))]
        if (chosen !== undefined && !('kind' in chosen)) nest(chosen, type)
      })
    })
  walk(start, bytes.length, set)
  return bytes
}

/** A block of memory with the bytes at `offset`, surrounded by others that must not be read. */
export function memoryWith(bytes: Uint8Array, offset = 64): Memory {
  const memory = new Memory(offset + bytes.length + 64)
  memory.u8.fill(0xa5)
  memory.u8.set(bytes, offset)
  return memory
}
