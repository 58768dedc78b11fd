import {
  CompareOperation,
  ConntrackKey,
  type Expression,
  Family,
  MatchFlag,
  MetaKey,
  RangeOperation,
} from '@ringlink/codec'
import { OptionPlace } from '@ringlink/codec/options'
import { versionHints } from './facts.ts'
import { type Facts, type Field, fields } from './fields/fields.ts'
import { addressRange } from './fields/kinds.ts'
import { type Form, loadConntrack, loadMeta, REGISTER } from './fields/load.ts'
import { signedTest } from './fields/property-test.ts'
import type { PropertyTest } from './fields/test.ts'
import { combinedKeys, keysNeed, type RuleKey } from './keys.ts'
import type { RuleFamily } from './options.ts'
import type { PropertyName, RuleMatch } from './properties.ts'
import { joinRanges, type KeyRange, numberBytes, type RuleSet, rangeSet } from './set.ts'
import { isInSet } from './sets/definition.ts'
import { loadKey, toNetworkOrder } from './sets/load-key.ts'
import type { RuleSets, SetOptions } from './sets/types.ts'

/** What a rule's match is made of: expressions, and the sets that they look properties up in. */
export interface CompiledMatch {
  readonly expressions: readonly Expression[]
  readonly sets: readonly RuleSet[]
  /** the IP version that they leave, where it is one */
  readonly facts: Facts
}

/**
 * The expressions for a checked match, in nft's form: a packet that does not match ends the rule. `nextSetId` returns
 * ids for sets, unique within the batch.
 */
export function compileMatch(match: RuleMatch, options: MatchOptions): CompiledMatch {
  return new MatchCompiler(match, options)
}

/** How a match is compiled. */
export interface MatchOptions {
  readonly family: RuleFamily
  /** something after the match needs packets of one IP version */
  readonly needsVersion: boolean
  readonly sets?: RuleSets
  /** those of the maps that the rule looks up, and of the set that it adds to */
  readonly keys?: readonly RuleKey[]
  nextSetId(): number
}

/** Loads what `ctState` matches, and compares it with nothing. */
export const loadConnection: Expression = loadConntrack(ConntrackKey.State)

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
/** ARPHRD_ETHER */
const ETHERNET = 1
/** Where errors would be, of which a checked match has none. */
const NOWHERE = new OptionPlace('compile a rule')

/** A form, and nft's number of the data type of what is in it. */
interface TypedForm extends Form {
  readonly type: number
}

class MatchCompiler implements CompiledMatch {
  readonly expressions: Expression[] = []
  readonly sets: RuleSet[] = []
  readonly facts: Facts
  #family: RuleFamily
  #nextSetId: () => number
  #match: RuleMatch
  #named: RuleSets
  #testsVersion: boolean
  #asked = new Set<'version' | 'ethernet'>()

  constructor(match: RuleMatch, { family, needsVersion, sets = {}, keys = [], nextSetId }: MatchOptions) {
    this.#named = sets
    this.#match = match
    this.#family = family
    this.#nextSetId = nextSetId
    const { not = {} } = match
    const combined = [match, not].map((side) => combinedKeys(side, NOWHERE))
    const hints = versionHints(
      match,
      family,
      NOWHERE,
      sets,
      keys.filter(({ use }) => use !== 'added'),
    )
    this.facts = { version: hints[0]?.version }
    const isVersioned = (field: Field) =>
      field.needs.includes('version') && (match[field.name] !== undefined || not[field.name] !== undefined)
    const isTested =
      needsVersion ||
      keysNeed([...combined.flat(), ...keys], 'version') ||
      hints.some(({ isTest }) => isTest) ||
      fields.some(isVersioned)
    this.#testsVersion = isTested && family !== 'ip' && family !== 'ip6'
    for (const name of ['version', ...fields.map((field) => field.name)] as const) this.#property(name)
    for (const [index, lookedUp] of combined.entries()) for (const key of lookedUp) this.#combined(key, index > 0)
    this.#askVersion()
    if (keysNeed(keys, 'ethernet')) this.#askEthernet()
  }

