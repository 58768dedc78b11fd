/** The tables, chains and rules of a kernel: nf_tables' objects, apart from messages and packets. */
import { Family, TableFlag } from '@ringlink/codec'
import type { ReplyWriter } from '../nfnetlink/reply.ts'
import type { Evaluate } from './expressions/evaluate.ts'
import type { NfTablesSet } from './sets.ts'

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
  readonly objects: NfTablesCounter[] = []
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

/** A counter with a name, which rules share. */
export interface NfTablesCounter {
  readonly name: string
  readonly handle: bigint
  readonly userData: Uint8Array | undefined
  /** rules that count in it */
  use: number
  packets: number
  bytes: number
}

/** What makes a chain a base chain. */
export interface ChainHook {
  readonly type: 'filter' | 'nat' | 'route'
  readonly number: number
  readonly priority: number
  /** names of the devices of a chain that is for such */
  devices: readonly string[] | undefined
  /** `Verdict.Accept` or `Verdict.Drop` */
  policy: number
  /** packets that reached the policy, if counting was requested */
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
  /** the rules that packets pass: those at the end of the last batch */
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

/** An expression in a rule. */
export interface RuleExpression {
  readonly name: string
  readonly evaluate: Evaluate
  /** writes its attributes; left out if there are none. `reset`: resets its counters to 0 */
  readonly dump?: (reply: ReplyWriter, reset: boolean) => void
  /** the chain that it jumps to */
  readonly target?: NfTablesChain
  readonly set?: NfTablesSet
  /** it needs connection tracking of its table's family */
  readonly conntrack?: { readonly setsLabels: boolean }
  /** the counter that it counts in */
  readonly object?: NfTablesCounter
  /** 0, or why it cannot be in a base chain of that hook; a negative errno */
  readonly validate?: (base: NfTablesChain) => number
}

/** A rule: a list of expressions. */
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
