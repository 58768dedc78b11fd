/** Captures as Wireshark's own reader (tshark) shows them. */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { errorMessage, packetMessage } from '@ringlink/test-support/messages'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CaptureDecoder, LinkType, netlinkRecord, nflogRecord, PcapngEncoder, packetRecord } from '../src/index.ts'
import { packetsOf, udpPacket } from './support/captures.ts'
import { damagedCaptures } from './support/damage.ts'
import { logMessage } from './support/messages.ts'
import { pcapFile } from './support/pcap.ts'

const missing = spawnSync('tshark', ['--version']).error === undefined ? undefined : 'tshark is not installed'
const title = (text: string) => (missing === undefined ? text : `${text} (skipped: ${missing}: apt-get install tshark)`)

const AT = 1_700_000_000_123_456_789n
const ipv6Packet = Uint8Array.from([0x60, 0, 0, 0, 0, 0, 59, 64, ...Array(15).fill(0), 1, ...Array(15).fill(0), 2])

/**
 * A capture with a packet of each link type, in the machine's byte order, or in both if the packets do not depend on
 * it.
 */
function everything(byteOrder?: 'little' | 'big'): Uint8Array {
  const encoder = new PcapngEncoder({ application: 'ringlink', comment: 'all of it', byteOrder })
  const raw = encoder.addInterface({ linkType: LinkType.Raw, name: 'raw' })
  const ipv4 = encoder.addInterface({ linkType: LinkType.Ipv4, name: 'four' })
  const ipv6 = encoder.addInterface({ linkType: LinkType.Ipv6, name: 'six', snapshotLength: 40 })
  encoder.writePacket(packetRecord(raw, AT, udpPacket(1), { comment: 'first, ä', dropCount: 5n, direction: 'inbound' }))
  encoder.writePacket(packetRecord(ipv4, AT + 1n, udpPacket(2), { direction: 'outbound' }))
  encoder.writePacket(packetRecord(ipv6, AT + 1_000_000_000n, ipv6Packet, { fullLength: 1280 }))
  encoder.writeStatistics({ interface: raw, at: AT + 2n, received: 6n, dropped: 5n, startedAt: AT, endedAt: AT + 2n })
  return encoder.take()
}

