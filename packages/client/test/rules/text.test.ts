import { OptionPlace } from '@ringlink/codec/options'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FirewallRule, formatRule, parseRule, RuleSyntaxError } from '../../src/index.ts'
import { planRules } from '../../src/rules/install.ts'
import { compileMatch } from '../../src/rules/match.ts'
import { firewallRules, queueRules } from '../../src/rules/schema.ts'
import { nftTexts } from './nft-texts.ts'
import { randomRules } from './random-rules.ts'
import { vocabulary } from './vocabulary.ts'

const SEED = 20_261_126

/** Everything that decides what a rule matches. */
function compiled({ match = {} }: FirewallRule, family: 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev' | 'arp') {
  let id = 0
  const { expressions, sets } = compileMatch(match, { family, needsVersion: false, nextSetId: () => ++id })
  return { expressions, sets }
}

describe('the text of a rule', () => {
  test('stands for the rule', () => {
    expect(parseRule('output udp dport { 53, 853 } ip daddr != 10.0.0.0/8 drop')).toEqual({
      hook: 'output',
      match: { protocol: 'udp', destinationPort: [53, 853], not: { destinationAddress: '10.0.0.0/8' } },
      verdict: 'drop',
    })
    expect(parseRule('inet input priority mangle iifname "eth*" tcp flags & (syn|ack) == syn')).toEqual({
      family: 'inet',
      hook: 'input',
      priority: 'mangle',
      match: { inputInterface: 'eth*', protocol: 'tcp', tcpFlags: { flags: ['syn'], mask: ['syn', 'ack'] } },
    })
    expect(parseRule('chain mine meta mark & 0xf0 == 0x10 ct packets < 20 limit rate 5/second goto other')).toEqual({
      chain: 'mine',
      match: { mark: { value: 0x10, mask: 0xf0 }, ctPackets: { from: 0, to: 19 } },
      limit: { rate: 5, per: 'second' },
      goto: 'other',
    })
    expect(parseRule('input update @seen { ip saddr limit rate over 3/minute burst 2 packets } reject')).toEqual({
      hook: 'input',
      match: { version: 4 },
      limit: { rate: 3, per: 'minute', burst: 2, over: true, by: 'sourceAddress', set: 'seen' },
      reject: 'port-unreachable',
    })
  })

  test('can look several properties up together, and take verdicts and marks from maps', () => {
    const pairs = 'input ip saddr . tcp dport @pairs ip daddr . tcp sport != @others drop'
    expect(parseRule(pairs)).toEqual({
      hook: 'input',
      match: {
        version: 4,
        protocol: 'tcp',
        combined: { of: ['sourceAddress', 'destinationPort'], in: 'pairs' },
        not: { combined: { of: ['destinationAddress', 'sourcePort'], in: 'others' } },
      },
      verdict: 'drop',
    })
    expect(parseRule('output ip6 daddr . meta mark vmap @ways')).toEqual({
      hook: 'output',
      match: { version: 6 },
      verdict: { map: 'ways', by: ['destinationAddress', 'mark'] },
    })
    const marks = 'input meta mark set udp sport map @marks ct mark set ct mark map @others'
    expect(parseRule(marks)).toEqual({
      hook: 'input',
      match: { protocol: 'udp' },
      setMark: { map: 'marks', by: 'sourcePort' },
      setCtMark: { map: 'others', by: 'ctMark' },
    })
    for (const text of [pairs, 'output update @seen { ip daddr . udp dport timeout 60000ms } accept', marks]) {
      const rule = parseRule(text)
      expect(parseRule(formatRule(rule))).toEqual(rule)
    }
    const sets = { six: { type: 'ipv6' } } as const
    const rule = { hook: 'input', match: { sourceAddress: { in: 'six' } } } as const
    expect(formatRule(rule, { sets })).toBe('input ip6 saddr @six')
  })

  test('can say a protocol by its number, and then by its name', () => {
    expect(parseRule('input meta l4proto 6 tcp dport 5').match).toEqual({ protocol: 'tcp', destinationPort: 5 })
    expect(() => parseRule('input meta l4proto 6 udp dport 5')).toThrow('this is of protocol udp')
  })

  test('survives being read and written', () => {
    for (const text of nftTexts) {
      const rule = parseRule(text)
      expect(parseRule(formatRule(rule))).toEqual(rule)
    }
  })

  test('is that of each rule, which matches the same when it is read', () => {
    const families = ['ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp'] as const
    const property = fc.property(randomRules(families), ({ family, rules }) => {
      for (const rule of rules) {
        const text = formatRule(rule, { family })
        const { match: _, ...actions } = rule
        const { match: __, ...read } = parseRule(text)
        expect(compiled(parseRule(text), family), text).toEqual(compiled(rule, family))
        const { limit = {}, bypass, fanout, ...rest } = actions
        const flags = { ...(bypass === true ? { bypass } : {}), ...(fanout === true ? { fanout } : {}) }
        const kept = Object.fromEntries(
          Object.entries(limit).filter(([name, value]) => name !== 'over' || value === true),
        )
        expect(read, text).toEqual({ ...rest, ...flags, ...(actions.limit === undefined ? {} : { limit: kept }) })
      }
    })
    fc.assert(property, { seed: SEED, numRuns: 150 })
  })

  test('of each word of the vocabulary is read again', () => {
    for (const { rule } of vocabulary) {
      const { match: _, ...actions } = rule
      const { match: __, ...read } = parseRule(formatRule(rule))
      expect(read).toEqual(actions)
      expect(compiled(parseRule(formatRule(rule)), 'inet')).toEqual(compiled(rule, 'inet'))
    }
  })

  test('is accepted by the schemas of rules', () => {
    const place = new OptionPlace('test', 'rule')
    expect(queueRules.read('ip6 output udp dport 53', place)).toMatchObject({ family: 'ip6', hook: 'output' })
    const rules = firewallRules.read(['input tcp dport 22 queue num 0-3 bypass,fanout'], place)
    expect(rules).toEqual([
      {
        hook: 'input',
        match: { protocol: 'tcp', destinationPort: 22 },
        queue: { from: 0, to: 3 },
        bypass: true,
        fanout: true,
      },
    ])
    const plan = planRules(rules, { placeOf: (index) => place.element(index) })
    expect(plan.chains).toHaveLength(1)
  })
})

