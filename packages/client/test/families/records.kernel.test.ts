/** Families whose notifications are records instead of attributes: audit, and the events of kernel objects. */
import { readFileSync } from 'node:fs'
import { beginMessage, Errno, type FamilyDescription, finishMessage, NewFlag } from '@ringlink/codec'
import { audit } from '@ringlink/families/audit'
import { AuditRecordType, AuditStatusField } from '@ringlink/families/audit-constants'
import { AuditAction, AuditField, AuditFilter, AuditOperator } from '@ringlink/families/audit-rule-constants'
import { IscsiEventType, IscsiRequestType, iscsi, writeIscsiRequest } from '@ringlink/families/iscsi'
import { rtLink } from '@ringlink/families/rt-link'
import { scsiTransport } from '@ringlink/families/scsi-transport'
import { kernelEvents } from '@ringlink/families/uevent'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterEach, describe, expect, test } from 'vitest'
import type { NetlinkFamily } from '../../src/index.ts'
import { OpenedFamilies } from './opened-families.ts'

/** Audit answers only the first user namespace, and this program's is that where it maps every user. */
const isFirstNamespace = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8').trimEnd())

describe.skipIf(kernelUnavailable)(kernelTests('records of the real kernel'), () => {
  const opened = new OpenedFamilies()
  afterEach(() => opened.close())

  /** Audit where this program may use it; elsewhere its refusal is what is tested. */
  async function openAudit() {
    let family: NetlinkFamily<typeof audit>
    try {
      family = await opened.open(audit)
    } catch (error) {
      expect(error).toMatchObject({ code: 'FAMILY_UNSUPPORTED', message: expect.stringContaining('CONFIG_AUDIT') })
      return undefined
    }
    if (isFirstNamespace && process.getuid?.() === 0) return family
    await expect(family.do('getStatus')).rejects.toMatchObject({
      code: 'KERNEL',
      errno: expect.toSatisfy((errno) => errno === Errno.ECONNREFUSED || errno === Errno.EPERM),
    })
    return undefined
  }

  /** Sends a message as programs do; the kernel makes it a record. */
  async function say(text: string): Promise<void> {
    const family = await opened.open(audit)
    await family.session.request({
      what: 'send a record',
      write: (memory, offset, limit) => {
        const header = { type: AuditRecordType.UserAvc, flags: 0, sequence: 0 }
        const start = beginMessage(memory, offset, limit, header)
        memory.u8.set(new TextEncoder().encode(`${text}\0`), start)
        return finishMessage(memory, offset, start + text.length + 1)
      },
    })
  }

  test('the status and the features of audit, which come after the acknowledgement', async () => {
    const family = await openAudit()
    if (family === undefined) return
    const status = await family.do('getStatus')
    expect(status?.header).toMatchObject({ enabled: expect.any(Number), backlogLimit: expect.any(Number) })
    expect(status?.header.capabilities).toBeGreaterThan(0)
    expect(await family.do('getFeatures')).toMatchObject({ header: { version: 1 } })
    const given = { mask: AuditStatusField.BacklogWaitTime, backlogWaitTime: status?.header.backlogWaitTime ?? 0 }
    await family.do('setStatus', { header: given })
    expect((await family.do('getStatus'))?.header.backlogWaitTime).toBe(status?.header.backlogWaitTime)
  })

  test('rules of audit: added, listed, deleted', async () => {
    const family = await openAudit()
    if (family === undefined) return
    const condition = { operator: AuditOperator.Equal }
    const rule = {
      list: AuditFilter.Exclude,
      action: AuditAction.Never,
      syscalls: [],
      conditions: [
        { ...condition, field: AuditField.Msgtype, value: 2999 },
        { ...condition, field: AuditField.Filterkey, value: `ringlink-${process.pid}` },
      ],
    }
    const before = await family.dump('listRules')
    await family.do('addRule', rule)
    expect(await family.dump('listRules')).toEqual([...before, rule])
    await expect(family.do('addRule', rule)).rejects.toMatchObject({ code: 'KERNEL', errno: Errno.EEXIST })
    await family.do('deleteRule', rule)
    expect(await family.dump('listRules')).toEqual(before)
  })

  test('records of the read-log group', async () => {
    const family = await openAudit()
    if (family === undefined) return
    const watched = family.subscribe('readLog')
    const found = (async () => {
      for await (const { operation, values } of watched) {
        if (operation === 'record' && values.fields.op === 'ringlink-test') return values
      }
      throw new Error('the subscription ended')
    })()
    await say(`op=ringlink-test acct="nobody" exe=2F746D702F6120622E736F res=success`)
    const record = await found
    expect(record).toMatchObject({
      type: AuditRecordType.UserAvc,
      name: 'USER_AVC',
      fields: { pid: String(process.pid), acct: 'nobody', exe: '/tmp/a b.so', res: 'success' },
    })
    expect(Math.abs(record.time - Date.now())).toBeLessThan(60_000)
    expect(record.serial).toBeGreaterThan(0)
    expect(family.stats.unreadable).toBe(0)
  })

  test('records to the audit daemon are whole, although their length is that of the text', async () => {
    const family = await openAudit()
    const status = await family?.do('getStatus')
    // Another audit daemon keeps its place.
    if (family === undefined || status === undefined || status.header.pid !== 0) return
    await family.do('setStatus', { header: { mask: AuditStatusField.Pid, pid: process.pid } })
    const watched = family.subscribe()
    const found = (async () => {
      for await (const { values } of watched) {
        if ('fields' in values && values.fields.op === 'ringlink-daemon') return values
      }
      throw new Error('the subscription ended')
    })()
    await say('op=ringlink-daemon res=success last=yes')
    expect(await found).toMatchObject({ fields: { op: 'ringlink-daemon', res: 'success', last: 'yes' } })
    expect((await family.do('getStatus'))?.header.pid).toBe(process.pid)
    await family.do('setStatus', { header: { mask: AuditStatusField.Pid, pid: 0 } })
    expect((await family.do('getStatus'))?.header.pid).toBe(0)
  })

  test.each([
    ['iscsi', iscsi, 'scsi_transport_iscsi'],
    ['scsi_transport', scsiTransport, 'scsi_mod'],
  ])('%s, where the kernel has it', async (_, description, module) => {
    const family = await opened.open(description as FamilyDescription).catch((error: unknown) => {
      expect(error).toMatchObject({
        code: 'FAMILY_UNSUPPORTED',
        message: expect.stringContaining(`modprobe ${module}`),
      })
      return undefined
    })
    expect(family?.description.name ?? description.name).toBe(description.name)
  })

  test('iscsi answers a request for a transport that is not there, where the kernel has it', async () => {
    const family = await opened.openOrExplain(iscsi, 'modprobe scsi_transport_iscsi')
    if (family === undefined) return
    const watched = family.subscribe('daemon')
    const answer = watched.next()
    const type = IscsiRequestType.GetStats
    const header = writeIscsiRequest({ type, transport: 1n, words: [1, 0] })
    family.session.post([{ what: 'statistics', type, header }])
    expect((await answer).value).toMatchObject({
      operation: 'answer',
      values: { type: IscsiEventType.IfError, error: -Errno.EINVAL, transport: '1' },
    })
    await watched.return(undefined)
  })

  test('events of kernel objects: a device of a network namespace comes and goes', async () => {
    await using namespace = await Namespace.open()
    const events = await opened.open(kernelEvents, namespace.path)
    const links = await opened.open(rtLink, namespace.path)
    const watched = events.subscribe('kernel')
    const seen = (async () => {
      const found = []
      for await (const { values } of watched) {
        if (values.path === '/devices/virtual/net/br-event') found.push(values)
        if (values.action === 'remove' && found.length > 1) return found
      }
      throw new Error('the subscription ended')
    })()
    const name = { ifname: 'br-event' }
    await links.do('newlink', { ...name, linkinfo: { kind: 'bridge' } }, { flags: NewFlag.Create })
    await links.do('dellink', name)
    const [added, ...others] = await seen
    expect(added).toMatchObject({ action: 'add', properties: { SUBSYSTEM: 'net', INTERFACE: 'br-event' } })
    expect(added?.properties.ACTION).toBe('add')
    expect(Number(added?.properties.SEQNUM)).toBeGreaterThan(0)
    expect(others.at(-1)).toMatchObject({ action: 'remove', path: '/devices/virtual/net/br-event' })
    expect(events.stats.unreadable).toBe(0)
  })
})
