import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LinkType, openRotatingCapture, packetRecord } from '../../src/index.ts'
import { blocksOf, packetsOf } from '../support/captures.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringlink-rotation-'))
})
afterAll(() => rm(folder, { recursive: true }))

const packet = (size: number, at = 0n) => packetRecord(0, at, new Uint8Array(size))

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

  test('a packet larger than the maximum of a file gets a separate file', async () => {
    const capture = openRotatingCapture(join(folder, 'large.pcapng'), { maximumBytes: 500 })
    capture.addInterface({ linkType: LinkType.Raw })
    for (const size of [10, 900, 10, 10]) capture.writePacket(packet(size))
    await capture.close()
    expect(await sizes(capture.files)).toEqual([1, 1, 2])
  })

  test('begins a new file after enough time, by the packets, and keeps the last ones', async () => {
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

  test('refuses invalid bounds, takes nothing after close, and reports failures', async () => {
    for (const options of [{ maximumBytes: 0 }, { maximumAge: -1 }, { maximumFiles: Number.NaN }]) {
      expect(() => openRotatingCapture('x', options)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    }
    const capture = openRotatingCapture(join(folder, 'no such folder', 'x.pcapng'))
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(capture.congested).toBe(true)
    expect(() => capture.addInterface({ linkType: 1 })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => capture.writePacket(packet(1))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => capture.writeStatistics({ interface: 0, at: 0n })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })

  test('a file that cannot be written ends it: the failure is reported at once, and no further files are made', async () => {
    const names: string[] = []
    const fileName = (index: number) => {
      const name = index === 1 ? join(folder, 'first.pcapng') : '/dev/full'
      names.push(name)
      return name
    }
    const capture = openRotatingCapture('x', { maximumBytes: 500, fileName })
    capture.addInterface({ linkType: LinkType.Raw })
    capture.writePacket(packet(400))
    capture.writePacket(packet(400))
    const message = expect.stringContaining("cannot write capture '/dev/full'")
    expect(await capture.failure).toMatchObject({ code: 'ENOSPC', message })
    expect(capture.congested).toBe(true)
    expect(capture.writePacket(packet(400))).toBe(false)
    expect(names).toHaveLength(2)
    await expect(capture.drained()).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(capture.close()).rejects.toMatchObject({ code: 'ENOSPC', message })
  })
})
