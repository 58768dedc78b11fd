import { Memory, type StructFormat } from '@ringlink/codec'
import { writeStruct } from '@ringlink/codec/internal'

/** A struct as bytes. Throws code `VALUE_RANGE` that names the field. */
export function structBytes(layout: StructFormat, values: object): Uint8Array {
  const memory = new Memory(layout.size)
  writeStruct(layout, memory, 0, values as Readonly<Record<string, unknown>>, 'struct')
  return memory.copy(0, layout.size)
}