describe.skipIf(missing !== undefined)(title("Wireshark's own reader"), () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringlink-wireshark-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const write = (bytes: Uint8Array): string => {
    const path = join(folder, 'capture.pcapng')
    writeFileSync(path, bytes)
    return path
  }
  const run = (command: string, ...rest: string[]) =>
    execFileSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  /** The given fields of every packet. */
  const fields = (bytes: Uint8Array, ...names: string[]): string[][] => {
    const output = run('tshark', '-r', write(bytes), '-T', 'fields', ...names.flatMap((name) => ['-e', name]))
    return output
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'))
  }

  test.each(['little', 'big'] as const)(
    'sees packets, times, lengths, comments, drops and directions, %s endian',
    (order) => {
      const seen = fields(
        everything(order),
        ...[
          'frame.time_epoch',
          'frame.interface_name',
          'frame.cap_len',
          'frame.len',
          'frame.comment',
          'frame.drop_count',
        ],
        ...['frame.packet_flags_direction', 'ip.dst', 'udp.dstport', 'ipv6.dst'],
      )
      const length = String(udpPacket(1).length)
      expect(seen).toEqual([
        ['1700000000.123456789', 'raw', length, length, 'first, ä', '5', '0x00000001', '198.51.100.1', '9', ''],
        ['1700000000.123456790', 'four', length, length, '', '', '0x00000002', '198.51.100.2', '9', ''],
        ['1700000001.123456789', 'six', '40', '1280', '', '', '', '', '', '::2'],
      ])
    },
  )

  test('sees prefixes, groups and packets of LINKTYPE_NFLOG', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Nflog, name: 'nflog:5' })
    const attributes = { inputDevice: 3, userId: 1000, timestamp: { seconds: 1n, microseconds: 2n } }
    for (let i = 1; i <= 70; i++) {
      const message = logMessage({ ...attributes, prefix: `rule ${i}: `, payload: udpPacket(i) }, 5)
      encoder.writePacket(nflogRecord(0, AT + BigInt(i), message))
    }
    const names = [
      'nflog.prefix',
      'nflog.res_id',
      'nflog.ifindex_indev',
      'nflog.uid',
      'nflog.hook',
      'ip.dst',
      'frame.encap_type',
    ]
    const seen = fields(encoder.take(), ...names)
    expect(seen).toHaveLength(70)
    expect(seen[0]).toEqual(['rule 1: ', '5', '3', '1000', '1', '198.51.100.1', '141'])
    expect(seen.map(([prefix, , , , , destination]) => [prefix, destination])).toEqual(
      seen.map((_, index) => [`rule ${index + 1}: `, `198.51.100.${index + 1}`]),
    )
  })

  test('sees the messages of LINKTYPE_NETLINK, several in a packet too', () => {
    const encoder = new PcapngEncoder()
    encoder.addInterface({ linkType: LinkType.Netlink })
    const message = packetMessage(1, { payload: udpPacket(4) })
    const two = Uint8Array.from([...errorMessage(message, 1), ...errorMessage(message, 2)])
    encoder.writePacket(netlinkRecord(0, AT, message, { direction: 'inbound' }))
    encoder.writePacket(netlinkRecord(0, AT, two, { direction: 'outbound', dropCount: 1n << 40n }))
    const seen = fields(
      encoder.take(),
      ...['frame.protocols', 'netlink.hatype', 'netlink.family', 'netlink.hdr_type', 'frame.drop_count', 'ip.dst'],
    )
    expect(seen[0]?.[0]?.startsWith('netlink:netlink-netfilter')).toBe(true)
    expect(seen[0]?.slice(1, 3)).toEqual(['824', '0x000c'])
    // Each error repeats the header of the refused request.
    expect(seen[1]?.slice(3, 5)).toEqual(['0x0002,0x0300,0x0002,0x0300', String(1n << 40n)])
    expect(seen[0]?.[5]).toBe('198.51.100.4')
  })

  test.each(['little', 'big'] as const)('reads every block correctly, statistics too, %s endian', (order) => {
    // Dissects it as a file, not as packets: the only way to see how Wireshark reads statistics.
    const text = run('tshark', '-r', write(everything(order)), '-X', 'read_format:MIME Files Format', '-V')
    const lines = text.split('\n').map((line) => line.trim())
    expect(lines.filter((line) => line.startsWith('Block: ')).map((line) => line.replace(/ \d+$/, ''))).toEqual([
      'Block: Section Header Block',
      ...Array(3).fill('Block: Interface Description Block'),
      ...Array(3).fill('Block: Enhanced Packet Block'),
      'Block: Interface Statistics Block',
    ])
    expect(lines).toEqual(
      expect.arrayContaining([
        'Link Type: RAW (101)',
        'Option: Number of Received Packets = 6',
        'Option: Number of Dropped Packets = 5',
        '[Timestamp: Nov 14, 2023 22:13:20.123456791 UTC]',
      ]),
    )
    expect(text).not.toMatch(/malformed|expert info|unknown/i)
  })

  test('finds nothing wrong with the file', () => {
    const text = run('capinfos', '-M', write(everything()))
    expect(text).toMatch(/Number of packets: +3\n/)
    expect(text).toMatch(/Number of interfaces in file: 3/)
    expect(text).toMatch(/File timestamp precision: +nanoseconds \(9\)/)
    expect(text).toMatch(/Name = raw\s[\s\S]*?Number of stat entries = 1\s/)
    expect(text).toMatch(/Name = six\s[\s\S]*?Capture length = 40/)
    expect(text).toMatch(/Capture application: +ringlink/)
  })

  test('reads no packet that this reader does not, of captures with damaged options and statistics', () => {
    let read = 0
    const property = fc.property(damagedCaptures, ({ capture, packets }) => {
      // Wireshark ends at some damage with an error, after what came before it.
      const { stdout } = spawnSync(
        'tshark',
        ['-r', write(capture), '-T', 'fields', '-e', 'frame.cap_len', '-e', 'frame.len'],
        { encoding: 'utf8' },
      )
      const seen = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t').map(Number))
      const ours = packetsOf(capture).map(({ bytes, fullLength }) => [bytes.length, fullLength])
      expect(ours).toHaveLength(packets.length)
      expect(ours.slice(0, seen.length)).toEqual(seen)
      read += seen.length
    })
    fc.assert(property, { numRuns: 15 })
    expect(read).toBeGreaterThan(10)
  }, 120_000)

  test.each([
    ['little', 'microseconds'],
    ['little', 'nanoseconds'],
    ['big', 'microseconds'],
    ['big', 'nanoseconds'],
  ] as const)('reads classic pcap as this reader does, %s endian, %s', (order, unit) => {
    const packets = [1, 2, 3].map((last) => ({
      ...{ seconds: 1_700_000_000 + last, fraction: 123_456 + last },
      ...{ bytes: udpPacket(last), cut: last },
    }))
    const file = pcapFile({ order, unit, linkType: LinkType.Raw }, packets)
    const names = ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'ip.dst']
    for (const bytes of [file, gzipSync(file)]) {
      const seen = fields(bytes, ...names).map(([time = '', captured, length, destination]) => [
        BigInt(time.replace('.', '')),
        Number(captured),
        Number(length),
        destination,
      ])
      const decoder = new CaptureDecoder()
      decoder.push(file)
      const ours: unknown[] = []
      for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
        if (block.type !== 'packet') continue
        ours.push([block.at, block.bytes.length, block.fullLength, `198.51.100.${block.bytes[19]}`])
      }
      expect(seen).toEqual(ours)
    }
  })
})
