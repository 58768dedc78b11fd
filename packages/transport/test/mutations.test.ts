/** The conformance suite itself: it finds each of many planted bugs. */

import { setMaxListeners } from 'node:events'
import { openSync } from 'node:fs'
import { RELEASED_MEMORY } from '@ringlink/codec/memory'
import { expect, test } from 'vitest'
import {
  conformanceCases,
  type OpenFixture,
  openReference,
  ReferencePeer,
  ReferenceTransport,
  referenceFixture,
  runCase,
} from '../src/conformance/index.ts'
import { TransportError } from '../src/errors.ts'
import type { IndexedBatch } from '../src/frames/batch.ts'
import type { Capabilities, FrameBatch, Lease, ReceiveOptions, TransportStats } from '../src/transport.ts'

/** A planted bug: a transport that breaks one promise, and the case that must find it. */
interface Mutation {
  readonly bug: string
  /** the beginning of the title of a case */
  readonly found: string
  readonly open: OpenFixture
}

type Constructor = typeof ReferenceTransport

/** A fixture with a transport of another class. */
function mutant(Mutant: Constructor, foreignSenders?: boolean): OpenFixture {
  return ({ foreign }) => {
    const options = { foreignSenders: foreignSenders ?? foreign === 'delivered' }
    return referenceFixture(new ReferencePeer(options, (transmit) => new Mutant(options, transmit)))
  }
}

/** A fixture whose transport has some members replaced after construction. */
function patched(patch: (transport: ReferenceTransport, peer: ReferencePeer) => void): OpenFixture {
  return async (options) => {
    const fixture = await openReference(options)
    patch(fixture.transport as ReferenceTransport, fixture.peer as ReferencePeer)
    return fixture
  }
}

/** A fixture whose every batch is changed on its way to the user. */
function batches(change: (batch: FrameBatch, transport: ReferenceTransport) => FrameBatch | undefined): OpenFixture {
  class Mutant extends ReferenceTransport {
    protected override doReceive(): FrameBatch | undefined {
      const batch = super.doReceive()
      return batch === undefined ? undefined : change(batch, this)
    }
  }
  return mutant(Mutant)
}

