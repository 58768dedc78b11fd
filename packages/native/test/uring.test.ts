import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import type { NativeHandle, UringFrames, UringQueues } from '../src/index.ts'
import { ACK_LENGTH, ask, descriptors, errno, native, openHandle, openSocket, runFixture, turns } from './support.ts'

const COMPLETION_COUNT = 1 << 3
const DEFERRED = COMPLETION_COUNT | (1 << 9) | (1 << 12) | (1 << 13)
const COOPERATIVE = COMPLETION_COUNT | (1 << 8) | (1 << 9) | (1 << 12)
const THREADED = COMPLETION_COUNT | (1 << 1)
const FRAMES = 8
const STRIDE = 320
const HEAD = 28

interface Ring {
  readonly socket: ReturnType<typeof openSocket>
  readonly handle: NativeHandle
  readonly queues: UringQueues
  readonly memory: UringFrames
  readonly words: Int32Array<ArrayBuffer>
}

/** The errno of Linux if there is no ring here; otherwise `undefined`. */
const unavailable: number | undefined = (() => {
  const handle = openHandle()
  const result = native.uringSetUp(handle, 2, 16, DEFERRED, 0)
  native.close(handle)
  return result < 0 ? result : undefined
})()
const name = unavailable === undefined ? 'io_uring' : `io_uring (skipped: errno ${-unavailable})`

/** A ring that is armed, with all its frames provided. */
function openRing(flags = DEFERRED, onReadable: (status: number) => void = () => {}): Ring {
  const socket = openSocket({ onReadable })
  const { handle } = socket
  if (native.uringSetUp(handle, 2, FRAMES * 2, flags, 1) < 0) throw new Error('no ring')
  const queues = native.uringMap(handle)
  const memory = native.uringProvide(handle, FRAMES, STRIDE, FRAMES)
  if (typeof queues === 'number' || typeof memory === 'number') throw new Error('no memory')
  const entries = new Uint32Array(memory.bufferRing)
  const halves = new Uint16Array(memory.bufferRing)
  for (let frame = 0; frame < FRAMES; frame++) {
    entries[frame * 4] = memory.addressLow + frame * STRIDE
    entries[frame * 4 + 1] = memory.addressHigh
    halves[frame * 8 + 6] = frame
  }
  Atomics.store(halves, 7, FRAMES)
  const words = new Int32Array(queues.rings)
  Atomics.store(words, queues.submissionTail >> 2, 1)
  native.uringEnter(handle, 1, 0)
  return { socket, handle, queues, memory, words }
}

function completions({ words, queues }: Ring): number {
  return Atomics.load(words, queues.completionTail >> 2)
}

/** Bytes of mapped frames in this process; only a ring maps this size. */
function isMapped(address: number): boolean {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  return maps.split('\n').some((line) => {
    const [from, to] =
      line
        .split(' ')[0]
        ?.split('-')
        .map((text) => Number.parseInt(text, 16)) ?? []
    return from !== undefined && to !== undefined && from <= address && address < to
  })
}

