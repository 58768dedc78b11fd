/** Reads the matches of a rule's text. */
import { type Field, fieldsByName } from '../fields/fields.ts'
import { deviceNameKind, type ValueKind } from '../fields/kinds.ts'
import { protocolNumber } from '../fields/names.ts'
import type { RuleFamily } from '../options.ts'
import type { CombinedInSet, NumberRange, PropertyName, RuleMatch, RuleProtocol, SetProperty } from '../properties.ts'
import { listOf } from '../set.ts'
import { isInSet, setProperties } from '../sets/definition.ts'
import { readBits } from './bit-values.ts'
import { readEquality, readOperator, type SignedValue } from './operators.ts'
import { readTime } from './time-values.ts'
import type { TokenReader } from './tokens.ts'
import { meanings, type WordMeaning } from './words.ts'

type Mutable = { -readonly [Key in PropertyName]?: unknown } & { combined?: CombinedInSet | readonly CombinedInSet[] }

/** The words of matches. */
export const matchWords: readonly string[] = [...meanings.keys()]

/** Properties that only packets of one IP version have, and that say by their values of which. */
const VERSIONED = [
  'sourceAddress',
  'destinationAddress',
  'ttl',
  'hopLimit',
  'nextHeader',
  'icmpType',
  'icmpCode',
] as const
const LONGEST = 6

const DEVICE = "the name of one network device; 'iifname' and 'oifname' take several that begin alike"
/** What `iif` and `oif` take: nft compares the number that the device has now, and a rule of ours its name. */
const singleDeviceKind: ValueKind<string> = {
  ...deviceNameKind,
  expected: DEVICE,
  parse: (token) => (/^\d+$|\*$/.test(token) ? undefined : deviceNameKind.parse(token)),
}

/** Collects the properties that a text asks for. */
export class MatchParser {
  #reader: TokenReader
  #match: Mutable = {}
  #not: Mutable = {}
  #familyVersion: 4 | 6 | undefined
  /** where the version was said; the family begins the text */
  #versionColumn = 1

  /** `family` is the one that the text begins with: families ip and ip6 have packets of one IP version. */
  constructor(reader: TokenReader, family: RuleFamily | undefined) {
    this.#reader = reader
    this.#familyVersion = family === 'ip' ? 4 : family === 'ip6' ? 6 : undefined
  }

  /** The match; `undefined` where the text has none. */
  get result(): RuleMatch | undefined {
    const not = Object.keys(this.#not).length > 0 ? { not: this.#not } : {}
    const { version, ...rest } = this.#match
    const match = this.#saysVersion ? { ...rest, ...not } : { ...this.#match, ...not }
    return Object.keys(match).length > 0 ? (match as RuleMatch) : undefined
  }

  /** Reads one match, if the next words begin one. */
  take(): boolean {
    const reader = this.#reader
    const found = this.#wordsAt(0)
    if (found === undefined) return false
    const { column } = reader
    if (reader.peek(found.length)?.text === '.') {
      this.#combined()
      return true
    }
    for (let i = 0; i < found.length; i++) reader.take()
    const { meaning } = found
    if (reader.isAt('set')) throw reader.unexpected('a value: what rules set comes after all that they match')
    this.#imply(meaning, column)
    if (meaning.name === 'version') this.#version(meaning.version, column)
    else this.#property(meaning, column)
    return true
  }

  /** Asks for an IP version that something after the matches needs. */
  needVersion(version: 4 | 6, column: number): void {
    this.#imply({ name: 'version', field: undefined, version, protocol: undefined }, column)
  }

  /** Whether the next words are properties, and then this word. */
  isKeyBefore(word: 'map' | 'vmap'): boolean {
    let at = 0
    for (;;) {
      const found = this.#wordsAt(at)
      if (found === undefined) return false
      at += found.length
      const next = this.#reader.peek(at)
      if (next?.text !== '.') return next?.kind === 'word' && next.text === word
      at++
    }
  }

  /** Reads the properties that are the key of a set, as `ip saddr . tcp dport`. */
  key(): SetProperty[] {
    const reader = this.#reader
    const names: SetProperty[] = []
    do {
      const { column } = reader
      const found = this.#wordsAt(0)
      const name = setProperties.find((it) => it === found?.meaning.name)
      if (found === undefined || name === undefined) {
        throw reader.unexpected(
          'a property that sets can have: an address, a port, a mark or the name of a device',
          matchWords,
        )
      }
      for (let i = 0; i < found.length; i++) reader.take()
      this.#imply(found.meaning, column)
      names.push(name)
    } while (reader.skip('.'))
    return names
  }

  /** `ip saddr . tcp dport @pairs` */
  #combined(): void {
    const reader = this.#reader
    const of = this.key()
    const operator = readOperator(this.#reader)
    if (operator !== '' && operator !== '==' && operator !== '!=') throw reader.unexpected("'@' and the name of a set")
    if (!reader.skip('@')) throw reader.unexpected("'@' and the name of a set")
    const side = operator === '!=' ? this.#not : this.#match
    const combined = { of, in: reader.word('the name of a set').text }
    side.combined = side.combined === undefined ? combined : [...listOf<CombinedInSet>(side.combined), combined]
  }

  #wordsAt(start: number): { readonly meaning: WordMeaning; readonly length: number } | undefined {
    const texts: string[] = []
    for (let i = start; i < start + LONGEST; i++) {
      const token = this.#reader.peek(i)
      if (token === undefined || token.kind === 'quoted') break
      texts.push(token.text)
    }
    for (let length = texts.length; length > 0; length--) {
      const meaning = meanings.get(texts.slice(0, length).join(' '))
      // `meta mark set …` is a statement.
      if (meaning !== undefined)
        return this.#reader.peek(start + length)?.text === 'set' ? undefined : { meaning, length }
    }
    return undefined
  }

