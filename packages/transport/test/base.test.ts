import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Capabilities, FrameBatch, TransportStats } from '../src/index.ts'
import {
  BaseTransport,
  describeFrame,
  FRAMES_PER_TURN,
  OutboxBuffer,
  SlabPool,
  TIME_PER_TURN,
  TransportError,
} from '../src/index.ts'

/** A transport whose implementation is a list of steps; `undefined` means that nothing is ready. */
class Scripted extends BaseTransport {
  readonly capabilities = { batchSize: 1 } as Capabilities
  readonly stats = {} as TransportStats
  readonly portId = 1
  readonly outbox = new OutboxBuffer(64, (_, length) => length)
  readonly pool = new SlabPool({ frameSize: 4, batchSize: 1, slabs: 40, poison: true })
  clock = 0
  drops = -1
  readonly steps: (() => FrameBatch | undefined)[] = []
  readonly doWait = vi.fn()
  readonly doStopWaiting = vi.fn()
  readonly doClose = vi.fn(() => this.pool.close())
  readonly doJoinGroup = vi.fn()
  readonly doLeaveGroup = vi.fn()
  readonly doReadProcNet = vi.fn((name: string) => `text of ${name}`)
  readonly doReceiveBlocking = vi.fn((_: number) => this.doReceive())

  doReceive(): FrameBatch | undefined {
    return this.steps.shift()?.()
  }

  /** Adds batches of one byte each. */
  add(...values: number[]): void {
    for (const value of values) this.steps.push(() => this.batch(value))
  }

  batch(value: number): FrameBatch {
    const slab = this.pool.next()
    this.pool.memory.u8[slab * this.pool.stride] = value
    describeFrame(this.pool.words, slab, 1, 1, 0, 0)
    return this.pool.take(slab, 1, this.countBatch(1))
  }

  lose(count: number): void {
    this.loss.note(count)
  }

  protected override doReadDrops(): number {
    return this.drops
  }

  protected override now(): number {
    return this.clock
  }

  overrun(): undefined {
    this.loss.noteOverrun()
  }

  wakeUp(turn?: 'new' | 'same'): void {
    this.wake(turn)
  }

  failWith(error: unknown): void {
    this.fail(error)
  }
}

const value = (batch: FrameBatch | undefined) => batch?.memory.u8[batch.offset(0)]
const code = (name: string) => expect.objectContaining({ code: name })

test('an overrun whose losses were counted before does not hide the batches after it', async () => {
  const transport = new Scripted()
  transport.drops = 0
  transport.steps.push(() => transport.overrun())
  transport.add(7)
  expect(value(transport.poll())).toBe(7)
  await transport.close()
})

test('receive takes what is ready without waiting, and waits otherwise', async () => {
  const transport = new Scripted()
  transport.add(1)
  expect(value(await transport.receive())).toBe(1)
  expect(transport.doWait).not.toHaveBeenCalled()
  const waiting = transport.receive()
  expect(transport.doWait).toHaveBeenCalledTimes(1)
  transport.add(2)
  transport.wakeUp()
  expect(value(await waiting)).toBe(2)
})

test('after a burst the event loop gets its turn, and then a new burst begins', async () => {
  const transport = new Scripted()
  transport.add(...Array.from({ length: FRAMES_PER_TURN * 2 + 2 }, (_, index) => index))
  for (let index = 0; index < FRAMES_PER_TURN; index++) (await transport.receive()).release()
  expect(transport.doWait).not.toHaveBeenCalled()
  const next = transport.receive()
  expect(transport.doWait).toHaveBeenCalledTimes(1)
  transport.wakeUp()
  const first = await next
  expect(value(first)).toBe(FRAMES_PER_TURN & 0xff)
  first.release()
  for (let index = 1; index < FRAMES_PER_TURN; index++) (await transport.receive()).release()
  expect(transport.doWait).toHaveBeenCalledTimes(1)
  const last = transport.receive()
  expect(transport.doWait).toHaveBeenCalledTimes(2)
  transport.wakeUp()
  expect(value(await last)).toBe((FRAMES_PER_TURN * 2) & 0xff)
})

test('a wake-up without a receive does nothing; after one without a message the receive waits again', async () => {
  const transport = new Scripted()
  transport.add(1)
  transport.wakeUp()
  expect(transport.steps.length).toBe(1)
  transport.poll()?.release()
  const waiting = transport.receive()
  transport.steps.push(() => undefined)
  transport.wakeUp()
  transport.wakeUp()
  expect(transport.doWait).toHaveBeenCalledTimes(3)
  transport.add(2)
  transport.wakeUp()
  transport.wakeUp()
  expect(value(await waiting)).toBe(2)
})

