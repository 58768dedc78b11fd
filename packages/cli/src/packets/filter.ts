/**
 * A small language that says which packets are meant, compiled once to a function.
 *
 *     filter  = all { "or" all }
 *     all     = one { ["and"] one }
 *     one     = "not" one | "(" filter ")" | protocol | property
 */
import { IpProtocol, PacketHeaders, type PacketSource } from './headers.ts'
import { readNetwork } from './network.ts'

/** What a filter looks at in a packet. */
export type FilteredPacket = PacketSource

/** True for the packets that are meant. */
export type PacketFilter = (packet: FilteredPacket) => boolean

/** An expression that is no filter: `position` and `length` are those of the word at fault, in characters. */
export class FilterError extends Error {
  readonly position: number
  readonly length: number

  constructor(problem: string, expression: string, position: number, length: number) {
    super(`${problem}\n  ${expression}\n  ${' '.repeat(position)}${'^'.repeat(Math.max(1, length))}`)
    this.name = 'FilterError'
    this.position = position
    this.length = length
  }
}

/** The words that begin a property or stand for one, for help texts and errors. */
export const FILTER_WORDS = 'tcp, udp, icmp, icmpv6, sport, dport, src, dst, text, mark, not, and, or'

/** Compiles an expression. Throws {@link FilterError}. */
export function compileFilter(expression: string): PacketFilter {
  const test = new FilterParser(expression).parse()
  const headers = new PacketHeaders()
  return (packet) => test(headers.read(packet))
}

type Test = (headers: PacketHeaders) => boolean

interface Word {
  readonly text: string
  readonly position: number
  readonly length: number
  readonly isQuoted: boolean
}

/** Nesting deeper than this is a mistake, and must not end in a stack overflow. */
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
    if (this.#words.length === 0) throw this.#errorAtEnd(`an empty filter; it knows ${FILTER_WORDS}`)
    const test = this.#parseAlternatives()
    const rest = this.#words[this.#next]
    if (rest !== undefined) throw this.#errorAt(rest, "this ')' closes nothing")
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
    if (word === undefined) throw this.#errorAtEnd('the filter ends where a condition is wanted')
    if (word.isQuoted) throw this.#errorAt(word, `a quoted text where a condition is wanted; write: text ${word.text}`)
    if (++this.#depth > MAXIMUM_DEPTH) throw this.#errorAt(word, `more than ${MAXIMUM_DEPTH} levels of nesting`)
    const test = this.#parseCondition(word)
    this.#depth--
    return test
  }

  #parseCondition(word: Word): Test {
    switch (word.text) {
      case 'not': {
        const test = this.#parseOne()
        return (headers) => !test(headers)
      }
      case '(':
        return this.#parseGroup(word)
      case 'tcp':
        return (headers) => headers.protocol === IpProtocol.Tcp
      case 'udp':
        return (headers) => headers.protocol === IpProtocol.Udp
      case 'icmp':
        return (headers) => headers.protocol === IpProtocol.Icmp && headers.version === 4
      case 'icmpv6':
        return (headers) => headers.protocol === IpProtocol.Icmpv6 && headers.version === 6
      case 'sport': {
        const [first, last] = this.#parsePorts(word)
        return ({ sourcePort }) => sourcePort >= first && sourcePort <= last
      }
      case 'dport': {
        const [first, last] = this.#parsePorts(word)
        return ({ destinationPort }) => destinationPort >= first && destinationPort <= last
      }
      case 'src':
        return this.#parseAddress(word, 'src')
      case 'dst':
        return this.#parseAddress(word, 'dst')
      case 'text':
        return this.#parseText(word)
      case 'mark': {
        const mark = this.#parseMark(word)
        return (headers) => headers.mark === mark
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
      throw this.#errorAt(word, `${property.text}: a port from 0 to 65535 or a range (1000:2000) is wanted`)
    }
    if (first > last) throw this.#errorAt(word, `${property.text}: the range ends before it begins`)
    return [first, last]
  }

  #parseAddress(property: Word, which: 'src' | 'dst'): Test {
    const word = this.#value(property, 'an address (10.0.0.1) or a network (2001:db8::/32)')
    const network = readNetwork(word.text)
    if (typeof network === 'string') throw this.#errorAt(word, `${which}: ${network}`)
    const { version, bytes, mask } = network
    const start = version === 4 ? (which === 'src' ? 12 : 16) : which === 'src' ? 8 : 24
    return (headers) => {
      if (headers.version !== version) return false
      const offset = headers.networkOffset + start
      for (let i = 0; i < mask.length; i++) {
        if ((headers.byte(offset + i) & (mask[i] as number)) !== bytes[i]) return false
      }
      return true
    }
  }

  #parseText(property: Word): Test {
    const word = this.#value(property, "the text to look for ('word')")
    const bytes = new TextEncoder().encode(word.text)
    if (bytes.length === 0) throw this.#errorAt(word, 'text: an empty text is in every packet')
    return searchFor(bytes)
  }

  #parseMark(property: Word): number {
    const word = this.#value(property, 'a number (7, 0x10)')
    const mark = /^(\d+|0x[\da-f]+)$/i.test(word.text) ? Number(word.text) : Number.NaN
    if (!(mark <= 0xffffffff)) throw this.#errorAt(word, 'mark: a number from 0 to 4294967295 (0xffffffff) is wanted')
    return mark
  }

  #value(property: Word, wanted: string): Word {
    const word = this.#words[this.#next]
    if (word === undefined || isPlain(word, '(') || isPlain(word, ')')) {
      throw this.#errorAt(property, `${property.text}: ${wanted} is wanted behind it`)
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
  if (text === ')' || text === 'or' || text === 'and') return `'${text}' where a condition is wanted`
  return `'${text}' is no word of the filter; it knows ${FILTER_WORDS}`
}

function allOf(tests: readonly Test[]): Test {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  return (headers) => {
    for (const test of tests) if (!test(headers)) return false
    return true
  }
}

function anyOf(tests: readonly Test[]): Test {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  return (headers) => {
    for (const test of tests) if (test(headers)) return true
    return false
  }
}

/** Looks for `bytes` in a packet's content; where they do not match it skips as far as the byte under their end allows (Horspool). */
function searchFor(bytes: Uint8Array): Test {
  const last = bytes.length - 1
  const skips = new Uint32Array(256).fill(bytes.length)
  for (let i = 0; i < last; i++) skips[bytes[i] as number] = last - i
  return (headers) => {
    let offset = headers.contentOffset
    while (offset + last < headers.end) {
      let i = last
      while (i >= 0 && headers.byte(offset + i) === bytes[i]) i--
      if (i < 0) return true
      offset += skips[headers.byte(offset + last)] as number
    }
    return false
  }
}
