import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { FRAME_WORDS } from '../../transport/src/frames/descriptor.ts'
import type { NativeHandle } from '../src/index.ts'
import { ACK_LENGTH, ask, errno, NETLINK_ROUTE, native, openHandle, openSocket, runFixture, turns } from './support.ts'

const PAGE = native.pageSize()
const SIZE = 4 * PAGE
const WORDS = new Uint32Array(FRAME_WORDS)

const undo: (() => void)[] = []
afterEach(() => {
  for (const action of undo.splice(0).reverse()) action()
})

/** A file in memory that replaces the rings that this kernel may lack, and its name in /proc/self/maps. */
function memoryFile(): { file: number; name: string } {
  const name = `ringlink-${randomUUID()}`
  const file = openSync(`/dev/shm/${name}`, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL)
  undo.push(() => closeSync(file))
  rmSync(`/dev/shm/${name}`)
  ftruncateSync(file, SIZE)
  return { file, name }
}

function mapFile(): { handle: NativeHandle; buffer: ArrayBuffer; file: number; name: string } {
  const handle = openHandle()
  undo.push(() => native.close(handle))
  const { file, name } = memoryFile()
  const buffer = native.map(handle, SIZE, file)
  if (typeof buffer === 'number') throw new Error(`map failed: ${buffer}`)
  return { handle, buffer, file, name }
}

const isMapped = (name: string) => readFileSync('/proc/self/maps', 'utf8').includes(name)

function bytesOf(file: number, offset: number, length: number): number[] {
  const bytes = new Uint8Array(length)
  readSync(file, bytes, 0, length, offset)
  return [...bytes]
}

function moveAway(buffer: ArrayBuffer & { transfer?: () => ArrayBuffer }): ArrayBuffer {
  return buffer.transfer?.() ?? structuredClone(buffer, { transfer: [buffer] })
}

describe('a mapping', () => {
  test('is shared: one side reads what the other writes, also with Atomics', () => {
    const { buffer, file } = mapFile()
    expect(buffer).toBeInstanceOf(ArrayBuffer)
    expect(buffer.byteLength).toBe(SIZE)
    const words = new Int32Array(buffer)
    Atomics.store(words, 5, 0x01020304)
    expect(bytesOf(file, 20, 4)).toEqual([...new Uint8Array(Int32Array.of(0x01020304).buffer)])
    writeSync(file, Uint32Array.of(77), 0, 4, PAGE)
    expect(Atomics.load(words, PAGE / 4)).toBe(77)
    const other = openHandle()
    undo.push(() => native.close(other))
    const second = new Int32Array(native.map(other, SIZE, file) as ArrayBuffer)
    Atomics.store(second, 9, -1)
    expect([Atomics.load(words, 9), second[PAGE / 4]]).toEqual([-1, 77])
  })

  test('a stale view reads nothing after unmap, and the memory is gone', () => {
    const { handle, buffer, name } = mapFile()
    const bytes = new Uint8Array(buffer)
    const view = new DataView(buffer)
    bytes.fill(1)
    expect(isMapped(name)).toBe(true)
    expect(native.unmap(handle)).toBe(0)
    expect([buffer.byteLength, bytes.length, bytes[0]]).toEqual([0, 0, undefined])
    expect(() => view.getUint8(0)).toThrow(TypeError)
    bytes[0] = 2
    expect(isMapped(name)).toBe(false)
    expect(native.unmap(handle)).toBe(0)
  })

  test('is possible once at a time, and again after unmap', () => {
    const { handle, file } = mapFile()
    expect(native.map(handle, SIZE, file)).toBe(-errno.EBUSY)
    native.unmap(handle)
    expect(native.map(handle, SIZE, file)).toBeInstanceOf(ArrayBuffer)
  })

  test('closing while views are live detaches them, and leaves nothing', () => {
    const before = native.openHandles()
    const { handle, buffer, name } = mapFile()
    const bytes = new Uint8Array(buffer)
    expect(native.close(handle)).toBe(0)
    expect([bytes.length, isMapped(name), native.openHandles()]).toEqual([0, false, before])
    expect(native.unmap(handle)).toBe(-errno.EBADF)
  })

  test('leaks nothing when many are opened and closed', async () => {
    const { file, name } = memoryFile()
    for (let round = 0; round < 2000; round++) {
      const handle = openHandle()
      const bytes = new Uint8Array(native.map(handle, SIZE, file) as ArrayBuffer)
      bytes[0] = round
      native.close(handle)
      if (round % 200 === 0) await turns(1)
    }
    expect([isMapped(name), bytesOf(file, 0, 1)]).toEqual([false, [1999 & 255]])
  })

  test('is not inherited by a child process', () => {
    const { buffer, name } = mapFile()
    const area = readFileSync('/proc/self/smaps', 'utf8').split(name)[1] as string
    const flags = (/VmFlags:(.*)/.exec(area) as RegExpExecArray)[1] as string
    // dc: MADV_DONTFORK; sh: MAP_SHARED.
    expect(flags.trim().split(' ')).toEqual(expect.arrayContaining(['dc', 'sh', 'rd', 'wr']))
    expect(buffer.byteLength).toBe(SIZE)
  })

  test('a moved buffer reads plain memory, and the file is released', () => {
    const { handle, buffer, name, file } = mapFile()
    new Uint8Array(buffer)[3] = 9
    const moved = new Uint8Array(moveAway(buffer))
    // Node copies memory of an addon instead of handing it to another thread; only ArrayBuffer.prototype.transfer moves
    // it.
    const isCopy = buffer.byteLength > 0
    native.unmap(handle)
    expect([isMapped(name), buffer.byteLength]).toEqual([false, 0])
    expect([moved.length, moved[3]]).toEqual([SIZE, isCopy ? 9 : 0])
    moved[3] = 7
    expect(bytesOf(file, 3, 1)).toEqual([9])
  })
})

