/**
 * Records of audit: text with a time, a number that all records of one event have, and fields.
 *
 *  audit(1364481363.243:24287): arch=c000003e syscall=2 success=no comm="cat" key=(null)
 *
 * Values with a blank, a quote or a byte beyond ASCII come as hexadecimal digits (audit_log_untrustedstring()). Fields
 * that may come so are known by name. Programs put their fields into msg='…', which is read as well.
 */
import { DecodeError, decodeText, type Memory } from '@ringlink/codec'
import { AuditRecordType } from './audit-constants.ts'

/** A record of audit. */
export interface AuditRecord {
  /** of `AuditRecordType` */
  type: number
  /** the type by its name without `AUDIT_`: `SYSCALL`; of an unknown one its number */
  name: string
  /** milliseconds since 1970 */
  time: number
  /** the event that the record is part of */
  serial: number
  /** fields by name; of one that is repeated the first */
  fields: Record<string, string>
  /** all that follows the time and number, as it came */
  text: string
}

const RECORD_HEAD = /^audit\((\d+)\.(\d+):(\d+)\):? ?/
/** `name=value`: in quotes, up to a blank, or several words in braces as of SELinux. */
const FIELD = /([A-Za-z_][\w.-]*)=("[^"]*"|'[^']*'|\{[^}]*\}|\S*)/g
/** Fields whose value is hexadecimal where it has special bytes. */
const ENCODED: ReadonlySet<string> = new Set([
  ...['acct', 'cmd', 'comm', 'cwd', 'data', 'dir', 'exe', 'file', 'grp', 'host', 'key', 'name', 'new', 'old'],
  ...['op', 'path', 'proctitle', 'user', 'watch'],
])
const HEXADECIMAL = /^([\dA-F]{2})+$/

const names = new Map<number, string>(
  Object.entries(AuditRecordType).map(([key, number]) => [
    number,
    key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase(),
  ]),
)

/** Reads a record. Throws `DecodeError` where it has no time and number. */
export function readAuditRecord(memory: Memory, offset: number, length: number, type: number): AuditRecord {
  const bytes = memory.u8.slice(offset, offset + length)
  const end = bytes.indexOf(0)
  const whole = decodeText(end < 0 ? bytes : bytes.subarray(0, end)).trimEnd()
  const [head, seconds, milliseconds, serial] = RECORD_HEAD.exec(whole) ?? []
  if (head === undefined) throw new DecodeError('MESSAGE_TYPE', 'audit record', { offset, need: 1, have: length })
  const text = whole.slice(head.length)
  return {
    type,
    name: names.get(type) ?? String(type),
    time: Number(seconds) * 1000 + Number(milliseconds),
    serial: Number(serial),
    fields: fieldsOf(text, type),
    text,
  }
}

/** The fields of a record's text. */
function fieldsOf(text: string, type: number): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(FIELD)) {
    const inner = /^'(.*)'$/s.exec(value)?.[1]
    if (name === 'msg' && inner !== undefined) {
      for (const [key, nested] of Object.entries(fieldsOf(inner, type))) put(fields, key, nested)
    } else put(fields, name, plainValue(name, value, type))
  }
  return fields
}

function put(fields: Record<string, string>, name: string, value: string): void {
  if (!Object.hasOwn(fields, name) && name !== '__proto__') fields[name] = value
}

function plainValue(name: string, value: string, type: number): string {
  const quoted = /^"(.*)"$/s.exec(value)?.[1] ?? /^'(.*)'$/s.exec(value)?.[1]
  if (quoted !== undefined) return quoted
  const isArgument = type === AuditRecordType.Execve && /^a\d+(\[\d+\])?$/.test(name)
  if ((!ENCODED.has(name) && !isArgument) || !HEXADECIMAL.test(value)) return value
  const bytes = Uint8Array.from(value.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
  // The arguments of a process are parted by zero bytes.
  return decodeText(bytes).replaceAll('\0', ' ').trimEnd()
}
