import { expect } from 'vitest'
import {
  type ConformanceCase,
  collect,
  expectNothing,
  expectRejects,
  expectThrows,
  frameOf,
  framesOf,
  guarded,
  message,
  messages,
  send,
  settled,
} from './case.ts'

export const receiveCases: readonly ConformanceCase[] = [
  {
    title: 'receiveNow returns what is ready, and the rest comes in the next turn of the event loop',
    promise:
      'As {@link receive}, without a promise, within this turn of the event loop: `undefined` when nothing is known to be ready, and when enough was given out in this turn, so that timers and other sockets get their turn; {@link receive} then continues with the next batch.',
    async run({ transport, peer }) {
      const { frameCount, batchSize } = transport.capabilities
      const sent = messages(frameCount - (frameCount % batchSize))
      const delivered = guarded(Promise.resolve(peer.deliver(sent)))
      const received: Uint8Array[] = []
      while (received.length < sent.length) {
        const batch = transport.receiveNow() ?? (await transport.receive())
        received.push(...framesOf(batch))
        batch.release()
      }
      await delivered
      expect(received).toEqual(sent)
      const waiting = guarded(transport.receive())
      expectThrows(() => transport.receiveNow(), 'BUSY')
      await transport.close()
      await expectRejects(waiting, 'CLOSED')
      expectThrows(() => transport.receiveNow(), 'CLOSED')
    },
  },
  {
    title: 'messages come once each, in order, and whole',
    promise: 'messages arrive in the order in which the kernel made them, so a gap in their numbers is a loss',
    async run({ transport, peer }) {
      const sent = messages(transport.capabilities.batchSize * 2 + 1)
      await peer.deliver(sent)
      const received = await collect(transport, sent.length)
      const sort = (list: Uint8Array[]) => (transport.capabilities.ordered ? list : list.sort())
      expect(sort(received)).toEqual(sort(sent))
      expectNothing(transport)
    },
  },
  {
    title: 'a batch has from one to batchSize frames, inside its memory',
    promise: 'frames in the batch; at least one',
    async run({ transport, peer }) {
      const { batchSize, frameSize } = transport.capabilities
      const sent = messages(batchSize * 2 + 1)
      await peer.deliver(sent)
      let received = 0
      while (received < sent.length) {
        const batch = await transport.receive()
        expect(batch.length).toBeGreaterThanOrEqual(1)
        expect(batch.length).toBeLessThanOrEqual(batchSize)
        expect(batch.lost).toBe(0)
        expect(batch.released).toBe(false)
        for (let index = 0; index < batch.length; index++) {
          expect(batch.offset(index) % 4).toBe(0)
          expect(batch.byteLength(index)).toBeLessThanOrEqual(frameSize)
          expect(batch.offset(index) + batch.byteLength(index)).toBeLessThanOrEqual(batch.memory.byteLength)
          expect(batch.fullLength(index)).toBe(batch.byteLength(index))
          expect(batch.groups(index)).toBe(0)
        }
        received += batch.length
        batch.release()
      }
    },
  },
  {
    title: 'iterating over a batch re-aims one frame at each',
    promise: 'One frame of a batch, as iterating shows it: a flyweight that the next step re-aims.',
    async run({ transport, peer }) {
      const sent = messages(transport.capabilities.batchSize)
      await peer.deliver(sent)
      const seen: Uint8Array[] = []
      const flyweights = new Set<unknown>()
      let batches = 0
      while (seen.length < sent.length) {
        const batch = await transport.receive()
        batches++
        let index = 0
        for (const frame of batch) {
          expect(frame).toEqual({ index, offset: batch.offset(index), byteLength: batch.byteLength(index) })
          seen.push(batch.memory.copy(frame.offset, frame.byteLength))
          flyweights.add(frame)
          index++
        }
        expect(index).toBe(batch.length)
        batch.release()
      }
      expect(seen).toEqual(sent)
      expect(flyweights.size).toBe(batches)
    },
  },
  {
    title: 'an empty message is a message',
    promise: 'Length of frame `index` in bytes. Need not be a multiple of four.',
    needs: ['emptyMessages'],
    async run({ transport, peer }) {
      const sent = [message(0), new Uint8Array(0), message(2), new Uint8Array(0)]
      await peer.deliver(sent)
      expect(await collect(transport, sent.length)).toEqual(sent)
    },
  },
  {
    title: 'messages keep odd lengths such as one byte, even the last one',
    promise: 'Length of frame `index` in bytes. Need not be a multiple of four.',
    async run({ transport, peer }) {
      const sent = [1, 2, 3, 4, 5, 17, 31, 33, 1, 21].map((byteLength, index) => message(index, byteLength))
      await peer.deliver(sent)
      expect(await collect(transport, sent.length)).toEqual(sent)
      expect(transport.stats.truncated).toBe(0)
    },
  },
  {
    title: 'a message as long as a frame comes whole',
    promise: 'bytes that a frame holds; the rest of a longer message is lost, and the batch says so',
    async run({ transport, peer }) {
      const sent = messages(3, 0, transport.capabilities.frameSize)
      await peer.deliver(sent)
      expect(await collect(transport, sent.length)).toEqual(sent)
      expect(transport.stats.truncated).toBe(0)
    },
  },
  {
    title: 'a message longer than a frame is truncated, marked and counted, and its neighbours are intact',
    promise:
      'Length of the whole message in bytes. If more than {@link byteLength}, the message was truncated and must not be read as whole.',
    needs: ['longMessages'],
    async run({ transport, peer }) {
      const { frameSize } = transport.capabilities
      const sent = [message(0), message(1, frameSize + 7), message(2), message(3, frameSize + 1), message(4)]
      await peer.deliver(sent)
      const fullLengths: number[] = []
      const received: Uint8Array[] = []
      while (received.length < sent.length) {
        const batch = await transport.receive()
        for (let index = 0; index < batch.length; index++) {
          fullLengths.push(batch.fullLength(index))
          received.push(frameOf(batch, index))
        }
        batch.release()
      }
      expect(received).toEqual(sent.map((bytes) => bytes.slice(0, frameSize)))
      expect(fullLengths).toEqual(sent.map((bytes) => bytes.length))
      expect(transport.stats.truncated).toBe(2)
    },
  },
  {
    title: 'a waiting receive is resolved by a later message',
    promise: 'Receives the next batch.',
    async run({ transport, peer }) {
      for (let round = 0; round < 5; round++) {
        const waiting = guarded(transport.receive())
        await peer.deliver([message(round)])
        const result = await settled(waiting)
        if (result.status === 'rejected') throw result.reason
        expect(framesOf(result.value)).toEqual([message(round)])
        result.value.release()
      }
      expect(transport.stats.wakeups).toBeGreaterThanOrEqual(1)
    },
  },
  {
    title: 'poll returns what is ready, or undefined',
    promise:
      'The next batch without the event loop: at once if one is ready, or after blocking this thread for up to `timeout` milliseconds (negative: indefinitely); `undefined` if there is none.',
    async run({ transport, peer }) {
      expect(transport.poll()).toBe(undefined)
      expect(transport.poll(0)).toBe(undefined)
      expect(transport.poll(1)).toBe(undefined)
      await peer.deliver([message(0)])
      const first = transport.poll()
      expect(first === undefined ? undefined : framesOf(first)).toEqual([message(0)])
      first?.release()
      await peer.deliver([message(1)])
      const second = transport.poll(60_000)
      expect(second === undefined ? undefined : framesOf(second)).toEqual([message(1)])
      second?.release()
      await peer.deliver([message(2)])
      const third = transport.poll(-1)
      expect(third === undefined ? undefined : framesOf(third)).toEqual([message(2)])
      third?.release()
      expectNothing(transport)
    },
  },
  {
    title: 'poll refuses a timeout that is not a number',
    promise: 'code `ARGUMENT` for a timeout that is not a number',
    async run({ transport }) {
      expectThrows(() => transport.poll(Number.NaN), 'ARGUMENT')
      expectThrows(() => transport.poll('1' as unknown as number), 'ARGUMENT')
      expectNothing(transport)
    },
  },
  {
    title: 'poll, receive and iteration can alternate on one stream of messages',
    promise: 'Otherwise as {@link receive}, except that it throws;',
    async run({ transport, peer }) {
      const sent = messages(transport.capabilities.batchSize * 3 + 2)
      const received: Uint8Array[] = []
      await peer.deliver(sent)
      for (let turn = 0; received.length < sent.length; turn++) {
        if (turn % 3 === 2) {
          for await (const batch of transport) {
            received.push(...framesOf(batch))
            break
          }
        } else {
          const batch = turn % 3 === 0 ? transport.poll() : await transport.receive()
          if (batch !== undefined) received.push(...framesOf(batch))
          batch?.release()
        }
      }
      expect(received).toEqual(sent)
    },
  },
  {
    title: 'many consecutive batches come, more than the memory holds',
    promise: 'the kernel may fill it again',
    async run({ transport, peer }) {
      const { frameCount } = transport.capabilities
      const expected: Uint8Array[] = []
      const received: Uint8Array[] = []
      for (let round = 0; round < 20; round++) {
        const sent = messages(frameCount, round * frameCount)
        await peer.deliver(sent)
        expected.push(...sent)
        received.push(...(await collect(transport, frameCount)))
      }
      expect(received).toEqual(expected)
    },
  },
  {
    title: 'frames of other senders are counted and dropped',
    promise:
      'Only frames of the kernel are delivered, unless the transport was opened for all senders; others are counted and dropped.',
    needs: ['foreign', 'answers'],
    options: { foreign: 'dropped' },
    async run({ transport, peer }) {
      await peer.deliverForeign(messages(3))
      const request = peer.request(1, 32)
      send(transport.outbox, request)
      await peer.deliverForeign(messages(2))
      const batch = await transport.receive()
      expect(batch.length).toBe(1)
      expect(batch.portId(0)).toBe(0)
      expect(peer.answered(frameOf(batch, 0))).toEqual(request)
      batch.release()
      expectNothing(transport)
      expect(transport.stats.foreign).toBe(5)
      expect(transport.stats.frames).toBe(1)
    },
  },
  {
    title: 'a frame of another sender does not end a waiting receive',
    promise:
      'Only frames of the kernel are delivered, unless the transport was opened for all senders; others are counted and dropped.',
    needs: ['foreign', 'answers'],
    options: { foreign: 'dropped' },
    async run({ transport, peer }) {
      const waiting = guarded(transport.receive())
      await peer.deliverForeign(messages(2))
      const request = peer.request(1, 32)
      send(transport.outbox, request)
      const batch = await waiting
      expect(framesOf(batch).map((frame) => peer.answered(frame))).toEqual([request])
      batch.release()
      expect(transport.stats.foreign).toBe(2)
    },
  },
  {
    title: 'a transport opened for all senders delivers frames of others, with their port id',
    promise: 'Port id of the sender; 0 is the kernel.',
    needs: ['foreign'],
    options: { foreign: 'delivered' },
    async run({ transport, peer }) {
      await peer.deliverForeign([message(0)])
      const batch = await transport.receive()
      expect(framesOf(batch)).toEqual([message(0)])
      expect(batch.portId(0)).not.toBe(0)
      batch.release()
      expect(transport.stats.foreign).toBe(0)
    },
  },
  {
    title: 'messages to a group come while it is joined, and carry the group',
    promise:
      'Multicast groups that the message was sent to, as a mask of the first 32; 0 if it was sent only to this socket.',
    needs: ['groups'],
    async run({ transport, peer }) {
      await peer.deliverToGroup(3, message(0))
      transport.joinGroup(3)
      await peer.deliverToGroup(3, message(1))
      await peer.deliverToGroup(4, message(2))
      const batch = await transport.receive()
      expect(framesOf(batch)).toEqual([message(1)])
      expect(batch.groups(0)).toBe(1 << 2)
      batch.release()
      transport.leaveGroup(3)
      await peer.deliverToGroup(3, message(3))
      expectNothing(transport)
    },
  },
  {
    title: 'an invalid group number is refused',
    promise: 'Joins multicast group `group` (a number from 1, otherwise code `ARGUMENT`).',
    async run({ transport }) {
      for (const group of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
        expectThrows(() => transport.joinGroup(group), 'ARGUMENT')
        expectThrows(() => transport.leaveGroup(group), 'ARGUMENT')
      }
    },
  },
]