describe('processes and threads that end before their mapping', () => {
  test('a process ends with mappings open, forgotten and moved', () => {
    const { status, stdout, stderr } = runFixture('mapping-exit.mjs', '--expose-gc')
    expect(stderr).toBe('')
    expect([status, stdout]).toEqual([0, 'collected\n'])
  })

  test('a thread that ends with mappings open leaves nothing', { timeout: 60_000 }, async () => {
    const before = native.openHandles()
    const { file, name } = memoryFile()
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(new URL('fixtures/mapping-worker.mjs', import.meta.url), {
        workerData: { file, size: SIZE },
      })
      expect(await once(worker, 'message')).toEqual([SIZE])
      expect(isMapped(name)).toBe(true)
      await worker.terminate()
      expect([native.openHandles(), isMapped(name)]).toEqual([before, false])
    }
  })
})

describe('system calls of rings', () => {
  test('this kernel refuses rings with the documented errno, or has them', () => {
    const handle = openHandle()
    undo.push(() => native.close(handle))
    const probe = [6, 7].map((option) => native.setRing(handle, option, new Uint32Array(4)))
    const mapped = native.map(handle, PAGE)
    if (probe[0] === -errno.ENOPROTOOPT) expect([probe[1], mapped]).toEqual([-errno.ENOPROTOOPT, -errno.ENODEV])
    else expect([probe[0], mapped]).toEqual([expect.toBeOneOf([0, -errno.EPERM]), -errno.EINVAL])
  })

  test('receive into the mapped memory, and describe the message as in frames', () => {
    const { handle, buffer } = mapFile()
    const request = Uint32Array.of(16, 1 | (5 << 16), 0, 0)
    expect(native.bind(handle, 0, 0)).toBeGreaterThan(0)
    expect(native.attachOutbox(handle, request.buffer)).toBe(0)
    const words = new Uint32Array(8)
    expect(native.receiveMapped(handle, 0, 100, words, 4)).toBe(-errno.EAGAIN)
    expect(native.send(handle, 0, 16)).toBe(16)
    expect(native.poll(handle, -1)).toBe(1)
    expect(native.receiveMapped(handle, PAGE + 4, 100, words, 4)).toBe(0)
    expect([...words]).toEqual([0, 0, 0, 0, ACK_LENGTH, ACK_LENGTH, 0, 0])
    expect([...new Uint32Array(buffer, PAGE + 4, 1)]).toEqual([ACK_LENGTH])
    // Truncated to the available room, and nothing after it is touched.
    new Uint8Array(buffer).fill(0xee)
    native.send(handle, 0, 16)
    expect(native.receiveMapped(handle, 0, 20, words, 0)).toBe(0)
    expect([...words.subarray(0, 2)]).toEqual([20, ACK_LENGTH])
    expect(new Uint8Array(buffer)[20]).toBe(0xee)
  })

  test('nothing is written outside the mapping or the words', () => {
    const { handle } = mapFile()
    const receive = (offset: number, capacity: number, words: Uint32Array, index: number) =>
      native.receiveMapped(handle, offset, capacity, words, index)
    expect(receive(SIZE - 10, 11, WORDS, 0)).toBe(-errno.EFAULT)
    expect(receive(0xffffffff, 0xffffffff, WORDS, 0)).toBe(-errno.EFAULT)
    expect(receive(0, 10, WORDS, 1)).toBe(-errno.EFAULT)
    expect(receive(0, 10, WORDS, 0xffffffff)).toBe(-errno.EFAULT)
    expect(receive(0, 10, new Int32Array(4) as unknown as Uint32Array, 0)).toBe(-errno.EFAULT)
    const moved = new Uint32Array(4)
    structuredClone(moved, { transfer: [moved.buffer] })
    expect(receive(0, 10, moved, 0)).toBe(-errno.EFAULT)
    expect(receive('x' as unknown as number, 10, WORDS, 0)).toBe(-errno.EINVAL)
    native.unmap(handle)
    expect(receive(0, 10, WORDS, 0)).toBe(-errno.EFAULT)
  })

  test('bad arguments are refused', () => {
    const { handle, file } = mapFile()
    native.unmap(handle)
    for (const length of [0, -1, Number.NaN, 'x' as unknown as number]) {
      expect(native.map(handle, length, file)).toBe(-errno.EINVAL)
    }
    expect(native.map(handle, SIZE, -1)).toBe(-errno.EBADF)
    expect(native.map(handle, SIZE, 'x' as unknown as number)).toBe(-errno.EINVAL)
    expect(native.map(handle, 2 ** 52, file)).toBe(-errno.ENXIO)
    expect(native.setRing(handle, 6, new Uint32Array(3))).toBe(-errno.EFAULT)
    expect(native.setRing(handle, 6, {} as unknown as Uint32Array)).toBe(-errno.EFAULT)
    expect(native.poll(handle, Number.NaN)).toBe(-errno.EINVAL)
    const nothing = {} as unknown as NativeHandle
    expect([native.map(nothing, SIZE), native.unmap(nothing), native.trigger(nothing)]).toEqual([-9, -9, -9])
    expect([native.poll(nothing, 0), native.takeError(nothing)]).toEqual([-9, -9])
  })

  test('a file that is shorter than the mapping is refused: touching what it lacks would end the process', () => {
    const { handle, file } = mapFile()
    native.unmap(handle)
    ftruncateSync(file, SIZE - 1)
    expect(native.map(handle, SIZE, file)).toBe(-errno.ENXIO)
    ftruncateSync(file, 0)
    expect(native.map(handle, PAGE, file)).toBe(-errno.ENXIO)
    ftruncateSync(file, PAGE)
    expect(native.map(handle, PAGE, file)).toBeInstanceOf(ArrayBuffer)
  })

  test('poll waits for its timeout', () => {
    const { handle } = openSocket()
    undo.push(() => native.close(handle))
    const start = performance.now()
    expect(native.poll(handle, 0)).toBe(0)
    expect(native.poll(handle, 20.5)).toBe(0)
    expect(performance.now() - start).toBeGreaterThanOrEqual(20)
  })

  test('an overrun is an error of the socket: poll reports it, and it is taken once', () => {
    const socket = openSocket({ protocol: NETLINK_ROUTE })
    undo.push(() => native.close(socket.handle))
    expect(native.takeError(socket.handle)).toBe(0)
    native.setReceiveBuffer(socket.handle, 2048)
    for (let request = 0; request < 100; request++) ask(socket)
    expect(native.poll(socket.handle, 0)).toBe(1 | 8)
    expect([native.takeError(socket.handle), native.takeError(socket.handle)]).toEqual([errno.ENOBUFS, 0])
    expect(native.poll(socket.handle, 0)).toBe(1)
  })

  test('a trigger without a transmit ring sends nothing', () => {
    const { handle } = openSocket()
    undo.push(() => native.close(handle))
    // Newer kernels refuse an empty message, older ones accept it.
    expect([0, -errno.ENODATA]).toContain(native.trigger(handle))
    expect(native.poll(handle, 0)).toBe(0)
  })

  test('the page size is the system’s', () => {
    const { stdout } = spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })
    expect(native.pageSize()).toBe(Number(stdout))
  })
})