test.each([
  ['prerouting ip protocol tcp tcp dport 22', 'prerouting meta nfproto ipv4 tcp dport 22'],
  ['prerouting ip protocol != { tcp, udp }', 'prerouting meta nfproto ipv4 meta l4proto != { tcp, udp }'],
  ['prerouting ip version 4 ip6 version 6', undefined],
  ['prerouting ip version 4 udp dport domain', 'prerouting meta nfproto ipv4 udp dport 53'],
  ['prerouting iif lo', 'prerouting iifname "lo"'],
  ['output meta oif != "eth0"', 'output oifname != "eth0"'],
  ['prerouting iifgroup default', 'prerouting iifgroup 0'],
  ['prerouting ct state == new', 'prerouting ct state new'],
  ['prerouting ct state != { new, related }', 'prerouting ct state ! new,related'],
  ['prerouting ct status & dnat == dnat', 'prerouting ct status dnat'],
  ['prerouting ct status & dnat != dnat', 'prerouting ct status ! dnat'],
  ['prerouting ct packets gt 20 tcp dport le 1023', 'prerouting tcp dport 0-1023 ct packets 21-9007199254740991'],
  ['prerouting meta hour >= "08:00"', 'prerouting meta hour "08:00"-"23:59:59"'],
  ['prerouting meta hour <= "08:00"', 'prerouting meta hour "00:00"-"08:00"'],
  ['prerouting socket transparent 0', 'prerouting socket transparent != 1'],
  ['input queue', 'input queue num 0'],
  ['input queue bypass', 'input queue flags bypass to 0'],
  ['input quota over 10 mbytes used 5 bytes drop', 'input quota over 10485760 bytes drop'],
  ['input mark set mark or 0x10', 'input meta mark set meta mark & 0xffffffef | 0x10'],
  ['input add @seen { ip saddr timeout 1m }', 'input meta nfproto ipv4 add @seen { ip saddr timeout 60000ms }'],
  [
    'input add @seen { ip saddr limit rate over 9/second } drop',
    'input meta nfproto ipv4 update @seen { ip saddr limit rate over 9/second } drop',
  ],
])('%j is another text of the same rule', (text, usual) => {
  if (usual === undefined) expect(() => parseRule(text)).toThrow('no packet has both')
  else expect(formatRule(parseRule(text))).toBe(usual)
})

