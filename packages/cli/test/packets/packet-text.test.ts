import { LogRecordView, Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { loadVector } from '../../../codec/test/vectors.ts'
import { extension, fragment, ipv4, ipv6, tcp, udp } from './packets.ts'
import { entryOfRecord } from '../../src/packets/entry.ts'
import { entryObject, formatEntry, plain } from '../../src/packets/entry-text.ts'
import { describePacket, EtherType, formatPacket } from '../../src/packets/packet-text.ts'

const style = { paint: plain, devices: { name: (index: number) => `eth${index}` }, linkLayer: true }

function vectorEntry(name: string) {
  const { bytes } = loadVector('log', name)
  return entryOfRecord(new LogRecordView().wrap(Memory.from(bytes), 0, bytes.length), 0n, 0)
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

const port53 = (message: readonly number[]) => [...udp(53, 40000).slice(0, 8), ...message]
const name = [3, 0x77, 0x77, 0x77, 7, ...Buffer.from('example'), 3, ...Buffer.from('org'), 0]
const question = [...name, 0, 28, 0, 1]
const aaaa = [0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]
const unreachable = [3, 3, 0, 0, 0, 0, 0, 0, ...ipv4(17, udp(40000, 53, 'lost'))]

describe('packets made by hand', () => {
  const cases: readonly (readonly [string, number, readonly number[], string])[] = [
    ['UDP', EtherType.Ipv4, ipv4(17, udp(1, 2, 'hello')), 'IP 10.0.0.1.1 > 192.0.2.7.2: UDP, length 5'],
    [
      'TCP with options',
      EtherType.Ipv4,
      ipv4(6, tcp(443, 50000, 'data', 12)),
      'IP 10.0.0.1.443 > 192.0.2.7.50000: TCP [P.], seq 1:5, ack 2, win 256, length 4',
    ],
    [
      'a later fragment',
      EtherType.Ipv4,
      ipv4(17, udp(1, 2), { fragmentOffset: 1480 }),
      'IP 10.0.0.1 > 192.0.2.7: UDP fragment at 1480',
    ],
    [
      'a DNS answer',
      EtherType.Ipv4,
      ipv4(17, port53([0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...aaaa])),
      'IP 10.0.0.1.53 > 192.0.2.7.40000: DNS 7 1/0/0 for AAAA? www.example.org. AAAA 2001:db8::1',
    ],
    [
      'a DNS refusal',
      EtherType.Ipv4,
      ipv4(17, port53([0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, ...question])),
      'IP 10.0.0.1.53 > 192.0.2.7.40000: DNS 7 NXDOMAIN 0/0/0 for AAAA? www.example.org.',
    ],
    [
      'a DNS name that points at itself',
      EtherType.Ipv4,
      ipv4(17, port53([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1])),
      'IP 10.0.0.1.53 > 192.0.2.7.40000: UDP, length 0',
    ],
    [
      'an ICMP error',
      EtherType.Ipv4,
      ipv4(1, unreachable),
      'IP 10.0.0.1 > 192.0.2.7: ICMP unreachable (port), for IP 10.0.0.1.40000 > 192.0.2.7.53: UDP, length 4',
    ],
    [
      'IPv6 behind an extension header',
      EtherType.Ipv6,
      ipv6(0, extension(58, 8, [135, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, ...Array<number>(13).fill(0), 5])),
      'IP6 2001:db8::1 > fe80::2: ICMP6 neighbour solicitation, who has fe80::5',
    ],
    [
      'a later fragment of IPv6',
      EtherType.Ipv6,
      ipv6(44, fragment(17, 1448, [1, 2])),
      'IP6 2001:db8::1 > fe80::2: UDP fragment at 1448',
    ],
    ['another protocol', EtherType.Ipv4, ipv4(89, [1, 2]), 'IP 10.0.0.1 > 192.0.2.7: protocol 89, length 2'],
    ['another network', 0x88cc, [1, 2, 3], '0x88cc length 3'],
    ['nothing', EtherType.Ipv4, [], 'IP 0 bytes of it'],
  ]
  test.each(cases)('%s', (_, etherType, bytes, text) => {
    expect(formatPacket(describePacket(etherType, Uint8Array.from(bytes)))).toBe(text)
  })
})

const etherTypes = fc.constantFrom<number>(...Object.values(EtherType), 0)
const beginnings = fc.constantFrom<readonly number[]>(
  [],
  ipv4(17, udp(53, 53)),
  ipv4(1, [3, 3, 0, 0, 0, 0, 0, 0]),
  ipv4(6, []),
  ipv6(0, []),
  ipv6(17, udp(53, 53)),
)

it('describes any bytes, whatever they are and wherever they are cut', () => {
  fc.assert(
    fc.property(etherTypes, beginnings, fc.uint8Array({ maxLength: 120 }), fc.nat(160), (type, start, rest, cut) => {
      const text = formatPacket(describePacket(type, Uint8Array.from([...start, ...rest]).subarray(0, cut)))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(text).not.toMatch(/[\x00-\x1f\x7f]|undefined|NaN/)
    }),
  )
})