  /** Whether other properties say the IP version already. */
  get #saysVersion(): boolean {
    // The addresses of a named set are not known here.
    return VERSIONED.some((name) => {
      const given = this.#match[name] ?? this.#not[name]
      return given !== undefined && !isInSet(given)
    })
  }

  #imply({ version, protocol }: WordMeaning, column: number): void {
    if (version !== undefined) {
      const known = this.#match.version ?? this.#familyVersion
      if (known !== undefined && known !== version) {
        const text = `this is of IPv${version}, and column ${this.#versionColumn} of IPv${String(known)}: no packet has both`
        throw this.#reader.conflict(column, text)
      }
      if (this.#match.version === undefined) this.#versionColumn = column
      this.#match.version = version
    }
    if (protocol !== undefined) this.#protocol(protocol, column)
  }

  #protocol(protocol: RuleProtocol, column: number): void {
    const known = this.#match.protocol
    const isSame = typeof known === 'string' || typeof known === 'number'
    if (known !== undefined && !(isSame && protocolNumber(known as RuleProtocol) === protocolNumber(protocol))) {
      const names = listOf(known as RuleProtocol).join(', ')
      throw this.#reader.conflict(column, `this is of protocol ${protocol}, and the rule matches protocol ${names}`)
    }
    this.#match.protocol = protocol
  }

  /** `meta nfproto ipv4`; or `ip version 4`, which has packets of version `own` already. */
  #version(own: 4 | 6 | undefined, column: number): void {
    const isNegative = readEquality(this.#reader)
    const versions: Readonly<Record<string, 4 | 6>> =
      own === undefined ? { ipv4: 4, ip: 4, ipv6: 6, ip6: 6 } : { [own]: own }
    const expected = own === undefined ? "'ipv4' or 'ipv6'" : `'${own}'`
    const token = this.#reader.word(expected)
    const version = versions[token.text]
    if (version === undefined) throw this.#reader.wrong(token, expected, Object.keys(versions))
    if (isNegative) this.#set('version', version, true, column)
    else this.needVersion(version, column)
  }

  #property({ name, field, version, isIndex }: WordMeaning, column: number): void {
    const { style } = field as Field
    const facts = { version }
    const kind = isIndex === true ? singleDeviceKind : (field as Field).kind(facts)
    if (style === 'presence') this.#presence(name, version, column)
    else if (style === 'bits' || style === 'flags') this.#signed(name, readBits(this.#reader, { name, kind }), column)
    else if (style === 'time') this.#signed(name, readTime(this.#reader), column)
    else if (style === 'socket') this.#socket(name, column)
    else if (style === 'mark' && (this.#reader.skip('&') || this.#reader.skip('and'))) this.#masked(name, column)
    else this.#values(name, kind, column)
  }

  #signed(name: PropertyName, { value, isNegative }: SignedValue<unknown>, column: number): void {
    this.#set(name, value, isNegative, column)
  }

  #values(name: PropertyName, kind: ValueKind<unknown>, column: number): void {
    const reader = this.#reader
    const operator = readOperator(reader)
    if (operator.startsWith('<') || operator.startsWith('>')) {
      this.#set(name, this.#ordered(kind, operator), false, column)
      return
    }
    if (reader.skip('@')) {
      this.#set(name, { in: reader.word('the name of a set').text }, operator === '!=', column)
      return
    }
    const isSet = reader.skip('{')
    const values = isSet ? this.#list(kind) : [this.#value(kind)]
    if (!isSet && reader.isAt(',')) throw reader.unexpected("the end of the value: several are written '{ a, b }'")
    this.#set(name, isSet ? values : values[0], operator === '!=', column)
  }

  #list(kind: ValueKind<unknown>): unknown[] {
    const reader = this.#reader
    const values = [this.#value(kind)]
    while (reader.skip(',')) if (!reader.isAt('}')) values.push(this.#value(kind))
    if (!reader.skip('}')) throw reader.unexpected("',' or '}'")
    return values
  }

  #value(kind: ValueKind<unknown>): unknown {
    const token = this.#reader.word(kind.expected)
    const value = kind.parse(token.text)
    if (value === undefined) throw this.#reader.wrong(token, kind.expected)
    return value
  }

  /** What is less or greater than a number. */
  #ordered(kind: ValueKind<unknown>, operator: string): NumberRange {
    const token = this.#reader.word(kind.expected)
    const value = kind.parse(token.text)
    const last = Number.MAX_SAFE_INTEGER
    const bounds = /from (\d+) to (\d+)/.exec(kind.expected)
    if (typeof value !== 'number' || bounds === null)
      throw this.#reader.wrong(token, `${kind.expected}, without a range`)
    const [minimum, maximum] = [Number(bounds[1]), Math.min(last, Number(bounds[2]))]
    const from = operator === '>' ? value + 1 : operator === '>=' ? value : minimum
    const to = operator === '<' ? value - 1 : operator === '<=' ? value : maximum
    if (from > to) throw this.#reader.conflict(token.column, `nothing is ${operator} ${value} here`)
    return { from, to }
  }

  #masked(name: PropertyName, column: number): void {
    const reader = this.#reader
    const mask = reader.number('a mask', 1, 0xffffffff)
    const isNegative = readEquality(reader)
    const value = reader.number('a mark', 0, 0xffffffff)
    this.#set(name, { value, mask }, isNegative, column)
  }

  #presence(name: PropertyName, version: 4 | 6 | undefined, column: number): void {
    const reader = this.#reader
    if (name === 'fragment' && version === 4) {
      reader.need('&')
      if (reader.number('the bits of a fragment, 0x3fff', 0, 0xffff) !== 0x3fff) {
        throw reader.conflict(column, "only 'ip frag-off & 0x3fff != 0' is known: whether a packet is a fragment")
      }
      const isNegative = readEquality(reader)
      reader.number('0', 0, 0)
      this.#set(name, isNegative, false, column)
      return
    }
    const token = reader.word("'exists' or 'missing'")
    if (token.text !== 'exists' && token.text !== 'missing') {
      throw reader.wrong(token, "'exists' or 'missing'", ['exists', 'missing'])
    }
    this.#set(name, token.text === 'exists', false, column)
  }

  #socket(name: PropertyName, column: number): void {
    const isNegative = readEquality(this.#reader)
    const expected = "'1', '0', or '0-1' for any socket"
    const token = this.#reader.word(expected)
    if (token.text === '1') this.#set(name, 'transparent', isNegative, column)
    else if (token.text === '0') this.#set(name, 'transparent', !isNegative, column)
    else if (token.text === '0-1' && !isNegative) this.#set(name, 'existing', false, column)
    else throw this.#reader.wrong(token, expected)
  }

  #set(name: PropertyName, value: unknown, isNegative: boolean, column: number): void {
    const side = isNegative ? this.#not : this.#match
    const isRepeated = side[name] !== undefined && !(name === 'protocol' && side[name] === value)
    if (isRepeated) {
      const advice = isNegative ? "write '!= { a, b }'" : "write '{ a, b }' for one of several"
      throw this.#reader.conflict(column, `${fieldsByName.get(name)?.words[0] ?? name} is matched twice: ${advice}`)
    }
    side[name] = value
  }
}
