import { expect, test, vi } from 'vitest'
import type { NativeHandle } from '../src/index.ts'
import { ask, descriptors, errno, isRegistered, native, openHandle, openSocket, sockets, turns } from './support.ts'

/**
 * Sends a request on a fresh socket and waits until the event loop reports the answer; everything that was ready before
 * is reported too.
 */
async function untilLoopHasPolled(): Promise<void> {
  await new Promise((resolve) => {
    const socket = openSocket({
      onReadable(status) {
        native.close(socket.handle)
        resolve(status)
      },
    })
    native.wait(socket.handle)
    ask(socket)
  })
  await turns()
}

test('a wait results in one call, even if repeated and for any number of messages', async () => {
  const onReadable = vi.fn()
  const socket = openSocket({ onReadable })
  expect(native.wait(socket.handle)).toBe(0)
  expect(native.wait(socket.handle)).toBe(0)
  ask(socket)
  ask(socket)
  await untilLoopHasPolled()
  expect(onReadable.mock.calls).toEqual([[0]])
  ask(socket)
  await untilLoopHasPolled()
  expect(onReadable).toHaveBeenCalledTimes(1)
  native.wait(socket.handle)
  await untilLoopHasPolled()
  expect(onReadable).toHaveBeenCalledTimes(2)
  native.close(socket.handle)
})

test('a cancelled wait results in no call', async () => {
  const onReadable = vi.fn()
  const socket = openSocket({ onReadable })
  native.wait(socket.handle)
  ask(socket)
  expect(native.unwait(socket.handle)).toBe(0)
  expect(native.unwait(socket.handle)).toBe(0)
  await untilLoopHasPolled()
  expect(onReadable).not.toHaveBeenCalled()
  native.wait(socket.handle)
  await untilLoopHasPolled()
  expect(onReadable).toHaveBeenCalledTimes(1)
  native.close(socket.handle)
})

test('everything may be done from inside the call', async () => {
  const calls: number[] = []
  const socket = openSocket({
    onReadable() {
      calls.push(native.receive(socket.handle, 0, 1), native.wait(socket.handle))
      if (calls.length < 6) ask(socket)
      else calls.push(native.close(socket.handle), native.wait(socket.handle))
    },
  })
  native.wait(socket.handle)
  ask(socket)
  while (calls.length < 8) await untilLoopHasPolled()
  expect(calls).toEqual([1, 0, 1, 0, 1, 0, 0, -errno.EBADF])
})

test('a socket that the call of another one closes gets no call', async () => {
  const calls: string[] = []
  const pair = ['a', 'b'].map((name) =>
    openSocket({
      onReadable() {
        calls.push(name)
        for (const { handle } of pair) native.close(handle)
      },
    }),
  )
  for (const socket of pair) {
    native.wait(socket.handle)
    ask(socket)
  }
  await untilLoopHasPolled()
  expect(calls).toHaveLength(1)
})

test('an overrun can be received and is not a failure', async () => {
  const onReadable = vi.fn()
  const socket = openSocket({ onReadable })
  native.setReceiveBuffer(socket.handle, 1)
  native.wait(socket.handle)
  for (let i = 0; i < 100; i++) ask(socket)
  await untilLoopHasPolled()
  expect(onReadable.mock.calls).toEqual([[0]])
  expect(native.receive(socket.handle, 0, 1)).toBe(-errno.ENOBUFS)
  native.wait(socket.handle)
  await untilLoopHasPolled()
  expect(onReadable.mock.calls).toEqual([[0], [0]])
  native.close(socket.handle)
})

test('the descriptor stays registered between waits, until it is readable without a wait', async () => {
  const before = new Set(sockets())
  const socket = openSocket()
  const descriptor = sockets().find((name) => !before.has(name)) ?? ''
  expect(isRegistered(descriptor)).toBe(false)
  native.wait(socket.handle)
  ask(socket)
  await untilLoopHasPolled()
  native.receive(socket.handle, 0, 1)
  native.wait(socket.handle)
  native.unwait(socket.handle)
  await untilLoopHasPolled()
  expect(isRegistered(descriptor)).toBe(true)
  ask(socket)
  await untilLoopHasPolled()
  expect(isRegistered(descriptor)).toBe(false)
  native.close(socket.handle)
})

test('after close every call is refused, and closing again has no effect', async () => {
  const onReadable = vi.fn()
  const socket = openSocket({ onReadable })
  const { handle } = socket
  native.wait(handle)
  ask(socket)
  expect(native.close(handle)).toBe(0)
  expect(native.close(handle)).toBe(0)
  const calls: ((handle: NativeHandle) => unknown)[] = [
    (it) => native.bind(it, 0, 0),
    (it) => native.setOption(it, 1, 8, 1),
    (it) => native.getOption(it, 1, 8),
    (it) => native.setReceiveBuffer(it, 1),
    (it) => native.setSendBuffer(it, 1),
    (it) => native.drops(it),
    (it) => native.attachFrames(it, new ArrayBuffer(64), 64, 1, new Uint32Array(4)),
    (it) => native.receive(it, 0, 1),
    (it) => native.receiveBlocking(it, 0, 1, -1),
    (it) => native.attachOutbox(it, new ArrayBuffer(64)),
    (it) => native.send(it, 0, 16),
    (it) => native.wait(it),
    (it) => native.unwait(it),
    (it) => native.readProcNet(it, 'netlink'),
  ]
  for (const call of calls) expect(call(handle)).toBe(-errno.EBADF)
  await untilLoopHasPolled()
  expect(onReadable).not.toHaveBeenCalled()
})

test('thousands of sockets leak no descriptor', async () => {
  await turns()
  const before = descriptors().length
  const handles = native.openHandles()
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 200; i++) {
      const handle = openHandle()
      if (i % 2 === 0) native.wait(handle)
      native.close(handle)
    }
    await turns(1)
  }
  expect(native.openHandles()).toBe(handles)
  expect(descriptors().length).toBe(before)
})
