import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LinkType, openCapture, openRotatingCapture, packetRecord, readPcapng } from '../src/index.ts'
import { blocksOf, packetsOf } from './support/captures.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringlink-capture-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A stream that takes a chunk only when it is told to. */
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
  test('writes a file with what the machine is, and statistics at its end', async () => {
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

  test('hands over what it has when the event loop has its turn', async () => {
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

  test('says when too much waits, and when it does no more', async () => {
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

  test('tells the failure of its stream at drained and close, and discards what comes after it', async () => {
    const capture = openCapture(join(folder, 'no such folder', 'one.pcapng'))
    capture.addInterface({ linkType: LinkType.Raw })
    capture.writePacket(packet(100_000))
    await expect(capture.drained()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(capture.writePacket(packet(10))).toBe(false)
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('tells a failure that comes with the last bytes', async () => {
    const failure = new Error('no space left')
    const stream = new Writable({ write: (_chunk, _encoding, callback) => callback(failure) })
    await expect(openCapture(stream).close()).rejects.toBe(failure)
  })

  test('tells when somebody else has closed its stream', async () => {
    const stream = new SlowStream()
    const capture = openCapture(stream)
    stream.destroy()
    await expect(capture.drained()).resolves.toBeUndefined()
    await setImmediate()
    await expect(capture.drained()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(capture.close()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('leaves a stream open where it is told to', async () => {
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

describe('openRotatingCapture', () => {
  const sizes = async (paths: readonly string[]) =>
    Promise.all(paths.map(async (path) => packetsOf(await readFile(path)).length))

  test('begins a new file before one gets too large, each whole by itself', async () => {
    const capture = openRotatingCapture(join(folder, 'size.pcapng'), { maximumBytes: 1000 })
    capture.addInterface({ linkType: LinkType.Ipv4, name: 'a' })
    capture.addInterface({ linkType: LinkType.Raw, name: 'b' })
    for (let i = 0; i < 10; i++) capture.writePacket({ ...packet(300, BigInt(i)), interface: 1, dropCount: 1n })
    await capture.close()
    expect(capture.files).toEqual([1, 2, 3, 4, 5].map((index) => join(folder, `size-0000${index}.pcapng`)))
    expect(await sizes(capture.files)).toEqual([2, 2, 2, 2, 2])
    for (const path of capture.files) {
      const blocks = blocksOf(await readFile(path))
      expect(blocks.filter((block) => block.type === 'interface')).toMatchObject([{ name: 'a' }, { name: 'b' }])
      expect(blocks.at(-1)).toMatchObject({ interface: 1, received: 2n, dropped: 2n })
    }
  })

  test('a packet larger than a file may be has a file of its own', async () => {
    const capture = openRotatingCapture(join(folder, 'large.pcapng'), { maximumBytes: 500 })
    capture.addInterface({ linkType: LinkType.Raw })
    for (const size of [10, 900, 10, 10]) capture.writePacket(packet(size))
    await capture.close()
    expect(await sizes(capture.files)).toEqual([1, 1, 2])
  })

  test('begins a new file when enough time has gone by, by the packets, and keeps the last ones', async () => {
    const path = join(folder, 'time.pcapng')
    const fileName = (index: number) => join(folder, `time.${index}`)
    const capture = openRotatingCapture(path, { maximumAge: 1000, maximumFiles: 2, fileName })
    capture.addInterface({ linkType: LinkType.Raw })
    for (const seconds of [5, 5.5, 6, 6.9, 7, 7.9, 8, 100]) capture.writePacket(packet(1, BigInt(seconds * 1e9)))
    await capture.close()
    expect(capture.files).toEqual([join(folder, 'time.4'), join(folder, 'time.5')])
    expect((await readdir(folder)).filter((name) => name.startsWith('time.')).sort()).toEqual(['time.4', 'time.5'])
    expect(await sizes(capture.files)).toEqual([1, 1])
  })

  test('refuses bounds that are none, takes nothing after close, and tells failures', async () => {
    for (const options of [{ maximumBytes: 0 }, { maximumAge: -1 }, { maximumFiles: Number.NaN }]) {
      expect(() => openRotatingCapture('x', options)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    }
    const capture = openRotatingCapture(join(folder, 'no such folder', 'x.pcapng'))
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(capture.congested).toBe(true)
    expect(() => capture.addInterface({ linkType: 1 })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => capture.writePacket(packet(1))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => capture.writeStatistics({ interface: 0, at: 0n })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

/** Has the stream take what it is given until `work` is done. */
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
