import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileFilter, FilterError } from '../../src/packets/filter.ts'
import { authentication, cut, extension, fragment, ipv4, ipv6, packet, tcp, udp } from './packets.ts'

const TCP = 6
const UDP = 17
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60

const packets = {
  dns: packet(ipv4(UDP, udp(40000, 53, 'what is secret.example'))),
  web: packet(ipv4(TCP, tcp(443, 50000, 'nothing here', 12), { source: [172, 16, 5, 9] })),
  ping: packet(ipv4(1, [8, 0, 0, 0, 0, 1, 0, 1])),
  'marked udp': packet(ipv4(UDP, udp(1, 2)), 0x10),
  'udp with IP options': packet(ipv4(UDP, udp(40000, 53, 'secret'), { options: 8 })),
  'first fragment': packet(ipv4(UDP, udp(40000, 53, 'part'), { moreFragments: true })),
  'later fragment': packet(ipv4(UDP, udp(40000, 53, 'secret'), { fragmentOffset: 1480 })),
  dns6: packet(ipv6(UDP, udp(40000, 53, 'secret'))),
  'dns6 after extension headers': packet(
    ipv6(
      HOP_BY_HOP,
      extension(
        ROUTING,
        8,
        extension(AUTHENTICATION, 24, authentication(DESTINATION_OPTIONS, 12, extension(UDP, 16, udp(40000, 53)))),
      ),
    ),
  ),
  'first fragment of 6': packet(ipv6(FRAGMENT, fragment(UDP, 0, udp(40000, 53)))),
  'later fragment of 6': packet(ipv6(FRAGMENT, fragment(UDP, 1448, udp(40000, 53, 'secret')))),
  ping6: packet(ipv6(58, [128, 0, 0, 0])),
  arp: packet([0, 1, 8, 0, 6, 4, ...Array<number>(22).fill(0)]),
  empty: packet([]),
} as const
type PacketName = keyof typeof packets

const ALL = Object.keys(packets) as PacketName[]
const IPV6: readonly PacketName[] = [
  'dns6',
  'dns6 after extension headers',
  'first fragment of 6',
  'later fragment of 6',
  'ping6',
]
const NOT_IP: readonly PacketName[] = ['arp', 'empty']
const TO_53: readonly PacketName[] = [
  'dns',
  'udp with IP options',
  'first fragment',
  'dns6',
  'dns6 after extension headers',
  'first fragment of 6',
]
const IS_UDP: readonly PacketName[] = [...TO_53, 'marked udp', 'later fragment', 'later fragment of 6']
const allBut = (...names: readonly PacketName[]) => ALL.filter((name) => !names.includes(name))

/** Which of the packets above an expression means. */
const table: readonly (readonly [string, readonly PacketName[]])[] = [
  ['tcp', ['web']],
  ['udp', IS_UDP],
  ['icmp', ['ping']],
  ['icmpv6', ['ping6']],
  ['not udp', allBut(...IS_UDP)],
  ['dport 53', TO_53],
  ['dport 53:53', TO_53],
  ['dport 0:52', ['marked udp']],
  ['dport 0:65535', [...TO_53, 'web', 'marked udp']],
  ['sport 443', ['web']],
  ['sport 40000', TO_53],
  ['sport 30000:45000 udp', TO_53],
  ['tcp dport 53', []],
  ['src 10.0.0.1', allBut(...IPV6, ...NOT_IP, 'web')],
  ['src 172.16.0.0/12', ['web']],
  ['src 172.31.255.255/12', ['web']],
  ['src 172.16.5.8/31', ['web']],
  ['src 172.16.5.8', []],
  ['dst 192.0.2.7', allBut(...IPV6, ...NOT_IP)],
  ['src 0.0.0.0/0', allBut(...IPV6, ...NOT_IP)],
  ['src ::/0', IPV6],
  ['src 2001:db8::1', IPV6],
  ['src 2001:db8::/33', IPV6],
  ['src 2001:db8:8000::/33', []],
  ['dst fe80::2', IPV6],
  ['dst fe80::0.0.0.2', IPV6],
  ['dst fe80:0:0:0:0:0:0:2/128', IPV6],
  ["text 'secret'", ['dns', 'udp with IP options', 'later fragment', 'dns6', 'later fragment of 6']],
  ['text "secret"', ['dns', 'udp with IP options', 'later fragment', 'dns6', 'later fragment of 6']],
  ['text secret', ['dns', 'udp with IP options', 'later fragment', 'dns6', 'later fragment of 6']],
  ["text 'is secret'", ['dns']],
  ["text 'here'", ['web']],
  ["text 'nothing here'", ['web']],
  ["text 'nothing here '", []],
  ['mark 16', ['marked udp']],
  ['mark 0x10', ['marked udp']],
  ['mark 0', allBut('marked udp')],
  ['udp not dport 53', ['marked udp', 'later fragment', 'later fragment of 6']],
  ['not not tcp', ['web']],
  ['tcp or icmp', ['web', 'ping']],
  ['udp mark 0x10 or tcp', ['marked udp', 'web']],
  ['tcp or udp mark 0x10', ['marked udp', 'web']],
  ['(tcp or udp) mark 0x10', ['marked udp']],
  ['not (udp or tcp)', allBut(...IS_UDP, 'web')],
  ['udp and dport 53 and not text secret src 10.0.0.1', ['first fragment']],
  ['(udp)or(tcp)', [...IS_UDP, 'web']],
]

