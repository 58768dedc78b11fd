/** The messages of a batch of nf_tables, by type, and how a batch is executed. */
import { Errno, Subsystem } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import type { MessagePolicy } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { BatchAttempt, BatchSubsystem } from '../nfnetlink/batch.ts'
import { CHAIN, chainPolicy, deleteChain, newChain } from './chains.ts'
import { deleteElements, ELEMENT_LIST, elementsPolicy, newElements } from './element-messages.ts'
import { deleteObject, newObject, OBJECT, objectPolicy } from './objects.ts'
import { deleteRule, newRule, RULE, rulePolicy } from './rule-messages.ts'
import { deleteSet, newSet, SET, setPolicy } from './set-messages.ts'
import type { NfTables } from './state.ts'
import { deleteTable, newTable, TABLE, tablePolicy } from './tables.ts'
import { Transaction } from './transaction.ts'

type Handler = (state: NfTables, transaction: Transaction, request: KernelRequest, attributes: AttributeTable) => number

/** A message of a batch. */
interface BatchPart {
  readonly attributes: number
  readonly policy: MessagePolicy
  readonly handle: Handler
}

const parts: ReadonlyMap<number, BatchPart> = new Map(
  (
    [
      [0x00, TABLE.maximum, tablePolicy, newTable],
      [0x02, TABLE.maximum, tablePolicy, deleteTable],
      [0x03, CHAIN.maximum, chainPolicy, newChain],
      [0x05, CHAIN.maximum, chainPolicy, deleteChain],
      [0x06, RULE.maximum, rulePolicy, newRule],
      [0x08, RULE.maximum, rulePolicy, deleteRule],
      [0x09, SET.maximum, setPolicy, newSet],
      [0x0b, SET.maximum, setPolicy, deleteSet],
      [0x0c, ELEMENT_LIST.maximum, elementsPolicy, newElements],
      [0x0e, ELEMENT_LIST.maximum, elementsPolicy, deleteElements],
      [0x12, OBJECT.maximum, objectPolicy, newObject],
      [0x14, OBJECT.maximum, objectPolicy, deleteObject],
      [0x1a, TABLE.maximum, tablePolicy, deleteTable],
      [0x1b, CHAIN.maximum, chainPolicy, deleteChain],
      [0x1c, RULE.maximum, rulePolicy, deleteRule],
      [0x1d, SET.maximum, setPolicy, deleteSet],
      [0x1e, ELEMENT_LIST.maximum, elementsPolicy, deleteElements],
      [0x1f, OBJECT.maximum, objectPolicy, deleteObject],
    ] as const
  ).map(([type, attributes, policy, handle]) => [(Subsystem.NfTables << 8) | type, { attributes, policy, handle }]),
)

/** nf_tables as nfnetlink sees it: batches that change its tables. */
export class NfTablesBatches implements BatchSubsystem {
  readonly #state: NfTables

  constructor(state: NfTables) {
    this.#state = state
  }

  get generation(): number {
    return this.#state.generation
  }

  begin(portId: number, validateAtOnce: boolean): BatchAttempt {
    const state = this.#state
    const transaction = new Transaction(portId, validateAtOnce)
    return {
      perform: (request) => perform(state, transaction, request),
      commit: (sequence) => state.commit(transaction, sequence),
      abort: () => state.abort(transaction),
    }
  }
}

/** Executes one message of a batch; 0 or a negative errno. */
function perform(state: NfTables, transaction: Transaction, request: KernelRequest): number {
  const part = parts.get(request.type)
  if (part === undefined) return -Errno.EINVAL
  const attributes = new AttributeTable(part.attributes)
  const refused = attributes.parse(request, NFNETLINK_ATTRIBUTES, part.policy)
  return refused !== 0 ? refused : part.handle(state, transaction, request, attributes)
}
