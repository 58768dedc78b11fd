/**
 * Rules of audit (`struct audit_rule_data`, uapi/linux/audit.h). Numbers are in host order. Conditions on text have its
 * length as their value; the texts follow the struct.
 *
 *  u32 list | u32 action | u32 count | u32 syscalls[64] | u32 fields[64] | u32 values[64] | u32 operators[64] | u32
 *  length | texts
 */
import { DecodeError, decodeText, encodeText, Memory } from '@ringlink/codec'
import { outOfRange, unknownMember } from '@ringlink/codec/internal'
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

/** The bytes of a rule. Throws `EncodeError` with the path of what is wrong. */
export function writeAuditRule(given: unknown): Uint8Array {
  const rule = fieldsOf(given, 'audit rule', RULE_FIELDS)
  const conditions = arrayOf(rule.conditions, 'audit rule: conditions', MAXIMUM_CONDITIONS).map((condition, at) => {
    const path = `audit rule: conditions[${at}]`
    const { field, operator, value } = fieldsOf(condition, path, CONDITION_FIELDS)
    const text = typeof value === 'string' ? encodeText(value, `${path}.value`) : NOTHING
    return { path, field, operator, value: typeof value === 'string' ? text.length : value, text }
  })
  const length = conditions.reduce((sum, { text }) => sum + text.length, 0)
  const memory = new Memory(SIZE + length + 3)
  const put = (index: number, value: unknown, path: string) => {
    memory.u32[index] = integerOf(value, path, 0xffff_ffff)
  }
  put(LIST, rule.list, 'audit rule: list')
  put(ACTION, rule.action, 'audit rule: action')
  memory.u32[COUNT] = conditions.length
  for (const [at, given] of arrayOf(rule.syscalls, 'audit rule: syscalls', SYSCALLS_MAXIMUM).entries()) {
    const call = integerOf(given, `audit rule: syscalls[${at}]`, SYSCALLS_MAXIMUM - 1)
    const index = SYSCALLS + (call >> 5)
    memory.u32[index] = (memory.u32[index] as number) | (1 << (call & 31))
  }
  let position = SIZE
  for (const [index, { path, field, operator, value, text }] of conditions.entries()) {
    put(FIELDS + index, field, `${path}.field`)
    put(OPERATORS + index, operator, `${path}.operator`)
    put(VALUES + index, value, `${path}.value`)
    memory.u8.set(text, position)
    position += text.length
  }
  memory.u32[LENGTH] = length
  return memory.copy(0, SIZE + length)
}

const SYSCALLS_MAXIMUM = SYSCALL_WORDS * 32
const RULE_FIELDS = ['list', 'action', 'syscalls', 'conditions'] as const
const CONDITION_FIELDS = ['field', 'operator', 'value'] as const

/** The fields of an object that has no others. */
function fieldsOf<Name extends string>(
  given: unknown,
  path: string,
  names: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw outOfRange(path, 'an object', given)
  const unknown = Object.keys(given).find((key) => !names.some((name) => name === key))
  if (unknown !== undefined) throw unknownMember(`${path} has no field`, unknown, names)
  return given as Readonly<Partial<Record<Name, unknown>>>
}

function arrayOf(given: unknown, path: string, longest: number): readonly unknown[] {
  if (Array.isArray(given) && given.length <= longest) return given
  throw outOfRange(path, `an array of at most ${longest} elements`, given)
}

function integerOf(given: unknown, path: string, maximum: number): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= maximum) return given
  throw outOfRange(path, `an integer from 0 to ${maximum}`, given)
}

const NOTHING = new Uint8Array(0)
