/** One seed, one outcome; the virtual clock. */

import { type QueueMessage, Verdict } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { SimKernel, VirtualClock } from '../src/index.ts'
import { ask, bind, config, copyAll, receiveAll, sendBytes, udp, verdict } from './support.ts'

/** Everything that some hundred random steps on a kernel of this seed show. */
function trace(seed: number): string {
  const kernel = new SimKernel({ seed })
  kernel.addRule({ hook: 3, queue: { from: 0, to: 3 }, bypass: true })
  const socket = kernel.open({ protocol: 12, receiveBufferSize: 20_000 })
  const second = kernel.open({ protocol: 12, portId: 0 })
  const lines: string[] = [`ports ${socket.portId} ${second.portId}`]
  kernel.onDelivered(({ bytes }) => lines.push(`delivered ${bytes.join()}`))
  for (let queue = 0; queue < 4; queue++) ask(socket, config(queue, { ...bind, ...copyAll, maximumLength: 20 }))
  for (let step = 0; step < 400; step++) {
    const packet = udp(5000, `${step}`)
    packet[19] = kernel.random.below(250)
    kernel.inject(packet, { mark: kernel.random.below(3) })
    if (kernel.random.below(4) > 0) continue
    for (const frame of receiveAll(socket)) lines.push(frame.join())
    const type = (kernel.random.below(5) === 0 ? 0x303 : 0x301) as typeof QueueMessage.Verdict
    const id = kernel.random.below(step)
    const bytes = verdict(
      kernel.random.below(5),
      id,
      kernel.random.below(2) === 0 ? Verdict.Drop : Verdict.Accept,
      {},
      type,
    )
    sendBytes(socket, bytes)
    kernel.clock.advance(kernel.random.below(10))
  }
  lines.push(socket.readProcNet('netfilter/nfnetlink_queue'), JSON.stringify(kernel.dropped), `${kernel.clock.now}`)
  return lines.join('\n')
}

describe('a simulated kernel', () => {
  test('does the same twice for one seed, and something else for another', () => {
    const first = trace(7)
    expect(first.split('\n').length).toBeGreaterThan(300)
    expect(trace(7)).toBe(first)
    expect(trace(8)).not.toBe(first)
  })
})

describe('the virtual clock', () => {
  test('runs timers in their order, at their time', () => {
    const clock = new VirtualClock()
    const log: string[] = []
    clock.schedule(20, () => log.push(`b ${clock.now}`))
    clock.schedule(10, () => {
      log.push(`a ${clock.now}`)
      clock.schedule(5, () => log.push(`inner ${clock.now}`))
    })
    clock.schedule(20, () => log.push(`c ${clock.now}`))
    const cancelled = clock.schedule(12, () => log.push('never'))
    cancelled.cancel()
    cancelled.cancel()
    expect(clock.nextDue).toBe(10)
    clock.advance(20)
    expect(log).toEqual(['a 10', 'inner 15', 'b 20', 'c 20'])
    expect([clock.now, clock.nextDue, clock.runNext()]).toEqual([20, undefined, false])
    expect(() => clock.advance(-1)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    expect(() => clock.advance(Number.POSITIVE_INFINITY)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  })
})
