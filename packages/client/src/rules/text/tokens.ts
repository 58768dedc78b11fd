/** The words of a rule's text, and errors that say at which column something else was expected. */
import { quoteText } from '@ringlink/codec'
import { OptionError } from '@ringlink/codec/errors'
import { nearestNames, type OptionPlace } from '@ringlink/codec/options'

/** A rule's text that is not one. `column` counts characters from 1. */
export class RuleSyntaxError extends OptionError {
  readonly column: number
  /** what could be there instead */
  readonly expected: string

  constructor(place: OptionPlace, column: number, expected: string, problem: string) {
    const subject = place.path === '' ? '' : `${place.path} `
    super('ARGUMENT', place.path, `${place.operation}: ${subject}column ${column}: ${problem}`)
    this.name = 'RuleSyntaxError'
    this.column = column
    this.expected = expected
  }
}

/** A word, a quoted text or a sign of a rule. */
export interface Token {
  readonly text: string
  readonly kind: 'word' | 'quoted' | 'sign'
  /** of its first character, from 1 */
  readonly column: number
}

const PATTERN = /\s+|"([^"\n]*)"|(==|!=|<=|>=|[{}(),&|<>@!.])|([^\s"{}(),&|<>=@!]+)/y

function tokensOf(text: string, place: OptionPlace): Token[] {
  const tokens: Token[] = []
  PATTERN.lastIndex = 0
  while (PATTERN.lastIndex < text.length) {
    const column = PATTERN.lastIndex + 1
    const found = PATTERN.exec(text)
    if (found === null) {
      const rest = text.slice(column - 1)
      const problem = rest.startsWith('"')
        ? 'this quotation has no end'
        : `${quoteText(rest[0] ?? '')} cannot begin a word`
      throw new RuleSyntaxError(place, column, 'a word', problem)
    }
    const [, quoted, sign, word] = found
    if (quoted !== undefined) tokens.push({ text: quoted, kind: 'quoted', column })
    else if (sign !== undefined) tokens.push({ text: sign, kind: 'sign', column })
    else if (word !== undefined) tokens.push({ text: word, kind: 'word', column })
  }
  return tokens
}

/** Reads the tokens of a text in order. */
export class TokenReader {
  readonly place: OptionPlace
  #tokens: readonly Token[]
  #at = 0
  #end: number

  constructor(text: string, place: OptionPlace) {
    this.place = place
    this.#tokens = tokensOf(text, place)
    this.#end = text.length + 1
  }

  /** the next token; `undefined` at the end */
  get next(): Token | undefined {
    return this.#tokens[this.#at]
  }

  /** column of the next token, or of the end */
  get column(): number {
    return this.next?.column ?? this.#end
  }

  /** The token `distance` after the next one. */
  peek(distance: number): Token | undefined {
    return this.#tokens[this.#at + distance]
  }

  take(): Token | undefined {
    return this.#tokens[this.#at++]
  }

  /** Whether the next tokens are these words and signs. */
  isAt(...texts: readonly string[]): boolean {
    return texts.every((text, index) => {
      const token = this.peek(index)
      return token !== undefined && token.kind !== 'quoted' && token.text === text
    })
  }

  /** Steps over these words and signs, if they are next. */
  skip(...texts: readonly string[]): boolean {
    if (!this.isAt(...texts)) return false
    this.#at += texts.length
    return true
  }

  /** Steps over a sign or word that must be next. */
  need(text: string): void {
    if (!this.skip(text)) throw this.unexpected(`'${text}'`)
  }

  /** A word or quoted text that must be next; `expected` says what it is. */
  word(expected: string): Token {
    const { next } = this
    if (next === undefined || next.kind === 'sign') throw this.unexpected(expected)
    this.#at++
    return next
  }

  /** A number that must be next. */
  number(what: string, minimum: number, maximum: number): number {
    const expected = `${what}, an integer from ${minimum} to ${maximum}`
    const token = this.word(expected)
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(token.text) ? Number(token.text) : Number.NaN
    if (!(value >= minimum && value <= maximum)) throw this.wrong(token, expected)
    return value
  }

  /** The error for the next token. `known` are words of which one may have been meant by `written`. */
  unexpected(expected: string, known: readonly string[] = [], written?: string): RuleSyntaxError {
    const { next } = this
    if (next !== undefined) return this.wrong(next, expected, known, written)
    return new RuleSyntaxError(this.place, this.#end, expected, `expected ${expected}, got the end of the rule`)
  }

  /** The error for a token. */
  wrong({ text, column }: Token, expected: string, known: readonly string[] = [], written = text): RuleSyntaxError {
    const [near] = known.length === 0 ? [] : nearestNames(written, known)
    const hint = near === undefined ? '' : `, did you mean ${near}?`
    return new RuleSyntaxError(this.place, column, expected, `expected ${expected}, got ${quoteText(text)}${hint}`)
  }

  /** The error for what is understood, and cannot be here. */
  conflict(column: number, problem: string): RuleSyntaxError {
    return new RuleSyntaxError(this.place, column, '', problem)
  }
}