describe('a filter', () => {
  test.each(table)('%s', (expression, expected) => {
    const filter = compileFilter(expression)
    expect(ALL.filter((name) => filter(packets[name])).sort()).toEqual([...expected].sort())
  })

  test('finds ports of a packet that was cut after them, and none if they are missing', () => {
    const [protocol, port] = [compileFilter('udp'), compileFilter('udp dport 53')]
    expect(port(cut(packets.dns, 24))).toBe(true)
    expect(port(cut(packets.dns, 23))).toBe(false)
    expect(protocol(cut(packets.dns, 20))).toBe(true)
    expect(protocol(cut(packets.dns, 19))).toBe(false)
    expect(port(cut(packets['dns6 after extension headers'], 40 + 8 + 24 + 12 + 16 + 3))).toBe(false)
    expect(port(cut(packets['dns6 after extension headers'], 40 + 8 + 24 + 12 + 16 + 4))).toBe(true)
    expect(protocol(cut(packets['dns6 after extension headers'], 41))).toBe(false)
  })

  test('looks for a text in the payload, not in headers or after the end', () => {
    // The source port spells "se", and the bytes after every packet here begin with "secret".
    const text = compileFilter("text 'se'")
    expect(text(packet(ipv4(UDP, udp(0x7365, 53))))).toBe(false)
    expect(text(packet(ipv4(TCP, tcp(0x7365, 53))))).toBe(false)
    expect(text(packet(ipv4(TCP, tcp(1, 53, 'use'))))).toBe(true)
    expect(compileFilter("text 's'")(packet(ipv4(UDP, udp(1, 2, 'x'))))).toBe(false)
    expect(compileFilter("text 'xsecret'")(packet(ipv4(UDP, udp(1, 2, 'x'))))).toBe(false)
  })

  test('finds a text at any place', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 40 }),
        fc.stringMatching(/^[ab]{1,6}$/),
        fc.string({ maxLength: 40 }),
        (a, b, c) => {
          const filter = compileFilter(`udp text '${b}'`)
          expect(filter(packet(ipv4(UDP, udp(1, 2, a + b + c))))).toBe(true)
          expect(filter(packet(ipv4(UDP, udp(1, 2, a + c))))).toBe((a + c).includes(b))
        },
      ),
    )
  })

  test('never throws, for any packet', () => {
    const filters = [...table.map(([expression]) => expression)].map(compileFilter)
    const anything = fc.uint8Array({ maxLength: 120 })
    // Random bytes are seldom IP; these are, and continue with random headers.
    const ipLike = fc
      .tuple(fc.constantFrom(0x45, 0x46, 0x4f, 0x40, 0x60), anything)
      .map(([first, rest]) => Uint8Array.of(first, ...rest))
    fc.assert(
      fc.property(fc.oneof(anything, ipLike), fc.option(fc.nat(), { nil: undefined }), (bytes, mark) => {
        for (const filter of filters) expect(typeof filter(packet(bytes, mark))).toBe('boolean')
      }),
      { numRuns: 500 },
    )
  })

  test('gives up on a packet of only extension headers', () => {
    let content: number[] = udp(1, 53)
    for (let i = 0; i < 40; i++) content = extension(i === 0 ? UDP : DESTINATION_OPTIONS, 8, content)
    expect(compileFilter('udp')(packet(ipv6(DESTINATION_OPTIONS, content)))).toBe(false)
  })
})

