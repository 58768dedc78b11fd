import { expect } from 'vitest'
import { type ConformanceCase, commit, expectNothing, expectThrows, message, send } from './case.ts'

const flushKeeps =
  'Messages that cannot be sent stay committed: `sent` of the error (code `SYSTEM`) says how many were sent, and a later flush tries the others.'

export const sendCases: readonly ConformanceCase[] = [
  {
    title: 'a flush sends all commits, in order, with one entry into the kernel, and returns how many',
    promise:
      'Sends all committed messages, in order, with one entry into the kernel, and returns the number of commits.',
    needs: ['sent'],
    async run({ transport, peer }) {
      const { outbox, stats } = transport
      const requests = [32, 20, 48, 36].map((byteLength, index) => peer.request(index, byteLength))
      for (const request of requests) commit(outbox, request)
      expect(outbox.pendingCommits).toBe(4)
      const calls = stats.systemCalls
      expect(outbox.flush()).toBe(4)
      expect(stats.systemCalls - calls).toBeLessThanOrEqual(1)
      expect(outbox.pendingCommits).toBe(0)
      expect(outbox.pending).toBe(0)
      expect(await peer.sent()).toEqual(requests)
      expect(stats.sent).toBe(4)
      expect(stats.sentBytes).toBe(136)
      const next = peer.request(4, 32)
      send(outbox, next)
      expect(await peer.sent()).toEqual([next])
      expect(stats.sent).toBe(5)
    },
  },
  {
    title: 'messages of odd lengths, one or several per commit, arrive as they were written',
    promise: 'A message that does not end at a multiple of four is padded with zeros.',
    needs: ['sent'],
    async run({ transport, peer }) {
      const { outbox } = transport
      const requests = [21, 17, 18, 19, 33].map((byteLength, index) => peer.request(index, byteLength))
      outbox.memory.u8.fill(0xff)
      for (const request of requests) {
        const offset = outbox.reserve(64)
        expect(offset % 4).toBe(0)
        outbox.memory.u8.set(request, offset)
        outbox.commit(request.length)
      }
      expect(outbox.flush()).toBe(requests.length)
      expect(await peer.sent()).toEqual(requests)
      const two = [peer.request(5, 24), peer.request(6, 20)]
      const offset = outbox.reserve(44)
      outbox.memory.u8.set(two[0] as Uint8Array, offset)
      outbox.memory.u8.set(two[1] as Uint8Array, offset + 24)
      outbox.commit(44)
      expect(outbox.flush()).toBe(1)
      expect(await peer.sent()).toEqual(two)
    },
  },
  {
    title: 'a flush of nothing returns 0 without a system call',
    promise: 'Returns 0 if nothing is committed.',
    async run({ transport }) {
      const { systemCalls } = transport.stats
      expect(transport.outbox.flush()).toBe(0)
      transport.outbox.reserve(16)
      expect(transport.outbox.flush()).toBe(0)
      expect(transport.stats.systemCalls).toBe(systemCalls)
      expect(transport.stats.sent).toBe(0)
    },
  },
  {
    title: 'a reservation is cancelled by the next one',
    promise: 'Reserving again before a commit cancels the first reservation.',
    needs: ['sent'],
    async run({ transport, peer }) {
      const { outbox } = transport
      const request = peer.request(1, 32)
      const first = outbox.reserve(200)
      outbox.memory.u8.fill(0xee, first, first + 200)
      expect(outbox.available).toBe(transport.capabilities.outboxSize)
      expect(outbox.pending).toBe(0)
      const second = outbox.reserve(32)
      expect(second).toBe(first)
      expectThrows(() => outbox.commit(200), 'OUTBOX_STATE')
      outbox.memory.u8.set(request, second)
      outbox.commit(32)
      outbox.flush()
      expect(await peer.sent()).toEqual([request])
    },
  },
  {
    title: 'a flush cancels an open reservation',
    promise: 'An open reservation is cancelled.',
    async run({ transport }) {
      transport.outbox.reserve(32)
      transport.outbox.flush()
      expectThrows(() => transport.outbox.commit(32), 'OUTBOX_STATE')
    },
  },
  {
    title: 'a commit without a reservation, of nothing, or of more than was reserved is refused',
    promise: 'Throws code `OUTBOX_STATE` without a reservation, for nothing, or for more than was reserved.',
    async run({ transport }) {
      const { outbox } = transport
      expectThrows(() => outbox.commit(16), 'OUTBOX_STATE')
      outbox.reserve(16)
      for (const byteLength of [17, 20, 0, -1, 1.5, Number.NaN]) {
        expectThrows(() => outbox.commit(byteLength), 'OUTBOX_STATE')
      }
      outbox.commit(16)
      expectThrows(() => outbox.commit(16), 'OUTBOX_STATE')
      expect(outbox.pendingCommits).toBe(1)
      expect(outbox.pending).toBe(16)
    },
  },
  {
    title: 'a reservation that never fits is refused as an argument',
    promise:
      'Throws code `OUTBOX_FULL` when it does not fit before the next flush, `ARGUMENT` when it never could, `CLOSED`.',
    async run({ transport }) {
      const { outbox, capabilities } = transport
      for (const byteLength of [capabilities.outboxSize + 1, 2 ** 40, 0, -4, 1.5, Number.NaN]) {
        expectThrows(() => outbox.reserve(byteLength), 'ARGUMENT')
      }
      expect(outbox.reserve(capabilities.outboxSize) % 4).toBe(0)
    },
  },
  {
    title: 'a full outbox refuses, and accepts more after a flush',
    promise:
      'Throws code `OUTBOX_FULL` when it does not fit before the next flush, `ARGUMENT` when it never could, `CLOSED`.',
    needs: ['sent'],
    async run({ transport, peer }) {
      const { outbox, capabilities } = transport
      const requests: Uint8Array[] = []
      while (outbox.available >= 64) {
        const { available } = outbox
        requests.push(peer.request(requests.length, 64))
        commit(outbox, requests.at(-1) as Uint8Array)
        expect(outbox.available).toBe(available - 64)
        expect(outbox.pending).toBe(capabilities.outboxSize - outbox.available)
      }
      expectThrows(() => outbox.reserve(64), 'OUTBOX_FULL')
      expect(outbox.pendingCommits).toBe(requests.length)
      outbox.flush()
      expect(outbox.available).toBe(capabilities.outboxSize)
      expect(await peer.sent()).toEqual(requests)
      const next = peer.request(requests.length, 64)
      send(outbox, next)
      expect(await peer.sent()).toEqual([next])
    },
  },
  {
    title: 'a flush that partly succeeds reports how many were sent and keeps the others, which a later one sends',
    promise: flushKeeps,
    needs: ['sent', 'partialSend'],
    async run({ transport, peer }) {
      const { outbox, stats } = transport
      const requests = [32, 21, 40, 36, 28].map((byteLength, index) => peer.request(index, byteLength))
      for (const request of requests) commit(outbox, request)
      peer.limitSend(2)
      const error = expectThrows(() => outbox.flush(), 'SYSTEM')
      expect(error).toMatchObject({ sent: 2 })
      expect(outbox.pendingCommits).toBe(3)
      expect(outbox.pending).toBe(104)
      expect(stats.sent).toBe(2)
      expect(stats.sentBytes).toBe(56)
      expect(outbox.flush()).toBe(3)
      expect(outbox.pendingCommits).toBe(0)
      expect(stats.sent).toBe(5)
      expect(await peer.sent()).toEqual(requests)
    },
  },
  {
    title: 'commits that a flush left come first in the next one, and their room is reused',
    promise: flushKeeps,
    needs: ['sent', 'partialSend'],
    async run({ transport, peer }) {
      const { outbox, capabilities } = transport
      const requests: Uint8Array[] = []
      const arrived: Uint8Array[] = []
      const fill = () => {
        while (outbox.available >= 64) {
          requests.push(peer.request(requests.length, 64))
          commit(outbox, requests.at(-1) as Uint8Array)
        }
      }
      for (let round = 0; round < 6; round++) {
        fill()
        peer.limitSend(1)
        expect(expectThrows(() => outbox.flush(), 'SYSTEM')).toMatchObject({ sent: 1 })
        arrived.push(...(await peer.sent()))
        fill()
      }
      expect(outbox.pending).toBe(capabilities.outboxSize - (capabilities.outboxSize % 64))
      outbox.flush()
      arrived.push(...(await peer.sent()))
      expect(arrived).toEqual(requests)
    },
  },
  {
    title: 'a flush that sends nothing keeps everything',
    promise: flushKeeps,
    needs: ['sent', 'partialSend'],
    async run({ transport, peer }) {
      const { outbox } = transport
      const requests = [peer.request(0, 32), peer.request(1, 32)]
      for (const request of requests) commit(outbox, request)
      peer.limitSend(0)
      expect(expectThrows(() => outbox.flush(), 'SYSTEM')).toMatchObject({ sent: 0 })
      expect(outbox.pendingCommits).toBe(2)
      expect(outbox.flush()).toBe(2)
      expect(await peer.sent()).toEqual(requests)
    },
  },
  {
    title: 'nothing is sent before a flush, and receiving does not affect commits',
    promise:
      'Sends all committed messages, in order, with one entry into the kernel, and returns the number of commits.',
    needs: ['sent'],
    async run({ transport, peer }) {
      const request = peer.request(1, 40)
      commit(transport.outbox, request)
      await peer.deliver([message(0)])
      const batch = await transport.receive()
      batch.release()
      expectNothing(transport)
      expect(transport.stats.sent).toBe(0)
      expect(transport.outbox.pendingCommits).toBe(1)
      transport.outbox.flush()
      expect(await peer.sent()).toEqual([request])
    },
  },
  {
    title: 'after close nothing is reserved, committed or sent',
    promise: 'committed messages that were not flushed are discarded',
    async run({ transport }) {
      const { outbox } = transport
      outbox.reserve(16)
      outbox.commit(16)
      outbox.reserve(16)
      await transport.close()
      expectThrows(() => outbox.commit(16), 'OUTBOX_STATE')
      expectThrows(() => outbox.reserve(16), 'CLOSED')
      expectThrows(() => outbox.flush(), 'CLOSED')
      expect(outbox.pending).toBe(0)
      expect(outbox.pendingCommits).toBe(0)
      expect(transport.stats.sent).toBe(0)
    },
  },
]
