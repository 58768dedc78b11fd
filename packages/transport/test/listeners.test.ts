/** Listeners of a transport (BaseTransport.events) that call it, throw or close it. */

import { describe, expect, test } from 'vitest'
import { code, Scripted, value } from './scripted-transport.ts'

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