/** The object, with some members replaced. */
function but<Whole extends object>(whole: Whole, members: Partial<Whole>): Whole {
  return new Proxy(whole, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Members made writable, although the contract has them readonly. */
function overwrite<Whole extends object>(whole: Whole, members: Partial<Whole>): void {
  for (const [name, value] of Object.entries(members)) Object.defineProperty(whole, name, { value })
}

function replaceCapabilities(change: Partial<Capabilities>): OpenFixture {
  return patched((transport) => {
    overwrite<ReferenceTransport>(transport, { capabilities: Object.freeze({ ...transport.capabilities, ...change }) })
  })
}

function replaceStats(change: (stats: TransportStats) => Partial<TransportStats>): OpenFixture {
  return patched((transport) => {
    const { stats } = transport
    const changed = new Proxy(stats, {
      get: (target, name) => Reflect.get({ ...target, ...change(target) }, name),
    })
    overwrite<ReferenceTransport>(transport, { stats: changed })
  })
}

const mutations: readonly Mutation[] = [
  {
    bug: 'delivers a message twice',
    found: 'messages come once each',
    open: mutant(
      class extends ReferenceTransport {
        #last: unknown
        protected override doReceive(): FrameBatch | undefined {
          const [first] = this.queue
          if (first !== undefined && first !== this.#last) this.queue.unshift(first)
          this.#last = first
          return super.doReceive()
        }
      },
    ),
  },
  {
    bug: 'delivers the last message first',
    found: 'messages come once each',
    open: mutant(
      class extends ReferenceTransport {
        protected override doReceive(): FrameBatch | undefined {
          this.queue.reverse()
          return super.doReceive()
        }
      },
    ),
  },
  {
    bug: 'does not deliver empty messages',
    found: 'an empty message',
    open: mutant(
      class extends ReferenceTransport {
        protected override doReceive(): FrameBatch | undefined {
          const there = this.queue.filter(({ bytes }) => bytes.length > 0)
          this.queue.splice(0, this.queue.length, ...there)
          return super.doReceive()
        }
      },
    ),
  },
  {
    bug: 'rounds lengths up to whole words',
    found: 'messages keep odd lengths',
    open: batches((batch) => but(batch, { byteLength: (index) => (batch.byteLength(index) + 3) & ~3 })),
  },
  {
    bug: 'does not mark a truncated message',
    found: 'a message longer than a frame',
    open: batches((batch) => but(batch, { fullLength: (index) => batch.byteLength(index) })),
  },
  {
    bug: 'does not count truncated messages',
    found: 'a message longer than a frame',
    open: replaceStats(() => ({ truncated: 0 })),
  },
  {
    bug: 'never filters out truncated messages',
    found: 'a message longer than a frame',
    open: mutant(
      class extends ReferenceTransport {
        protected override doReceive(): FrameBatch | undefined {
          for (const [index, message] of this.queue.entries()) {
            this.queue[index] = { ...message, bytes: message.bytes.slice(0, this.pool.stride) }
          }
          return super.doReceive()
        }
      },
    ),
  },
  {
    bug: 'holds less in a frame than it says',
    found: 'a message as long as a frame',
    open: patched((transport) => {
      overwrite<ReferenceTransport>(transport, {
        capabilities: Object.freeze({ ...transport.capabilities, frameSize: transport.pool.stride + 4 }),
      })
    }),
  },
  {
    bug: 'releases early',
    found: 'received frames keep their bytes',
    open: batches((batch, { pool }) => {
      const facts = Array.from({ length: batch.length }, (_, index) => ({
        offset: batch.offset(index),
        byteLength: batch.byteLength(index),
      }))
      batch.release()
      return but(batch, {
        memory: pool.memory,
        released: false,
        offset: (index) => facts[index]?.offset ?? 0,
        byteLength: (index) => facts[index]?.byteLength ?? 0,
      })
    }),
  },
  {
    bug: 'forgets to poison',
    found: 'released bytes are overwritten',
    open: ({ foreign }) =>
      referenceFixture(
        new ReferencePeer({
          foreignSenders: foreign === 'delivered',
          sizes: { frameSize: 256, batchSize: 4, slabs: 3 },
        }),
      ),
  },
  {
    bug: 'forgets to detach the memory of a released batch',
    found: 'a batch that is used after its release',
    open: batches((batch, { pool }) => but(batch, { memory: pool.memory })),
  },
  {
    bug: 'answers an accessor after the release',
    found: 'a batch that is used after its release',
    open: batches((batch) => but(batch, { portId: () => 0 })),
  },
  {
    bug: 'lets an iterator over a batch continue after the release',
    found: 'a batch that is used after its release',
    open: batches((batch) => {
      const frames = Array.from({ length: batch.length }, (_, index) => ({
        index,
        offset: batch.offset(index),
        byteLength: batch.byteLength(index),
      }))
      return but(batch, { [Symbol.iterator]: () => frames.values() })
    }),
  },
  {
    bug: 'makes an object for each frame',
    found: 'iterating over a batch re-aims one frame',
    open: batches((batch) => {
      const copy = function* () {
        for (const frame of batch) yield { ...frame }
      }
      return but(batch, { [Symbol.iterator]: copy })
    }),
  },
  {
    bug: 'leaves batches attached at close',
    found: 'close detaches batches that are live',
    open: mutant(
      class extends ReferenceTransport {
        protected override doClose(): void {
          this.doStopWaiting()
          this.outbox.close()
        }
      },
    ),
  },
  {
    bug: 'leaves leases attached at close',
    found: 'a lease that outlives its transport',
    open: patched(({ pool }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => {
        const lease = hold(frame)
        const { memory } = lease
        return but(lease, { memory, released: false })
      }
    }),
  },
  {
    bug: 'holds by lending the memory',
    found: 'a held frame outlives its batch',
    open: patched(({ pool }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => borrowedLease(hold(frame), pool.memory, pool.offsets[frame] ?? 0)
    }),
  },
  {
    bug: 'copies frames that it claims to leave in place',
    found: 'hold copies the frame or leaves it in place',
    open: replaceCapabilities({ hold: 'ring', ring: true }),
  },
  {
    bug: 'refuses to hold more frames than it has',
    found: 'far more frames can be held',
    open: patched(({ pool, capabilities }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => {
        if (pool.held < capabilities.frameCount) return hold(frame)
        throw new TransportError('NO_FREE_FRAMES', 'hold', 'all frames are held')
      }
    }),
  },
  {
    bug: 'holds frames in place beyond its limit',
    found: 'no more frames are held in place',
    open: replaceCapabilities({ holdLimit: 2, hold: 'ring' }),
  },
  {
    bug: 'mixes up held frames',
    found: 'frames held and released in any pattern',
    open: patched(({ pool }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => hold(pool.held > 3 ? frame ^ 1 : frame)
    }),
  },
  {
    bug: 'does not count copies',
    found: 'hold copies the frame or leaves it in place',
    open: replaceStats(() => ({ copied: 0 })),
  },
  {
    bug: 'counts the second release of a lease',
    found: 'a held frame outlives its batch',
    open: patched(({ pool }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => {
        const lease = hold(frame)
        const release = () => {
          if (lease.released) pool.held--
          lease.release()
        }
        return but(lease, { release })
      }
    }),
  },
  {
    bug: 'keeps a lease readable after its release',
    found: 'disposing a batch or a lease',
    open: patched(({ pool }) => {
      const hold = pool.hold.bind(pool)
      pool.hold = (frame) => {
        const lease = hold(frame)
        return but(lease, { memory: lease.memory })
      }
    }),
  },
  {
    bug: 'returns the frames twice at the second release',
    found: 'a second release does nothing',
    open: batches((batch, { pool }) => {
      const release = () => (batch.released ? pool.giveBatch(batch as IndexedBatch) : batch.release())
      return but(batch, { release })
    }),
  },
  {
    bug: 'drops a message when no frame is free',
    found: 'as many frames as frameCount says',
    open: mutant(
      class extends ReferenceTransport {
        protected override doReceive(): FrameBatch | undefined {
          try {
            return super.doReceive()
          } catch (error) {
            this.queue.shift()
            throw error
          }
        }
      },
    ),
  },
  {
    bug: 'waits when no frame is free',
    found: 'as many frames as frameCount says',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          return super.receive(options).catch((error) => hangOn(error, 'NO_FREE_FRAMES'))
        }
      },
    ),
  },
  {
    bug: 'has fewer frames than it says',
    found: 'as many frames as frameCount says',
    open: replaceCapabilities({ frameCount: 16 }),
  },
  {
    bug: 'has more frames than it says',
    found: 'as many frames as frameCount says',
    open: replaceCapabilities({ frameCount: 8 }),
  },
  {
    bug: 'makes larger batches than it says',
    found: 'a batch has from one',
    open: replaceCapabilities({ batchSize: 3 }),
  },
  {
    bug: 'has capabilities that can change',
    found: 'the capabilities are frozen',
    open: patched((transport) => {
      overwrite<ReferenceTransport>(transport, { capabilities: { ...transport.capabilities } })
    }),
  },
  {
    bug: 'has a smaller outbox than it says',
    found: 'the capabilities are frozen',
    open: replaceCapabilities({ outboxSize: 4096 }),
  },
  {
    bug: 'loses the count of a loss',
    found: 'a loss is reported exactly once',
    open: batches((batch) => but(batch, { lost: 0 })),
  },
  {
    bug: 'reports a loss twice',
    found: 'consecutive losses',
    open: mutant(
      class extends ReferenceTransport {
        #lost = 0
        protected override doReceive(): FrameBatch | undefined {
          const again = this.#lost
          this.loss.pass(again)
          const batch = super.doReceive()
          this.#lost = (batch?.lost ?? 0) - again
          return batch
        }
      },
    ),
  },
  {
    bug: 'counts a loss as one although it says that it counts exactly',
    found: 'consecutive losses',
    open: mutant(
      class extends ReferenceTransport {
        protected override countLoss(): void {
          this.dropped = Math.min(this.stats.lost + 1, this.dropped)
          super.countLoss()
        }
      },
    ),
  },
  {
    bug: 'does not count losses in its stats',
    found: 'a loss is reported exactly once',
    open: replaceStats(() => ({ lost: 0 })),
  },
  {
    bug: 'raises no event for a loss',
    found: 'the event comes before the batch',
    open: patched(({ events }) => {
      const emit = events.emit.bind(events)
      events.emit = (name, ...rest) => name !== 'overrun' && emit(name, ...rest)
    }),
  },
  {
    bug: 'raises the event for a loss twice',
    found: 'a loss is reported exactly once',
    open: patched(({ events }) => {
      const emit = events.emit.bind(events)
      events.emit = (name, ...rest) => {
        if (name === 'overrun') emit(name, ...rest)
        return emit(name, ...rest)
      }
    }),
  },
  {
    bug: 'throws at a loss',
    found: 'an iteration survives a loss',
    open: mutant(
      class extends ReferenceTransport {
        protected override countLoss(): void {
          const { lost } = this.stats
          super.countLoss()
          if (this.stats.lost > lost) throw new TransportError('SYSTEM', 'receive', 'no buffer space', { errno: 105 })
        }
      },
    ),
  },
  {
    bug: 'leaves a pending receive hanging at close',
    found: 'close wakes a pending receive',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          return super.receive(options).catch((error) => hangOn(error, 'CLOSED'))
        }
      },
    ),
  },
  {
    bug: 'rejects a pending receive at close with another error',
    found: 'a receive that began in the same turn as close',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          return super.receive(options).catch(() => {
            throw new Error('closed')
          })
        }
      },
    ),
  },
  {
    bug: 'closes only for later calls of poll',
    found: 'after close everything is refused',
    open: patched((transport) => {
      transport.poll = () => undefined
    }),
  },
  {
    bug: 'emits the event of the close twice',
    found: 'closing twice',
    open: patched((transport) => {
      const close = transport.close.bind(transport)
      transport.close = async () => {
        await close()
        transport.events.emit('close')
      }
    }),
  },
  {
    bug: 'fails at the second close',
    found: 'closing twice',
    open: patched((transport) => {
      const close = transport.close.bind(transport)
      let closed = false
      transport.close = async () => {
        if (closed) throw new Error('closed already')
        closed = true
        await close()
      }
    }),
  },
  {
    bug: 'continues after its close',
    found: 'no event comes after that of the close',
    open: patched((transport) => {
      transport.events.on('close', () => void setImmediate(() => transport.events.emit('overrun', 1)))
    }),
  },
  {
    bug: 'does not close when it is disposed',
    found: 'await using closes',
    open: patched((transport) => {
      transport[Symbol.asyncDispose] = async () => {}
    }),
  },
  {
    bug: 'ends an iteration at close with an error',
    found: 'close inside the loop',
    open: iteration((transport, inner) => ({
      ...inner,
      next: async () => {
        const result = await inner.next()
        if (result.done === true) transport.poll()
        return result
      },
    })),
  },
  {
    bug: 'does not release when the next batch is requested',
    found: 'an iteration releases a batch when the next',
    open: iteration((transport, inner) => {
      inner.return?.()
      return { next: async () => ({ done: false, value: await transport.receive() }) }
    }),
  },
  {
    bug: 'does not release on break',
    found: 'an iteration releases its batch on break',
    open: iteration((_, inner) => ({ next: inner.next })),
  },
  {
    bug: 'does not release on a throw',
    found: 'an iteration releases its batch on a throw',
    open: iteration((_, inner) => ({ next: inner.next })),
  },
  {
    bug: 'allows a second receive',
    found: 'receive while a receive is pending',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          return super.receive(options).catch((error) => hangOn(error, 'BUSY'))
        }
      },
    ),
  },
  {
    bug: 'allows poll during a receive',
    found: 'poll while a receive is pending',
    open: patched((transport) => {
      const poll = transport.poll.bind(transport)
      transport.poll = (timeout) => {
        try {
          return poll(timeout)
        } catch {
          return undefined
        }
      }
    }),
  },
  {
    bug: 'allows two iterations',
    found: 'a second iteration is refused',
    open: patched((transport) => {
      const iterate = transport[Symbol.asyncIterator].bind(transport)
      transport[Symbol.asyncIterator] = () => {
        try {
          return iterate()
        } catch {
          return { next: async () => ({ done: true, value: undefined }) }
        }
      }
    }),
  },
  {
    bug: 'hands out a batch to an iteration that was ended',
    found: 'an iteration can be ended while it waits',
    open: iteration((_, inner) => ({
      next: inner.next,
      return: async () => ({ done: true, value: undefined }),
    })),
  },
  {
    bug: 'ignores the signal',
    found: 'a waiting receive is aborted',
    open: mutant(
      class extends ReferenceTransport {
        override receive(): Promise<FrameBatch> {
          return super.receive()
        }
      },
    ),
  },
  {
    bug: 'takes a frame although the signal is already aborted',
    found: 'a receive with an aborted signal',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          if (options?.signal?.aborted === true) this.poll()?.release()
          return super.receive(options)
        }
      },
    ),
  },
  {
    bug: 'rejects an abort with another error',
    found: 'a waiting receive is aborted',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          return super.receive(options).catch(() => {
            throw new Error('aborted')
          })
        }
      },
    ),
  },
  {
    bug: 'loses a message that comes with an abort',
    found: 'an abort at the same time as a message',
    open: mutant(
      class extends ReferenceTransport {
        protected override doStopWaiting(): void {
          super.doStopWaiting()
          this.queue.shift()
        }
      },
    ),
  },
  {
    bug: 'leaves its listener on the signal',
    found: 'a reused signal',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          if (options?.signal !== undefined) {
            setMaxListeners(0, options.signal)
            options.signal.addEventListener('abort', () => {})
          }
          return super.receive(options)
        }
      },
    ),
  },
  {
    bug: 'leaves listeners on itself',
    found: 'using a transport adds no listeners',
    open: mutant(
      class extends ReferenceTransport {
        override receive(options?: ReceiveOptions): Promise<FrameBatch> {
          this.events.setMaxListeners(0)
          this.events.on('close', () => {})
          return super.receive(options)
        }
      },
    ),
  },
  {
    bug: 'leaves a descriptor open',
    found: 'opening, using and closing many',
    open: (() => {
      let opened = 0
      return patched(() => {
        if (opened++ < 3) openSync('/dev/null', 'r')
      })
    })(),
  },
  {
    bug: 'delivers frames of other senders',
    found: 'frames of other senders are counted and dropped',
    open: mutant(ReferenceTransport, true),
  },
  {
    bug: 'does not count frames of other senders',
    found: 'frames of other senders are counted and dropped',
    open: replaceStats(() => ({ foreign: 0 })),
  },
  {
    bug: 'drops frames of other senders although it was opened for all',
    found: 'a transport opened for all',
    open: mutant(
      class extends ReferenceTransport {
        protected override doReceive(): FrameBatch | undefined {
          const kernels = this.queue.filter(({ portId }) => portId === 0)
          this.queue.splice(0, this.queue.length, ...kernels)
          return super.doReceive()
        }
      },
    ),
  },
  {
    bug: 'does not say who sent a frame',
    found: 'a transport opened for all',
    open: batches((batch) => but(batch, { portId: () => 0 })),
  },
  {
    bug: 'does not leave a group',
    found: 'messages to a group',
    open: mutant(
      class extends ReferenceTransport {
        protected override doLeaveGroup(): void {}
      },
    ),
  },
  {
    bug: 'does not say which group a frame is for',
    found: 'messages to a group',
    open: batches((batch) => but(batch, { groups: () => 0 })),
  },
  {
    bug: 'drops unsent commits from the outbox',
    found: 'a flush that partly succeeds',
    open: outbox((outbox) => {
      const flush = outbox.flush.bind(outbox)
      outbox.flush = () => {
        try {
          return flush()
        } catch (error) {
          overwrite(outbox, { pending: 0, pendingCommits: 0, flush: () => 0 })
          throw error
        }
      }
    }),
  },
  {
    bug: 'claims that all was sent when only some was',
    found: 'a flush that partly succeeds',
    open: outbox((outbox) => {
      const flush = outbox.flush.bind(outbox)
      outbox.flush = () => {
        const { pendingCommits } = outbox
        try {
          return flush()
        } catch {
          return pendingCommits
        }
      }
    }),
  },
  {
    bug: 'does not say how many went out',
    found: 'a flush that partly succeeds',
    open: outbox((outbox) => {
      const flush = outbox.flush.bind(outbox)
      outbox.flush = () => {
        try {
          return flush()
        } catch {
          throw new TransportError('SYSTEM', 'flush', 'not all was sent')
        }
      }
    }),
  },
  {
    bug: 'sends commits again that were sent before a failure',
    found: 'commits that a flush left',
    open: (() => {
      class Mutant extends ReferenceTransport {
        constructor(options: ConstructorParameters<Constructor>[0], transmit: (bytes: Uint8Array) => number) {
          super(options, (bytes) => (transmit(bytes) === bytes.length ? bytes.length : -11))
        }
      }
      return mutant(Mutant)
    })(),
  },
  {
    bug: 'forgets commits if none could be sent',
    found: 'a flush that sends nothing',
    open: outbox((outbox) => {
      const flush = outbox.flush.bind(outbox)
      outbox.flush = () => {
        try {
          return flush()
        } catch (error) {
          if (outbox.pendingCommits === 2) overwrite(outbox, { pendingCommits: 0 })
          throw error
        }
      }
    }),
  },
  {
    bug: 'sends each commit with a separate entry',
    found: 'a flush sends all commits',
    open: outbox((outbox) => {
      const commit = outbox.commit.bind(outbox)
      let commits = 0
      outbox.commit = (byteLength) => {
        commit(byteLength)
        commits++
        outbox.flush()
      }
      outbox.flush = (
        (flush) => () =>
          flush() && commits
      )(outbox.flush.bind(outbox))
    }),
  },
  {
    bug: 'sends commits before the flush',
    found: 'nothing is sent before a flush',
    open: outbox((outbox) => {
      const commit = outbox.commit.bind(outbox)
      outbox.commit = (byteLength) => {
        commit(byteLength)
        outbox.flush()
      }
    }),
  },
  {
    bug: 'leaves garbage after a message of odd length',
    found: 'messages of odd lengths',
    open: outbox((outbox) => {
      const commit = outbox.commit.bind(outbox)
      outbox.commit = (byteLength) => commit((byteLength + 7) & ~3)
    }),
  },
  {
    bug: 'reserves at any offset',
    found: 'messages of odd lengths',
    open: outbox((outbox) => {
      const reserve = outbox.reserve.bind(outbox)
      outbox.reserve = (byteLength) => reserve(byteLength) + 1
    }),
  },
  {
    bug: 'commits without a reservation',
    found: 'a commit without a reservation',
    open: outbox((outbox) => {
      const commit = outbox.commit.bind(outbox)
      outbox.commit = (byteLength) => {
        if (byteLength <= 16) outbox.reserve(byteLength)
        commit(byteLength)
      }
    }),
  },
  {
    bug: 'reports full for a reservation that never fits',
    found: 'a reservation that never fits',
    open: outbox((outbox) => {
      const reserve = outbox.reserve.bind(outbox)
      outbox.reserve = (byteLength) => {
        if (byteLength > outbox.available) throw new TransportError('OUTBOX_FULL', 'reserve', 'flush first')
        return reserve(byteLength)
      }
    }),
  },
  {
    bug: 'flushes by itself when the outbox is full',
    found: 'a full outbox refuses',
    open: outbox((outbox) => {
      const reserve = outbox.reserve.bind(outbox)
      outbox.reserve = (byteLength) => {
        if (byteLength > outbox.available) outbox.flush()
        return reserve(byteLength)
      }
    }),
  },
  {
    bug: 'keeps the first reservation when a second is made',
    found: 'a reservation is cancelled by the next one',
    open: outbox((outbox) => {
      const reserve = outbox.reserve.bind(outbox)
      let longest = 0
      outbox.reserve = (byteLength) => {
        longest = Math.max(longest, byteLength)
        return reserve(longest)
      }
    }),
  },
  {
    bug: 'leaves a reservation open over a flush',
    found: 'a flush cancels an open reservation',
    open: outbox((outbox) => {
      overwrite(outbox, { commit: () => {} })
    }),
  },
  {
    bug: 'makes a system call for an empty flush',
    found: 'a flush of nothing',
    open: replaceStats((stats) => ({ systemCalls: performance.now() + stats.systemCalls })),
  },
  {
    bug: 'flushes after close',
    found: 'after close nothing is reserved',
    open: outbox((outbox) => {
      overwrite(outbox, { flush: () => 0 })
    }),
  },
  {
    bug: 'sends unflushed commits at close',
    found: 'after close nothing is reserved',
    open: mutant(
      class extends ReferenceTransport {
        protected override doClose(): void {
          try {
            this.outbox.flush()
          } catch {}
          super.doClose()
        }
      },
    ),
  },
  {
    bug: 'counts bytes of frames and not of messages',
    found: 'the stats add up',
    open: replaceStats((stats) => ({ bytes: stats.frames * 256 })),
  },
  {
    bug: 'counts batches as frames',
    found: 'the stats add up',
    open: replaceStats((stats) => ({ frames: stats.batches })),
  },
  {
    bug: 'leaves out a counter',
    found: 'all stats are there',
    open: replaceStats(() => ({ wakeups: Number.NaN })),
  },
  {
    bug: 'never wakes a waiting receive',
    found: 'a waiting receive is resolved',
    open: patched((transport) => {
      transport.notify = () => {}
    }),
  },
  {
    bug: 'blocks for a time that is not a number',
    found: 'poll refuses a timeout',
    open: patched((transport) => {
      const poll = transport.poll.bind(transport)
      transport.poll = (timeout) => poll(Number(timeout) || 0)
    }),
  },
  {
    bug: 'joins invalid groups',
    found: 'an invalid group number',
    open: patched((transport) => {
      transport.joinGroup = () => {}
    }),
  },
  {
    bug: 'shares its frames with other transports',
    found: 'transports that are open at the same time',
    open: (() => {
      const shared: ReferencePeer[] = []
      return ({ foreign }) => {
        shared[0] ??= new ReferencePeer({ foreignSenders: foreign === 'delivered' })
        return { transport: shared[0].transport, peer: shared[0], close: () => {} }
      }
    })(),
  },
]