test('an error of the implementation rejects the receive: at once, after a wake-up, at waiting and from fail', async () => {
  const transport = new Scripted()
  const error = new Error('from below')
  const failing = () => {
    throw error
  }
  transport.steps.push(failing)
  await expect(transport.receive()).rejects.toBe(error)
  const woken = transport.receive()
  transport.steps.push(failing)
  transport.wakeUp()
  await expect(woken).rejects.toBe(error)
  transport.doWait.mockImplementationOnce(failing)
  await expect(transport.receive()).rejects.toBe(error)
  const again = transport.receive()
  transport.doWait.mockImplementationOnce(failing)
  transport.wakeUp()
  await expect(again).rejects.toBe(error)
  const failed = transport.receive()
  transport.failWith(error)
  await expect(failed).rejects.toBe(error)
  transport.failWith(error)
  transport.add(1)
  const last = transport.receive()
  transport.wakeUp()
  expect(value(await last)).toBe(1)
})

test('an error ends an iteration, which can begin again', async () => {
  const transport = new Scripted()
  const error = new Error('from below')
  transport.add(1)
  transport.steps.push(() => {
    throw error
  })
  const seen: FrameBatch[] = []
  const loop = async () => {
    for await (const batch of transport) seen.push(batch)
  }
  await expect(loop()).rejects.toBe(error)
  expect(seen.map(({ released }) => released)).toEqual([true])
  transport.add(2)
  for await (const batch of transport) {
    expect(value(batch)).toBe(2)
    break
  }
})

test('an aborted wait is cancelled below; an abort after the end is not', async () => {
  const transport = new Scripted()
  const first = new AbortController()
  const waiting = transport.receive({ signal: first.signal })
  first.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  expect(transport.doStopWaiting).toHaveBeenCalledTimes(1)
  const second = new AbortController()
  transport.add(1)
  const received = transport.receive({ signal: second.signal })
  transport.wakeUp()
  await received
  second.abort()
  expect(transport.doStopWaiting).toHaveBeenCalledTimes(1)
})

test('after an abandoned wait, once the event loop has run, the next receive looks for itself', async () => {
  const transport = new Scripted()
  const giveUp = async () => {
    const controller = new AbortController()
    const waiting = transport.receive({ signal: controller.signal })
    controller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
  }
  transport.steps.push(() => undefined)
  await giveUp()
  transport.add(1)
  await giveUp()
  await setImmediate()
  expect(value(await transport.receive())).toBe(1)
  expect(transport.doWait).toHaveBeenCalledTimes(2)
  // Even if that turn was over, by frames or by time.
  transport.clock += TIME_PER_TURN
  transport.add(2)
  await giveUp()
  await setImmediate()
  expect(value(await transport.receive())).toBe(2)
  expect(transport.doWait).toHaveBeenCalledTimes(3)
})

test('poll blocks only with a timeout: the blocking receive finds out whether something is ready', () => {
  const transport = new Scripted()
  expect(transport.poll()).toBe(undefined)
  expect(transport.doReceiveBlocking).not.toHaveBeenCalled()
  expect(transport.poll(5)).toBe(undefined)
  expect(transport.doReceiveBlocking).toHaveBeenLastCalledWith(5)
  expect(transport.poll(-1)).toBe(undefined)
  expect(transport.doReceiveBlocking).toHaveBeenLastCalledWith(-1)
  transport.add(1)
  expect(value(transport.poll(5))).toBe(1)
  expect(transport.doReceiveBlocking).toHaveBeenCalledTimes(3)
  transport.add(2)
  expect(value(transport.poll())).toBe(2)
  expect(transport.doReceiveBlocking).toHaveBeenCalledTimes(3)
})

test('receive after close is CLOSED, even if an iteration has not noticed yet', async () => {
  const transport = new Scripted()
  transport.add(1)
  const iterator = transport[Symbol.asyncIterator]()
  await iterator.next()
  await expect(transport.receive()).rejects.toThrow(code('BUSY'))
  await transport.close()
  await expect(transport.receive()).rejects.toThrow(code('CLOSED'))
})

test('two calls of next at once: the second is refused, the first gets its batch', async () => {
  const transport = new Scripted()
  transport.add(1, 2)
  const iterator = transport[Symbol.asyncIterator]()
  const [first, second] = await Promise.allSettled([iterator.next(), iterator.next()])
  expect(first).toMatchObject({ status: 'fulfilled', value: { done: false } })
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'BUSY' } })
  const next = await iterator.next()
  expect(value(next.value)).toBe(2)
  expect(first.status === 'fulfilled' && first.value.value?.released).toBe(true)
})