const wrong: readonly (readonly [text: string, column: number, message: string])[] = [
  ['', 1, "expected a hook, 'prerouting', "],
  ['outptu udp dport 53', 1, 'did you mean output?'],
  ['output udp dprot 53', 8, 'did you mean udp dport'],
  ['output udp dport', 17, 'got the end of the rule'],
  ['output udp dport 70000', 18, 'expected an integer from 0 to 65535'],
  ['output udp dport { 53, x }', 24, "got 'x'"],
  ['output udp dport { 53', 22, "expected ',' or '}'"],
  ['output udp dport 53,54', 20, "several are written '{ a, b }'"],
  ['output udp dport 60-50', 18, "got '60-50'"],
  ['output udp dport > 65535', 20, 'nothing is > 65535'],
  ['output ip saddr 2001:db8::1', 17, 'expected an IPv4 address'],
  ['output ip saddr 10.0.0.1 ip6 daddr ::1', 26, 'no packet has both'],
  ['output tcp dport 22 udp dport 53', 21, 'this is of protocol udp'],
  ['output udp dport 53 udp dport 54', 21, 'matched twice'],
  ['output ct status != dnat', 21, "write '! dnat'"],
  ['output meta mark & 0xf0 < 5', 25, "expected '==' or '!='"],
  ['output ct state < new', 17, "expected '==' or '!='"],
  ['output meta nfproto > ipv4', 21, "expected '==' or '!='"],
  ['input socket transparent < 1', 26, "expected '==' or '!='"],
  ['output ip frag-off & 0x3fff < 0', 29, "expected '==' or '!='"],
  ['output meta hour > "08:00"', 20, "write '>='"],
  ['input iif "eth*"', 11, 'the name of one network device'],
  ['input iif 1', 11, 'the name of one network device'],
  ['ip6 output ip daddr 10.0.0.1', 12, 'column 1 of IPv6: no packet has both'],
  ['output ip version 6', 19, "expected '4'"],
  ['output ip protocol tcp ip6 nexthdr tcp', 24, 'no packet has both'],
  ['output ip protocol tcp udp dport 53', 24, 'this is of protocol udp'],
  ['output tcp dport shh', 18, "or a name such as 'ftp-data'"],
  ['output icmp code no-route', 18, "or a name such as 'net-unreachable'"],
  ['output reject with icmp type no-route', 30, "expected 'net-unreachable'"],
  ['output ip saddr 10.0.0.1 reject with icmpv6 type no-route', 38, 'no packet has both'],
  ['output reject with tcp', 20, "'tcp reset', 'icmp'"],
  ['output tcp flags { syn, ack }', 18, 'without braces'],
  ['output ct state old', 17, "expected 'new', 'established'"],
  ['output drop udp dport 53', 13, 'comes before all that it does'],
  ['output drop accept', 13, "nothing can follow 'drop'"],
  ['output meta mark set 1 log group 5', 24, "'log' must come before 'meta mark set'"],
  ['output log prefix "x"', 8, "log needs 'group NUMBER'"],
  ['output limit rate 5/fortnight', 19, "a rate such as '10/second'"],
  ['output limit rate 5/second burst 9', 35, "expected 'packets'"],
  ['output meta mark set meta mark & 0xff | 0x1', 32, 'must not be among those to keep'],
  ['output log prefix "x', 19, 'this quotation has no end'],
  ['output priority filtre', 17, 'did you mean filter?'],
  ['output reject with icmpx type nothing', 31, "expected 'port-unreachable'"],
  ['output queue num 9-3', 18, 'the number of a queue'],
  ['output ip saddr . ip ttl @x', 19, 'a property that sets can have'],
  ['output ip saddr . tcp dport 53', 29, "'@' and the name of a set"],
  ['output ip saddr . ip6 daddr @x', 19, 'no packet has both'],
  ['output ip saddr vmap x', 22, "'@' and the name of a map"],
  ['output ip saddr vmap @x drop', 25, 'which decides'],
  ['output meta mark set ip saddr . tcp dport map', 46, "'@' and the name of a map"],
  ['output meta mark set tcp dport @x', 22, 'a mark, an integer'],
]

test.each(wrong)('%j is refused at column %i', (text, column, message) => {
  let error: unknown
  try {
    parseRule(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(RuleSyntaxError)
  expect(error).toMatchObject({ code: 'ARGUMENT', column, message: expect.stringContaining(message) })
})

test('any text is read or refused with a column that it has', () => {
  const words = fc.constantFrom(...nftTexts.flatMap((text) => text.split(' ')), '{', '}', '"', '!=', '@x', '&', '|')
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 12 }).map((list) => list.join(' ')),
  )
  const property = fc.property(text, (given) => {
    try {
      const rule = parseRule(given)
      expect(parseRule(formatRule(rule))).toEqual(rule)
    } catch (error) {
      expect(error).toBeInstanceOf(RuleSyntaxError)
      const { column } = error as RuleSyntaxError
      expect(column).toBeGreaterThanOrEqual(1)
      expect(column).toBeLessThanOrEqual(given.length + 1)
    }
  })
  fc.assert(property, { seed: SEED, numRuns: 3000 })
})
