/** The tables of a kernel, and what is in them: nf_tables' objects, with nothing of messages and little of packets. */
import { Family, SetFlag, TableFlag } from '@ringlink/codec'
import type { Evaluate } from './expressions/evaluate.ts'
import type { RuleExpression } from './expressions/expression.ts'

/** A table: a name for chains and sets of one family. */
export class NfTablesTable {
  readonly family: number
  readonly name: string
  readonly handle: bigint
  readonly userData: Uint8Array | undefined
  /** bits of `TableFlag` */
  flags: number
  /** port id of the socket that owns it; 0 without an owner */
  owner: number
  /** chains and sets in it */
  use = 0
  readonly chains: NfTablesChain[] = []
  readonly sets: NfTablesSet[] = []
  /** its rules were changed since they were found to make no loop */
  unvalidated = false
  #lastHandle = 0n

  constructor(family: number, name: string, handle: bigint, flags: number, owner: number, userData?: Uint8Array) {
    this.family = family
    this.name = name
    this.handle = handle
    this.flags = flags
    this.owner = owner
    this.userData = userData
  }

  get isOwned(): boolean {
    return (this.flags & TableFlag.Owner) !== 0
  }

  get isDormant(): boolean {
    return (this.flags & TableFlag.Dormant) !== 0
  }

  /** A handle that nothing in the table had before. */
  nextHandle(): bigint {
    return ++this.#lastHandle
  }
}

/** What makes a chain a base chain. */
export interface ChainHook {
  readonly type: 'filter' | 'nat' | 'route'
  readonly number: number
  readonly priority: number
  /** names of the devices of a chain that is for such */
  readonly devices: readonly string[] | undefined
  /** `Verdict.Accept` or `Verdict.Drop` */
  policy: number
  /** packets that met the policy, where it was asked for */
  counters: { packets: number; bytes: number } | undefined
}

/** A chain of rules. */
export class NfTablesChain {
  readonly table: NfTablesTable
  name: string
  readonly handle: bigint
  /** bits of `ChainFlag` */
  readonly flags: number
  readonly hook: ChainHook | undefined
  readonly userData: Uint8Array | undefined
  /** rules in it, and jumps to it */
  use = 0
  /** those that the batch at work removes are still among them */
  rules: NfTablesRule[] = []
  /** what packets run through: the rules as they were at the end of the last batch */
  programs: readonly (readonly Evaluate[])[] = []

  constructor(
    table: NfTablesTable,
    name: string,
    flags: number,
    hook: ChainHook | undefined,
    handle: bigint,
    userData?: Uint8Array,
  ) {
    this.table = table
    this.name = name
    this.flags = flags
    this.hook = hook
    this.handle = handle
    this.userData = userData
  }
}

/** A rule: expressions, one after the other. */
export class NfTablesRule {
  readonly handle: bigint
  readonly expressions: readonly RuleExpression[]
  readonly userData: Uint8Array | undefined
  readonly program: readonly Evaluate[]
  /** the batch at work removes it */
  removed = false

  constructor(handle: bigint, expressions: readonly RuleExpression[], userData?: Uint8Array) {
    this.handle = handle
    this.expressions = expressions
    this.userData = userData
    this.program = expressions.map(({ evaluate }) => evaluate)
  }
}

/** What a set is made with. */
export interface SetProperties {
  readonly name: string
  readonly handle: bigint
  /** bits of `SetFlag` */
  readonly flags: number
  readonly keyType: number | undefined
  /** bytes */
  readonly keyLength: number
  readonly policy: number | undefined
  readonly size: number | undefined
  readonly userData: Uint8Array | undefined
}

/** A key of a set; in a set of intervals, where one begins or (`isEnd`) the first that it does not have any more. */
export interface SetElement {
  readonly key: Uint8Array
  readonly isEnd: boolean
  readonly userData: Uint8Array | undefined
}

/** A set of keys, or of intervals. */
export class NfTablesSet {
  readonly properties: SetProperties
  /** rules that look it up */
  use = 0
  #elements: SetElement[] = []
  #keys = new Map<string, SetElement>()

  constructor(properties: SetProperties) {
    this.properties = properties
  }

  get isAnonymous(): boolean {
    return (this.properties.flags & SetFlag.Anonymous) !== 0
  }

  get isInterval(): boolean {
    return (this.properties.flags & SetFlag.Interval) !== 0
  }

  /** in the order of their keys, ends before beginnings */
  get elements(): readonly SetElement[] {
    return this.#elements
  }

  find(key: Uint8Array, isEnd: boolean): SetElement | undefined {
    return this.#keys.get(keyText(key, isEnd))
  }

  add(element: SetElement): void {
    this.#keys.set(keyText(element.key, element.isEnd), element)
    let index = this.#elements.length
    while (index > 0 && compareElements(this.#elements[index - 1] as SetElement, element) > 0) index--
    this.#elements.splice(index, 0, element)
  }

  remove(element: SetElement): void {
    this.#keys.delete(keyText(element.key, element.isEnd))
    this.#elements.splice(this.#elements.indexOf(element), 1)
  }

  /** Whether the key that begins at `at` is in the set. */
  has(bytes: Uint8Array, at: number): boolean {
    const elements = this.#elements
    const { keyLength } = this.properties
    // The last element that is not behind the key: equal to it, or the beginning or end before it.
    let low = 0
    let high = elements.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKey((elements[middle] as SetElement).key, bytes, at, keyLength) <= 0) low = middle + 1
      else high = middle
    }
    const found = elements[low - 1]
    if (found === undefined || found.isEnd) return false
    return this.isInterval || compareKey(found.key, bytes, at, keyLength) === 0
  }
}

function keyText(key: Uint8Array, isEnd: boolean): string {
  return `${isEnd ? 'end ' : ''}${key.join('.')}`
}

function compareElements(first: SetElement, second: SetElement): number {
  const order = compareKey(first.key, second.key, 0, second.key.length)
  return order !== 0 ? order : Number(second.isEnd) - Number(first.isEnd)
}

/** Negative where `key` is before the bytes at `at`. */
function compareKey(key: Uint8Array, bytes: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (key[i] as number) - (bytes[at + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** The families that tables can have, of those that the kernel numbers. */
export const tableFamilies: ReadonlySet<number> = new Set([
  Family.Inet,
  Family.Ipv4,
  Family.Arp,
  Family.NetworkDevice,
  Family.Bridge,
  Family.Ipv6,
])

/** Whether packets of `family` pass the chains of a table of `tableFamily`. */
export function meetsFamily(tableFamily: number, family: number): boolean {
  return tableFamily === Family.Inet ? family === Family.Ipv4 || family === Family.Ipv6 : tableFamily === family
}
