import { describe, expect, test } from 'vitest'
import { readRules } from '../../src/command-line/rule-option.ts'
import { UsageError } from '../../src/command-line/values.ts'

describe('--rule', () => {
  test('is a hook, and what packets must have', () => {
    expect(readRules(['output', ' input  tcp ', 'output udp 53', 'forward udp dport 1000:2000 sport 7'])).toEqual([
      { hook: 'output', match: {} },
      { hook: 'input', match: { protocol: 'tcp' } },
      { hook: 'output', match: { protocol: 'udp', destinationPort: { from: 53, to: 53 } } },
      {
        hook: 'forward',
        match: { protocol: 'udp', destinationPort: { from: 1000, to: 2000 }, sourcePort: { from: 7, to: 7 } },
      },
    ])
  })

  test("is nft's words too", () => {
    expect(readRules(['ip6 output udp dport { 53, 853 } meta mark != 7 limit rate 5/second'])).toEqual([
      {
        family: 'ip6',
        hook: 'output',
        match: { protocol: 'udp', destinationPort: [53, 853], not: { mark: 7 } },
        limit: { rate: 5, per: 'second' },
      },
    ])
    expect(() => readRules(['output udp dprot 53'])).toThrow(/column 8: expected a match or a statement, got 'udp'/)
    expect(() => readRules(['output udp dport 53 drop'])).toThrow(/must not say what is decided \(verdict\)/)
  })

  test.each([
    '',
    'ingress',
    'udp 53',
    'output 53',
    'output icmp 53',
    'output udp http',
    'output udp sport',
    'output udp 70000',
    'output udp 9:8',
  ])('mistakes are refused: %s', (text) => {
    expect(() => readRules([text])).toThrow(UsageError)
  })
})