test('a batch that comes at the end of its iteration is returned', async () => {
  const transport = new Scripted()
  transport.add(1)
  const iterator = transport[Symbol.asyncIterator]()
  const [next] = await Promise.all([iterator.next(), iterator.return?.()])
  expect(next).toEqual({ done: true, value: undefined })
  transport.add(...Array.from({ length: 40 }, (_, index) => index))
  for (let index = 0; index < 40; index++) expect(value(transport.poll())).toBe(index)
})

test('a listener that closes the transport while it receives ends the receive with CLOSED', async () => {
  for (const step of ['now', 'woken', 'polled'] as const) {
    const transport = new Scripted()
    const closing = () => {
      void transport.close()
      return step === 'now' ? undefined : transport.batch(1)
    }
    if (step === 'woken') {
      const waiting = transport.receive()
      transport.steps.push(closing)
      transport.wakeUp()
      await expect(waiting).rejects.toThrow(code('CLOSED'))
      expect(transport.doWait).toHaveBeenCalledTimes(1)
    } else {
      transport.steps.push(closing)
      if (step === 'now') await expect(transport.receive()).rejects.toThrow(code('CLOSED'))
      else expect(() => transport.poll()).toThrow(code('CLOSED'))
    }
    expect(() => transport.pool.next()).not.toThrow()
  }
})

test('an error of a closed implementation is not reported', async () => {
  const transport = new Scripted()
  transport.steps.push(() => {
    void transport.close()
    throw new TransportError('SYSTEM', 'receive', 'EBADF')
  })
  await expect(transport.receive()).rejects.toThrow(code('CLOSED'))
})

test('a listener that receives during a receive is refused', async () => {
  const transport = new Scripted()
  const refused: Promise<unknown>[] = []
  transport.steps.push(() => {
    expect(() => transport.poll()).toThrow(code('BUSY'))
    expect(() => transport[Symbol.asyncIterator]()).toThrow(code('BUSY'))
    refused.push(expect(transport.receive()).rejects.toThrow(code('BUSY')))
    return transport.batch(1)
  })
  expect(value(await transport.receive())).toBe(1)
  await Promise.all(refused)
})

test('a listener that aborts the current receive loses nothing', async () => {
  const transport = new Scripted()
  const controller = new AbortController()
  const waiting = transport.receive({ signal: controller.signal })
  transport.steps.push(() => {
    controller.abort('enough')
    return transport.batch(1)
  })
  transport.wakeUp()
  await expect(waiting).rejects.toBe('enough')
  transport.add(2)
  expect(value(transport.poll())).toBe(1)
  expect(value(transport.poll())).toBe(2)

  const second = new AbortController()
  transport.steps.push(() => {
    second.abort('enough')
    return undefined
  })
  await expect(transport.receive({ signal: second.signal })).rejects.toBe('enough')
})

test('a batch that was kept is received even when the burst is over', async () => {
  const transport = new Scripted()
  transport.add(...Array.from({ length: FRAMES_PER_TURN }, (_, index) => index))
  for (let index = 0; index < FRAMES_PER_TURN; index++) (await transport.receive()).release()
  const controller = new AbortController()
  const waiting = transport.receive({ signal: controller.signal })
  transport.steps.push(() => {
    controller.abort('enough')
    return transport.batch(100)
  })
  transport.wakeUp()
  await expect(waiting).rejects.toBe('enough')
  expect(value(await transport.receive())).toBe(100)
})

test('a turn of the event loop ends after some time, too', async () => {
  const transport = new Scripted()
  transport.add(0, 1, 2)
  ;(await transport.receive()).release()
  transport.clock += TIME_PER_TURN - 1
  ;(await transport.receive()).release()
  transport.clock += 1
  const next = transport.receive()
  expect(transport.doWait).toHaveBeenCalledTimes(1)
  transport.wakeUp()
  expect(value(await next)).toBe(2)
})

test('a wake-up in a turn that is over brings its batch in the next turn', async () => {
  const transport = new Scripted()
  transport.add(0, 1)
  ;(await transport.receive()).release()
  transport.clock += TIME_PER_TURN
  const next = transport.receive()
  transport.wakeUp('same')
  expect(transport.steps.length).toBe(1)
  await setImmediate()
  expect(value(await next)).toBe(1)
})

test('after a batch that was not full, nothing is requested before the next wake-up', async () => {
  const transport = new Scripted()
  Object.assign(transport.capabilities, { batchSize: 2 })
  transport.add(0, 1)
  expect(value(await transport.receive())).toBe(0)
  expect(transport.receiveNow()).toBeUndefined()
  const next = transport.receive()
  expect(transport.steps.length).toBe(1)
  transport.wakeUp()
  expect(value(await next)).toBe(1)
})

