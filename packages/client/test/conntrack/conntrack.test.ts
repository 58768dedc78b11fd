import { ControlType, Errno, isNetlinkError, MESSAGE_HEADER_LENGTH, Memory, OptionError } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { describe, expect, test } from 'vitest'
import { type ConnectionTuple, Conntrack, openConntrack, Session } from '../../src/index.ts'

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
