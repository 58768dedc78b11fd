/** Big-endian fields at any offset: a packet's headers are not aligned if an Ethernet header precedes them. */
import { EncodeError, quoteText } from '@ringlink/codec/errors'
import type { Memory } from '@ringlink/codec/memory'

/** Whether this machine keeps the low byte first. */
export const hostIsLittleEndian: boolean = /* @__PURE__ */ isLittleEndian()

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
}

/** Reverses the bytes of a 32-bit number; the result is unsigned. */
export function swap32(value: number): number {
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
}

/** The 16-bit field at `offset`. */
export function read16(memory: Memory, offset: number): number {
  const { u8 } = memory
  return ((u8[offset] as number) << 8) | (u8[offset + 1] as number)
}

/** The 32-bit field at `offset`, unsigned. */
export function read32(memory: Memory, offset: number): number {
  const { u8 } = memory
  const high = ((u8[offset] as number) << 8) | (u8[offset + 1] as number)
  return ((high << 16) | ((u8[offset + 2] as number) << 8) | (u8[offset + 3] as number)) >>> 0
}

/** Writes the low 16 bits of `value`. */
export function write16(memory: Memory, offset: number, value: number): void {
  memory.u8[offset] = value >>> 8
  memory.u8[offset + 1] = value
}

/** Writes the low 32 bits of `value`. */
export function write32(memory: Memory, offset: number, value: number): void {
  write16(memory, offset, value >>> 16)
  write16(memory, offset + 2, value)
}

/** Returns `value` if it is an integer from 0 to `maximum`. Throws `EncodeError`, code `VALUE_RANGE`. */
export function field(name: string, value: number, maximum: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= maximum) return value
  throw new EncodeError('VALUE_RANGE', `${name} must be an integer from 0 to ${maximum}, got ${show(value)}`)
}

/** A caller's value as shown in an error: quoted, escaped, of bounded length, with its type. */
export function show(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value)
  if (typeof value !== 'string') return `a value of type ${typeof value}`
  return `${quoteText(value)} (string)`
}
