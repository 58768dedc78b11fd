/**
 * A batch in progress. Its messages take effect at once, because later messages build on them, and are undone if one of
 * them is refused. No packet passes in between.
 */
import type { NfTablesChain, NfTablesRule, NfTablesTable } from './ruleset.ts'
import type { NfTablesSet } from './sets.ts'

/** The changes of a batch so far. */
export class Transaction {
  /** port id of the socket that sent it */
  readonly portId: number
  /** rules are checked for loops as soon as they are made, not only at the end */
  readonly validateAtOnce: boolean
  /** names of modules that the batch has looked for, in this attempt and before */
  readonly requested: Set<string>
  /** chains, sets and rules by the id that the batch has given them */
  readonly chainIds = new Map<number, NfTablesChain>()
  readonly setIds = new Map<number, NfTablesSet>()
  readonly ruleIds = new Map<number, { readonly chain: NfTablesChain; readonly rule: object }>()
  /** anonymous sets that no rule looks up yet */
  readonly unboundSets = new Set<NfTablesSet>()
  /** tables that this batch has changed the flags of */
  readonly updatedTables = new Set<NfTablesTable>()
  /** tables with a chain that this batch has changed, or with a base chain that it has deleted */
  readonly pendingChains = new Set<NfTablesTable>()
  /** names of the devices that this batch has added to chains of a table */
  readonly addedDevices = new Map<NfTablesTable, readonly string[]>()
  /** chains whose rules are others than before */
  readonly touched = new Set<NfTablesChain>()
  #undo: (() => void)[] = []
  #atCommit: (() => void)[] = []

  constructor(portId: number, validateAtOnce: boolean, requested: Set<string>) {
    this.portId = portId
    this.validateAtOnce = validateAtOnce
    this.requested = requested
  }

  /** nothing was done: committing it changes nothing */
  get isEmpty(): boolean {
    return this.#undo.length === 0 && this.#atCommit.length === 0
  }

  /** Does something now, and remembers how to undo it. */
  perform(action: () => void, undo: () => void): void {
    action()
    this.#undo.push(undo)
  }

  /** Actions to run once nothing can be refused any more. */
  atCommit(action: () => void): void {
    this.#atCommit.push(action)
  }

  /** Puts something at `index` of a list. */
  insert<Item>(list: Item[], index: number, item: Item): void {
    this.perform(
      () => list.splice(index, 0, item),
      () => list.splice(list.indexOf(item), 1),
    )
  }

  /** Removes an element from a list; the undo puts it back in its place. */
  remove<Item>(list: Item[], item: Item): void {
    const index = list.indexOf(item)
    this.perform(
      () => list.splice(index, 1),
      () => list.splice(index, 0, item),
    )
  }

  /** Adds to a counter of users. */
  use(counted: { use: number }, change: 1 | -1): void {
    this.perform(
      () => {
        counted.use += change
      },
      () => {
        counted.use -= change
      },
    )
  }

  commit(): void {
    for (const action of this.#atCommit) action()
  }

  abort(): void {
    for (const undo of this.#undo.reverse()) undo()
  }
}

/** Removes a rule from its chain, and objects that only it uses from its table. */
export function removeRule(transaction: Transaction, chain: NfTablesChain, rule: NfTablesRule): void {
  transaction.perform(
    () => {
      rule.removed = true
    },
    () => {
      rule.removed = false
    },
  )
  transaction.use(chain, -1)
  transaction.touched.add(chain)
  const { table } = chain
  for (const { target, set, object } of rule.expressions) {
    if (target !== undefined) transaction.use(target, -1)
    if (object !== undefined) transaction.use(object, -1)
    if (set === undefined) continue
    transaction.use(set, -1)
    if (set.isAnonymous && table.sets.includes(set)) transaction.remove(table.sets, set)
  }
}
