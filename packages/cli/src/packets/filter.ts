/**
 * A small language of conditions on packets, compiled once to a function.
 *
 *     filter  = all { "or" all }
 *     all     = one { ["and"] one }
 *     one     = "not" one | "(" filter ")" | protocol | property
 */

import { escapeText, quoteText } from '@ringlink/codec'
import { IpProtocol, type PacketView, type Prefix, tryParseAddress, tryParsePrefix } from '@ringlink/packet'
import { alternatives } from '../command-line/alternatives.ts'
import { didYouMean } from '../command-line/nearest.ts'

/** What a filter looks at in the headers of a packet. */
export type FilteredHeaders = Pick<
  PacketView,
  | 'protocol'
  | 'version'
  | 'source'
  | 'destination'
  | 'sourcePort'
  | 'destinationPort'
  | 'memory'
  | 'payloadOffset'
  | 'payloadEnd'
>

/** What a filter looks at in a packet. */
export interface FilteredPacket {
  readonly mark: number | undefined
  /** Where its headers lie. */
  headers(): FilteredHeaders
}

/** True for the packets that the filter matches. */
export type PacketFilter = (packet: FilteredPacket) => boolean

/** An expression that is not a filter: `position` and `length` are those of the word at fault, in characters. */
export class FilterError extends Error {
  readonly position: number
  readonly length: number

  constructor(problem: string, expression: string, position: number, length: number) {
    super(
      `${problem}\n  ${escapeText(expression)}\n  ${' '.repeat(escapeText(expression.slice(0, position)).length)}${'^'.repeat(Math.max(1, length))}`,
    )
    this.name = 'FilterError'
    this.position = position
    this.length = length
  }
}

const KNOWN_WORDS = ['tcp', 'udp', 'icmp', 'icmpv6', 'sport', 'dport', 'src', 'dst', 'text', 'mark', 'not', 'and', 'or']
const FILTER_WORDS = alternatives(KNOWN_WORDS)

/** Compiles an expression. Throws {@link FilterError}. */
export function compileFilter(expression: string): PacketFilter {
  const test = new FilterParser(expression).parse()
  return (packet) => test(packet.headers(), packet.mark ?? 0)
}

/** A filter that matches if any of the expressions does; undefined if there are none. Throws {@link FilterError}. */
export function compileAny(expressions: readonly string[]): PacketFilter | undefined {
  if (expressions.length === 0) return undefined
  const filters = expressions.map((expression) => compileFilter(expression))
  return (packet) => {
    for (const filter of filters) if (filter(packet)) return true
    return false
  }
}

type Test = (packet: FilteredHeaders, mark: number) => boolean

interface Word {
  readonly text: string
  readonly position: number
  readonly length: number
  readonly isQuoted: boolean
}

/** Not a port, and outside every range. */
const NO_PORT = -1

/** Maximum depth of nesting, so that a mistake does not cause a stack overflow. */
const MAXIMUM_DEPTH = 64

class FilterParser {
  #expression: string
  #words: readonly Word[]
  #next = 0
  #depth = 0

  constructor(expression: string) {
    this.#expression = expression
    this.#words = this.#split()
  }

  parse(): Test {
    if (this.#words.length === 0) throw this.#errorAtEnd(`the filter is empty, expected ${FILTER_WORDS}`)
    const test = this.#parseAlternatives()
    const rest = this.#words[this.#next]
    if (rest !== undefined) throw this.#errorAt(rest, "there is no '(' for this ')'")
    return test
  }

  #parseAlternatives(): Test {
    const tests = [this.#parseAll()]
    while (this.#take('or')) tests.push(this.#parseAll())
    return anyOf(tests)
  }

  #parseAll(): Test {
    const tests = [this.#parseOne()]
    for (;;) {
      const hasAnd = this.#take('and')
      const word = this.#words[this.#next]
      if (!hasAnd && (word === undefined || isPlain(word, 'or') || isPlain(word, ')'))) return allOf(tests)
      tests.push(this.#parseOne())
    }
  }

  #parseOne(): Test {
    const word = this.#words[this.#next++]
    if (word === undefined) throw this.#errorAtEnd('the filter ends where a condition is expected')
    if (word.isQuoted)
      throw this.#errorAt(
        word,
        `expected a condition, got a quoted text; to look for it, write: text ${escapeText(word.text)}`,
      )
    if (++this.#depth > MAXIMUM_DEPTH) throw this.#errorAt(word, `more than ${MAXIMUM_DEPTH} levels of nesting`)
    const test = this.#parseCondition(word)
    this.#depth--
    return test
  }

  #parseCondition(word: Word): Test {
    switch (word.text) {
      case 'not': {
        const test = this.#parseOne()
        return (packet, mark) => !test(packet, mark)
      }
      case '(':
        return this.#parseGroup(word)
      case 'tcp':
        return ({ protocol }) => protocol === IpProtocol.Tcp
      case 'udp':
        return ({ protocol }) => protocol === IpProtocol.Udp
      case 'icmp':
        return ({ protocol, version }) => protocol === IpProtocol.Icmp && version === 4
      case 'icmpv6':
        return ({ protocol, version }) => protocol === IpProtocol.Icmpv6 && version === 6
      case 'sport': {
        const [first, last] = this.#parsePorts(word)
        return ({ sourcePort = NO_PORT }) => sourcePort >= first && sourcePort <= last
      }
      case 'dport': {
        const [first, last] = this.#parsePorts(word)
        return ({ destinationPort = NO_PORT }) => destinationPort >= first && destinationPort <= last
      }
      case 'src':
        return this.#parseAddress(word, 'src')
      case 'dst':
        return this.#parseAddress(word, 'dst')
      case 'text':
        return this.#parseText(word)
      case 'mark': {
        const wanted = this.#parseMark(word)
        return (_, mark) => mark === wanted
      }
      default:
        throw this.#errorAt(word, unknownWord(word.text))
    }
  }

  #parseGroup(open: Word): Test {
    const test = this.#parseAlternatives()
    if (!this.#take(')')) throw this.#errorAt(open, "this '(' is not closed")
    return test
  }

  #parsePorts(property: Word): readonly [number, number] {
    const word = this.#value(property, 'a port (53) or a range of them (1000:2000)')
    const [, from = '', to = from] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(word.text) ?? []
    const [first, last] = [Number(from), Number(to)]
    if (from === '' || first > 0xffff || last > 0xffff) {
      throw this.#errorAt(word, `${property.text}: must be a port from 0 to 65535 or a range (1000:2000)`)
    }
    if (first > last) throw this.#errorAt(word, `${property.text}: the range ends before it begins`)
    return [first, last]
  }

