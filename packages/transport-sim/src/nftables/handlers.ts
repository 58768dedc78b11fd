/** The messages of a batch of nf_tables, by type, and how a batch is executed. */
import { Errno, NfTablesMessage } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import type { MessagePolicy } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { BatchAttempt, BatchSubsystem } from '../nfnetlink/batch.ts'
import { chainPolicy, deleteChain, newChain } from './chains.ts'
import { deleteElements, elementsPolicy, newElements } from './element-messages.ts'
import { deleteObject, newObject, objectPolicy } from './objects.ts'
import { deleteRule, newRule, rulePolicy } from './rule-messages.ts'
import { deleteSet, newSet, setPolicy } from './set-messages.ts'
import type { NfTables } from './state.ts'
import { deleteTable, newTable, tablePolicy } from './tables.ts'
import { Transaction } from './transaction.ts'

type Handler = (state: NfTables, transaction: Transaction, request: KernelRequest, attributes: AttributeTable) => number

/** A message of a batch. */
interface BatchPart {
  readonly policy: MessagePolicy
  readonly handle: Handler
}

const parts: ReadonlyMap<number, BatchPart> = new Map(
  (
    [
      [NfTablesMessage.NewTable, tablePolicy, newTable],
      [NfTablesMessage.DeleteTable, tablePolicy, deleteTable],
      [NfTablesMessage.NewChain, chainPolicy, newChain],
      [NfTablesMessage.DeleteChain, chainPolicy, deleteChain],
      [NfTablesMessage.NewRule, rulePolicy, newRule],
      [NfTablesMessage.DeleteRule, rulePolicy, deleteRule],
      [NfTablesMessage.NewSet, setPolicy, newSet],
      [NfTablesMessage.DeleteSet, setPolicy, deleteSet],
      [NfTablesMessage.NewSetElement, elementsPolicy, newElements],
      [NfTablesMessage.DeleteSetElement, elementsPolicy, deleteElements],
      [NfTablesMessage.NewObject, objectPolicy, newObject],
      [NfTablesMessage.DeleteObject, objectPolicy, deleteObject],
      [NfTablesMessage.DestroyTable, tablePolicy, deleteTable],
      [NfTablesMessage.DestroyChain, chainPolicy, deleteChain],
      [NfTablesMessage.DestroyRule, rulePolicy, deleteRule],
      [NfTablesMessage.DestroySet, setPolicy, deleteSet],
      [NfTablesMessage.DestroySetElement, elementsPolicy, deleteElements],
      [NfTablesMessage.DestroyObject, objectPolicy, deleteObject],
    ] as const
  ).map(([type, policy, handle]) => [type, { policy, handle }]),
)

/** Messages that remove what may be missing. */
const destroys: ReadonlySet<number> = new Set([
  NfTablesMessage.DestroyTable,
  NfTablesMessage.DestroyChain,
  NfTablesMessage.DestroyRule,
  NfTablesMessage.DestroySet,
  NfTablesMessage.DestroySetElement,
  NfTablesMessage.DestroyObject,
])

/** nf_tables as nfnetlink sees it: batches that change its tables. */
export class NfTablesBatches implements BatchSubsystem {
  readonly #state: NfTables

  constructor(state: NfTables) {
    this.#state = state
  }

  get acknowledgesEnds(): boolean {
    return this.#state.features.batchAcknowledgements
  }

  get generation(): number {
    return this.#state.generation
  }

  begin(portId: number, validateAtOnce: boolean, requested: Set<string>): BatchAttempt {
    const state = this.#state
    const transaction = new Transaction(portId, validateAtOnce, requested)
    return {
      perform: (request) => perform(state, transaction, request),
      commit: (sequence) => state.commit(transaction, sequence),
      abort: () => state.abort(transaction),
    }
  }
}

/** Executes one message of a batch; 0 or a negative errno. */
function perform(state: NfTables, transaction: Transaction, request: KernelRequest): number {
  const { destroyMessages, policyReports } = state.features
  const part = parts.get(request.type)
  if (part === undefined || (!destroyMessages && destroys.has(request.type))) return -Errno.EINVAL
  const attributes = AttributeTable.of(part.policy)
  const refused = attributes.parse(request, NFNETLINK_ATTRIBUTES, part.policy)
  if (!policyReports) request.details.clear()
  return refused !== 0 ? refused : part.handle(state, transaction, request, attributes)
}
