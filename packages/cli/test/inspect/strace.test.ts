import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStrace, StraceReader } from '../../src/inspect/strace.ts'

const ROUTE = 0
const NETFILTER = 12
const NOOP = Uint8Array.from([16, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0])
const escaped = Array.from(NOOP, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')

function read(lines: readonly string[]) {
  const reader = new StraceReader()
  const chunks = [...lines.flatMap((line) => reader.push(line)), ...reader.finish()]
  return { reader, chunks }
}

describe('output of strace', () => {
  test('has bytes in strings, of a socket whose protocol is known', () => {
    const { chunks } = read([
      'socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_NETFILTER) = 3',
      `sendto(3, "${escaped}", 16, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 16`,
    ])
    expect(chunks).toEqual([{ bytes: NOOP, label: 'sendto(3)', protocol: NETFILTER }])
  })

  test('has bytes in dumps, one for each buffer, which go before strings', () => {
    const dump = ' | 00000  10 00 00 00 01 00 05 00  00 00 00 00 00 00 00 00   ................ |'
    const { chunks, reader } = read([
      '[pid 12] socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) = 4',
      `[pid 12] sendmsg(4, {msg_iov=[{iov_base=[{nlmsg_len=16, nlmsg_type=NLMSG_NOOP}], iov_len=16}]}, 0) = 32`,
      ' * 16 bytes in buffer 0',
      dump,
      ' * 16 bytes in buffer 1',
      dump,
    ])
    const chunk = { bytes: NOOP, label: 'sendmsg(4)', protocol: ROUTE }
    expect(chunks).toEqual([chunk, chunk])
    expect(reader.decoded).toBe(1)
  })

  test('names the protocol of a descriptor with -y', () => {
    const { chunks } = read([
      `recvmsg(5<NETLINK:[NETFILTER:77]>, {msg_iov=[{iov_base="${escaped}", iov_len=16}]}, 0) = 16`,
    ])
    expect(chunks).toEqual([{ bytes: NOOP, label: 'recvmsg(5)', protocol: NETFILTER }])
  })

  test.each([
    [`write(1<pipe:[4]>, "${escaped}", 16) = 16`],
    ['socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 3', `sendto(3, "${escaped}", 16, 0, NULL, 0) = 16`],
    ['open("\\x2f\\x65\\x74\\x63\\x2f\\x70\\x61\\x73\\x73\\x77\\x64\\x2f\\x2f\\x2f\\x2f\\x2f") = 3'],
  ])('shows nothing of what is not netlink: %s', (...lines) => {
    expect(read(lines).chunks).toEqual([])
  })

  test('counts what strace cut', () => {
    const { reader } = read([`sendto(3<NETLINK:[ROUTE:1]>, "${escaped}"..., 90, 0, NULL, 0) = 90`])
    expect(reader.cut).toBe(1)
  })

  test('is any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
        isStrace(lines.join('\n'))
        read(lines)
      }),
    )
  })
})
