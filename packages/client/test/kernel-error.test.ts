import {
  AttributeWriter,
  beginMessage,
  ControlType,
  chainAttributes,
  Errno,
  type ExtendedAck,
  extendedAckAttributes,
  finishMessage,
  Memory,
  NfTablesMessage,
  Protocol,
  QueueMessage,
  queueConfigAttributes,
  writeAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { runsOf } from '@ringlink/test-support/fuzz'
import { errorMessage, first } from '@ringlink/test-support/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Request, Session } from '../src/index.ts'

const bind: Request = {
  what: 'bind queue 5',
  write: (memory, offset, limit) =>
    writeNfnetlinkMessage(memory, offset, limit, queueConfigAttributes, {
      type: QueueMessage.Config,
      flags: 0,
      sequence: 0,
      resourceId: 5,
      attributes: { command: { command: 1, family: 0 }, maximumLength: 10 },
    }),
}

const chain: Request = {
  what: 'make a chain',
  write: (memory, offset, limit) =>
    writeNfnetlinkMessage(memory, offset, limit, chainAttributes, {
      type: NfTablesMessage.NewChain,
      flags: 0,
      sequence: 0,
      resourceId: 0,
      attributes: { table: 't', name: 'c', hook: { number: 1 } },
    }),
}

/** Where NFTA_CHAIN_HOOK begins: after two headers (20 bytes) and two names of 8 bytes each. */
const HOOK = 36

async function refusal(request: Request, answer: (datagram: Uint8Array) => Uint8Array, protocol?: number) {
  const transport = new FunctionTransport((datagram) => [answer(datagram)])
  await using session = new Session(transport, {
    requestTimeout: 5000,
    ...(protocol === undefined ? {} : { protocol }),
  })
  return await session.request(request).then(
    () => {
      throw new Error('it was expected to reject')
    },
    (error: Error) => error,
  )
}

/** An Error message of errno `errno` whose extended ack is `tail`, byte for byte. */
function errorWithTail(request: Uint8Array, errno: number, tail: Uint8Array): Uint8Array {
  const plain = errorMessage(request, errno, {})
  const bytes = new Uint8Array(plain.length + tail.length)
  bytes.set(plain)
  bytes.set(tail, plain.length)
  new DataView(bytes.buffer).setUint32(0, bytes.length, true)
  return bytes
}

/** A Done message of a dump with `errno` whose extended ack is `tail`. */
function doneWithTail(request: Uint8Array, errno: number, tail: Uint8Array): Uint8Array {
  const memory = new Memory(64 + tail.length)
  const { sequence } = first(request).view
  const header = { type: ControlType.Done, flags: 0x202, sequence, portId: 4711 }
  const end = beginMessage(memory, 0, memory.byteLength, header)
  memory.i32[end >> 2] = -errno
  memory.u8.set(tail, end + 4)
  return memory.copy(0, finishMessage(memory, 0, end + 4 + tail.length))
}

function ackBytes(ack: ExtendedAck): Uint8Array {
  const memory = new Memory(8192)
  const writer = new AttributeWriter().wrap(memory, 0, memory.byteLength)
  writeAttributes(writer, extendedAckAttributes, ack)
  return memory.copy(0, writer.end)
}

describe('a missing attribute', () => {
  test('of a nest is named by the table of the nest', async () => {
    const error = await refusal(chain, (datagram) =>
      errorMessage(datagram, Errno.EINVAL, { missingType: 2, missingNest: HOOK }),
    )
    expect(error).toMatchObject({ errno: Errno.EINVAL, missing: 'NFTA_HOOK_PRIORITY' })
  })

  test('at the top level is named by the table of the message', async () => {
    const error = await refusal(chain, (datagram) => errorMessage(datagram, Errno.EINVAL, { missingType: 2 }))
    expect(error).toMatchObject({ missing: 'NFTA_CHAIN_HANDLE' })
  })

  test.each([
    ['no nest begins at the offset', { missingType: 2, missingNest: 38 }, undefined],
    ['the nest has no table', { missingType: 2, missingNest: 20 }, undefined],
    ['the protocol has no table', { missingType: 2 }, Protocol.Xfrm],
  ])('is a number where %s', async (_, ack, protocol) => {
    const error = await refusal(chain, (datagram) => errorMessage(datagram, Errno.EINVAL, ack), protocol)
    expect(error).toMatchObject({ missing: 'attribute 2' })
  })
})

test('the error says what the kernel would have accepted', async () => {
  const policy = { type: 4, minimumUnsigned: 1n, maximumUnsigned: 65536n }
  const error = await refusal(bind, (datagram) =>
    errorMessage(datagram, Errno.ERANGE, { message: 'integer out of range', offset: 28, policy }),
  )
  expect(error).toMatchObject({ policy: 'u32 from 1 to 65536', attribute: 'NFQA_CFG_QUEUE_MAXLEN' })
  expect(error.message).toBe(
    'bind queue 5: ERANGE, integer out of range, at NFQA_CFG_QUEUE_MAXLEN, expected u32 from 1 to 65536',
  )
})

test.each([
  [{ type: 10, maximumLength: 15 }, 'binary of at most 15 bytes'],
  [{ type: 10, minimumLength: 4, maximumLength: 4 }, 'binary of exactly 4 bytes'],
  [{ type: 6, minimumSigned: -3n }, 's8 at least -3'],
  [{ type: 2, mask: 7n }, 'u8 with bits of 0x7'],
  [{ type: 99 }, 'an attribute of type 99'],
])('policy %o is described as "%s"', async (policy, text) => {
  const error = await refusal(bind, (datagram) => errorMessage(datagram, Errno.EINVAL, { policy }))
  expect(error).toMatchObject({ policy: text })
})

describe('an extended ack that cannot be read', () => {
  const damaged: [string, Uint8Array, object][] = [
    ['an attribute shorter than its header', Uint8Array.of(2, 0, 1, 0, 0x6e, 0x6f, 0, 0), {}],
    ['an offset of 8 bytes', Uint8Array.of(12, 0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8), { offset: undefined }],
    [
      'an offset of 8 bytes, and a message after it',
      Uint8Array.of(12, 0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 0, 1, 0, 0x6e, 0x6f, 0, 0),
      { extendedMessage: 'no' },
    ],
    [
      'an attribute beyond the end',
      Uint8Array.of(7, 0, 1, 0, 0x6e, 0x6f, 0, 0, 99, 0, 2, 0),
      { extendedMessage: 'no' },
    ],
    ['bytes too few for an attribute', Uint8Array.of(7, 0), {}],
  ]

  test.each(damaged)('(%s) does not hide the errno of an Error message', async (_, tail, readable) => {
    const error = await refusal(bind, (datagram) => errorWithTail(datagram, Errno.EINVAL, tail))
    expect(error).toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL, ...readable })
  })

  test.each(damaged)('(%s) does not hide the errno of a Done message', async (_, tail, readable) => {
    const transport = new FunctionTransport((datagram) => [doneWithTail(datagram, Errno.EINVAL, tail)])
    await using session = new Session(transport)
    await expect(session.dump(bind)).rejects.toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL, ...readable })
  })

  test('of random bytes: the errno arrives', async () => {
    const whole = ackBytes({ message: 'out of range', offset: 28, policy: { type: 4, maximumUnsigned: 9n } })
    const mutation = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255), cut: fc.nat(whole.length) })
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { maxLength: 4 }), async (mutations) => {
        let tail = whole.slice()
        for (const { at, value, cut } of mutations) {
          tail[at % Math.max(1, tail.length)] = value
          if (cut % 3 === 0) tail = tail.subarray(0, cut)
        }
        const error = await refusal(bind, (datagram) => errorWithTail(datagram, Errno.EINVAL, tail))
        expect(error).toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL })
      }),
      { numRuns: runsOf(300) },
    )
  })
})
