/**
 * The families by hand read messages that Linux 6.18 sent (messages.tsv: family, operation, bytes), and write them
 * again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AttributeWriter,
  type FamilyDescription,
  MESSAGE_HEADER_LENGTH,
  Memory,
  plainBody,
  readBody,
  replyLayout,
  writeBody,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { cttimeout } from '../../src/by-hand/cttimeout.ts'
import { inetDiag } from '../../src/by-hand/inet-diag.ts'
import { ipset } from '../../src/by-hand/ipset.ts'
import { netlinkDiag } from '../../src/by-hand/netlink-diag.ts'
import { nfacct } from '../../src/by-hand/nfacct.ts'
import { packetDiag } from '../../src/by-hand/packet-diag.ts'
import { SocketState } from '../../src/by-hand/sock-diag.ts'
import { unixDiag } from '../../src/by-hand/unix-diag.ts'
import { xfrm } from '../../src/by-hand/xfrm.ts'

const families: readonly FamilyDescription[] = [
  inetDiag,
  unixDiag,
  netlinkDiag,
  packetDiag,
  nfacct,
  cttimeout,
  ipset,
  xfrm,
]
const messages = readFileSync(join(import.meta.dirname, 'messages.tsv'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split('\t') as [family: string, operation: string, digits: string])

const ipv4 = (...bytes: number[]) => Uint8Array.from({ length: 16 }, (_, index) => bytes[index] ?? 0)
const UNLIMITED = 2n ** 64n - 1n

/** What the messages say, as far as it does not change from one kernel to the next. */
const expected: Readonly<Record<string, object>> = {
  'inet_diag get': {
    header: {
      family: 2,
      state: SocketState.Listen,
      id: { sourcePort: 8081, destinationPort: 0, source: ipv4(), device: 0 },
      receiveQueue: 0,
      sendQueue: 5,
      userId: 0,
    },
    shutdown: 0,
    cgroup: 1n,
    socketMemory: { receiveBuffer: 131_072, sendBuffer: 16_384, drops: 0 },
    info: { state: SocketState.Listen, congestionWindow: 10, reordering: 3, pacingRate: UNLIMITED },
    congestionControl: 'bbr',
  },
  'unix_diag get': { header: { family: 1, type: 1, state: SocketState.Established }, queues: { receive: 0, send: 0 } },
  'netlink_diag get': { header: { family: 16, protocol: 0, portId: 0 }, memory: { drops: 0 }, flags: 0 },
  'packet_diag get': {
    header: { family: 17, type: 3, protocol: 0x800 },
    info: { device: 0, version: 0, reserve: 0, copyThreshold: 0, timestamp: 0, flags: 1 },
    memberships: { list: [] },
    memory: { receiveAllocated: 0, drops: 0 },
    userId: 0,
  },
  'nfacct get': { name: 'web', packets: 0n, bytes: 0n, use: 1, flags: 2, quota: 1000n },
  'cttimeout get': {
    name: 'slow',
    networkProtocol: 2,
    transportProtocol: 6,
    timeouts: { synSent: 5, established: 77, unacknowledged: 300 },
  },
  'cttimeout getDefault': { transportProtocol: 17, timeouts: { unreplied: 30, replied: 120 } },
  'ipset protocol': { header: { family: 2 }, version: 7, minimumVersion: 6 },
  'ipset list': {
    name: 'hosts',
    type: 'hash:ip',
    family: 2,
    data: { hashSize: 1024, maximumElements: 100, elements: 1, timeout: 300 },
    content: { elements: [{ address: { ipv4: Uint8Array.of(192, 0, 2, 1) } }] },
  },
  'xfrm getPolicies': {
    header: {
      selector: { destination: ipv4(10, 1), source: ipv4(10), destinationPrefix: 16, sourcePrefix: 8 },
      limits: { softBytes: UNLIMITED, hardPackets: UNLIMITED },
      direction: 1,
      action: 0,
    },
    templates: { list: [{ id: { destination: ipv4(192, 0, 2, 2), protocol: 50 }, requestId: 7, mode: 1 }] },
  },
  'xfrm getStateCounts': { count: 0, hash: { buckets: 8 } },
  'xfrm getPolicyCounts': { counts: { in: 0, out: 1, forward: 0 }, ipv4Threshold: { local: 32, remote: 32 } },
  'xfrm getDefault': { header: { in: 2, forward: 2, out: 2 } },
}

describe.each(messages)('%s %s', (name, operationName, digits) => {
  const operation = families.find((family) => family.name === name)?.operations[operationName]
  if (operation === undefined) throw new Error(`no operation ${operationName} of ${name}`)
  const { header, attributes } = replyLayout(operation)
  if (header === undefined) throw new Error(`${name} has no header`)
  const body = { kind: 'body', header, set: attributes } as const
  const memory = Memory.from(Uint8Array.from(Buffer.from(digits, 'hex')))
  const length = digits.length / 2 - MESSAGE_HEADER_LENGTH
  const values = readBody(body, memory, MESSAGE_HEADER_LENGTH, length) as Record<string, unknown>

  test('is read', () => {
    expect(values).toMatchObject(expected[`${name} ${operationName}`] ?? { missing: true })
    expect(values.unknown, 'attributes without a description').toBeUndefined()
  })

  test('is written and read again', () => {
    const room = new Memory(4096)
    const writer = new AttributeWriter().wrap(room, 0, room.byteLength)
    writeBody(writer, body, values, name)
    expect(readBody(body, room, 0, writer.position)).toEqual(values)
    expect(JSON.parse(JSON.stringify(plainBody(body, values)))).toHaveProperty('header')
  })
})

test('integers of ipset are marked as in network order, and lists of elements are those that the kernel takes', () => {
  const room = new Memory(256)
  const writer = new AttributeWriter().wrap(room, 0, room.byteLength)
  const { header, attributes } = ipset.operations.add
  if (header === undefined) throw new Error('ipset has a header')
  const element = { address: { ipv4: Uint8Array.of(192, 0, 2, 1) }, timeout: 60 }
  const fields = { header: { family: 2, version: 0, resourceId: 0 }, version: 7, name: 'hosts' }
  writeBody(writer, { kind: 'body', header, set: attributes }, { ...fields, content: { elements: [element] } }, 'add')
  expect(Buffer.from(room.copy(0, writer.position)).toString('hex')).toBe(
    '02000000' +
      '0500010007000000' +
      '0a000200686f737473000000' +
      '1c000880' +
      '18000780' +
      '0c000180' +
      '08000140c0000201' +
      '080006400000003c',
  )
})
