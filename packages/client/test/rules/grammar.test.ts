/**
 * The grammar that docs/rules.md has is that of the parser: what it generates is understood, and each of its
 * alternatives is used.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatRule, parseRule, RuleSyntaxError } from '../../src/index.ts'
import { nftProperties, type Values } from './nft-texts.ts'

const SEED = 20_261_126

/** A part of the grammar. */
type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'option' | 'repetition'; readonly part: Node }

/** Reads the productions of a grammar: names of lower case are others of them, names in capitals are given. */
function readGrammar(text: string): ReadonlyMap<string, Node> {
  const productions = text.split(/\n(?=[a-z])/).map((it): [string, Node] => {
    const [, name = '', body = ''] = /^(\w+)\s+=([\s\S]*)$/.exec(it.trim()) ?? []
    const tokens = body.match(/"[^"]*"|\w+|[[\](){}|]/g) ?? []
    const node = readChoice(tokens)
    if (tokens.length > 0) throw new Error(`the production of ${name} continues with ${tokens.join(' ')}`)
    return [name, node]
  })
  return new Map(productions)
}

function readChoice(tokens: string[]): Node {
  const parts = [readSequence(tokens)]
  while (tokens[0] === '|') {
    tokens.shift()
    parts.push(readSequence(tokens))
  }
  return parts.length === 1 ? (parts[0] as Node) : { kind: 'choice', parts }
}

function readSequence(tokens: string[]): Node {
  const parts: Node[] = []
  for (;;) {
    const [token] = tokens
    if (token === undefined || /^[|\])}]$/.test(token)) return { kind: 'sequence', parts }
    tokens.shift()
    if (token.startsWith('"')) parts.push({ kind: 'text', text: token.slice(1, -1) })
    else if (/^[[({]$/.test(token)) {
      const part = readChoice(tokens)
      tokens.shift()
      parts.push(token === '(' ? part : { kind: token === '[' ? 'option' : 'repetition', part })
    } else parts.push({ kind: 'name', name: token })
  }
}

const [, block = ''] =
  /\n```\n(rule {2,}=[\s\S]*?)```/.exec(readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')) ??
  []
const grammar = readGrammar(block)

const given: Readonly<Record<string, readonly string[]>> = {
  NAME: ['mine', '"other"', 'eth0'],
  INTEGER: ['-150', '7'],
  NUMBER: ['5', '0x10', '200'],
  NUMERIC: [
    'tcp dport',
    'meta length',
    'ip ttl',
    'ct packets',
    'meta mark',
    'ct original bytes',
    'vlan id',
    'meta skuid',
  ],
  KEY: ['ip saddr', 'ip daddr', 'tcp dport', 'meta mark', 'ct mark', 'iifname', 'oifname', 'ether saddr'],
  MASK: ['0xffffff0f', '0xffff00ef'],
  BITS: ['0x10', '0x0'],
  STATE: ['new', 'established', 'related', 'invalid', 'untracked'],
  STATUS: ['expected', 'seen-reply', 'assured', 'confirmed', 'snat', 'dnat', 'dying'],
  FLAG: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'],
  COUNT: ['1', '100'],
  QUOTED: ['"in: "', '""'],
  RATE: ['10/second', '3/minute', '1/day'],
  TIME: ['60s', '1h30m', '500ms'],
  CLASS: ['1:10', 'ffff:0', '0x10010'],
  CODEPOINT: ['cs1', 'ef', '46'],
  QUEUES: ['3', '0-3'],
  CODE: ['host-unreachable', 'prot-unreachable', '13'],
  CODE6: ['no-route', 'policy-fail', '3'],
}

/** Texts of a part of the grammar, with the words and values of one property. */
function textsOf(node: Node, property: Values): fc.Arbitrary<string> {
  const join = (texts: readonly string[]) => texts.filter((it) => it !== '').join(' ')
  switch (node.kind) {
    case 'text':
      return fc.constant(node.text)
    case 'sequence':
      return fc.tuple(...node.parts.map((part) => textsOf(part, property))).map(join)
    case 'choice':
      return fc.oneof(...node.parts.map((part) => textsOf(part, property)))
    case 'option':
      return fc.oneof(fc.constant(''), textsOf(node.part, property))
    case 'repetition':
      return fc.array(textsOf(node.part, property), { maxLength: 2 }).map(join)
    case 'name':
      return named(node.name, property)
  }
}

function named(name: string, property: Values): fc.Arbitrary<string> {
  const production = grammar.get(name)
  if (production !== undefined) return textsOf(production, property)
  const { words, single, ranges = [] } = property
  const texts = name === 'PROPERTY' ? [words] : name === 'VALUE' ? [...single, ...ranges] : given[name]
  if (texts === undefined) throw new Error(`the grammar has no production of ${name}`)
  return fc.constantFrom(...texts)
}

/**
 * Those that are written as PROPERTY and VALUE: a time spans midnight only as two ranges, and sockets have no others.
 */
const ordinary = nftProperties.filter(({ words }) => words !== 'meta hour' && words !== 'socket transparent')

describe.each(['match', 'statement', 'rule'])('the production %s', (name) => {
  test('is understood by the parser', () => {
    const text = fc.constantFrom(...ordinary).chain((property) => named(name, property))
    const outcomes = { understood: 0, refused: 0 }
    const property = fc.property(text, (it) => {
      const whole = name === 'rule' ? it : `prerouting ${it}`
      try {
        // A list of one value is written as that value, and an empty prefix not at all.
        const written = formatRule(parseRule(whole))
        expect(formatRule(parseRule(written)), whole).toBe(written)
        outcomes.understood++
      } catch (error) {
        // What it says together can be refused: flags that the mask does not have, a property twice. Nothing else is
        // expected at a place.
        expect(error, whole).toBeInstanceOf(RuleSyntaxError)
        expect((error as RuleSyntaxError).expected, `${whole}: ${(error as Error).message}`).toBe('')
        outcomes.refused++
      }
    })
    fc.assert(property, { seed: SEED, numRuns: 600 })
    if (name !== 'rule') expect(outcomes.understood).toBeGreaterThan(outcomes.refused * 4)
    else expect(outcomes.understood).toBeGreaterThan(60)
  })
})
