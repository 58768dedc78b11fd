/** Reads and writes the structs of tables, in place. */
import { outOfRange } from '../value.ts'
import { Memory } from '../wire/memory.ts'
import { encodeText, readText } from '../wire/text.ts'
import { expectArray, expectBytes, expectObject } from './check.ts'
import { type FieldFormat, type IntegerFormat, MAXIMUM_PAYLOAD, STRUCT_TAIL, type StructFormat } from './format.ts'
import { readInteger, writeInteger } from './integer.ts'
import { unknownMember } from './unknown-member.ts'

type Fields = Readonly<Record<string, unknown>>
const NO_BYTES = new Uint8Array(0)

/** The array of unknown length that a struct ends with, if it does. */
export function restField({
  fields,
}: StructFormat): { name: string; element: StructFormat | IntegerFormat } | undefined {
  const last = fields.at(-1)
  if (last?.format.kind !== 'rest' || last.name === undefined) return undefined
  return { name: last.name, element: last.format.element }
}

/**
 * Reads a struct from `length` bytes, which may be more than its fields (the rest is in `unknown`) or fewer (an older
 * kernel's: what is not there is zero).
 */
export function readStruct(
  format: StructFormat,
  memory: Memory,
  offset: number,
  length: number,
  inNetworkOrder: boolean,
): Record<string, unknown> {
  if (length < format.size) {
    const whole = new Memory(format.size)
    whole.u8.set(memory.u8.subarray(offset, offset + length))
    return readStruct(format, whole, 0, format.size, inNetworkOrder)
  }
  const value: Record<string, unknown> = {}
  let end = format.size
  for (const { name, offset: start, format: field } of format.fields) {
    if (name === undefined) continue
    if (field.kind === 'rest') {
      const elements = readRest(field.element, memory, offset + start, length - start, inNetworkOrder)
      value[name] = elements
      end = start + elements.length * field.element.size
    } else {
      value[name] = readField(field, memory, offset + start, inNetworkOrder)
    }
  }
  if (length > end) {
    // Not enumerable: a value equals that of an older kernel, and is written again with all its bytes.
    Object.defineProperty(value, STRUCT_TAIL, { value: memory.copy(offset + end, length - end) })
  }
  return value
}

function readField(
  format: Exclude<FieldFormat, { kind: 'rest' }>,
  memory: Memory,
  offset: number,
  inNetworkOrder: boolean,
): unknown {
  switch (format.kind) {
    case 'integer':
      return readInteger(format, memory, offset, inNetworkOrder)
    case 'bytes':
      return memory.copy(offset, format.maximum)
    case 'characters':
      return readText(memory, offset, format.size)
    case 'struct':
      return readStruct(format, memory, offset, format.size, inNetworkOrder)
  }
}

function readRest(
  element: StructFormat | IntegerFormat,
  memory: Memory,
  offset: number,
  length: number,
  inNetworkOrder: boolean,
): unknown[] {
  return Array.from({ length: Math.floor(length / element.size) }, (_, index) =>
    readField(element, memory, offset + index * element.size, inNetworkOrder),
  )
}

/** The bytes that a struct takes. Throws code `VALUE_RANGE`. */
export function structLength(format: StructFormat, fields: Fields, kernelName: string): number {
  const tail = structTail(fields, format, kernelName)
  const length = format.size + tail.length
  const rest = restField(format)
  if (rest === undefined) return length
  return length + expectArray(fields[rest.name], `${kernelName}.${rest.name}`).length * rest.element.size
}

/**
 * Writes a struct of {@link structLength} bytes. Fields without a name are zero. Throws code `VALUE_RANGE` that names
 * the field.
 */
export function writeStruct(
  format: StructFormat,
  memory: Memory,
  offset: number,
  fields: Fields,
  kernelName: string,
): void {
  memory.u8.fill(0, offset, offset + format.size)
  let end = format.size
  let written = 0
  for (const { name, offset: start, format: field } of format.fields) {
    if (name === undefined) continue
    written++
    const what = `${kernelName}.${name}`
    if (field.kind === 'rest') {
      for (const element of expectArray(fields[name], what)) {
        writeField(field.element, memory, offset + end, element, what)
        end += field.element.size
      }
    } else {
      writeField(field, memory, offset + start, fields[name], what)
    }
  }
  if (fields[STRUCT_TAIL] !== undefined) memory.u8.set(structTail(fields, format, kernelName), offset + end)
  // A field that is missing was refused: as many as were written are all that there may be.
  if (Object.keys(fields).length > written) checkNames(format, fields, kernelName)
}

function writeField(
  format: Exclude<FieldFormat, { kind: 'rest' }>,
  memory: Memory,
  offset: number,
  value: unknown,
  what: string,
): void {
  switch (format.kind) {
    case 'integer':
      writeInteger(format, memory, offset, value, what)
      return
    case 'bytes':
      memory.u8.set(expectBytes(value, what, format.minimum, format.maximum), offset)
      return
    case 'characters': {
      if (typeof value !== 'string') throw outOfRange(what, 'a string', value)
      const bytes = encodeText(value, what)
      if (bytes.length > format.size || bytes.includes(0)) {
        throw outOfRange(what, `text of at most ${format.size} bytes without a zero character`, value)
      }
      memory.u8.fill(0, offset, offset + format.size)
      memory.u8.set(bytes, offset)
      return
    }
    case 'struct':
      writeStruct(format, memory, offset, expectObject(value, what), what)
      return
  }
}

function checkNames({ fields: known }: StructFormat, given: Fields, kernelName: string): void {
  for (const name of Object.keys(given)) {
    if (name === STRUCT_TAIL || known.some((field) => field.name === name)) continue
    const fields = known.flatMap((field) => field.name ?? [])
    throw unknownMember(`${kernelName} has no field`, name, fields)
  }
}

/** The bytes after the fields that the table knows. */
function structTail(fields: Fields, { size }: StructFormat, kernelName: string): Uint8Array {
  const tail = fields[STRUCT_TAIL]
  return tail === undefined ? NO_BYTES : expectBytes(tail, `${kernelName}.${STRUCT_TAIL}`, 0, MAXIMUM_PAYLOAD - size)
}
