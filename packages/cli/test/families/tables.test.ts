import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AttributeWriter,
  align4,
  beginMessage,
  ControlType,
  type FamilyDescription,
  finishMessage,
  GetFlag,
  Memory,
  MessageFlag,
  Protocol,
  replyLayout,
  writeAttributes,
  writeBody,
} from '@ringlink/codec'
import { inspectText } from '@ringlink/codec/inspect'
import { audit } from '@ringlink/families/audit'
import { ethtool } from '@ringlink/families/ethtool'
import { ipset } from '@ringlink/families/ipset'
import { nlctrl } from '@ringlink/families/nlctrl'
import { rtLink } from '@ringlink/families/rt-link'
import { rtRoute } from '@ringlink/families/rt-route'
import { describe, expect, test } from 'vitest'
import { FamilyTables } from '../../src/families/tables.ts'

/** A message of an operation, as requests and answers have it. */
function message(
  family: FamilyDescription,
  name: string,
  type: number,
  flags: number,
  values: Record<string, unknown>,
): Uint8Array {
  const operation = family.operations[name]
  if (operation === undefined) throw new Error(`no operation ${name}`)
  const { header, attributes } = (flags & MessageFlag.Request) !== 0 ? operation : replyLayout(operation)
  const memory = new Memory(4096)
  let end = beginMessage(memory, 0, 4096, { type, flags, sequence: 1 })
  if (family.generic !== undefined) {
    const isRequest = (flags & MessageFlag.Request) !== 0
    const numbers = operation.do ?? operation.dump
    memory.u8[end] = (isRequest ? numbers?.request : numbers?.reply) ?? 0
    memory.u8[end + 1] = family.generic.version
    end += 4
  }
  const writer = new AttributeWriter().wrap(memory, end, 4096)
  if (header === undefined) writeAttributes(writer, attributes, values)
  else writeBody(writer, { kind: 'body', header, set: attributes }, values, name)
  return memory.copy(0, finishMessage(memory, 0, writer.end))
}

const nfgenmsg = { family: 2, version: 0, resourceId: 0 }
const nobody = () => Promise.reject(new Error('the kernel was asked'))

async function show(protocol: number, bytes: Uint8Array, ask: () => Promise<ReadonlyMap<number, string>> = nobody) {
  const tables = new FamilyTables(ask)
  await tables.prepare(bytes, protocol, false)
  return inspectText(bytes, { protocol, describe: tables.describe })
}

function joined(...messages: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + align4(length), 0))
  let offset = 0
  for (const each of messages) {
    bytes.set(each, offset)
    offset += align4(each.length)
  }
  return bytes
}

test('links: the struct, attributes and nests by their names', async () => {
  const header = { family: 0, type: 1, index: 7, flags: 0x1043, change: 0 }
  const values = { header, ifname: 'br0', mtu: 1400, linkinfo: { kind: 'bridge', data: { ageingTime: 700 } } }
  const text = await show(Protocol.Route, message(rtLink, 'newlink', 16, 0, values))
  expect(text).toMatch(/RTM_NEWLINK/)
  expect(text).toMatch(/flags +4163 IFF_UP \| IFF_BROADCAST/)
  expect(text).toMatch(/IFLA_IFNAME +"br0"/)
  expect(text).toMatch(/IFLA_BR_AGEING_TIME +700/)
  expect(text).not.toMatch(/attribute \d|fixed header/)
})

test('routes, and a request for a dump with a struct that is cut short', async () => {
  const header = { family: 2, dstLen: 24, srcLen: 0, tos: 0, table: 254, protocol: 4, scope: 0, type: 1, flags: 0 }
  const dst = Uint8Array.of(198, 51, 100, 0)
  const text = await show(Protocol.Route, message(rtRoute, 'newroute', 24, 0, { header, dst, oif: 3 }))
  expect(text).toMatch(/RTA_DST +c6 33 64 00/)
  expect(text).toMatch(/table +254/)
  const memory = new Memory(20)
  beginMessage(memory, 0, 20, { type: 26, flags: MessageFlag.Request | GetFlag.Dump, sequence: 1 })
  memory.u8[16] = 2
  const short = await show(Protocol.Route, memory.copy(0, finishMessage(memory, 0, 20)))
  expect(short).toMatch(/RTM_GETROUTE/)
  expect(short).not.toMatch(/problem/)
})

