import { execFileSync } from 'node:child_process'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ByteSource, LinkType, PcapngEncoder, type ReadOptions, readCapture } from '../../src/index.ts'
import { hex } from '../support/captures.ts'
import { pcapFile } from '../support/pcap.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringlink-read-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(source: string | ByteSource, options?: ReadOptions) {
  const reader = readCapture(source, options)
  const packets: Uint8Array[] = []
  for await (const { bytes } of reader.packets()) packets.push(Uint8Array.from(bytes))
  return { packets, truncated: reader.truncated, damaged: reader.damaged }
}

function pcapng(packets: readonly Uint8Array[]): Uint8Array {
  const encoder = new PcapngEncoder()
  encoder.addInterface({ linkType: LinkType.Raw })
  for (const bytes of packets) encoder.writePacket({ interface: 0, at: 1n, bytes })
  return encoder.take()
}

function pcap(packets: readonly Uint8Array[]): Uint8Array {
  const how = { order: 'big', unit: 'nanoseconds', linkType: LinkType.Raw } as const
  return pcapFile(
    how,
    packets.map((bytes) => ({ seconds: 1, fraction: 2, bytes, cut: 0 })),
  )
}

describe('readCapture', () => {
  const how = fc.record({
    format: fc.constantFrom(pcapng, pcap),
    compressed: fc.boolean(),
    size: fc.integer({ min: 1, max: 300 }),
  })
  const packets = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 })

  test('knows the format and the compression by the content, from chunks of any size', async () => {
    const property = fc.asyncProperty(how, packets, async ({ format, compressed, size }, list) => {
      const plain = format(list)
      const bytes = compressed ? gzipSync(plain) : plain
      const chunks = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      for (const source of [bytes, [bytes], chunks()]) {
        expect(await read(source)).toEqual({ packets: list, truncated: undefined, damaged: 0 })
      }
    })
    await fc.assert(property)
  })

  test('yields all whole packets of a truncated capture, compressed or not, and reports where it ends', async () => {
    const property = fc.asyncProperty(how, fc.integer({ min: 1, max: 100 }), async ({ format, compressed }, cut) => {
      const list = Array.from({ length: 40 }, (_, index) => Uint8Array.of(index, index, index))
      const whole = compressed ? gzipSync(format(list)) : format(list)
      const bytes = whole.subarray(0, whole.length - cut)
      const { packets: seen, truncated } = await read(bytes)
      expect(seen).toEqual(list.slice(0, seen.length))
      // An end between two packets is the end of a shorter capture, unless the compressed bytes say that there is more.
      const isWhole = !compressed && format(seen).length === bytes.length
      if (isWhole) expect(truncated).toBeUndefined()
      else expect(['SHORT_HEADER', 'MESSAGE_LENGTH']).toContain(truncated?.code)
      if (!compressed) expect(truncated?.message ?? '').not.toContain('gzip')
    })
    await fc.assert(property, { numRuns: 50 })
  })

  test('several compressed members are one capture', async () => {
    const list = [hex('01'), hex('02')]
    const bytes = pcap(list)
    const members = Buffer.concat([gzipSync(bytes.subarray(0, 30)), gzipSync(bytes.subarray(30))])
    expect((await read(members)).packets).toEqual(list)
  })

  test('damage in compressed bytes is an error, after what came before it', async () => {
    const whole = gzipSync(pcap([hex('01'), hex('02')]))
    const bytes = Uint8Array.from(whole)
    bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 0xff
    await expect(read(bytes)).rejects.toMatchObject({ code: 'MESSAGE_TYPE', message: expect.stringContaining('gzip') })
  })

  test('any other format is refused with its first bytes', async () => {
    const text = 'expected pcapng or pcap, plain or compressed with gzip, but it begins with 50 4b 03 04'
    const code = 'MESSAGE_TYPE'
    await expect(read(hex('504b0304 00000000'))).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    for (const bytes of ['', '0a', '0a0d0d']) {
      expect((await read(hex(bytes))).truncated).toMatchObject({ code: 'SHORT_HEADER' })
    }
  })
})

describe('readCapture of a file', () => {
  test('reads it', async () => {
    const path = join(folder, 'one.pcap')
    await writeFile(path, pcap([hex('0102')]))
    expect(await read(path)).toEqual({ packets: [hex('0102')], truncated: undefined, damaged: 0 })
    expect((await read(createReadStream(path))).packets).toEqual([hex('0102')])
    const reader = readCapture(path)
    for await (const _ of reader);
    expect(reader.bytesRead).toBe(24 + 16 + 2)
  })

  test.each([
    ['another file', () => writeFile(join(folder, 'x'), 'PK 12345678'), 'MESSAGE_TYPE'],
    ['a folder', () => rm(join(folder, 'x')).then(() => execFileSync('mkdir', [join(folder, 'x')])), 'EISDIR'],
    ['no file', () => rm(join(folder, 'x'), { recursive: true }), 'ENOENT'],
  ])('%s: the error names it', async (_, prepare, code) => {
    await prepare()
    const path = join(folder, 'x')
    const message = expect.stringContaining(`cannot read capture '${path}': `)
    await expect(read(path)).rejects.toMatchObject({ code, message })
  })

  test('of a file that is cut the reason names it', async () => {
    const path = join(folder, 'cut.pcapng')
    await writeFile(path, pcapng([hex('0102')]).subarray(0, 70))
    expect((await read(path)).truncated?.message).toContain(`'${path}'`)
  })

  test('of a pipe waits for its writer without blocking a thread, and a signal ends it', async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const controller = new AbortController()
    const waiting = read(path, { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toBe(controller.signal.reason)
    await expect(read(path, { signal: controller.signal })).rejects.toBe(controller.signal.reason)

    const reading = read(path)
    const bytes = pcapng([hex('03')])
    const writer = openSync(path, 'r+')
    writeSync(writer, bytes)
    // The reader has it open too: the pipe ends when its last writer closes it.
    closeSync(writer)
    expect((await reading).packets).toEqual([hex('03')])
  })
})
