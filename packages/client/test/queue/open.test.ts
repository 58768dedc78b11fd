import {
  CopyMode,
  Errno,
  QueueCommand,
  QueueFlag,
  QueueMessage,
  queueConfigAttributes,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first, split } from '@ringlink/test-support/messages'
import type { TransportNeeds } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { openQueue, type Queue } from '../../src/index.ts'
import { acceptingKernel, failure, open } from './accepting-kernel.ts'

describe('openQueue', () => {
  test('binds and configures with one request', async () => {
    const { transport, queue } = await open({ copyRange: 128, maxLength: 4096, failOpen: true, userAndGroup: false })
    const request = transport.sent[0] as Uint8Array
    expect(split(request)).toHaveLength(1)
    const { view } = first(request)
    expect(view.type).toBe(QueueMessage.Config)
    expect(readNfnetlinkAttributes(view, queueConfigAttributes)).toEqual({
      command: { command: QueueCommand.Bind, family: 0 },
      parameters: { copyRange: 128, copyMode: CopyMode.Packet },
      maximumLength: 4096,
      mask: QueueFlag.FailOpen | QueueFlag.UserAndGroup,
      flags: QueueFlag.FailOpen,
    })
    await queue.close()
  })

  test.each([
    [Errno.EPERM, 'QUEUE_REFUSED', /queue 5.*CAP_NET_ADMIN/],
    [Errno.EBUSY, 'QUEUE_REFUSED', /queue 5.*this process/],
    [Errno.EINVAL, 'QUEUE_UNSUPPORTED', /queue 5.*kernel/],
    [Errno.EOPNOTSUPP, 'QUEUE_UNSUPPORTED', /queue 5.*option/],
    [Errno.ENOMEM, 'KERNEL', /ENOMEM/],
  ])('errno %i of the bind is code %s', async (errno, code, subject) => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, errno)])
    let closed = 0
    transport.events.on('close', () => closed++)
    const error = await failure(openQueue({ number: 5, transport }))
    expect(error).toMatchObject({ code })
    expect((error as Error).message).toMatch(subject)
    expect(closed).toBe(1)
  })

  test.each<[unknown, string, string, string]>([
    [{ number: -1 }, 'VALUE_RANGE', 'number', 'number must be an integer from 0 to 65535, got -1'],
    [{ number: 65536 }, 'VALUE_RANGE', 'number', 'got 65536'],
    [{ number: 1.5 }, 'VALUE_RANGE', 'number', 'got 1.5'],
    [{ number: '0' }, 'ARGUMENT', 'number', "number must be an integer from 0 to 65535, got '0' (string)"],
    [{ number: undefined }, 'ARGUMENT', 'number', 'number is missing'],
    [{ number: undefined, queueNum: 0 }, 'ARGUMENT', 'queueNum', 'unknown key queueNum, and number is missing'],
    [{ copyRange: 65536 }, 'VALUE_RANGE', 'copyRange', 'from 0 to 65535'],
    [{ copyrange: 64 }, 'ARGUMENT', 'copyrange', 'unknown key copyrange, did you mean copyRange?'],
    [{ maxLength: 0 }, 'VALUE_RANGE', 'maxLength', 'got 0'],
    [{ failOpen: 'no' }, 'ARGUMENT', 'failOpen', "must be true or false, got 'no' (string)"],
    [{ unanswered: 'maybe' }, 'VALUE_RANGE', 'unanswered', "must be 'accept' or 'drop'"],
    [
      { transport: 'socket' },
      'ARGUMENT',
      'transport',
      'must be an open transport, or a function that opens a transport',
    ],
    [{ transport: {} }, 'ARGUMENT', 'transport', 'got an object'],
    [{ requestTimeout: Number.NaN }, 'VALUE_RANGE', 'requestTimeout', 'got NaN'],
    [{ signal: 'now' }, 'ARGUMENT', 'signal', 'must be an AbortSignal'],
  ])('%j is refused with %s before anything is opened', async (wrong, code, path, text) => {
    let opened = 0
    const transport = () => {
      opened++
      return new FunctionTransport()
    }
    const error = await failure(openQueue({ number: 0, transport, ...(wrong as object) }))
    expect(error).toMatchObject({ code, path })
    expect((error as Error).message).toContain(text)
    expect(opened).toBe(0)
  })

  test('no options are refused', async () => {
    expect(await failure((openQueue as () => Promise<Queue>)())).toMatchObject({ code: 'ARGUMENT', path: '' })
  })

  test.each([65_532, 65_535])('copyRange %i is everything, as for the kernel', async (copyRange) => {
    const kernel = new SimKernel()
    const queue = await openQueue({ number: 0, copyRange, transport: (needs) => kernel.open(needs) })
    // queue number, port id of its owner, packets in it, copy mode, copy range
    expect(kernel.readProcNet('netfilter/nfnetlink_queue')?.trim().split(/\s+/)[4]).toBe('65531')
    await queue.close()
  })

  test('an abort before opening opens nothing; an abort while the transport opens closes it', async () => {
    const { transport } = acceptingKernel()
    const reason = new Error('enough')
    const aborted = AbortSignal.abort(reason)
    const never = () => {
      throw new Error('it was opened')
    }
    expect(await failure(openQueue({ number: 0, transport: never, signal: aborted }))).toBe(reason)

    const abort = new AbortController()
    let finish = (_: FunctionTransport) => {}
    const opening = openQueue({
      number: 0,
      transport: () =>
        new Promise<FunctionTransport>((resolve) => {
          finish = resolve
        }),
      signal: abort.signal,
    })
    abort.abort(reason)
    expect(await failure(opening)).toBe(reason)
    const closed = new Promise<void>((resolve) => {
      transport.events.on('close', resolve)
    })
    finish(transport)
    await closed
  })

  test('the error names the option that the kernel does not support', async () => {
    const kernel = new SimKernel()
    const error = await failure(
      openQueue({ number: 5, conntrack: true, failOpen: true, transport: (needs) => kernel.open(needs) }),
    )
    expect(error).toMatchObject({ code: 'QUEUE_UNSUPPORTED' })
    expect((error as Error).message).toMatch(/option conntrack\b/)
  })

  test('a refused queue says who owns it', async () => {
    const kernel = new SimKernel()
    const transport = (needs: TransportNeeds) => kernel.open(needs)
    const queue = await openQueue({ number: 5, transport })
    const own = await failure(openQueue({ number: 5, transport }))
    expect(own).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/queue 5.*this process/),
    })
    await queue.close()
    const foreign = kernel.open({ protocol: 12 })
    const bound = await openQueue({ number: 6, transport: foreign })
    foreign.events.emit('close')
    const theirs = await failure(openQueue({ number: 6, transport }))
    expect(theirs).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/queue 6.*another process.*port id \d+/),
    })
    await bound.close()
    const unprivileged = (needs: TransportNeeds) => kernel.open({ ...needs, privileged: false })
    const denied = await failure(openQueue({ number: 5, transport: unprivileged }))
    expect(denied).toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringContaining('CAP_NET_ADMIN'),
    })
  })

  test('a transport factory gets the needs of the queue', async () => {
    const { transport } = acceptingKernel()
    let asked: unknown
    const queue = await openQueue({
      number: 1,
      copyRange: 128,
      maxLength: 2048,
      transport: (needs) => {
        asked = needs
        return transport
      },
    })
    expect(asked).toMatchObject({ protocol: 12, frameSize: 128 + 1024, receiveBufferSize: 2048 * 2304 })
    await queue.close()
  })

  test('a copy range beyond the frames is refused', async () => {
    const { transport } = acceptingKernel()
    expect(await failure(openQueue({ number: 0, copyRange: 4000, transport }))).toMatchObject({ code: 'ARGUMENT' })
  })
})
