import { loadNative } from '@ringlink/native'
import { describe, expect, test } from 'vitest'
import { openSocket, receiveBufferRequest, type SocketOptions } from '../src/index.ts'
import { checkOptions } from '../src/options.ts'

const ROUTE = 0
const code = (name: string, details = {}) => expect.objectContaining({ code: name, ...details })

const refused: SocketOptions[] = [
  { protocol: -1 },
  { protocol: 256 },
  { protocol: 1.5 },
  { protocol: Number.NaN },
  { protocol: ROUTE, frameSize: 63 },
  { protocol: ROUTE, frameSize: (1 << 20) + 1 },
  { protocol: ROUTE, batchSize: 0 },
  { protocol: ROUTE, batchSize: 65 },
  { protocol: ROUTE, liveBatches: 0 },
  { protocol: ROUTE, liveBatches: 1025 },
  { protocol: ROUTE, liveBatches: 1024, batchSize: 64 },
  { protocol: ROUTE, liveBatches: 32, batchSize: 64, frameSize: 1 << 20 },
  { protocol: ROUTE, outboxSize: 63 },
  { protocol: ROUTE, outboxSize: 2 ** 29 },
  { protocol: ROUTE, receiveBufferSize: 0 },
  { protocol: ROUTE, receiveBufferSize: 2 ** 31 },
  { protocol: ROUTE, groups: [1, 0] },
  { protocol: ROUTE, groups: [2 ** 31] },
  { protocol: ROUTE, portId: -1 },
  { protocol: ROUTE, portId: 2 ** 32 },
]

const misshapen: unknown[] = [
  undefined,
  {},
  { protocol: '0' },
  { protocol: ROUTE, framesize: 4096 },
  { protocol: ROUTE, groups: 1 },
  { protocol: ROUTE, groups: ['1'] },
  { protocol: ROUTE, networkNamespace: {} },
  { protocol: ROUTE, extendedAck: 'no' },
  { protocol: ROUTE, signal: true },
]

test.each(misshapen)('%o is refused by its shape, and opens nothing', async (options) => {
  const open = process.platform === 'linux' ? loadNative().openHandles() : 0
  await expect(openSocket(options as SocketOptions)).rejects.toThrow(code('ARGUMENT'))
  if (process.platform === 'linux') expect(loadNative().openHandles()).toBe(open)
})

