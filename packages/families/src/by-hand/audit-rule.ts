/**
 * Rules of audit (`struct audit_rule_data`, uapi/linux/audit.h). Numbers are in host order. Conditions on text have its
 * length as their value; the texts follow the struct.
 *
 *  u32 list | u32 action | u32 count | u32 syscalls[64] | u32 fields[64] | u32 values[64] | u32 operators[64] | u32
 *  length | texts
 */
import { DecodeError, decodeText, EncodeError, encodeText, Memory } from '@ringlink/codec'
import { AuditField } from './audit-rule-constants.ts'

/** The most conditions of a rule (`AUDIT_MAX_FIELDS`). */
const MAXIMUM_CONDITIONS = 64
/** The words of the bits of system calls (`AUDIT_BITMASK_SIZE`). */
const SYSCALL_WORDS = 64

const LIST = 0
const ACTION = 1
const COUNT = 2
const SYSCALLS = 3
const FIELDS = SYSCALLS + SYSCALL_WORDS
const VALUES = FIELDS + MAXIMUM_CONDITIONS
const OPERATORS = VALUES + MAXIMUM_CONDITIONS
const LENGTH = OPERATORS + MAXIMUM_CONDITIONS
const SIZE = (LENGTH + 1) * 4

/** A condition of a rule. */
export interface AuditCondition {
  /** of `AuditField` */
  field: number
  /** of `AuditOperator` */
  operator: number
  /** text where the field is one, such as a path or key */
  value: number | string
}

/** A rule of audit. */
export interface AuditRule {
  /** of `AuditFilter`, with 0x10 (`AUDIT_FILTER_PREPEND`) in a request for the first place */
  list: number
  /** of `AuditAction` */
  action: number
  /** numbers of system calls; all 2048 is any */
  syscalls: number[]
  conditions: AuditCondition[]
}

const TEXT_FIELDS: ReadonlySet<number> = new Set([
  AuditField.SubjUser,
  AuditField.SubjRole,
  AuditField.SubjType,
  AuditField.SubjSen,
  AuditField.SubjClr,
  AuditField.ObjUser,
  AuditField.ObjRole,
  AuditField.ObjType,
  AuditField.ObjLevLow,
  AuditField.ObjLevHigh,
  AuditField.Watch,
  AuditField.Dir,
  AuditField.Exe,
  AuditField.Filterkey,
])

/** Reads a rule. Throws `DecodeError`. */
export function readAuditRule(memory: Memory, offset: number, length: number): AuditRule {
  if (length < SIZE) throw new DecodeError('ATTRIBUTE_SIZE', 'audit rule', { offset, need: SIZE, have: length })
  const word = (index: number) => memory.u32[(offset >> 2) + index] as number
  const syscalls: number[] = []
  for (let call = 0; call < SYSCALL_WORDS * 32; call++) {
    if ((word(SYSCALLS + (call >> 5)) & (1 << (call & 31))) !== 0) syscalls.push(call)
  }
  let position = offset + SIZE
  const end = Math.min(offset + length, position + word(LENGTH))
  const conditions = Array.from({ length: Math.min(word(COUNT), MAXIMUM_CONDITIONS) }, (_, index): AuditCondition => {
    const field = word(FIELDS + index)
    const number = word(VALUES + index)
    const operator = word(OPERATORS + index)
    if (!TEXT_FIELDS.has(field)) return { field, operator, value: number }
    if (position + number > end) {
      throw new DecodeError('ATTRIBUTE_SIZE', 'text of an audit rule', {
        offset: position,
        need: number,
        have: end - position,
      })
    }
    const value = decodeText(memory.copy(position, number))
    position += number
    return { field, operator, value }
  })
  return { list: word(LIST), action: word(ACTION), syscalls, conditions }
}

/** The bytes of a rule. Throws `EncodeError`. */
export function writeAuditRule(given: unknown): Uint8Array {
  const { list, action, syscalls, conditions } = given as AuditRule
  if (!Array.isArray(conditions) || conditions.length > MAXIMUM_CONDITIONS) {
    throw new EncodeError(
      'VALUE_RANGE',
      `conditions of an audit rule must be an array of at most ${MAXIMUM_CONDITIONS}`,
    )
  }
  const texts = conditions.map(({ value }) => (typeof value === 'string' ? encodeText(value, 'audit rule') : NOTHING))
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  const memory = new Memory(SIZE + length + 3)
  const put = (index: number, value: unknown, what: string) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new EncodeError(
        'VALUE_RANGE',
        `${what} of an audit rule must be an integer from 0 to 4294967295, got ${String(value)}`,
      )
    }
    memory.u32[index] = value
  }
  put(LIST, list, 'list')
  put(ACTION, action, 'action')
  put(COUNT, conditions.length, 'conditions')
  for (const call of syscalls) {
    if (!Number.isInteger(call) || call < 0 || call >= SYSCALL_WORDS * 32) {
      throw new EncodeError('VALUE_RANGE', `a system call of an audit rule must be from 0 to 2047, got ${String(call)}`)
    }
    const index = SYSCALLS + (call >> 5)
    memory.u32[index] = (memory.u32[index] as number) | (1 << (call & 31))
  }
  let position = SIZE
  for (const [index, { field, operator, value }] of conditions.entries()) {
    const text = texts[index] as Uint8Array
    put(FIELDS + index, field, 'field')
    put(OPERATORS + index, operator, 'operator')
    put(VALUES + index, typeof value === 'string' ? text.length : value, 'value')
    memory.u8.set(text, position)
    position += text.length
  }
  put(LENGTH, length, 'texts')
  return memory.copy(0, SIZE + length)
}

const NOTHING = new Uint8Array(0)
