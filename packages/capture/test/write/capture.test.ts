import { execFileSync } from 'node:child_process'
import { closeSync, constants, createReadStream, openSync, readSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CaptureOptions, LinkType, openCapture, packetRecord, readPcapng } from '../../src/index.ts'
import { blocksOf, packetsOf } from '../support/captures.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringlink-capture-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A stream that takes a chunk only on command. */
class SlowStream extends Writable {
  readonly chunks: Uint8Array[] = []
  #taken: (() => void)[] = []

  constructor() {
    super({ highWaterMark: 1 })
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, callback: (error?: Error) => void): void {
    this.chunks.push(chunk)
    this.#taken.push(callback)
  }

  take(): void {
    for (const callback of this.#taken.splice(0)) callback()
  }
}

const packet = (size: number, at = 0n) => packetRecord(0, at, new Uint8Array(size))

describe('openCapture', () => {
  test('writes a file with properties of the machine, and statistics at its end', async () => {
    const path = join(folder, 'one.pcapng')
    const capture = openCapture(path, { application: 'test' })
    expect(capture.addInterface({ linkType: LinkType.Raw })).toBe(0)
    for (let i = 0; i < 1000; i++) {
      if (!capture.writePacket(packet(500, BigInt(i)))) await capture.drained()
    }
    await Promise.all([capture.close(), capture.close()])
    const bytes = await readFile(path)
    expect(capture.byteLength).toBe(bytes.length)
    const blocks = blocksOf(bytes)
    expect(blocks[0]).toMatchObject({
      application: 'test',
      hardware: process.arch,
      operatingSystem: expect.any(String),
    })
    expect(blocks.at(-1)).toMatchObject({ type: 'statistics', received: 1000n, dropped: 0n, endedAt: 999n })
    let count = 0
    for await (const { at } of readPcapng(createReadStream(path)).packets()) expect(at).toBe(BigInt(count++))
    expect(count).toBe(1000)
  })

  test('passes on its blocks in the next turn of the event loop', async () => {
    const stream = new SlowStream()
    const capture = openCapture(stream)
    expect(stream.chunks).toHaveLength(0)
    await setImmediate()
    expect(stream.chunks).toHaveLength(1)
    stream.take()
    capture.addInterface({ linkType: LinkType.Raw })
    for (let i = 0; i < 5; i++) capture.writePacket(packet(10))
    await setImmediate()
    await setImmediate()
    expect(stream.chunks).toHaveLength(2)
    capture.flush()
    expect(stream.chunks).toHaveLength(2)
    const closing = capture.close()
    await untilWritten(stream, closing)
    expect(packetsOf(Buffer.concat(stream.chunks))).toHaveLength(5)
  })

  test('reports congestion, and its end', async () => {
    const stream = new SlowStream()
    const capture = openCapture(stream, { bufferSize: 100_000 })
    capture.addInterface({ linkType: LinkType.Raw })
    expect(capture.writePacket(packet(40_000))).toBe(true)
    expect(capture.writePacket(packet(70_000))).toBe(false)
    expect(capture.congested).toBe(true)
    const drained = capture.drained()
    await untilWritten(stream, drained)
    expect(capture.congested).toBe(false)
    await untilWritten(stream, capture.close())
    expect(capture.congested).toBe(true)
    expect(packetsOf(Buffer.concat(stream.chunks))).toHaveLength(2)
  })

  test('reports the failure of its stream at drained and close, and discards later packets', async () => {
    const capture = openCapture(join(folder, 'no such folder', 'one.pcapng'))
    capture.addInterface({ linkType: LinkType.Raw })
    capture.writePacket(packet(100_000))
    await expect(capture.drained()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(capture.writePacket(packet(10))).toBe(false)
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('reports a failure that comes with the last bytes', async () => {
    const failure = new Error('no space left')
    const stream = new Writable({ write: (_chunk, _encoding, callback) => callback(failure) })
    await expect(openCapture(stream).close()).rejects.toBe(failure)
  })

  test('reports when others have closed its stream', async () => {
    const stream = new SlowStream()
    const capture = openCapture(stream)
    stream.destroy()
    await expect(capture.drained()).resolves.toBeUndefined()
    await setImmediate()
    await expect(capture.drained()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(capture.close()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('leaves a stream open if requested', async () => {
    const chunks: Uint8Array[] = []
    const stream = new Writable({
      write: (chunk: Uint8Array, _, callback) => {
        chunks.push(chunk)
        callback()
      },
    })
    {
      await using capture = openCapture(stream, { keepOpen: true })
      capture.addInterface({ linkType: LinkType.Raw })
    }
    expect(stream.writableEnded).toBe(false)
    expect(['error', 'drain', 'close'].map((name) => stream.listenerCount(name))).toEqual([0, 0, 0])
    expect(blocksOf(Buffer.concat(chunks)).map(({ type }) => type)).toEqual(['section', 'interface', 'statistics'])
  })

  test('takes nothing after close', async () => {
    const capture = openCapture(join(folder, 'closed.pcapng'))
    capture.addInterface({ linkType: LinkType.Raw })
    await capture.close()
    for (const action of [
      () => capture.addInterface({ linkType: 1 }),
      () => capture.writePacket(packet(1)),
      () => capture.writeStatistics({ interface: 0, at: 0n }),
    ]) {
      expect(action).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    }
  })
})

describe('openCapture of a path', () => {
  const write = async (path: string, options?: CaptureOptions) => {
    await using capture = openCapture(path, options)
    capture.addInterface({ linkType: LinkType.Raw })
    capture.writePacket(packet(100))
  }
  const permissions = async (path: string) => (await stat(path)).mode & 0o777

  test('creates a file that only its owner may read, unless asked otherwise, and keeps the permissions of one that exists', async () => {
    const path = join(folder, 'private.pcapng')
    const previous = process.umask(0)
    try {
      await write(path)
      expect(await permissions(path)).toBe(0o600)
      await chmod(path, 0o640)
      await write(path)
      expect(await permissions(path)).toBe(0o640)
      await write(join(folder, 'shared.pcapng'), { mode: 0o644 })
      expect(await permissions(join(folder, 'shared.pcapng'))).toBe(0o644)
    } finally {
      process.umask(previous)
    }
  })

  test('does not write through a symbolic link, unless asked to', async () => {
    const target = join(folder, 'precious')
    const link = join(folder, 'link.pcapng')
    await writeFile(target, 'precious')
    await symlink(target, link)
    await expect(write(link)).rejects.toMatchObject({
      code: 'ELOOP',
      message: expect.stringMatching(/^cannot write capture '.*link\.pcapng': .*symbolic link.*followSymbolicLinks/),
    })
    expect(await readFile(target, 'utf8')).toBe('precious')
    await write(link, { followSymbolicLinks: true })
    expect(packetsOf(await readFile(target))).toHaveLength(1)
  })

  test.each([
    ['a full disk', '/dev/full', 'ENOSPC'],
    ['a missing folder', '/no such folder/x.pcapng', 'ENOENT'],
    ['a folder', '/tmp', 'EISDIR'],
  ])('%s: the reason is reported at once, at close, and names the file', async (_, path, code) => {
    const capture = openCapture(path)
    const message = expect.stringContaining(`cannot write capture '${path}': ${code}`)
    expect(await capture.failure).toMatchObject({ code, message })
    await expect(capture.drained()).rejects.toMatchObject({ code, message })
    await expect(capture.close()).rejects.toMatchObject({ code, message })
  })

  test('a pipe without a reader is an error, not a wait', async () => {
    const path = join(folder, 'no-reader')
    execFileSync('mkfifo', [path])
    await expect(write(path)).rejects.toMatchObject({
      code: 'ENXIO',
      message: expect.stringContaining(`cannot write capture '${path}': ENXIO`),
    })
  })

  test('a pipe with a reader is written to, and one whose reader goes away is an error', async () => {
    const path = join(folder, 'reader')
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const bytes = Buffer.alloc(65_536)
    await write(path)
    const length = readSync(reader, bytes)
    expect(packetsOf(bytes.subarray(0, length))).toHaveLength(1)
    const capture = openCapture(path)
    closeSync(reader)
    await expect(capture.close()).rejects.toMatchObject({ code: 'EPIPE', message: expect.stringContaining(path) })
  })

  test('close does not wait forever for a reader that takes nothing', async () => {
    const path = join(folder, 'stuck')
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const capture = openCapture(path, { closeTimeout: 20 })
    capture.addInterface({ linkType: LinkType.Raw })
    for (let i = 0; i < 10; i++) capture.writePacket(packet(60_000))
    await expect(capture.close()).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/cannot write capture '.*stuck': .* took nothing for 20 ms/),
    })
    closeSync(reader)
  })
})

/** Lets the stream take chunks until `work` is done. */
async function untilWritten(stream: SlowStream, work: Promise<void>): Promise<void> {
  let done = false
  const finished = work.finally(() => {
    done = true
  })
  while (!done) {
    stream.take()
    await setImmediate()
  }
  await finished
}
