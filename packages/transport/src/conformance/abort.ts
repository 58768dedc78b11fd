import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import {
  type ConformanceCase,
  collect,
  expectNothing,
  framesOf,
  guarded,
  message,
  messages,
  settled,
  turns,
} from './case.ts'

const aborts = "aborts the wait: the promise rejects with the signal's reason, and no frame is lost by it"

export const abortCases: readonly ConformanceCase[] = [
  {
    title: 'a receive with an aborted signal rejects with its reason and takes nothing',
    promise: aborts,
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const reason = new Error('aborted before')
      const result = await settled(transport.receive({ signal: AbortSignal.abort(reason) }))
      expect(result).toEqual({ status: 'rejected', reason })
      expect(await collect(transport, 1)).toEqual([message(0)])
    },
  },
  {
    title: 'a waiting receive is aborted, with the reason, and later messages are for the next one',
    promise: aborts,
    async run({ transport, peer }) {
      for (let round = 0; round < 3; round++) {
        const controller = new AbortController()
        const waiting = guarded(transport.receive({ signal: controller.signal }))
        await turns()
        const reason = new Error(`aborted during ${round}`)
        controller.abort(reason)
        expect(await settled(waiting)).toEqual({ status: 'rejected', reason })
        expectNothing(transport)
        await peer.deliver([message(round)])
        expect(await collect(transport, 1)).toEqual([message(round)])
      }
    },
  },
  {
    title: 'stopReceiving ends a waiting receive with its reason, and later messages are for the next one',
    promise:
      'Ends a pending {@link receive}, which rejects with `reason`, as an aborted signal does: no frame is lost by it',
    async run({ transport, peer }) {
      transport.stopReceiving(new Error('nobody waits'))
      for (let round = 0; round < 3; round++) {
        const waiting = guarded(transport.receive())
        await turns()
        const reason = new Error(`stopped ${round}`)
        transport.stopReceiving(reason)
        expect(await settled(waiting)).toEqual({ status: 'rejected', reason })
        expectNothing(transport)
        await peer.deliver([message(round)])
        expect(await collect(transport, 1)).toEqual([message(round)])
      }
    },
  },
  {
    title: 'stopReceiving at the same time as a message loses nothing, in either order',
    promise: 'no frame is lost by it',
    async run({ transport, peer }) {
      const received: Uint8Array[] = []
      const sent = messages(24)
      for (const [index, bytes] of sent.entries()) {
        const waiting = guarded(transport.receive())
        if (index % 3 === 0) transport.stopReceiving(new Error('before'))
        const delivered = guarded(Promise.resolve(peer.deliver([bytes])))
        if (index % 3 === 1) transport.stopReceiving(new Error('during'))
        await delivered
        if (index % 3 === 2) transport.stopReceiving(new Error('after'))
        const result = await settled(waiting)
        if (result.status === 'fulfilled') {
          received.push(...framesOf(result.value))
          result.value.release()
        }
      }
      received.push(...(await collect(transport, sent.length - received.length)))
      expect(received).toEqual(sent)
      expectNothing(transport)
    },
  },
  {
    title: 'without a reason of its own an abort rejects with an AbortError',
    promise: aborts,
    async run({ transport }) {
      const controller = new AbortController()
      const waiting = guarded(transport.receive({ signal: controller.signal }))
      controller.abort()
      expect(await settled(waiting)).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } })
    },
  },
  {
    title: 'an abort at the same time as a message loses nothing, in either order',
    promise: aborts,
    async run({ transport, peer }) {
      const received: Uint8Array[] = []
      const sent = messages(24)
      for (const [index, bytes] of sent.entries()) {
        const controller = new AbortController()
        const waiting = guarded(transport.receive({ signal: controller.signal }))
        if (index % 3 === 0) controller.abort()
        const delivered = guarded(Promise.resolve(peer.deliver([bytes])))
        if (index % 3 === 1) controller.abort()
        await delivered
        if (index % 3 === 2) controller.abort()
        const result = await settled(waiting)
        if (result.status === 'fulfilled') {
          received.push(...framesOf(result.value))
          result.value.release()
        }
      }
      received.push(...(await collect(transport, sent.length - received.length)))
      expect(received).toEqual(sent)
      expectNothing(transport)
    },
  },
  {
    title: 'an aborted receive makes room for another consumer at once',
    promise: aborts,
    async run({ transport, peer }) {
      const controller = new AbortController()
      const waiting = guarded(transport.receive({ signal: controller.signal }))
      controller.abort()
      const next = guarded(transport.receive())
      expect(await settled(waiting)).toMatchObject({ status: 'rejected' })
      await peer.deliver([message(0)])
      expect(framesOf(await next)).toEqual([message(0)])
    },
  },
  {
    title: 'a reused signal collects no listeners, and an abort after the receive does nothing',
    promise: aborts,
    async run({ transport, peer }) {
      const controller = new AbortController()
      for (let round = 0; round < 20; round++) {
        const waiting = guarded(transport.receive({ signal: controller.signal }))
        await peer.deliver([message(round)])
        const batch = await waiting
        expect(framesOf(batch)).toEqual([message(round)])
        batch.release()
      }
      expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
      controller.abort()
      await peer.deliver([message(20)])
      expect(await collect(transport, 1)).toEqual([message(20)])
    },
  },
]