  #property(name: PropertyName): void {
    const { not = {}, ...match } = this.#match
    if (name === 'version') {
      if (not.version !== undefined) this.#version(not.version, true)
      return
    }
    const field = fields.find((it) => it.name === name) as Field
    if (match[name] !== undefined) this.#field(field, match[name], false)
    if (not[name] !== undefined) this.#field(field, not[name], true)
  }

  #field(field: Field, given: unknown, isNegative: boolean): void {
    const { needs, style, name } = field
    if (needs.includes('ethernet')) this.#askEthernet()
    else if (!needs.includes('input') && !needs.includes('output')) this.#askVersion()
    const form = field.form(this.facts)
    if (isInSet(given)) {
      this.#lookUpKey([name], given.in, isNegative)
      return
    }
    const { test, inverted } = signedTest(field, given, this.facts, isNegative)
    for (const expression of form.load) this.#add(expression)
    if (form.mask !== undefined && style !== 'presence') this.#mask(form, form.mask)
    const prefix = prefixOf(field, given)
    const type = field.kind(this.facts).type
    this.#compareTest({ ...form, type }, shifted(test, form.shift ?? 0), inverted, prefix)
  }

  /**
   * Where a family has packets of both versions, only those of the one that is meant; once, before what only that one
   * has.
   */
  #askVersion(): void {
    const { version } = this.facts
    if (!this.#testsVersion || version === undefined || this.#asked.has('version')) return
    this.#asked.add('version')
    this.#version(version, false)
  }

  #version(version: 4 | 6, inverted: boolean): void {
    if (this.#family === 'inet') {
      this.#add(loadMeta(MetaKey.Family))
      this.#compare(Uint8Array.of(version === 4 ? Family.Ipv4 : Family.Ipv6), inverted)
    } else {
      const type = version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6
      this.#add(loadMeta(MetaKey.Protocol))
      this.#compare(Uint8Array.of(type >> 8, type & 0xff), inverted)
    }
  }

  /** Where a family has packets of all kinds of devices, only those that came in by Ethernet have its header. */
  #askEthernet(): void {
    if (this.#family === 'bridge' || this.#family === 'netdev' || this.#asked.has('ethernet')) return
    this.#asked.add('ethernet')
    this.#add(loadMeta(MetaKey.InputDeviceType))
    this.#compare(numberBytes(BigInt(ETHERNET), 2, 'host'), false)
  }

  #compareTest(form: TypedForm, test: PropertyTest, inverted: boolean, prefix: number | undefined): void {
    if (test.kind === 'bits') {
      this.#mask(form, test.bits)
      this.#compare(new Uint8Array(form.length), !inverted)
    } else if (test.kind === 'masked') {
      this.#mask(form, test.mask)
      this.#compare(numberBytes(test.value, form.length, form.order), inverted)
    } else this.#compareRanges(form, joinRanges(test.ranges), inverted, prefix)
  }

  #compareRanges(form: TypedForm, ranges: readonly KeyRange[], inverted: boolean, prefix: number | undefined): void {
    const [first, ...more] = ranges
    if (first === undefined) return
    const isInterval = ranges.some(({ from, to }) => from !== to)
    if (more.length === 0 && prefix !== undefined) {
      this.#comparePrefix(form, first, prefix, inverted)
      return
    }
    // Numbers in host order are not in their order as bytes.
    const isTurned = isInterval && form.order === 'host' && form.length > 1
    if (isTurned) this.#add(toNetworkOrder(form.length))
    const order = isTurned ? 'network' : form.order
    if (more.length > 0) {
      this.#lookUp(form, ranges, order, inverted)
      return
    }
    const [from, to] = [numberBytes(first.from, form.length, order), numberBytes(first.to, form.length, order)]
    if (!isInterval) this.#compare(from, inverted)
    else if (inverted) {
      const operation = RangeOperation.Outside
      this.#add({
        name: 'range',
        data: { sourceRegister: REGISTER, operation, from: { value: from }, to: { value: to } },
      })
    } else {
      this.#compareBy(CompareOperation.GreaterOrEqual, from)
      this.#compareBy(CompareOperation.LessOrEqual, to)
    }
  }

  /** A prefix of whole bytes is loaded, or compared, as such; only others take a mask. */
  #comparePrefix(form: Form, { from }: KeyRange, bits: number, inverted: boolean): void {
    const isWhole = bits % 8 === 0 && bits > 0
    const size = isWhole ? bits / 8 : form.length
    if (form.prefix === 'load' && isWhole) this.#shortenLoad(size)
    if (!isWhole) {
      const whole = BigInt(form.length * 8)
      this.#mask(form, ((1n << BigInt(bits)) - 1n) << (whole - BigInt(bits)))
    }
    this.#compare(numberBytes(from, form.length, form.order).subarray(0, size), inverted)
  }

  #shortenLoad(length: number): void {
    const last = this.expressions.pop()
    if (last?.name !== 'payload') throw new Error('only bytes of the packet can be loaded in part')
    this.#add({ name: 'payload', data: { ...last.data, length } })
  }

  #lookUp(form: TypedForm, ranges: readonly KeyRange[], order: Form['order'], inverted: boolean): void {
    const set = rangeSet(this.#nextSetId(), { type: form.type, length: form.length, order }, ranges)
    this.sets.push(set)
    const flags = inverted ? { flags: MatchFlag.Invert } : {}
    this.#add({ name: 'lookup', data: { set: set.name, sourceRegister: REGISTER, setId: set.id, ...flags } })
  }

  #combined(key: RuleKey, isNegative: boolean): void {
    if (keysNeed([key], 'ethernet')) this.#askEthernet()
    if (keysNeed([key], 'version')) this.#askVersion()
    this.#lookUpKey(key.names, key.set, isNegative)
  }

  #lookUpKey(names: readonly PropertyName[], set: string, inverted: boolean): void {
    for (const expression of loadKey(names, this.facts, this.#named[set] as SetOptions)) this.#add(expression)
    const flags = inverted ? { flags: MatchFlag.Invert } : {}
    this.#add({ name: 'lookup', data: { set, sourceRegister: REGISTER, ...flags } })
  }

  #mask({ length, order }: Form, mask: bigint): void {
    const data = {
      sourceRegister: REGISTER,
      destinationRegister: REGISTER,
      length,
      mask: { value: numberBytes(mask, length, order) },
      xor: { value: new Uint8Array(length) },
    }
    this.#add({ name: 'bitwise', data })
  }

  #compare(value: Uint8Array, inverted: boolean): void {
    this.#compareBy(inverted ? CompareOperation.NotEqual : CompareOperation.Equal, value)
  }

  #compareBy(operation: number, value: Uint8Array): void {
    this.#add({ name: 'cmp', data: { sourceRegister: REGISTER, operation, data: { value } } })
  }

  #add(expression: Expression): void {
    this.expressions.push(expression)
  }
}

/** The prefix that the only value of a property has: an address, or names that begin alike. */
function prefixOf({ name }: Field, given: unknown): number | undefined {
  const value: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given
  if (typeof value !== 'string') return undefined
  if (name === 'sourceAddress' || name === 'destinationAddress') return addressRange(value)?.prefix
  if (name !== 'inputInterface' && name !== 'outputInterface') return undefined
  return value.endsWith('*') ? (new TextEncoder().encode(value).length - 1) * 8 : undefined
}

/** The test of bits that begin `shift` bits from the right. */
function shifted(test: PropertyTest, shift: number): PropertyTest {
  if (shift === 0 || test.kind !== 'ranges') return test
  const by = BigInt(shift)
  return { kind: 'ranges', ranges: test.ranges.map(({ from, to }) => ({ from: from << by, to: to << by })) }
}