  #parseAddress(property: Word, which: 'src' | 'dst'): Test {
    const word = this.#value(property, 'an address (10.0.0.1) or a network (2001:db8::/32)')
    const prefix = readPrefix(word.text)
    if (typeof prefix === 'string') throw this.#errorAt(word, `${which}: ${prefix}`)
    return which === 'src'
      ? ({ source }) => source?.isIn(prefix) === true
      : ({ destination }) => destination?.isIn(prefix) === true
  }

  #parseText(property: Word): Test {
    const word = this.#value(property, "the text to look for ('word')")
    const bytes = new TextEncoder().encode(word.text)
    if (bytes.length === 0) throw this.#errorAt(word, 'text: must not be empty')
    return searchFor(bytes)
  }

  #parseMark(property: Word): number {
    const word = this.#value(property, 'a number (7, 0x10)')
    const mark = /^(\d+|0x[\da-f]+)$/i.test(word.text) ? Number(word.text) : Number.NaN
    if (!(mark <= 0xffffffff)) throw this.#errorAt(word, 'mark: must be an integer from 0 to 4294967295 (0xffffffff)')
    return mark
  }

  #value(property: Word, wanted: string): Word {
    const word = this.#words[this.#next]
    if (word === undefined || isPlain(word, '(') || isPlain(word, ')')) {
      throw this.#errorAt(property, `${property.text}: must be followed by ${wanted}`)
    }
    this.#next++
    return word
  }

  #take(text: string): boolean {
    const word = this.#words[this.#next]
    if (word === undefined || !isPlain(word, text)) return false
    this.#next++
    return true
  }

  #split(): Word[] {
    const words: Word[] = []
    for (const found of this.#expression.matchAll(/'([^']*)'|"([^"]*)"|[()]|[^\s()'"]+|['"]/g)) {
      const [all, single, double] = found
      if (all === "'" || all === '"')
        throw this.#error(`the text that begins here has no closing ${all}`, found.index, 1)
      const text = single ?? double
      words.push({ text: text ?? all, position: found.index, length: all.length, isQuoted: text !== undefined })
    }
    return words
  }

  #errorAt(word: Word, problem: string): FilterError {
    return this.#error(problem, word.position, word.length)
  }

  #errorAtEnd(problem: string): FilterError {
    return this.#error(problem, this.#expression.trimEnd().length, 1)
  }

  #error(problem: string, position: number, length: number): FilterError {
    return new FilterError(problem, this.#expression, position, length)
  }
}

function isPlain(word: Word, text: string): boolean {
  return word.text === text && !word.isQuoted
}

function unknownWord(text: string): string {
  if (text === ')' || text === 'or' || text === 'and') return `expected a condition, got '${text}'`
  return `unknown word ${quoteText(text)}${didYouMean(text, KNOWN_WORDS)}; expected ${FILTER_WORDS}`
}

function allOf(tests: readonly Test[]): Test {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  return (packet, mark) => {
    for (const test of tests) if (!test(packet, mark)) return false
    return true
  }
}

function anyOf(tests: readonly Test[]): Test {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  return (packet, mark) => {
    for (const test of tests) if (test(packet, mark)) return true
    return false
  }
}

/** Searches a packet's content for `bytes` (Horspool's algorithm). */
function searchFor(bytes: Uint8Array): Test {
  const last = bytes.length - 1
  const skips = new Uint32Array(256).fill(bytes.length)
  for (let i = 0; i < last; i++) skips[bytes[i] as number] = last - i
  return ({ memory, payloadOffset, payloadEnd }) => {
    const { u8 } = memory
    let offset = payloadOffset
    while (offset + last < payloadEnd) {
      let i = last
      while (i >= 0 && u8[offset + i] === bytes[i]) i--
      if (i < 0) return true
      offset += skips[u8[offset + last] as number] as number
    }
    return false
  }
}

/** Reads `ADDRESS` or `ADDRESS/LENGTH`. Returns a text that describes the error. */
function readPrefix(text: string): Prefix | string {
  const prefix = tryParsePrefix(text)
  if (prefix !== undefined) return prefix
  const [address = ''] = text.split('/')
  const bytes = tryParseAddress(address)
  if (bytes === undefined) return `expected an IPv4 or IPv6 address, got ${quoteText(address)}`
  return `the prefix length must be an integer from 0 to ${bytes.length * 8}`
}
