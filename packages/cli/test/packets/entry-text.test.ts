import { Memory } from '@ringlink/codec'
import { EtherType } from '@ringlink/packet'
import { loadVector } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { LogRecord } from 'ringlink'
import { describe, expect, it, test } from 'vitest'
import { entryOfRecord } from '../../src/packets/entry.ts'
import { entryObject, formatEntry } from '../../src/packets/entry-text.ts'
import { plain } from '../../src/terminal/paint.ts'
import { ipv4, ipv6, udp } from './packets.ts'

const style = { paint: plain, devices: { name: (index: number) => `eth${index}` }, linkLayer: true }

function vectorEntry(name: string) {
  const { bytes } = loadVector('log', name)
  return entryOfRecord(new LogRecord().wrap(Memory.from(bytes), 0, bytes.length), 0n, 0)
}

/** The line without its time, which depends on where one is. */
function vectorLine(name: string): string {
  return formatEntry(vectorEntry(name), style).replace(/^\S+ /, '')
}

describe('a line for what the kernel has logged', () => {
  test.each([
    'packet-arp',
    'packet-bridge-arp',
    'packet-bridge-vlan',
    'packet-forward',
    'packet-icmp',
    'packet-icmp-ipv6',
    'packet-mark',
    'packet-netdev-ingress',
    'packet-prefix',
    'packet-seq',
    'packet-tcp-gso-truncated',
    'packet-tcp-syn',
    'packet-udp-full',
    'packet-udp-ipv6',
    'packet-udp-meta',
    'packet-udp-truncated',
  ])('%s', (name) => {
    expect(vectorLine(name)).toMatchSnapshot()
  })

  it('shows a loss, and nothing that could steer a terminal', () => {
    const line = formatEntry({ ...vectorEntry('packet-udp-odd'), lost: 3, prefix: 'evil\x1b[2J\u202e: ' }, style)
    expect(line).toContain('(3 lost) 5 evil\\u{1b}[2J\\u{202e}: output >eth1 IP 127.0.0.1.40000 > 127.0.0.1.5000: UDP')
  })

  it('shows names of devices without their control characters', () => {
    const line = formatEntry(vectorEntry('packet-udp-odd'), { ...style, devices: { name: () => 'a\x1b[2J\u009b' } })
    expect(line).toContain('>a\\u{1b}[2J\\u{9b} IP')
  })

  it('is an object for programs', () => {
    const entry = { ...vectorEntry('packet-prefix'), at: 1_700_000_000_123_456_789n, lost: 2 }
    expect(JSON.parse(JSON.stringify(entryObject(entry, style.devices)))).toMatchObject({
      event: 'packet',
      at: '2023-11-14T22:13:20.123456Z',
      group: 5,
      lost: 2,
      hook: 'output',
      output: 'eth1',
      protocol: 'UDP',
      source: '127.0.0.1',
      destinationPort: 5000,
    })
  })
})

const port53 = (message: readonly number[]) => [0, 53, 0x9c, 0x40, 0, 8 + message.length, 0, 0, ...message]
const name = [3, 0x77, 0x77, 0x77, 7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0]
const question = [...name, 0, 28, 0, 1]
const aaaa = [0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]

function lineOf(bytes: readonly number[] | Uint8Array, etherType = 0): string {
  return formatEntry({ at: 0n, lost: 0, etherType, bytes: Uint8Array.from(bytes) }, style).replace(/^\S+ /, '')
}

describe('DNS in a packet', () => {
  test.each([
    [
      'an answer',
      [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...aaaa],
      'IP 10.0.0.1.53 > 192.0.2.7.40000: 7 1/0/0 for AAAA? www.example.org. AAAA 2001:db8::1 (61)',
    ],
    [
      'a refusal',
      [0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, ...question],
      'IP 10.0.0.1.53 > 192.0.2.7.40000: 7 NXDOMAIN 0/0/0 for AAAA? www.example.org. (33)',
    ],
    [
      'a name that points at itself',
      [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1],
      'IP 10.0.0.1.53 > 192.0.2.7.40000: UDP, length 18',
    ],
    [
      'a name with control characters',
      [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x1b, 0xc2, 0x9b, 0, 0, 1, 0, 1],
      'IP 10.0.0.1.53 > 192.0.2.7.40000: 7+ A? \\u{1b}\\u{9b}. (21)',
    ],
  ])('%s', (_, message, text) => {
    expect(lineOf(ipv4(17, port53(message)))).toBe(text)
  })
})

describe('a packet', () => {
  it('of an extension header that is longer than it is not UDP', () => {
    expect(lineOf(ipv6(60, [17, 200, 0, 0, 0, 0, 0, 0, ...udp(1, 2)]))).not.toContain('UDP')
  })

  it('whose record says no protocol is what its family says', () => {
    const record = vectorEntry('packet-udp-full')
    expect(record.etherType).toBe(EtherType.Ipv4)
  })
})

const etherTypes = fc.constantFrom<number>(...Object.values(EtherType), 0)
const beginnings = fc.constantFrom<readonly number[]>(
  [],
  ipv4(17, port53([0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...aaaa])),
  ipv4(1, [3, 3, 0, 0, 0, 0, 0, 0]),
  ipv4(6, []),
  ipv6(0, []),
  ipv6(17, udp(53, 53)),
)

it('describes any bytes, truncated at any place', () => {
  fc.assert(
    fc.property(etherTypes, beginnings, fc.uint8Array({ maxLength: 120 }), fc.nat(160), (type, start, rest, cut) => {
      const text = lineOf(Uint8Array.from([...start, ...rest]).subarray(0, cut), type)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(text).not.toMatch(/[\x00-\x1f\x7f]|undefined|NaN/)
    }),
  )
})
