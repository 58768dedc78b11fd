import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AuditRecordType } from '../../src/by-hand/audit-constants.ts'
import { readAuditRecord } from '../../src/by-hand/audit-record.ts'

function read(text: string, type: number = AuditRecordType.Syscall) {
  const bytes = new TextEncoder().encode(text)
  return readAuditRecord(Memory.from(bytes), 0, bytes.length, type)
}

test('a record of a system call', () => {
  const text =
    'arch=c000003e syscall=2 success=no exit=-13 a0=7fffd19c5592 ppid=2686 comm="cat" exe="/bin/cat" subj=unconfined_u:r:t:s0-s0:c0.c1 key=(null)'
  expect(read(`audit(1364481363.243:24287): ${text}\0`)).toEqual({
    type: 1300,
    name: 'SYSCALL',
    time: 1_364_481_363_243,
    serial: 24_287,
    text,
    fields: {
      ...{ arch: 'c000003e', syscall: '2', success: 'no', exit: '-13', a0: '7fffd19c5592', ppid: '2686' },
      ...{ comm: 'cat', exe: '/bin/cat', subj: 'unconfined_u:r:t:s0-s0:c0.c1', key: '(null)' },
    },
  })
})

test("a program's fields are those within msg", () => {
  const { name, fields } = read(
    `audit(1.5:7): pid=1 uid=0 msg='op=PAM:session_open acct="root" exe="/usr/sbin/cron" res=success'`,
    1105,
  )
  expect(name).toBe('1105')
  expect(fields).toEqual({
    ...{ pid: '1', uid: '0', op: 'PAM:session_open', acct: 'root', exe: '/usr/sbin/cron', res: 'success' },
  })
})

test('hexadecimal values are text where a field may come so, and only there', () => {
  const head = 'audit(1.000:1): '
  expect(read(`${head}proctitle=63617400612062`, AuditRecordType.Proctitle).fields.proctitle).toBe('cat a b')
  expect(read(`${head}argc=2 a0="ls" a1=2F20`, AuditRecordType.Execve).fields).toEqual({ argc: '2', a0: 'ls', a1: '/' })
  expect(read(`${head}a0=2F20 items=2F`).fields).toEqual({ a0: '2F20', items: '2F' })
  expect(read(`${head}key=C3A4`).fields.key).toBe('ä')
})

test('what is not a field stays in the text', () => {
  const { fields, text } = read('audit(1.000:1): avc:  denied  { read } for  pid=7 name="x" name="y"', 1400)
  expect(text).toBe('avc:  denied  { read } for  pid=7 name="x" name="y"')
  expect(fields).toEqual({ pid: '7', name: 'x' })
})

test('any other text is refused, and no text harms the object', () => {
  for (const text of ['', 'audit', 'audit(1:2): a=b', 'x audit(1.1:2): a=b']) {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
  }
  expect(Object.getPrototypeOf(read('audit(1.1:2): __proto__=x').fields)).toBe(Object.prototype)
  const property = fc.property(fc.string({ maxLength: 200 }), (text) => {
    const { fields } = read(`audit(1.1:2): ${text}`)
    expect(Object.values(fields).every((value) => typeof value === 'string')).toBe(true)
  })
  fc.assert(property, { numRuns: 500 })
})
