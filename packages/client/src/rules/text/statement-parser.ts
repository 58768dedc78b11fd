/** Reads the statements of a rule's text: what the rule does. They come in the order in which rules do them. */
import { dscpKind } from '../fields/fields.ts'
import type { ValueKind } from '../fields/kinds.ts'
import type { MapLookUp, RuleActions, RuleAddTo, RuleLimit, RuleReject } from '../options.ts'
import type { Dscp, MarkBits } from '../properties.ts'
import { icmpRejectKind, icmpv6RejectKind } from '../reject.ts'
import type { MatchParser } from './match-parser.ts'
import type { TokenReader } from './tokens.ts'

type MutableActions = { -readonly [Key in keyof RuleActions]: RuleActions[Key] }

const WORD = 0xffffffff
const PERIODS = ['second', 'minute', 'hour', 'day', 'week'] as const
const UNIT = "'bytes', 'kbytes', 'mbytes' or 'gbytes'"
const UNITS: Readonly<Record<string, number>> = { bytes: 1, kbytes: 1024, mbytes: 1024 ** 2, gbytes: 1024 ** 3 }

/** What a statement does, and the place that it has among others. */
interface Statement {
  readonly words: readonly string[]
  readonly rank: number
}

const RANKS = {
  limit: 0,
  quota: 1,
  counter: 2,
  sharedCounter: 3,
  log: 4,
  addTo: 4.5,
  mark: 5,
  ctMark: 6,
  priority: 7,
  dscp: 8,
  notrack: 9,
  decision: 10,
}

const statements: readonly Statement[] = [
  { words: ['limit'], rank: RANKS.limit },
  { words: ['quota'], rank: RANKS.quota },
  { words: ['counter', 'name'], rank: RANKS.sharedCounter },
  { words: ['counter'], rank: RANKS.counter },
  { words: ['log'], rank: RANKS.log },
  { words: ['add'], rank: RANKS.addTo },
  { words: ['update'], rank: RANKS.addTo },
  { words: ['meta', 'mark', 'set'], rank: RANKS.mark },
  { words: ['mark', 'set'], rank: RANKS.mark },
  { words: ['ct', 'mark', 'set'], rank: RANKS.ctMark },
  { words: ['meta', 'priority', 'set'], rank: RANKS.priority },
  { words: ['ip', 'dscp', 'set'], rank: RANKS.dscp },
  { words: ['ip6', 'dscp', 'set'], rank: RANKS.dscp },
  { words: ['notrack'], rank: RANKS.notrack },
  ...['queue', 'reject', 'jump', 'goto', 'accept', 'drop', 'return'].map((word) => ({
    words: [word],
    rank: RANKS.decision,
  })),
]

/** A limit for each address, which begins as what adds to a set. */
const ADDRESS_LIMIT: Statement = { words: ['update'], rank: RANKS.limit }
/** A verdict that a map has, which begins with what is looked up. */
const VERDICT_MAP: Statement = { words: ['vmap'], rank: RANKS.decision }

/** The words that statements begin with. */
export const statementWords: readonly string[] = statements.map(({ words }) => words.join(' '))

/** Collects what a text does. */
export class StatementParser {
  readonly result: MutableActions = {}
  #reader: TokenReader
  #matches: MatchParser
  #last: Statement | undefined

  constructor(reader: TokenReader, matches: MatchParser) {
    this.#reader = reader
    this.#matches = matches
  }

  get isEmpty(): boolean {
    return this.#last === undefined
  }

  /** Reads one statement, if the next words begin one. */
  take(): boolean {
    const reader = this.#reader
    const found = this.#matches.isKeyBefore('vmap')
      ? VERDICT_MAP
      : this.#isAddressLimit()
        ? ADDRESS_LIMIT
        : statements.find(({ words }) => reader.isAt(...words))
    if (found === undefined) return false
    const { column } = reader
    this.#checkOrder(found, column)
    this.#last = found
    if (found === ADDRESS_LIMIT) reader.take()
    else if (found !== VERDICT_MAP) reader.skip(...found.words)
    this.#read(found, column)
    return true
  }