function borrowedLease(lease: Lease, memory: Lease['memory'], offset: number): Lease {
  return new Proxy(lease, {
    get(target, name) {
      if (name === 'memory') return target.released ? RELEASED_MEMORY : memory
      if (name === 'offset') return offset
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function outbox(change: (outbox: ReferenceTransport['outbox']) => void): OpenFixture {
  return patched((transport) => change(transport.outbox))
}

function iteration(
  change: (
    transport: ReferenceTransport,
    inner: AsyncIterator<FrameBatch, undefined>,
  ) => AsyncIterator<FrameBatch, undefined>,
): OpenFixture {
  return patched((transport) => {
    const iterate = transport[Symbol.asyncIterator].bind(transport)
    transport[Symbol.asyncIterator] = () => change(transport, iterate())
  })
}

function hangOn(error: unknown, code: string): Promise<never> {
  if (error instanceof TransportError && error.code === code) return new Promise(() => {})
  throw error
}

/**
 * Milliseconds after which a case counts as hanging: one that is expected to hang, and one that a slow machine may only
 * delay.
 */
const SHORT = 1000
const LONG = 20_000

/**
 * Whether a case finds a bug. A hanging case has found one too, because vitest would time out. An error that is neither
 * the suite's nor a transport's is a mistake in the mutation.
 */
async function isRed(found: string, open: OpenFixture, patience = LONG): Promise<boolean> {
  const testCase = conformanceCases.find(({ title }) => title.startsWith(found))
  if (testCase === undefined) throw new Error(`no case begins with: ${found}`)
  let timer: NodeJS.Timeout | undefined
  const hangs = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patience, true)
  })
  const fails = runCase(testCase, open).then(
    () => false,
    (error: unknown) => {
      if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) throw error
      return true
    },
  )
  try {
    return await Promise.race([hangs, fails])
  } finally {
    clearTimeout(timer)
  }
}

test.each(mutations)('a transport that $bug turns the suite red', async ({ found, open }) => {
  expect(await isRed(found, openReference)).toBe(false)
  expect(await isRed(found, open, SHORT)).toBe(true)
})

/** Without a bug, the tools that plant bugs must leave the suite green. */
const controls: Record<string, OpenFixture> = {
  batches: batches((batch) => but(batch, {})),
  patched: patched(() => {}),
  iteration: iteration((_, inner) => ({ ...inner })),
  stats: replaceStats(() => ({})),
  capabilities: replaceCapabilities({}),
  leases: patched(({ pool }) => {
    const hold = pool.hold.bind(pool)
    pool.hold = (frame) => but(hold(frame), {})
  }),
}

test.each(Object.entries(controls))('the tool for %s alone leaves the suite green', async (_, open) => {
  const red: string[] = []
  for (const { title } of conformanceCases) if (await isRed(title, open)) red.push(title)
  expect(red).toEqual([])
})
