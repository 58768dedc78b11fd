import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FrameBatch } from '../src/index.ts'
import { FRAMES_PER_TURN, TIME_PER_TURN, TransportError } from '../src/index.ts'
import { code, Scripted, value } from './scripted-transport.ts'

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

test('an error of a closed implementation is not reported', async () => {
  const transport = new Scripted()
  transport.steps.push(() => {
    void transport.close()
    throw new TransportError('SYSTEM', 'receive', 'EBADF')
  })
  await expect(transport.receive()).rejects.toThrow(code('CLOSED'))
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
