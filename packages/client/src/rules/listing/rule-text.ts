/** Rules that the kernel lists, in nft's words. Expressions that ringlink does not make are named. */
import {
  CompareOperation,
  DynamicSetOperation,
  type Expression,
  type ExpressionData,
  escapeText,
  MatchFlag,
  RangeOperation,
  Register,
} from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import { keyOf } from '../set.ts'
import { changeText } from './changes.ts'
import { type ListedFacts, type Loaded, loadedBy } from './loads.ts'
import { elementTexts, type ListedSet, verdictText } from './sets.ts'
import { limitText, rejectText, statementText } from './statements.ts'
import { bitsText, durationText, hasBits, hex, rangeText } from './values.ts'

/** Where a listed rule is. */
export interface ListingContext {
  /** of the table: `inet`, `ip6` */
  readonly family: string
  /** the set with that name, for those that belong to one rule */
  findSet?(name: string): ListedSet | undefined
}

/** The matches, actions and counters of a rule. */
export interface RuleDescription {
  readonly text: string
  /** exact up to 2^53; `undefined` for a rule without a counter */
  readonly packets: number | undefined
  readonly bytes: number | undefined
}

/** Describes a rule that the kernel lists by its expressions. Never throws, for any contents. */
export function describeRule(expressions: readonly Expression[], context: ListingContext): RuleDescription {
  const reader = new ListedRuleReader(context)
  for (const [index, expression] of expressions.entries()) reader.take(expression, expressions[index + 1])
  const { text, packets, bytes } = reader
  return { text, packets, bytes }
}

/** A word of a rule, and what later words say with it. */
interface Word {
  text: string
  /** what it asks for only because of a later word: `ip`, `tcp`, `ether` */
  readonly implied?: string | undefined
}

/** Words whose first one says what a test before it asked for. */
const impliedBy: Readonly<Record<string, readonly string[]>> = {
  ip: ['ip'],
  ip6: ['ip6'],
  exthdr: ['ip6'],
  icmp: ['ip', 'icmp'],
  icmpv6: ['ip6', 'icmpv6'],
  ether: ['ether'],
  vlan: ['ether', 'vlan'],
}
const HAS_PORTS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp']
const WORD_BYTES = 4

class ListedRuleReader {
  packets: number | undefined
  bytes: number | undefined
  #words: Word[] = []
  #context: ListingContext
  #registers = new Map<number, Loaded>()
  #facts: ListedFacts
  /** the lower end of a range whose upper one is compared next */
  #lower: bigint | undefined

  constructor(context: ListingContext) {
    this.#context = context
    const version = context.family === 'ip' ? 4 : context.family === 'ip6' ? 6 : undefined
    this.#facts = { version, protocol: undefined }
  }

  get text(): string {
    return this.#words.map(({ text }) => text).join(' ')
  }

  take(expression: Expression, next: Expression | undefined): void {
    const { name, data = {} } = expression
    switch (name) {
      case 'counter': {
        const { packets = 0n, bytes = 0n } = data as ExpressionData<'counter'>
        this.packets = Number(packets)
        this.bytes = Number(bytes)
        this.#state(`counter packets ${packets} bytes ${bytes}`)
        return
      }
      case 'bitwise':
        this.#bitwise(data as ExpressionData<'bitwise'>)
        return
      case 'byteorder': {
        const loaded = this.#at((data as ExpressionData<'byteorder'>).sourceRegister)
        if (loaded !== undefined)
          this.#load((data as ExpressionData<'byteorder'>).destinationRegister, { ...loaded, order: 'network' })
        return
      }
      case 'cmp':
        this.#compare(data as ExpressionData<'cmp'>, next)
        return
      case 'range':
        this.#range(data as ExpressionData<'range'>)
        return
      case 'lookup':
        this.#lookUp(data as ExpressionData<'lookup'>)
        return
      case 'dynset':
        this.#add(data as ExpressionData<'dynset'>)
        return
      case 'immediate':
        this.#immediate(data as ExpressionData<'immediate'>)
        return
      case 'reject':
        this.#state(rejectText(data as ExpressionData<'reject'>, this.#context.family, this.#facts.version))
        return
      default:
        this.#other(expression)
    }
  }

  /** What loads, what changes the packet, and what does something else. */
  #other(expression: Expression): void {
    const { name = '?', data } = expression
    if (data !== undefined && 'sourceRegister' in data && data.sourceRegister !== undefined) {
      this.#state(changeText(expression, this.#at(data.sourceRegister)) ?? escapeText(name))
      return
    }
    const loaded = loadedBy(expression, this.#facts)
    if (loaded !== undefined && data !== undefined && 'destinationRegister' in data)
      this.#load(data.destinationRegister, loaded)
    else this.#state(statementText(expression) ?? escapeText(name))
  }

