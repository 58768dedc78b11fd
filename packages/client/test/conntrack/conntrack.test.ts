import { ControlType, Errno, isNetlinkError, MESSAGE_HEADER_LENGTH, Memory, OptionError } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import {
  type ConnectionFilter,
  type ConnectionTuple,
  type ConnectionView,
  Conntrack,
  type ListOptions,
  openConntrack,
  Session,
} from '../../src/index.ts'
import { EndlessDump, ROWS_IN_FRAME } from '../endless-dump.ts'

/** An answer with `errno` to each request. */
function refuse(transport: FunctionTransport, errno: number) {
  return (request: Uint8Array): Uint8Array[] => {
    const memory = new Memory(MESSAGE_HEADER_LENGTH + 4 + MESSAGE_HEADER_LENGTH)
    const header = Memory.from(request.slice(0, MESSAGE_HEADER_LENGTH))
    memory.u32.set([memory.byteLength, ControlType.Error, header.u32[2] as number, transport.portId])
    memory.i32[4] = -errno
    memory.u8.set(header.u8, MESSAGE_HEADER_LENGTH + 4)
    return [memory.u8]
  }
}

const tuple: ConnectionTuple = {
  ...{ sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2', protocol: 'tcp' },
  ...{ sourcePort: 1, destinationPort: 2 },
}

const ping: ConnectionTuple = {
  ...{ sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2', protocol: 'icmp' },
  ...{ icmpId: 1, icmpType: 8 },
}

async function listed(conntrack: Conntrack, filter: ConnectionFilter, options?: unknown): Promise<void> {
  for await (const _ of conntrack.list(filter, options as ListOptions));
}

describe('refusals', () => {
  test.each([
    [Errno.EPERM, 'CONNTRACK_REFUSED', 'CAP_NET_ADMIN'],
    [Errno.EINVAL, 'CONNTRACK_UNSUPPORTED', 'CONFIG_NF_CT_NETLINK'],
    [Errno.EOPNOTSUPP, 'CONNTRACK_UNSUPPORTED', 'nf_conntrack_netlink'],
    [Errno.ENOMEM, 'KERNEL', 'ENOMEM'],
  ])('opening is refused with errno %i: code %s', async (errno, code, text) => {
    const transport = new FunctionTransport()
    transport.kernel = refuse(transport, errno)
    await expect(openConntrack({ transport })).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
  })
})

describe('bad input is refused before anything is sent', () => {
  test.each<[string, (conntrack: Conntrack) => Promise<unknown>, string]>([
    ['unknown key', (c) => c.create({ original: tuple, timeout: 1, colour: 'red' } as never), 'colour'],
    [
      'wrong address',
      (c) => c.create({ original: { ...tuple, sourceAddress: '10.0.0' }, timeout: 1 }),
      'original.sourceAddress',
    ],
    [
      'two families',
      (c) => c.create({ original: { ...tuple, sourceAddress: '::1' }, timeout: 1 }),
      'original.destinationAddress',
    ],
    ['no ports', (c) => c.get({ original: { ...tuple, sourcePort: undefined } }), 'original.sourcePort'],
    ['ports of ICMP', (c) => c.get({ original: { ...tuple, protocol: 'icmp' } }), 'original.sourcePort'],
    ['ICMP of TCP', (c) => c.get({ original: { ...tuple, icmpId: 1 } }), 'original.icmpId'],
    ['no direction', (c) => c.delete({}), 'original'],
    ['no change', (c) => c.update({ original: tuple }, {}), ''],
    ['a mark beyond its mask', (c) => c.update({ original: tuple }, { mark: { value: 3, mask: 1 } }), 'mark.value'],
    ['short labels', (c) => c.update({ original: tuple }, { labels: new Uint8Array(3) }), 'labels'],
    ['timeout of nothing', (c) => c.create({ original: tuple } as never), 'timeout'],
    ['port without protocol', (c) => c.flush({ sourcePort: 5 }), 'sourcePort'],
    [
      'port of a protocol without',
      (c) => c.flush({ protocol: 'icmp', reply: { destinationPort: 5 } }),
      'reply.destinationPort',
    ],
    ['address of another family', (c) => c.flush({ family: 'ip6', sourceAddress: '10.0.0.0/8' }), 'sourceAddress'],
    ['port range backwards', (c) => c.flush({ protocol: 'tcp', sourcePort: { from: 5, to: 4 } }), 'sourcePort.to'],
    ['unknown status', (c) => c.flush({ status: 'asured' as never }), 'status'],
    ['options of a listing', (c) => listed(c, {}, { retry: 1 }), 'retry'],
    ['no options of a listing', (c) => listed(c, {}, null), ''],
    ['ICMP of the other family', (c) => listed(c, { protocol: 'icmp', family: 'ip6' }), 'protocol'],
    [
      'ICMP and an address of the other family',
      (c) => listed(c, { protocol: 'icmp', sourceAddress: '::1' }),
      'protocol',
    ],
    ['ICMPv6, by its number', (c) => listed(c, { protocol: 58, reply: { sourceAddress: '1.2.3.0/24' } }), 'protocol'],
    ['a state of a protocol without', (c) => listed(c, { protocol: 'udp', state: 'established' }), 'state'],
    ['a state of another protocol', (c) => listed(c, { protocol: 'tcp', state: ['close', 'cookie-wait'] }), 'state'],
    [
      'a status that is asked for and excluded',
      (c) => c.flush({ status: 'assured', notStatus: ['assured'] }),
      'notStatus',
    ],
    ['both directions', (c) => c.get({ original: tuple, reply: tuple }), 'reply'],
    ['a state of UDP', (c) => c.update({ original: { ...tuple, protocol: 'udp' } }, { state: 'close' }), 'state'],
    ['a status to set', (c) => c.create({ original: tuple, timeout: 1, status: ['assured', 'dying'] }), 'status[1]'],
    [
      'a translation to the other family',
      (c) => c.create({ original: tuple, timeout: 1, sourceNat: { address: '::1' } }),
      'sourceNat.address',
    ],
    [
      'a port of ICMP to translate to',
      (c) => c.create({ original: ping, timeout: 1, destinationNat: { address: '10.0.0.9', port: 5 } }),
      'destinationNat.port',
    ],
    [
      'a reply of another protocol',
      (c) => c.create({ original: tuple, reply: { ...tuple, protocol: 'udp' }, timeout: 1 }),
      'reply.protocol',
    ],
    [
      'a master of the other family',
      (c) =>
        c.create({
          original: tuple,
          master: { ...tuple, sourceAddress: '::1', destinationAddress: '::2' },
          timeout: 1,
        }),
      'master.sourceAddress',
    ],
    [
      'an expectation of the other family',
      (c) =>
        c.expectations.create({
          master: tuple,
          tuple: { ...tuple, sourceAddress: '::1', destinationAddress: '::2' },
          timeout: 1,
        }),
      'tuple.sourceAddress',
    ],
    ['a place of an expectation', (c) => c.expectations.get(tuple, { zones: 5 } as never), 'zones'],
    ['no event', (c) => c.events({ new: false, update: false, destroy: false }), ''],
    ['unknown event', (c) => c.events({ created: true } as never), 'created'],
    ['expectation without master', (c) => c.expectations.create({ tuple, timeout: 1 } as never), 'master'],
  ])('%s', async (_, attempt, path) => {
    const transport = new FunctionTransport()
    const conntrack = new Conntrack(new Session(transport), undefined)
    const error: unknown = await attempt(conntrack).catch((thrown: unknown) => thrown)
    expect(isNetlinkError(error)).toBe(true)
    expect(error).toBeInstanceOf(OptionError)
    expect((error as OptionError).path).toBe(path)
    expect(transport.sent).toEqual([])
    await conntrack.close()
  })
})

test('a view of a batch can no longer be read once the next batch was requested', async () => {
  await using conntrack = new Conntrack(new Session(new EndlessDump(1, 3 * ROWS_IN_FRAME)), undefined)
  let kept: ConnectionView | undefined
  let batches = 0
  for await (const batch of conntrack.listBatches()) {
    const old = kept
    if (old !== undefined)
      for (const read of [() => old.id, () => old.mark, () => old.status])
        expect(read).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    for (const view of batch) kept = view
    batches++
  }
  expect(batches).toBe(3)
})

test('a status that cannot be set is accepted if the connection has it; helpers and zones of a direction', async () => {
  const kernel = new SimKernel({ conntrack: { track: 'always' } })
  await using conntrack = await openConntrack({ transport: (needs) => kernel.open(needs) })
  await conntrack.create({ original: { ...tuple, zone: 5 }, timeout: 60_000 })
  await conntrack.create({
    original: { ...tuple, sourcePort: 9 },
    timeout: 60_000,
    status: ['seen-reply', 'confirmed'],
  })
  const key = { original: { ...tuple, sourcePort: 9 } }
  await conntrack.update(key, { status: ['confirmed', 'seen-reply', 'assured'] })
  expect((await conntrack.get(key)).status).toEqual(['seen-reply', 'assured', 'confirmed'])
  await expect(conntrack.update(key, { status: ['source-nat'] })).rejects.toMatchObject({ path: 'status[0]' })
  await expect(conntrack.update(key, { helper: 'nosuch' })).rejects.toMatchObject({
    code: 'CONNTRACK_UNSUPPORTED',
    message: expect.stringContaining('no such helper'),
  })
  const expected = conntrack.expectations.create({ master: key.original, tuple, timeout: 5 })
  await expect(expected).rejects.toMatchObject({ message: expect.stringContaining('the master has no helper') })
})

test('labels without room are reported, by create and update', async () => {
  const kernel = new SimKernel({ conntrack: { track: 'always' } })
  await using conntrack = await openConntrack({ transport: (needs) => kernel.open(needs) })
  const labels = new Uint8Array(16).fill(1)
  const unsupported = { code: 'CONNTRACK_UNSUPPORTED', message: expect.stringContaining('no room for labels') }
  await expect(conntrack.create({ original: tuple, timeout: 60_000, labels })).rejects.toMatchObject(unsupported)
  expect(await conntrack.count()).toBe(0)
  await conntrack.create({ original: tuple, timeout: 60_000, labels: new Uint8Array(16) })
  await expect(conntrack.update({ original: tuple }, { labels })).rejects.toMatchObject(unsupported)
})
