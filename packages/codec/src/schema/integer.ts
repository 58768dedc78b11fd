/** Reads and writes the integers of tables, in place. */
import { checkInteger, outOfRange } from '../value.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import type { Memory } from '../wire/memory.ts'
import type { IntegerFormat, VariableIntegerFormat } from './format.ts'

/** Reads an integer: of eight bytes a bigint. `inNetworkOrder`: regardless of the table. */
export function readInteger(
  format: IntegerFormat,
  memory: Memory,
  offset: number,
  inNetworkOrder: boolean,
): number | bigint {
  const little = format.order === 'host' && !inNetworkOrder && hostIsLittleEndian
  switch (format.size) {
    case 1:
      return format.signed ? memory.data.getInt8(offset) : (memory.u8[offset] as number)
    case 2:
      return format.signed ? memory.data.getInt16(offset, little) : memory.data.getUint16(offset, little)
    case 4:
      return format.signed ? memory.data.getInt32(offset, little) : memory.data.getUint32(offset, little)
    case 8:
      return format.signed ? memory.data.getBigInt64(offset, little) : memory.data.getBigUint64(offset, little)
  }
}

/** Writes an integer. Throws code `VALUE_RANGE`: a value is refused, never cut. */
export function writeInteger(
  format: IntegerFormat,
  memory: Memory,
  offset: number,
  value: unknown,
  what: string,
): void {
  const little = format.order === 'host' && hostIsLittleEndian
  if (format.size === 8) {
    memory.data.setBigUint64(offset, checkWide(value, format.signed, what), little)
    return
  }
  const bits = format.size * 8
  const minimum = format.signed ? -(2 ** (bits - 1)) : 0
  const maximum = format.signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
  const number = checkInteger(what, value, minimum, maximum)
  if (format.size === 1) memory.u8[offset] = number
  else if (format.size === 2) memory.data.setUint16(offset, number, little)
  else memory.data.setUint32(offset, number, little)
}

/** Reads a `uint` or `sint` of four or eight bytes. */
export function readVariable(
  { signed }: VariableIntegerFormat,
  memory: Memory,
  offset: number,
  length: number,
  inNetworkOrder: boolean,
): bigint {
  const size = length === 4 ? 4 : 8
  return BigInt(readInteger({ kind: 'integer', size, order: 'host', signed }, memory, offset, inNetworkOrder))
}

/** How many bytes a `uint` or `sint` takes. Throws code `VALUE_RANGE`. */
export function variableSize({ signed }: VariableIntegerFormat, value: unknown, what: string): 4 | 8 {
  const wide = checkWide(value, signed, what)
  return (signed ? BigInt.asIntN(32, wide) : BigInt.asUintN(32, wide)) === wide ? 4 : 8
}

/** Writes a `uint` or `sint` into `size` bytes, which {@link variableSize} says. */
export function writeVariable(
  { signed }: VariableIntegerFormat,
  memory: Memory,
  offset: number,
  size: 4 | 8,
  value: bigint,
): void {
  const given = size === 4 ? Number(value) : value
  writeInteger({ kind: 'integer', size, order: 'host', signed }, memory, offset, given, 'integer')
}

function checkWide(value: unknown, signed: boolean, what: string): bigint {
  if (typeof value !== 'bigint') throw outOfRange(what, 'a bigint', value)
  const fitting = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)
  if (fitting !== value) throw outOfRange(what, signed ? '-2^63 to 2^63 - 1' : '0 to 2^64 - 1', value)
  return value
}
