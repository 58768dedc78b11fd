import {
  EncodeError,
  Errno,
  isNetlinkError,
  KernelError,
  QueueMessage,
  queueConfigAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { doneMessage, errorMessage, first, packetMessage, rowMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { type DumpInterruptedError, type Request, Session } from '../src/index.ts'

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

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was expected to reject')
}

describe('Session', () => {
  test('a request carries the flags and a sequence number, and resolves with its acknowledgement', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, 0)])
    const session = new Session(transport)
    await expect(session.request(bind)).resolves.toEqual([])
    const { view } = first(transport.sent[0] as Uint8Array)
    expect(view.flags).toBe(0x5)
    expect(view.sequence).toBe(1)
    await session.close()
  })

  test('a refusal names the attribute that the kernel points at', async () => {
    const transport = new FunctionTransport((datagram) => [
      // 20 bytes of headers, 8 of the command: the maximum length begins at 28.
      errorMessage(datagram, Errno.ERANGE, { message: 'out of range', offset: 28 }),
    ])
    const session = new Session(transport)
    const error = await failure(session.request(bind))
    expect(error).toMatchObject({
      code: 'KERNEL',
      errno: Errno.ERANGE,
      extendedMessage: 'out of range',
      attribute: 'NFQA_CFG_QUEUE_MAXLEN',
      offset: 28,
      sequence: 1,
    })
    expect((error as Error).message).toBe('bind queue 5: ERANGE, out of range, at NFQA_CFG_QUEUE_MAXLEN')
    await session.close()
  })

  test('a missing attribute is named', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, Errno.EINVAL, { missingType: 1 })])
    const session = new Session(transport)
    expect(await failure(session.request(bind))).toMatchObject({ missing: 'NFQA_CFG_CMD' })
    await session.close()
  })

  test('many requests in flight are answered in any order', async () => {
    const held: Uint8Array[] = []
    const transport = new FunctionTransport((datagram) => {
      held.push(datagram)
      return []
    })
    const session = new Session(transport)
    const requests = Array.from({ length: 20 }, () => session.request(bind))
    const settled = Promise.allSettled(requests)
    transport.deliver(
      ...held.reverse().map((datagram, index) => errorMessage(datagram, index % 2 === 0 ? 0 : Errno.EPERM)),
    )
    const states = (await settled).map(({ status }) => status)
    // The last request was answered first, with success.
    expect(states).toEqual(Array.from({ length: 20 }, (_, index) => (index % 2 === 1 ? 'fulfilled' : 'rejected')))
    await session.close()
  })

  test('requests beyond those in flight wait for their turn, in order, and one that is aborted is never sent', async () => {
    const held: Uint8Array[] = []
    const transport = new FunctionTransport((datagram) => {
      held.push(datagram)
      return []
    })
    const session = new Session(transport)
    const giveUp = new AbortController()
    const finished: number[] = []
    const requests = Array.from({ length: 100 }, async (_, index) => {
      await session.request(bind, index === 50 ? { signal: giveUp.signal } : {})
      finished.push(index)
    })
    const settled = Promise.allSettled(requests)
    const reason = new Error('enough')
    giveUp.abort(reason)
    await expect(requests[50]).rejects.toBe(reason)
    while (finished.length < 99) {
      expect(held.length).toBeLessThanOrEqual(32)
      transport.deliver(...held.splice(0).map((datagram) => errorMessage(datagram, 0)))
      await new Promise(setImmediate)
    }
    expect(finished).toEqual(Array.from({ length: 100 }, (_, index) => index).filter((index) => index !== 50))
    await settled
    await session.close()
  })

  test('close rejects the requests that wait for their turn', async () => {
    const transport = new FunctionTransport(() => [])
    const session = new Session(transport)
    const requests = Promise.allSettled(Array.from({ length: 100 }, () => session.request(bind)))
    await session.close()
    for (const result of await requests) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    }
  })

  test('a dump resolves to its rows at Done', async () => {
    const transport = new FunctionTransport((datagram) => [
      rowMessage(datagram, 0x100),
      rowMessage(datagram, 0x100),
      doneMessage(datagram),
    ])
    const session = new Session(transport)
    const rows = await session.dump(bind)
    expect(rows.map(({ view }) => view.type)).toEqual([0x100, 0x100])
    expect(first(transport.sent[0] as Uint8Array).view.flags).toBe(0x301)
    await session.close()
  })

  test('an interrupted dump rejects with its rows', async () => {
    const transport = new FunctionTransport((datagram) => [
      rowMessage(datagram, 0x100),
      doneMessage(datagram, { interrupted: true }),
    ])
    const session = new Session(transport)
    const error = await failure(session.dump(bind))
    expect(isNetlinkError(error, 'DUMP_INTERRUPTED')).toBe(true)
    expect((error as DumpInterruptedError).rows).toHaveLength(1)
    await session.close()
  })

  test('a dump that fails at its end rejects with the errno of Done', async () => {
    const transport = new FunctionTransport((datagram) => [doneMessage(datagram, { errno: Errno.EINVAL })])
    const session = new Session(transport)
    expect(await failure(session.dump(bind))).toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL })
    await session.close()
  })

  test('no answer: code TIMEOUT, and a late answer does no harm', async () => {
    const transport = new FunctionTransport()
    const session = new Session(transport, { requestTimeout: 1 })
    expect(await failure(session.request(bind))).toMatchObject({ code: 'TIMEOUT' })
    transport.deliver(errorMessage(transport.sent[0] as Uint8Array, Errno.EPERM))
    transport.kernel = (datagram) => [errorMessage(datagram, 0)]
    await session.request(bind, { timeout: 5000 })
    await session.close()
  })

  test('abort before and during a request rejects with the reason', async () => {
    const transport = new FunctionTransport()
    const session = new Session(transport)
    const reason = new Error('enough')
    expect(await failure(session.request(bind, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(transport.sent).toHaveLength(0)
    const controller = new AbortController()
    const during = failure(session.request(bind, { signal: controller.signal }))
    controller.abort(reason)
    expect(await during).toBe(reason)
    await session.close()
  })

  test('a send that fails rejects the request with the errno', async () => {
    const transport = new FunctionTransport(() => -Errno.ENOBUFS)
    const session = new Session(transport)
    expect(await failure(session.request(bind))).toMatchObject({ code: 'SYSTEM', errno: Errno.ENOBUFS })
    await session.close()
  })

  test('a request that cannot be encoded rejects, and the next one is sent', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, 0)])
    const session = new Session(transport)
    const broken: Request = {
      what: 'nonsense',
      write: () => {
        throw new EncodeError('VALUE_RANGE', 'no')
      },
    }
    expect(await failure(session.request(broken))).toMatchObject({ code: 'VALUE_RANGE' })
    await session.request(bind)
    expect(transport.sent).toHaveLength(1)
    await session.close()
  })

  test('close rejects requests in flight and a pending receive with CLOSED', async () => {
    const session = new Session(new FunctionTransport())
    const request = failure(session.request(bind))
    const receive = failure(session.receive())
    await session.close()
    expect(await request).toMatchObject({ code: 'CLOSED' })
    expect(await receive).toMatchObject({ code: 'CLOSED' })
    await session.close()
  })

  test('messages that arrive while a request is awaited are kept for receive, in order', async () => {
    const transport = new FunctionTransport((datagram) => [
      packetMessage(1),
      packetMessage(2),
      errorMessage(datagram, 0),
      packetMessage(3),
    ])
    const session = new Session(transport)
    await session.request(bind)
    const batch = await session.receive()
    expect(batch.length).toBe(4)
    batch.release()
    await session.close()
  })

  test('a waiting receive and a request share the transport', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, 0)])
    const session = new Session(transport)
    const receive = session.receive()
    await session.request(bind)
    const second = session.request(bind)
    transport.deliver(packetMessage(9))
    const batch = await receive
    expect(batch.length).toBeGreaterThan(0)
    batch.release()
    await second
    await session.close()
  })

  test('a second receive is refused, even if the session receives for the first', async () => {
    const transport = new FunctionTransport()
    const session = new Session(transport)
    const first = session.receive()
    expect(await failure(session.receive())).toMatchObject({ code: 'BUSY' })
    transport.deliver(packetMessage(1))
    ;(await first).release()
    // Now the session itself is receiving for the request.
    const request = failure(session.request(bind))
    const second = session.receive()
    expect(await failure(session.receive())).toMatchObject({ code: 'BUSY' })
    transport.deliver(packetMessage(2))
    ;(await second).release()
    await session.close()
    expect(await request).toMatchObject({ code: 'CLOSED' })
  })

  test('errors that answer no request go to onStrayError; an error that it returns rejects the next receive once', async () => {
    const transport = new FunctionTransport()
    const session = new Session(transport)
    const seen: number[][] = []
    const fatal = new KernelError('verdict', Errno.EPERM, { sequence: 7 })
    session.onStrayError = (type, sequence, errno) => {
      seen.push([type, sequence, errno])
      return errno === Errno.EPERM ? fatal : undefined
    }
    const verdict = (sequence: number) => {
      const bytes = packetMessage(1)
      const words = new DataView(bytes.buffer)
      words.setUint16(4, QueueMessage.Verdict, true)
      words.setUint32(8, sequence, true)
      return bytes
    }
    transport.deliver(errorMessage(verdict(6), Errno.ENOENT), errorMessage(verdict(7), Errno.EPERM))
    expect(await failure(session.receive())).toBe(fatal)
    expect(seen).toEqual([
      [QueueMessage.Verdict, 6, Errno.ENOENT],
      [QueueMessage.Verdict, 7, Errno.EPERM],
    ])
    transport.deliver(packetMessage(2))
    const batch = await session.receive()
    expect(batch.length).toBe(1)
    batch.release()
    await session.close()
  })

  test('malformed control messages answer no request and throw nothing', async () => {
    const transport = new FunctionTransport((datagram) => {
      const short = errorMessage(datagram, 0).slice(0, 24)
      new DataView(short.buffer).setUint32(0, 24, true)
      return [short, new Uint8Array(3), errorMessage(datagram, 0)]
    })
    const session = new Session(transport)
    await session.request(bind)
    await session.close()
  })
})
