import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FRAMES_PER_TURN, TIME_PER_TURN } from '../src/index.ts'
import { code, Scripted, value } from './scripted-transport.ts'

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
