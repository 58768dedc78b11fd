import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FrameWord } from '../../transport/src/frames/descriptor.ts'
import {
  ACK_LENGTH,
  ask,
  askForLinks,
  errno,
  NETLINK_USERSOCK,
  native,
  openHandle,
  openSocket,
  type Socket,
  wordsOf,
} from './support.ts'

const DONE = 3

/** Types of the messages in one frame, in order. */
function typesIn(socket: Socket, frame: number, frameSize: number): number[] {
  const types: number[] = []
  const bytes = new DataView(socket.frames.buffer, frame * frameSize, wordsOf(socket, frame)[FrameWord.Length])
  for (let offset = 0; offset < bytes.byteLength; offset += (bytes.getUint32(offset, true) + 3) & ~3) {
    types.push(bytes.getUint16(offset + 4, true))
  }
  return types
}

test('a dump arrives in frames, from the kernel, complete', () => {
  const socket = openSocket()
  expect(askForLinks(socket)).toBe(32)
  const types: number[] = []
  while (!types.includes(DONE)) {
    const filled = native.receive(socket.handle, 0, 16)
    expect(filled).toBeGreaterThan(0)
    for (let frame = 0; frame < filled; frame++) {
      const [length, realLength, portId, groups] = wordsOf(socket, frame)
      expect([realLength, portId, groups]).toEqual([length, 0, 0])
      types.push(...typesIn(socket, frame, 32768))
    }
  }
  expect(types).toContain(16)
  expect(native.receive(socket.handle, 0, 16)).toBe(-errno.EAGAIN)
  native.close(socket.handle)
})

test('several messages fill the given frames, and no others', () => {
  const socket = openSocket({ frameSize: 64, frameCount: 8 })
  for (let i = 0; i < 5; i++) ask(socket)
  expect(native.receive(socket.handle, 3, 2)).toBe(2)
  expect(native.receive(socket.handle, 5, 3)).toBe(3)
  for (let frame = 0; frame < 8; frame++) {
    const length = frame < 3 ? 0 : ACK_LENGTH
    expect(wordsOf(socket, frame)).toEqual([length, length, 0, 0])
    expect(socket.frames[frame * 64]).toBe(length)
  }
  native.close(socket.handle)
})

test('a message larger than its frame is truncated, and its real length is reported', () => {
  const socket = openSocket({ frameSize: 16, frameCount: 2 })
  ask(socket)
  expect(native.receive(socket.handle, 0, 2)).toBe(1)
  expect(wordsOf(socket, 0)).toEqual([16, ACK_LENGTH, 0, 0])
  expect([...socket.frames.subarray(16)]).toEqual(new Array(16).fill(0))
  native.close(socket.handle)
})

test('one call receives at most 64 messages', () => {
  const socket = openSocket({ frameSize: 64, frameCount: 100 })
  for (let i = 0; i < 70; i++) ask(socket)
  expect(native.receive(socket.handle, 0, 100)).toBe(64)
  expect(native.receive(socket.handle, 0, 100)).toBe(6)
  native.close(socket.handle)
})

test('indexes outside the memory are refused', () => {
  const socket = openSocket({ frameCount: 4 })
  ask(socket)
  const ranges = [
    [0, 0],
    [0, 5],
    [4, 1],
    [3, 2],
    [-1, 1],
    [1, -1],
  ] as const
  for (const [first, count] of ranges) {
    expect(native.receive(socket.handle, first, count)).toBe(-errno.EFAULT)
    expect(native.receiveBlocking(socket.handle, first, count, 0)).toBe(-errno.EFAULT)
  }
  const length = socket.outbox.byteLength
  const sends = [
    [0, length + 1],
    [length, 1],
    [-4, 8],
    [8, -4],
  ] as const
  for (const [offset, count] of sends) expect(native.send(socket.handle, offset, count)).toBe(-errno.EFAULT)
  native.close(socket.handle)
})

test('memory is attached once, fits, and is not shared', () => {
  const handle = openHandle()
  const words = new Uint32Array(8)
  expect(native.receive(handle, 0, 1)).toBe(-errno.EFAULT)
  expect(native.send(handle, 0, 0)).toBe(-errno.EFAULT)
  expect(native.attachFrames(handle, new ArrayBuffer(127), 64, 2, words)).toBe(-errno.EFAULT)
  expect(native.attachFrames(handle, new ArrayBuffer(128), 64, 2, words.subarray(1))).toBe(-errno.EFAULT)
  expect(native.attachFrames(handle, new ArrayBuffer(0), 0, 0, words)).toBe(-errno.EFAULT)
  expect(native.attachFrames(handle, new ArrayBuffer(0), 0x10000, 0x10000, words)).toBe(-errno.EFAULT)
  const shared = new Uint32Array(new SharedArrayBuffer(32))
  expect(native.attachFrames(handle, new ArrayBuffer(128), 64, 2, shared)).toBe(-errno.EINVAL)
  expect(native.attachFrames(handle, new ArrayBuffer(128), 64, 2, words)).toBe(0)
  expect(native.attachFrames(handle, new ArrayBuffer(128), 64, 2, words)).toBe(-errno.EBUSY)
  expect(native.attachOutbox(handle, new ArrayBuffer(8))).toBe(0)
  expect(native.attachOutbox(handle, new ArrayBuffer(8))).toBe(-errno.EBUSY)
  native.close(handle)
})