test('an aborted signal opens nothing', async () => {
  const reason = new Error('enough')
  await expect(openSocket({ protocol: ROUTE, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test.each(refused)('%o is refused, and opens nothing', async (options) => {
  const open = process.platform === 'linux' ? loadNative().openHandles() : 0
  await expect(openSocket(options)).rejects.toThrow(
    code('VALUE_RANGE', { message: expect.stringMatching(/^open socket: /) }),
  )
  if (process.platform === 'linux') expect(loadNative().openHandles()).toBe(open)
})

test('what is left out has a default', () => {
  expect(checkOptions({ protocol: 12 })).toEqual({
    protocol: 12,
    frameSize: 32768,
    batchSize: 64,
    liveBatches: 4,
    outboxSize: 131072,
    receiveBufferSize: undefined,
    networkNamespace: null,
    groups: [],
    portId: 0,
    noOverrunErrors: false,
    extendedAck: true,
    cappedAck: true,
    strictChecking: true,
    foreignSenders: false,
  })
})

test.each([
  [64, 64],
  [32768, 64],
  [65536, 32],
  [131072, 16],
  [1 << 20, 16],
])('frames of %i bytes come %i to a batch by default', (frameSize, batchSize) => {
  expect(checkOptions({ protocol: 0, frameSize }).batchSize).toBe(batchSize)
  expect(checkOptions({ protocol: 0, frameSize, batchSize: 3 }).batchSize).toBe(3)
})

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  const open = (options: Partial<SocketOptions>) => openSocket({ protocol: ROUTE, frameSize: 64, ...options })

  test('sizes are those of the capabilities', async () => {
    await using transport = await open({ frameSize: 100, batchSize: 5, liveBatches: 3, outboxSize: 1000 })
    expect(transport.capabilities).toEqual({
      kind: 'socket',
      ring: false,
      hold: 'copy',
      holdLimit: 0,
      ordered: true,
      frameSize: 192,
      frameCount: 15,
      batchSize: 5,
      outboxSize: 1000,
      exactLoss: true,
    })
  })

  test('an unknown protocol is named', async () => {
    await expect(open({ protocol: 31 })).rejects.toThrow(
      code('SYSTEM', {
        errno: 93,
        message: 'open socket: EPROTONOSUPPORT (this kernel has no netlink protocol 31)',
      }),
    )
  })

  test('a missing network namespace is named', async () => {
    await expect(open({ networkNamespace: '/run/netns/no-such-namespace' })).rejects.toThrow(
      code('SYSTEM', { errno: 2, message: expect.stringContaining('/run/netns/no-such-namespace') }),
    )
    await expect(open({ networkNamespace: 1_000_000 })).rejects.toThrow(code('SYSTEM', { errno: 9 }))
    await expect(open({ networkNamespace: '/proc/self/status' })).rejects.toThrow(code('SYSTEM'))
  })

  test('a port that is taken is refused, and nothing is left open', async () => {
    await using first = await open({})
    const handles = loadNative().openHandles()
    await expect(open({ portId: first.portId })).rejects.toThrow(code('SYSTEM', { operation: 'bind', errno: 98 }))
    expect(loadNative().openHandles()).toBe(handles)
  })

  test('a port can be chosen', async () => {
    await using transport = await open({ portId: 0x7ffffff1 })
    expect(transport.portId).toBe(0x7ffffff1)
  })

  test('a group that the protocol does not have is refused, at opening and later', async () => {
    const handles = loadNative().openHandles()
    await expect(open({ groups: [4000] })).rejects.toThrow(code('SYSTEM', { operation: 'join group', errno: 22 }))
    expect(loadNative().openHandles()).toBe(handles)
    await using transport = await open({})
    expect(() => transport.joinGroup(4000)).toThrow(code('SYSTEM', { operation: 'join group', errno: 22 }))
    expect(() => transport.leaveGroup(4000)).toThrow(code('SYSTEM', { operation: 'leave group', errno: 22 }))
  })

  test('commits that the kernel refuses stay in the outbox, with the reason', async () => {
    // Nobody listens at port 0 of this protocol.
    const USERSOCK = 2
    await using transport = await open({ protocol: USERSOCK })
    const { outbox } = transport
    for (let index = 0; index < 3; index++) {
      outbox.reserve(16)
      outbox.commit(16)
    }
    expect(() => outbox.flush()).toThrow(code('SYSTEM', { operation: 'flush', errno: 111, sent: 0 }))
    expect(outbox).toMatchObject({ pending: 48, pendingCommits: 3 })
    expect(transport.stats).toMatchObject({ sent: 0, sentBytes: 0 })
  })

  test('readProcNet reads no other file', async () => {
    await using transport = await open({})
    expect(() => transport.readProcNet('../../etc/passwd')).toThrow(code('SYSTEM', { errno: 22 }))
    expect(() => transport.readProcNet('no_such_file')).toThrow(code('SYSTEM', { errno: 2 }))
  })

  test('poll waits no longer than its timeout', async () => {
    await using transport = await open({})
    const start = performance.now()
    expect(transport.poll(20)).toBe(undefined)
    expect(performance.now() - start).toBeGreaterThanOrEqual(19)
    expect(transport.poll(0.5)).toBe(undefined)
    expect(transport.stats.wakeups).toBe(2)
  })

  test('close closes the descriptor at once, even during a pending receive', async () => {
    const handles = loadNative().openHandles()
    const transport = await open({})
    const waiting = expect(transport.receive()).rejects.toThrow(code('CLOSED'))
    await transport.close()
    expect(loadNative().openHandles()).toBe(handles)
    await waiting
  })
})

test('a receive buffer is requested by its half, and never more than an old kernel can double in 31 bits', () => {
  expect([1, 4096, 4097, 2 ** 30].map(receiveBufferRequest)).toEqual([1, 2048, 2049, 2 ** 29])
  for (const wanted of [2 ** 31 - 1, 2 ** 31 - 2, 2 ** 30 + 1]) {
    expect((receiveBufferRequest(wanted) * 2) | 0).toBeGreaterThan(0)
  }
})