  /** `update @seen { ip saddr limit rate 10/second }`: a limit within the braces. */
  #isAddressLimit(): boolean {
    const reader = this.#reader
    if (!reader.isAt('update') && !reader.isAt('add')) return false
    for (let at = 1; ; at++) {
      const token = reader.peek(at)
      if (token === undefined || token.text === '}') return false
      if (token.kind === 'word' && token.text === 'limit') return true
    }
  }

  #checkOrder({ words, rank }: Statement, column: number): void {
    const last = this.#last
    if (last === undefined || rank > last.rank) return
    const [own, other] = [words.join(' '), last.words.join(' ')]
    const problem =
      last.rank === RANKS.decision
        ? `nothing can follow '${other}', which decides`
        : rank === last.rank
          ? `'${own}' is there twice`
          : `'${own}' must come before '${other}': rules do it first`
    throw this.#reader.conflict(column, problem)
  }

  #read({ words, rank }: Statement, column: number): void {
    const reader = this.#reader
    const { result } = this
    if (rank === RANKS.limit) result.limit = words[0] === 'update' ? this.#addressLimit() : this.#limit()
    else if (rank === RANKS.addTo) result.addTo = this.#addTo(words[0] === 'update')
    else if (rank === RANKS.quota) result.quota = this.#quota()
    else if (rank === RANKS.sharedCounter) result.counter = reader.word('the name of a counter').text
    else if (rank === RANKS.counter) this.#counted()
    else if (rank === RANKS.log) result.log = this.#log(column)
    else if (rank === RANKS.mark) result.setMark = this.#newMark('meta', 'ct', 'connection')
    else if (rank === RANKS.ctMark) result.setCtMark = this.#newMark('ct', 'meta', 'packet')
    else if (rank === RANKS.priority) result.setPriority = this.#priority()
    else if (rank === RANKS.dscp) {
      this.#matches.needVersion(words[0] === 'ip' ? 4 : 6, column)
      result.setDscp = this.#dscp()
    } else if (rank === RANKS.notrack) result.notrack = true
    else this.#decide(words[0] ?? '')
  }

  /** What a listing has of a counter. */
  #counted(): void {
    const reader = this.#reader
    if (reader.skip('packets')) reader.number('packets', 0, Number.MAX_SAFE_INTEGER)
    if (reader.skip('bytes')) reader.number('bytes', 0, Number.MAX_SAFE_INTEGER)
  }

  #limit(): RuleLimit {
    const reader = this.#reader
    reader.need('rate')
    const over = reader.skip('over') ? { over: true } : {}
    const token = reader.word("a rate such as '10/second'")
    const [, rate = '', unit = ''] = /^(\d+)\/(\w+)$/.exec(token.text) ?? []
    const per = PERIODS.find((it) => it === unit)
    if (per === undefined || Number(rate) < 1) throw reader.wrong(token, "a rate such as '10/second'", PERIODS)
    const burst = reader.skip('burst') ? { burst: reader.number('packets', 1, WORD) } : {}
    if ('burst' in burst) reader.need('packets')
    return { rate: Number(rate), per, ...burst, ...over }
  }

  #addressLimit(): RuleLimit {
    const reader = this.#reader
    reader.need('@')
    const set = reader.word('the name of a set').text
    reader.need('{')
    const by = this.#address()
    reader.need('limit')
    const limit = this.#limit()
    reader.need('}')
    return { ...limit, by, set }
  }

  /** `update @seen { ip saddr timeout 60s }`; `add` leaves the time of an element that is there. */
  #addTo(refresh: boolean): RuleAddTo {
    const reader = this.#reader
    reader.need('@')
    const set = reader.word('the name of a set').text
    reader.need('{')
    const key = this.#matches.key()
    const by = key.length === 1 ? (key[0] as (typeof key)[0]) : key
    const time = reader.skip('timeout') ? { timeout: this.#duration() } : {}
    reader.need('}')
    return { set, by, ...time, ...(refresh ? {} : { refresh }) }
  }

  #address(): 'sourceAddress' | 'destinationAddress' {
    const reader = this.#reader
    const { column } = reader
    const version = reader.skip('ip') ? 4 : reader.skip('ip6') ? 6 : undefined
    if (version === undefined) throw reader.unexpected("'ip saddr', 'ip daddr', 'ip6 saddr' or 'ip6 daddr'")
    this.#matches.needVersion(version, column)
    const by = reader.skip('saddr') ? 'sourceAddress' : reader.skip('daddr') ? 'destinationAddress' : undefined
    if (by === undefined) throw reader.unexpected("'saddr' or 'daddr'", ['saddr', 'daddr'])
    return by
  }

  /** A time such as `1h30m`, in milliseconds. */
  #duration(): number {
    const token = this.#reader.word("a time such as '60s' or '1h30m'")
    const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    const parts = [...token.text.matchAll(/(\d+)(ms|s|m|h|d)/g)]
    const isWhole = parts.map(([part]) => part).join('') === token.text && parts.length > 0
    const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? 0), 0)
    if (!isWhole || sum === 0) throw this.#reader.wrong(token, "a time such as '60s' or '1h30m'")
    return sum
  }

  #quota() {
    const reader = this.#reader
    const over = reader.skip('over') ? { over: true } : {}
    if (!('over' in over)) reader.skip('until')
    const count = reader.number('a number of bytes', 1, Number.MAX_SAFE_INTEGER)
    const unit = reader.word(UNIT)
    const factor = UNITS[unit.text]
    if (factor === undefined) throw reader.wrong(unit, UNIT, Object.keys(UNITS))
    if (reader.skip('used')) this.#used()
    return { bytes: count * factor, ...over }
  }

  /** What a listing has of a quota. */
  #used(): void {
    const reader = this.#reader
    reader.number('a number of bytes', 0, Number.MAX_SAFE_INTEGER)
    const unit = reader.word(UNIT)
    if (UNITS[unit.text] === undefined) throw reader.wrong(unit, UNIT, Object.keys(UNITS))
  }

  #log(column: number): NonNullable<RuleActions['log']> {
    const reader = this.#reader
    let group: number | undefined
    const more: { prefix?: string; copyRange?: number; threshold?: number } = {}
    for (;;) {
      if (reader.skip('group')) group = reader.number('a group', 0, 0xffff)
      else if (reader.skip('prefix')) more.prefix = reader.word('a prefix in quotation marks').text
      else if (reader.skip('snaplen')) more.copyRange = reader.number('bytes', 0, WORD)
      else if (reader.skip('queue-threshold')) more.threshold = reader.number('packets', 1, 0xffff)
      else break
    }
    if (group === undefined)
      throw reader.conflict(column, "log needs 'group NUMBER': without one it is for the kernel's own log")
    return { group, ...more }
  }

  /** `ip saddr . tcp dport map @marks` */
  #mapLookUp(word: 'map' | 'vmap'): MapLookUp {
    const reader = this.#reader
    const key = this.#matches.key()
    reader.need(word)
    if (!reader.skip('@')) throw reader.unexpected("'@' and the name of a map")
    const map = reader.word('the name of a map').text
    return { map, by: key.length === 1 ? (key[0] as (typeof key)[0]) : key }
  }

  /** A mark: a number, the `other` mark, the own one with some bits changed, or that of a map. */
  #newMark<Name extends string>(own: string, other: string, name: Name): number | MarkBits | Name | MapLookUp {
    const reader = this.#reader
    if (this.#matches.isKeyBefore('map')) return this.#mapLookUp('map')
    const skipMark = (of: string) => reader.skip(of, 'mark') || (of === 'meta' && reader.skip('mark'))
    if (skipMark(other)) return name
    if (!skipMark(own)) return reader.number('a mark', 0, WORD)
    const { column } = reader
    const kept = reader.skip('&') || reader.skip('and') ? reader.number('the bits to keep', 0, WORD) : undefined
    const set = reader.skip('|') || reader.skip('or') ? reader.number('the bits to set', 0, WORD) : 0
    const mask = kept === undefined ? set : ~kept >>> 0
    if (mask === 0) throw reader.conflict(column, "expected '& BITS' or '| BITS': this changes nothing")
    if ((set & ~mask) !== 0) throw reader.conflict(column, 'the bits to set must not be among those to keep')
    return { value: set, mask }
  }

  #priority(): number {
    const reader = this.#reader
    const token = reader.word("a class such as '1:10'")
    const [, major = '', minor = ''] = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(token.text) ?? []
    if (major !== '') return (Number.parseInt(major, 16) * 0x10000 + Number.parseInt(minor, 16)) >>> 0
    if (token.text === 'none') return 0
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(token.text) ? Number(token.text) : Number.NaN
    if (!(value <= WORD)) throw reader.wrong(token, "a class such as '1:10'")
    return value
  }

  #dscp(): Dscp {
    const token = this.#reader.word(dscpKind.expected)
    const value = dscpKind.parse(token.text)
    if (value === undefined || typeof value === 'object') throw this.#reader.wrong(token, dscpKind.expected)
    return value
  }

  #decide(word: string): void {
    const { result } = this
    const reader = this.#reader
    if (word === 'vmap') result.verdict = this.#mapLookUp('vmap')
    else if (word === 'queue') this.#queue()
    else if (word === 'reject') result.reject = this.#reject()
    else if (word === 'jump' || word === 'goto') result[word] = reader.word('the name of a chain').text
    else result.verdict = word as 'accept' | 'drop' | 'return'
  }

  #queue(): void {
    const reader = this.#reader
    const { result } = this
    if (reader.skip('flags')) {
      this.#queueFlags()
      reader.need('to')
    } else if (!reader.skip('num') && !reader.skip('to') && !/^\d/.test(reader.next?.text ?? '')) {
      result.queue = 0
      if (reader.isAt('bypass') || reader.isAt('fanout')) this.#queueFlags()
      return
    }
    const expected = "the number of a queue, or a range such as '0-3'"
    const token = reader.word(expected)
    const [, from = '', to] = /^(\d+)(?:-(\d+))?$/.exec(token.text) ?? []
    const [first, last] = [Number(from), Number(to ?? from)]
    if (from === '' || last > 0xffff || last < first) throw reader.wrong(token, expected)
    result.queue = to === undefined ? first : { from: first, to: last }
    if (reader.isAt('bypass') || reader.isAt('fanout')) this.#queueFlags()
  }

  #queueFlags(): void {
    const reader = this.#reader
    do {
      if (reader.skip('bypass')) this.result.bypass = true
      else if (reader.skip('fanout')) this.result.fanout = true
      else throw reader.unexpected("'bypass' or 'fanout'", ['bypass', 'fanout'])
    } while (reader.skip(','))
  }

  #reject(): RuleReject {
    const reader = this.#reader
    if (!reader.skip('with')) return 'port-unreachable'
    if (reader.skip('tcp', 'reset')) return 'tcp-reset'
    if (reader.skip('icmpx')) {
      reader.skip('type')
      const token = reader.word(REASON)
      const reason = reasons[token.text]
      if (reason === undefined) throw reader.wrong(token, REASON, Object.keys(reasons))
      return reason
    }
    const { column } = reader
    const isVersion6 = reader.skip('icmpv6')
    if (!isVersion6 && !reader.skip('icmp'))
      throw reader.unexpected("'tcp reset', 'icmp', 'icmpv6' or 'icmpx'", ['tcp reset', 'icmp', 'icmpv6', 'icmpx'])
    this.#matches.needVersion(isVersion6 ? 6 : 4, column)
    reader.skip('type')
    return isVersion6 ? { icmpv6: this.#code(icmpv6RejectKind) } : { icmp: this.#code(icmpRejectKind) }
  }

  #code<Name extends string>(kind: ValueKind<Name | number>): Name | number {
    const token = this.#reader.word(kind.expected)
    const code = kind.parse(token.text)
    if (code === undefined) throw this.#reader.wrong(token, kind.expected)
    return code
  }
}

const reasons: Readonly<Record<string, RuleReject>> = {
  'port-unreachable': 'port-unreachable',
  'host-unreachable': 'host-unreachable',
  'no-route': 'no-route',
  'admin-prohibited': 'admin-prohibited',
}
const REASON = "'port-unreachable', 'host-unreachable', 'no-route' or 'admin-prohibited'"