test('words may lie anywhere in a buffer', () => {
  const handle = openHandle()
  const all = new Uint32Array(12)
  native.attachFrames(handle, new ArrayBuffer(128), 64, 2, all.subarray(3, 11))
  const sender: Socket = { handle, portId: 0, frames: new Uint8Array(0), words: all, outbox: new Uint32Array(4) }
  native.attachOutbox(handle, sender.outbox.buffer)
  ask(sender)
  expect(native.receive(handle, 1, 1)).toBe(1)
  expect([...all]).toEqual([0, 0, 0, 0, 0, 0, 0, ACK_LENGTH, ACK_LENGTH, 0, 0, 0])
  native.close(handle)
})

test.each(['frames', 'words', 'outbox'] as const)('detached %s are refused at any time', (name) => {
  const socket = openSocket()
  expect(ask(socket)).toBe(16)
  const buffer = socket[name].buffer
  structuredClone(buffer, { transfer: [buffer] })
  if (name === 'outbox') {
    expect(native.send(socket.handle, 0, 16)).toBe(-errno.EFAULT)
    expect(native.send(socket.handle, 0, 0)).toBe(-errno.EFAULT)
  } else {
    expect(native.receive(socket.handle, 0, 1)).toBe(-errno.EFAULT)
    expect(native.receiveBlocking(socket.handle, 0, 1, 0)).toBe(-errno.EFAULT)
  }
  native.close(socket.handle)
})

test('a buffer that shrank is refused', () => {
  const handle = openHandle()
  const frames = Reflect.construct(ArrayBuffer, [4096, { maxByteLength: 4096 }]) as ArrayBuffer & {
    resize(length: number): void
  }
  native.attachFrames(handle, frames, 64, 2, new Uint32Array(8))
  expect(native.receive(handle, 0, 1)).toBe(-errno.EAGAIN)
  frames.resize(127)
  expect(native.receive(handle, 0, 1)).toBe(-errno.EFAULT)
  native.close(handle)
})

test('a blocking receive takes what is ready at once, and times out', () => {
  const socket = openSocket({ frameSize: 64 })
  ask(socket)
  ask(socket)
  expect(native.receiveBlocking(socket.handle, 0, 16, -1)).toBe(2)
  expect(native.receiveBlocking(socket.handle, 0, 16, 0)).toBe(-errno.EAGAIN)
  const start = performance.now()
  expect(native.receiveBlocking(socket.handle, 0, 16, 5.5)).toBe(-errno.EAGAIN)
  expect(performance.now() - start).toBeGreaterThanOrEqual(5.4)
  native.close(socket.handle)
})

test('an overrun ends a blocking receive', () => {
  const socket = openSocket()
  native.setReceiveBuffer(socket.handle, 1)
  for (let i = 0; i < 100; i++) ask(socket)
  expect(native.receiveBlocking(socket.handle, 0, 16, -1)).toBe(-errno.ENOBUFS)
  native.close(socket.handle)
})

const compiler = process.env.CC ?? 'cc'
const mayCompile = spawnSync(compiler, ['--version']).status === 0

const directory = mkdtempSync(join(tmpdir(), 'ringlink-peer-'))
const peer = join(directory, 'peer')
beforeAll(() => {
  const source = fileURLToPath(new URL('fixtures/peer.c', import.meta.url))
  if (mayCompile) spawnSync(compiler, ['-o', peer, source], { stdio: 'inherit' })
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Sends from another process. Returns the port id that it sent from. */
function sendFromPeer(port: number, groups: number, count: number, size: number): number {
  const { stdout, stderr, status } = spawnSync(peer, [port, groups, count, size].map(String), { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

test.skipIf(!mayCompile)('a message carries the port of its sender (needs a C compiler)', () => {
  const socket = openSocket({ protocol: NETLINK_USERSOCK, frameSize: 64 })
  const port = sendFromPeer(socket.portId, 0, 3, 100)
  expect(native.receive(socket.handle, 0, 16)).toBe(3)
  for (let frame = 0; frame < 3; frame++) {
    expect(wordsOf(socket, frame)).toEqual([64, 100, port, 0])
    expect(socket.frames[frame * 64]).toBe(frame)
  }
  native.close(socket.handle)
})

test.skipIf(!mayCompile || process.getuid?.() !== 0)(
  'a message carries the groups it was sent to (needs a C compiler, and root to join)',
  () => {
    const socket = openSocket({ protocol: NETLINK_USERSOCK, frameSize: 64, groups: 0x8000_0001 })
    const port = sendFromPeer(0, 0x8000_0000, 1, 20)
    expect(native.receive(socket.handle, 0, 16)).toBe(1)
    expect(wordsOf(socket, 0)).toEqual([20, 20, port, 0x8000_0000])
    native.close(socket.handle)
  },
)