describe.skipIf(unavailable !== undefined)(name, () => {
  test('the kernel’s answer is in a frame, and a completion reports it', () => {
    const ring = openRing()
    ask(ring.socket)
    expect(native.uringEnter(ring.handle, 0, 1000)).toBe(0)
    expect(completions(ring)).toBe(1)
    const at = ring.queues.completions >> 2
    expect(ring.words[at + 2]).toBe(HEAD + ACK_LENGTH)
    // IORING_CQE_F_BUFFER and IORING_CQE_F_MORE, of frame 0.
    expect(ring.words[at + 3]).toBe(3)
    const frame = new Uint32Array(ring.memory.frames, 0, 16)
    // Lengths of name and control, of the message; port 0 is the kernel; the message's own length.
    expect([frame[0], frame[1], frame[2], frame[5], frame[7]]).toEqual([12, 0, ACK_LENGTH, 0, ACK_LENGTH])
    native.close(ring.handle)
  })

  test('entering waits no longer than its timeout', () => {
    const ring = openRing()
    const start = performance.now()
    expect(native.uringEnter(ring.handle, 0, 20)).toBe(0)
    expect(performance.now() - start).toBeGreaterThanOrEqual(19)
    expect(completions(ring)).toBe(0)
    expect(native.uringEnter(ring.handle, 0, Number.NaN)).toBe(-errno.EINVAL)
    native.close(ring.handle)
  })

  test.each([
    ['deferred work by the socket', DEFERRED],
    ['cooperative work by the ring', COOPERATIVE],
    ['the kernel thread by the ring', THREADED],
  ])('readiness of %s comes once for each wait', async (_, flags) => {
    const onReadable = vi.fn()
    const ring = openRing(flags, onReadable)
    for (let round = 1; round <= 3; round++) {
      native.wait(ring.handle)
      ask(ring.socket)
      await vi.waitUntil(() => onReadable.mock.calls.length === round, { timeout: 10_000, interval: 1 })
      native.uringEnter(ring.handle, 0, 0)
      expect(completions(ring)).toBe(round)
      Atomics.store(ring.words, ring.queues.completionHead >> 2, round)
    }
    await turns()
    expect(onReadable.mock.calls).toEqual([[0], [0], [0]])
    native.close(ring.handle)
  })

  test.each([
    ['armed', DEFERRED],
    ['of the kernel thread', THREADED],
  ])('closing a ring %s detaches its memory, unmaps it and releases the socket', async (_, flags) => {
    const before = descriptors().length
    const ring = openRing(flags)
    const { portId } = ring.socket
    const address = ring.memory.addressHigh * 2 ** 32 + ring.memory.addressLow
    const view = new Uint8Array(ring.memory.frames)
    expect(isMapped(address)).toBe(true)
    ask(ring.socket)
    native.uringEnter(ring.handle, 0, 1000)
    expect(native.close(ring.handle)).toBe(0)
    expect([view.length, view[0], ring.words.length, ring.memory.bufferRing.byteLength]).toEqual([0, undefined, 0, 0])
    expect(ring.memory.frames.byteLength).toBe(0)
    // The port id is free again only once the socket is closed everywhere.
    const again = openHandle()
    expect(native.bind(again, portId, 0)).toBe(portId)
    native.close(again)
    await turns()
    expect(descriptors().length).toBe(before)
    for (const result of [native.uringMap(ring.handle), native.uringProvide(ring.handle, 8, 320, 8)]) {
      expect(result).toBe(-errno.EBADF)
    }
    expect(native.uringEnter(ring.handle, 0, 0)).toBe(-errno.EBADF)
  })

  test('the pool closes a ring with a kernel thread: its memory is gone at once, its socket when the promise resolves', async () => {
    await turns()
    const before = descriptors().length
    const handles = native.openHandles()
    for (let round = 0; round < 20; round++) {
      const ring = openRing(THREADED)
      const { portId } = ring.socket
      ask(ring.socket)
      const closing = native.uringClose(ring.handle)
      expect(closing).toBeInstanceOf(Promise)
      expect([ring.words.length, ring.memory.frames.byteLength]).toEqual([0, 0])
      expect(native.uringEnter(ring.handle, 0, 0)).toBe(-errno.EBADF)
      expect([native.close(ring.handle), native.uringClose(ring.handle)]).toEqual([0, -errno.EBADF])
      await closing
      expect(native.openHandles()).toBe(handles)
      const again = openHandle()
      expect(native.bind(again, portId, 0)).toBe(portId)
      native.close(again)
    }
    await turns()
    expect(descriptors().length).toBe(before)
  })

  test('the pool closes no ring that belongs to a thread', () => {
    const socket = openHandle()
    expect(native.uringClose(socket)).toBe(-errno.EBADF)
    native.close(socket)
    for (const flags of [DEFERRED, COOPERATIVE, THREADED | (1 << 12)]) {
      const ring = openRing(flags)
      expect(native.uringClose(ring.handle)).toBe(-errno.EINVAL)
      expect(ring.words.length).toBeGreaterThan(0)
      expect(native.close(ring.handle)).toBe(0)
    }
  })

  test('calls out of order and invalid sizes are refused', () => {
    const handle = openHandle()
    expect(native.uringMap(handle)).toBe(-errno.EBADF)
    expect(native.uringProvide(handle, 8, 320, 8)).toBe(-errno.EBADF)
    expect(native.uringEnter(handle, 0, 0)).toBe(-errno.EBADF)
    expect(native.uringSetUp(handle, 2, 16, 1 << 30, 0)).toBe(-errno.EINVAL)
    expect(native.uringSetUp(handle, 2, 16, DEFERRED, 0)).toBe(0)
    expect(native.uringSetUp(handle, 2, 16, DEFERRED, 0)).toBe(-errno.EBUSY)
    expect(native.uringProvide(handle, 0, 320, 8)).toBe(-errno.EFAULT)
    expect(native.uringProvide(handle, 32768, 131072, 8)).toBe(-errno.EFAULT)
    expect(native.uringProvide(handle, 8, 320, 0)).toBe(-errno.EFAULT)
    expect(native.uringProvide(handle, 8, 320, 2 ** 31)).toBe(-errno.EFAULT)
    expect(typeof native.uringMap(handle)).toBe('object')
    expect(native.uringMap(handle)).toBe(-errno.EBUSY)
    expect(native.uringProvide(handle, 8, 320, 8)).toBeTypeOf('object')
    expect(native.uringProvide(handle, 8, 320, 8)).toBe(-errno.EBUSY)
    native.close(handle)
  })

  test('hundreds of rings leak no descriptor and no handle', async () => {
    await turns()
    const before = descriptors().length
    const handles = native.openHandles()
    for (let i = 0; i < 300; i++) {
      const ring = openRing(i % 10 === 0 ? THREADED : DEFERRED)
      if (i % 2 === 0) ask(ring.socket)
      if (i % 3 === 0) native.wait(ring.handle)
      native.close(ring.handle)
      if (i % 50 === 0) await turns(1)
    }
    await turns()
    expect(native.openHandles()).toBe(handles)
    expect(descriptors().length).toBe(before)
  })

  test('forgotten rings are collected, referenced frames stay, and a process ends with open rings', () => {
    const { status, stderr } = runFixture('uring-collect.mjs', '--expose-gc')
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('threads that are ended with rings in every state leave nothing', async () => {
    const before = native.openHandles()
    let open = 0
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(new URL('fixtures/uring-worker.mjs', import.meta.url))
      expect(await once(worker, 'message')).toEqual([1])
      await worker.terminate()
      await turns()
      expect(native.openHandles()).toBe(before)
      if (round === 0) open = descriptors().length
    }
    expect(descriptors().length).toBe(open)
  })
})