test('receiveNow returns what a turn allows, and no more', () => {
  const transport = new Scripted()
  transport.add(...Array.from({ length: FRAMES_PER_TURN + 1 }, (_, index) => index))
  let count = 0
  for (let batch = transport.receiveNow(); batch !== undefined; batch = transport.receiveNow()) {
    count++
    batch.release()
  }
  expect(count).toBe(FRAMES_PER_TURN)
  expect(transport.steps.length).toBe(1)
})

test('receiveNow refuses what receive does', async () => {
  const transport = new Scripted()
  const waiting = transport.receive()
  expect(() => transport.receiveNow()).toThrow(code('BUSY'))
  transport.add(1)
  transport.wakeUp()
  ;(await waiting).release()
  await transport.close()
  expect(() => transport.receiveNow()).toThrow(code('CLOSED'))
})

describe('a listener of overrun that throws', () => {
  const thrown = new Error('thrown by a listener')

  function losing(): Scripted {
    const transport = new Scripted()
    transport.events.on('overrun', () => {
      throw thrown
    })
    transport.steps.push(() => {
      transport.lose(3)
      return transport.batch(7)
    })
    return transport
  }

  test('costs no batch: receive rejects with its error afterwards, once', async () => {
    const transport = losing()
    transport.add(8)
    const batch = await transport.receive()
    expect([value(batch), batch.lost]).toEqual([7, 3])
    await expect(transport.receive()).rejects.toBe(thrown)
    expect(value(await transport.receive())).toBe(8)
    await transport.close()
  })

  test('costs a waiting receive no batch', async () => {
    const transport = new Scripted()
    const waiting = transport.receive()
    transport.events.on('overrun', () => {
      throw thrown
    })
    transport.steps.push(() => {
      transport.lose(1)
      return transport.batch(9)
    })
    transport.wakeUp()
    expect(value(await waiting)).toBe(9)
    await expect(transport.receive()).rejects.toBe(thrown)
  })

  test('ends an iteration after the batch', async () => {
    const transport = losing()
    const seen: (number | undefined)[] = []
    const loop = async () => {
      for await (const batch of transport) seen.push(value(batch))
    }
    await expect(loop()).rejects.toBe(thrown)
    expect(seen).toEqual([7])
  })

  test('is thrown by the next poll, or by close if nothing is received any more', async () => {
    const polled = losing()
    expect(value(polled.poll())).toBe(7)
    expect(() => polled.poll()).toThrow(thrown)
    const closed = losing()
    closed.poll()?.release()
    await expect(closed.close()).rejects.toBe(thrown)
    expect(closed.doClose).toHaveBeenCalledTimes(1)
  })

  test('rejects at once if a loss comes alone', async () => {
    const transport = new Scripted()
    transport.events.on('overrun', () => {
      throw thrown
    })
    transport.steps.push(() => {
      transport.lose(1)
      return undefined
    })
    await expect(transport.receive()).rejects.toBe(thrown)
  })
})

test('messages dropped at the end are counted at close, before its event', async () => {
  const transport = new Scripted()
  const seen: unknown[] = []
  transport.events.on('overrun', (lost) => seen.push(lost))
  transport.events.on('close', () => seen.push('close'))
  transport.drops = 5
  transport.add(1)
  expect(transport.poll()?.lost).toBe(0)
  await transport.close()
  expect(seen).toEqual([5, 'close'])
})

test('close runs once, frees before its event, and rejects a waiting receive', async () => {
  const transport = new Scripted()
  const seen: string[] = []
  transport.doClose.mockImplementation(() => void seen.push('freed'))
  transport.events.on('close', () => seen.push('told'))
  const waiting = expect(transport.receive()).rejects.toThrow(code('CLOSED'))
  await Promise.all([transport.close(), transport.close()])
  await transport[Symbol.asyncDispose]()
  await waiting
  transport.wakeUp()
  transport.failWith(new Error('late'))
  await setImmediate()
  expect(seen).toEqual(['freed', 'told'])
})

test('groups and files are checked before the implementation is called, and it is not called after close', async () => {
  const transport = new Scripted()
  transport.joinGroup(1)
  transport.leaveGroup(0x7fffffff)
  expect(transport.doJoinGroup).toHaveBeenCalledWith(1)
  expect(transport.doLeaveGroup).toHaveBeenCalledWith(0x7fffffff)
  expect(transport.readProcNet('netlink')).toBe('text of netlink')
  for (const group of [0, -1, 1.5, 2 ** 31, Number.NaN]) {
    expect(() => transport.joinGroup(group)).toThrow(code('ARGUMENT'))
  }
  await transport.close()
  expect(() => transport.joinGroup(1)).toThrow(code('CLOSED'))
  expect(() => transport.leaveGroup(1)).toThrow(code('CLOSED'))
  expect(() => transport.readProcNet('netlink')).toThrow(code('CLOSED'))
  expect(transport.doJoinGroup).toHaveBeenCalledTimes(1)
})