describe('generic netlink', () => {
  const stats = () => message(ethtool, 'linkstateGet', 21, MessageFlag.Request, { header: { devName: 'eth0' } })

  test('families are told by the messages of the controller', async () => {
    const family = { familyId: 21, familyName: 'ethtool', version: 1 }
    const text = await show(Protocol.Generic, joined(message(nlctrl, 'getfamily', 16, 0, family), stats()))
    expect(text).toMatch(/CTRL_CMD_(NEW|GET)FAMILY/)
    expect(text).toMatch(/CTRL_ATTR_FAMILY_NAME +"ethtool"/)
    expect(text).toMatch(/ETHTOOL_MSG_LINKSTATE_GET/)
    expect(text).toMatch(/nlmsg_type +21 \(0x15\) ethtool|nlmsg_type +21 ethtool/)
    expect(text).toMatch(/ETHTOOL_A_HEADER_DEV_NAME +"eth0"/)
  })

  test('else by the running kernel, which is asked once', async () => {
    let asked = 0
    const ask = () => {
      asked++
      return Promise.resolve(new Map([[21, 'ethtool']]))
    }
    const text = await show(Protocol.Generic, joined(stats(), stats()), ask)
    expect(text.match(/ETHTOOL_A_HEADER_DEV_NAME/g)).toHaveLength(2)
    expect(asked).toBe(1)
  })

  test('a family without a description stays numbers', async () => {
    const text = await show(Protocol.Generic, stats(), () => Promise.resolve(new Map([[21, 'TASKSTATS']])))
    expect(text).toMatch(/message 21/)
    expect(text).toMatch(/attribute 1/)
  })
})

const captured = readFileSync(join(import.meta.dirname, '../../../families/test/by-hand/messages.tsv'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split('\t') as [family: string, operation: string, digits: string])
const protocols: Readonly<Record<string, number>> = {
  inet_diag: Protocol.SocketDiagnostics,
  unix_diag: Protocol.SocketDiagnostics,
  netlink_diag: Protocol.SocketDiagnostics,
  packet_diag: Protocol.SocketDiagnostics,
  xfrm: Protocol.Xfrm,
}

test.each(captured)('%s %s: all of it has a name', async (family, _, digits) => {
  const bytes = Uint8Array.from(Buffer.from(digits, 'hex'))
  const text = await show(protocols[family] ?? Protocol.Netfilter, bytes)
  expect(text.split('\n')[0]).toMatch(/ (SOCK_DIAG_BY_FAMILY|XFRM_MSG_\w+|NFNL_MSG_\w+|IPCTNL_MSG_\w+|IPSET_CMD_\w+) /)
  expect(text).not.toMatch(/attribute \d|fixed header|problem|payload/)
})

test('the errors of ipset have names of their own', async () => {
  const request = message(ipset, 'destroy', 0x0603, MessageFlag.Request, { header: nfgenmsg, version: 7, name: 'web' })
  const errorOf = (errno: number) => {
    const memory = new Memory(256)
    const start = beginMessage(memory, 0, 256, { type: ControlType.Error, flags: 0, sequence: 1 })
    memory.i32[start >> 2] = -errno
    memory.u8.set(request, start + 4)
    return memory.copy(0, finishMessage(memory, 0, start + 4 + request.length))
  }
  expect(await show(Protocol.Netfilter, errorOf(4100))).toMatch(/error +-4100 IPSET_ERR_BUSY/)
  expect(await show(Protocol.Netfilter, errorOf(4353))).toMatch(
    /IPSET_ERR_HASH_ELEM \(hash\), IPSET_ERR_BITMAP_RANGE_SIZE \(bitmap\) or IPSET_ERR_LOOP \(list\)/,
  )
  expect(await show(Protocol.Netfilter, errorOf(2))).toMatch(/error +-2 ENOENT/)
})

test('requests and answers of one type are told apart by their flags', async () => {
  const header = { family: 2, protocol: 6, extensions: 0, states: 1024, id: zeroId() }
  const { inetDiag } = await import('@ringlink/families/inet-diag')
  const flags = MessageFlag.Request | GetFlag.Dump
  const text = await show(Protocol.SocketDiagnostics, message(inetDiag, 'get', 20, flags, { header, protocol: 262 }))
  expect(text).toMatch(/states +1024/)
  expect(text).toMatch(/INET_DIAG_REQ_PROTOCOL +262/)
})

function zeroId() {
  const none = new Uint8Array(16)
  return { sourcePort: 0, destinationPort: 0, source: none, destination: none, device: 0, cookie: new Uint8Array(8) }
}

test('records of audit and events of kernel objects are text', async () => {
  const memory = new Memory(64)
  const start = beginMessage(memory, 0, 64, { type: 1300, flags: 0, sequence: 0 })
  const record = new TextEncoder().encode('audit(1.000:7): syscall=2')
  memory.u8.set(record, start)
  const bytes = memory.copy(0, finishMessage(memory, 0, start + record.length))
  expect(await show(Protocol.Audit, bytes)).toMatch(/text +"audit\(1.000:7\): syscall=2"/)
  const status = message(audit, 'getStatus', 1000, MessageFlag.Request, {
    header: Object.fromEntries(
      audit.operations.getStatus.header?.fields.map(({ name }) => [name, name === 'failure' ? 1 : 0]) ?? [],
    ),
  })
  expect(await show(Protocol.Audit, status)).toMatch(/failure +1 AUDIT_FAIL_PRINTK/)
  const event = new TextEncoder().encode('add@/devices/x\0ACTION=add\0SEQNUM=7\0')
  expect(await show(Protocol.KernelObjectEvent, event)).toMatch(/property +"SEQNUM=7"/)
})