/** Expressions that are wrong, with the place where the error must point and a word that it must contain. */
const mistakes: readonly (readonly [string, string, string])[] = [
  ['', '^', 'empty'],
  ['   ', '^', 'empty'],
  ['udp dprot 53', '    ^^^^^', 'dprot'],
  ['udp dport', '    ^^^^^', 'must be followed by'],
  ['udp dport http', '          ^^^^', '65535'],
  ['dport 65536', '      ^^^^^', '65535'],
  ['dport 20:10', '      ^^^^^', 'ends before'],
  ['dport 20:', '      ^^^', 'range'],
  ['dport -1', '      ^^', 'port'],
  ['src 10.0.0', '    ^^^^^^', 'expected an IPv4 or IPv6 address'],
  ['src 10.0.0.1/33', '    ^^^^^^^^^^^', '0 to 32'],
  ['dst 2001:db8::/129', '    ^^^^^^^^^^^^^^', '0 to 128'],
  ['dst fe80::1%eth0', '    ^^^^^^^^^^^^', 'expected an IPv4 or IPv6 address'],
  ['dst 10.0.0.1/8/8', '    ^^^^^^^^^^^^', 'prefix'],
  ['dst 10.0.0.1/', '    ^^^^^^^^^', 'prefix'],
  ["udp text 'open", '         ^', 'closing'],
  ["text ''", '     ^^', 'empty'],
  ["udp 'word'", '    ^^^^^^', 'quoted'],
  ['mark x', '     ^', '4294967295'],
  ['mark 4294967296', '     ^^^^^^^^^^', '4294967295'],
  ['udp or', '      ^', 'ends'],
  ['or udp', '^^', 'condition'],
  ['udp and or tcp', '        ^^', 'condition'],
  ['not', '   ^', 'ends'],
  ['(udp', '^', 'not closed'],
  ['udp)', '   ^', "there is no '('"],
  ['()', ' ^', 'condition'],
  ['dport (53)', '^^^^^', 'must be followed by'],
]

describe('a filter that is wrong', () => {
  test.each(mistakes)('%s', (expression, marker, word) => {
    const error = errorOf(expression)
    expect(error.position).toBe(expression.trim() === '' ? expression.trimEnd().length : marker.indexOf('^'))
    expect(error.length).toBe(marker.trim().length)
    expect(error.message).toContain(word)
    expect(error.message.split('\n').slice(1)).toEqual([`  ${expression}`, `  ${marker}`])
  })

  test('is reported, and nothing else happens', () => {
    const word = fc.constantFrom(
      'tcp',
      'not',
      '(',
      ')',
      'or',
      'and',
      'dport',
      '53',
      "'",
      '"x"',
      'src',
      '::1',
      'mark',
      'text',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
        ),
        (expression) => {
          try {
            compileFilter(expression)
          } catch (error) {
            expect(error).toBeInstanceOf(FilterError)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('does not overflow the stack', () => {
    expect(errorOf('('.repeat(100_000)).message).toContain('nesting')
    expect(errorOf('not '.repeat(100_000)).message).toContain('nesting')
    expect(compileFilter(`${'tcp or '.repeat(10_000)}udp`)(packets.dns)).toBe(true)
  })
})

function errorOf(expression: string): FilterError {
  try {
    compileFilter(expression)
  } catch (error) {
    if (error instanceof FilterError) return error
    throw error
  }
  throw new Error(`'${expression}' was taken for a filter`)
}