  #at(register = Register.Wide1 as number): Loaded | undefined {
    return this.#registers.get(offsetOf(register))
  }

  #load(register = Register.Wide1 as number, loaded: Loaded): void {
    this.#registers.set(offsetOf(register), loaded)
  }

  #bitwise({ sourceRegister, destinationRegister, mask, xor }: ExpressionData<'bitwise'>): void {
    const loaded = this.#at(sourceRegister)
    if (loaded === undefined) return
    const number = (bytes: Uint8Array | undefined) => numberOf(bytes, loaded.order)
    this.#load(destinationRegister, { ...loaded, mask: number(mask?.value), xor: number(xor?.value) })
  }

  #compare({ sourceRegister, operation = 0, data }: ExpressionData<'cmp'>, next: Expression | undefined): void {
    const loaded = this.#at(sourceRegister)
    if (loaded === undefined) return
    const value = numberOf(data?.value, loaded.order)
    const isLower = operation === CompareOperation.GreaterOrEqual && next?.name === 'cmp'
    if (isLower && (next.data as ExpressionData<'cmp'>).operation === CompareOperation.LessOrEqual) {
      this.#lower = value
      return
    }
    if (this.#lower !== undefined && operation === CompareOperation.LessOrEqual) {
      this.#match(loaded, '', this.#text(loaded, this.#lower, value))
      this.#lower = undefined
      return
    }
    this.#compareOne(loaded, operation, value, data?.value?.length ?? loaded.length)
  }

  #compareOne(loaded: Loaded, operation: number, value: bigint, length: number): void {
    const { words, mask, bits, type, isPresence } = loaded
    const isNot = operation === CompareOperation.NotEqual
    const signs = ['', '!= ', '< ', '<= ', '> ', '>= ']
    if (isPresence && words !== 'ip frag-off') {
      this.#match(loaded, '', (value !== 0n) !== isNot ? 'exists' : 'missing')
    } else if (mask !== undefined && mask !== bits) this.#compareMasked(loaded, mask, value, isNot)
    else if (words === 'meta nfproto') this.#version(value === 10n ? 6 : 4, isNot)
    else if (words === 'iiftype') this.#match(loaded, signs[operation] ?? '', value === 1n ? 'ether' : String(value))
    else if (length < loaded.length && (type === 7 || type === 8 || type === 41))
      this.#comparePart(loaded, value, length, isNot)
    else {
      // Without a sign, flags are those of which one is set.
      const isFlags = words === 'tcp flags'
      const sign = (signs[operation] ?? '? ') || (isFlags ? '== ' : '')
      const isOne = (value & (value - 1n)) === 0n
      this.#match(loaded, sign, isFlags && !isOne ? hex(value, 2) : this.#text(loaded, value, value))
    }
    if (isNot || operation !== CompareOperation.Equal) return
    if (words === 'meta l4proto')
      this.#facts = { ...this.#facts, protocol: protocolOf(this.#text(loaded, value, value)) }
    if (words === 'meta protocol')
      this.#facts = { ...this.#facts, version: value === 0x86ddn ? 6 : value === 0x800n ? 4 : undefined }
  }

  /** A prefix of whole bytes, of which nothing else is loaded or compared. */
  #comparePart(loaded: Loaded, value: bigint, length: number, isNot: boolean): void {
    const rest = BigInt((loaded.length - length) * 8)
    const range = { from: value << rest, to: (value << rest) | ((1n << rest) - 1n) }
    this.#match(loaded, isNot ? '!= ' : '', rangeText(loaded.type, range, loaded.length))
  }

  #compareMasked(loaded: Loaded, mask: bigint, value: bigint, isNot: boolean): void {
    const { words, type, length } = loaded
    const whole = (1n << BigInt(length * 8)) - 1n
    if (hasBits(type)) {
      const isOne = value === mask && (value & (value - 1n)) === 0n
      if (value === 0n) this.#match(loaded, isNot ? '' : '! ', bitsText(type, mask))
      else if (isOne)
        this.#match(loaded, '', `& ${bitsText(type, mask)} ${isNot ? '!=' : '=='} ${bitsText(type, value)}`)
      else this.#match(loaded, isNot ? '!= ' : '', `${bitsText(type, value)} / ${bitsText(type, mask)}`)
    } else if (words === 'ip frag-off') this.#match(loaded, '', `& ${mask} ${isNot ? '!=' : '=='} ${value}`)
    else if (words.endsWith('addr')) {
      this.#match(loaded, isNot ? '!= ' : '', rangeText(type, { from: value, to: value | (whole & ~mask) }, length))
    } else this.#match(loaded, '', `& ${hex(mask)} ${isNot ? '!=' : '=='} ${hex(value)}`)
  }

  #version(version: 4 | 6, isNot: boolean): void {
    const words = { words: 'meta nfproto', implied: isNot ? undefined : version === 4 ? 'ip' : 'ip6' }
    this.#words.push({ text: `${words.words} ${isNot ? '!= ' : ''}ipv${version}`, implied: words.implied })
    if (!isNot) this.#facts = { ...this.#facts, version }
  }

  #range({ sourceRegister, operation, from, to }: ExpressionData<'range'>): void {
    const loaded = this.#at(sourceRegister)
    if (loaded === undefined) return
    const text = this.#text(loaded, numberOf(from?.value, loaded.order), numberOf(to?.value, loaded.order))
    this.#match(loaded, operation === RangeOperation.Outside ? '!= ' : '', text)
  }

  #lookUp({ set = '', sourceRegister, destinationRegister, flags = 0 }: ExpressionData<'lookup'>): void {
    const loaded = this.#at(sourceRegister)
    const found = this.#context.findSet?.(set)
    const isOwn = /^__(set|map)\d+$/.test(set) && found !== undefined
    const shift = loaded?.shift ?? 0
    const text = isOwn ? `{ ${elementTexts(found, { shift }).join(', ')} }` : `@${escapeText(set)}`
    const words = this.#key(sourceRegister, found)
    if (destinationRegister === undefined) {
      this.#push(words, `${words} ${(flags & MatchFlag.Invert) === 0 ? '' : '!= '}${text}`)
    } else if (destinationRegister === Register.Verdict) this.#push(words, `${words} vmap ${text}`)
    else if (loaded !== undefined) this.#load(destinationRegister, { ...loaded, words: `${words} map ${text}` })
  }

  /** The words of all that lies in the key of a set. */
  #key(register: number | undefined, set: ListedSet | undefined): string {
    const start = offsetOf(register ?? Register.Wide1)
    const texts: string[] = []
    let offset = start
    for (;;) {
      const loaded = this.#registers.get(offset)
      if (loaded === undefined || (set?.keyLength !== undefined && offset - start >= set.keyLength)) break
      texts.push(loaded.words)
      if (set === undefined) break
      offset += Math.ceil(loaded.length / WORD_BYTES) * WORD_BYTES
    }
    return texts.join(' . ') || 'register'
  }

  #add({ set = '', operation, keyRegister, timeout, expression }: ExpressionData<'dynset'>): void {
    const verbs: Readonly<Record<number, string>> = {
      [DynamicSetOperation.Add]: 'add',
      [DynamicSetOperation.Update]: 'update',
      [DynamicSetOperation.Delete]: 'delete',
    }
    const time = timeout === undefined || timeout === 0n ? '' : ` timeout ${durationText(Number(timeout))}`
    const limit = expression?.name === 'limit' ? ` ${limitText(expression.data as ExpressionData<'limit'>)}` : ''
    const words = this.#key(keyRegister, this.#context.findSet?.(set))
    this.#state(`${verbs[operation ?? 0] ?? 'update'} @${escapeText(set)} { ${words}${time}${limit} }`)
  }

  #immediate({ destinationRegister, data }: ExpressionData<'immediate'>): void {
    if (data?.verdict !== undefined) this.#state(verdictText(data.verdict))
    else if (data?.value !== undefined) {
      const constant = data.value
      this.#load(destinationRegister, { ...CONSTANT, length: constant.length, constant })
    }
  }

  #text({ type, length, shift, words }: Loaded, from: bigint, to: bigint): string {
    if (hasBits(type) && from === to) return bitsText(type, from)
    if (words === 'socket transparent') return from === to ? String(from) : `${from}-${to}`
    const by = BigInt(shift)
    return rangeText(type, { from: from >> by, to: to >> by }, length)
  }

  /** A match: tests before it that its words say too are left out. */
  #match({ words }: Loaded, sign: string, value: string): void {
    const isPositive = sign === ''
    const implied = !isPositive
      ? undefined
      : words === 'meta l4proto'
        ? protocolOf(value)
        : words === 'iiftype'
          ? 'ether'
          : words === 'ether type' && value === '8021q'
            ? 'vlan'
            : words === 'meta protocol'
              ? value
              : undefined
    this.#push(words, `${words} ${sign}${value}`, implied)
  }

  #push(words: string, text: string, implied?: string): void {
    const says = words.split(' . ').flatMap((part) => {
      const [first = ''] = part.split(' ')
      return [...(impliedBy[first] ?? []), ...(HAS_PORTS.includes(first) ? [first] : [])]
    })
    this.#words = this.#words.filter((word) => word.implied === undefined || !says.includes(word.implied))
    this.#words.push({ text, implied })
  }

  /** Something that is done: what was asked before stays. */
  #state(text: string): void {
    this.#words = this.#words.map((word) => ({ text: word.text }))
    this.#words.push({ text })
  }
}

const CONSTANT: Loaded = {
  words: 'register',
  type: 4,
  length: 4,
  order: 'host',
  isPresence: false,
  bits: undefined,
  shift: 0,
}

/** Bytes from the first data register on. */
function offsetOf(register: number): number {
  return register >= Register.Word0 ? (register - Register.Word0) * WORD_BYTES : (register - 1) * 16
}

/** The protocol as the words of its fields begin. */
function protocolOf(name: string): string {
  return name === 'ipv6-icmp' ? 'icmpv6' : name
}

function numberOf(bytes: Uint8Array = new Uint8Array(), order: 'network' | 'host'): bigint {
  return keyOf(order === 'host' && hostIsLittleEndian ? bytes.slice().reverse() : bytes)
}
