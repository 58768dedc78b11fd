import {
  BatchMessage,
  batchAttributes,
  type Expression,
  expressionAt,
  KernelError,
  Memory,
  NfTablesMessage,
  nfnetlinkHeader,
  Subsystem,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import { encodeRequests, type Request, type RequestData, type RequestWriter } from '../request.ts'
import type { Session } from '../session.ts'
import { propertyWords } from './fields/describe.ts'

/** The kind of object that a message of a batch changes, on which the meaning of an errno depends. */
export type BatchPartKind = 'batch' | 'table' | 'chain' | 'set' | 'element' | 'rule'

interface PartOfBatch {
  readonly kind: BatchPartKind
  /** index of the rule that the message belongs to */
  readonly rule?: number | undefined
}

/** One message of a batch. */
export type BatchPart = (RequestData & PartOfBatch) | (RequestWriter & PartOfBatch)

/** The first message of a batch that the kernel refused. */
export interface BatchRefusal {
  readonly part: BatchPart
  readonly error: KernelError
  /** kernel name of the expression at fault, if the kernel reports it */
  readonly expression: string | undefined
  /** what that expression loads, in nft's words */
  readonly property?: string | undefined
}

/** A batch of nf_tables: Begin, the parts, End. */
function batchOf(parts: readonly BatchPart[]): BatchPart[] {
  return [edge(BatchMessage.Begin, 'begin'), ...parts, edge(BatchMessage.End, 'end')]
}

function edge(type: number, what: string): BatchPart {
  const header = nfnetlinkHeader(0, Subsystem.NfTables)
  return { kind: 'batch', what: `${what} of the rules`, type, header, set: batchAttributes, attributes: {} }
}

/** Length of a batch in bytes. Throws `EncodeError` for values that no message can carry. */
export function batchLength(parts: readonly BatchPart[]): number {
  return encode(batchOf(parts)).bytes.length
}

/**
 * Sends a batch and waits until the kernel has applied or refused it. Resolves to the first refusal, if there was one.
 * The kernel applies all of a batch or nothing. Rejects as `Session.batch`.
 */
export async function performBatch(session: Session, parts: readonly BatchPart[]): Promise<BatchRefusal | undefined> {
  const batch = batchOf(parts)
  const results = await session.batch(batch, { what: 'change the rules', transaction: true })
  const index = results.findIndex(({ error }) => error !== undefined)
  const part = batch[index]
  const error = results[index]?.error
  if (part === undefined || error === undefined) return undefined
  if (!(error instanceof KernelError)) throw error
  return { part, error, ...refusedExpression(part, error.offset) }
}

/** Sends a batch without waiting for the result. */
export function postBatch(session: Session, parts: readonly BatchPart[]): void {
  session.post(batchOf(parts))
}

function encode(requests: readonly Request[]) {
  return encodeRequests(
    requests,
    requests.map(() => ({ flags: 0, sequence: 0 })),
  )
}

/** The expression of a NewRule message that the kernel's offset points into, and what it loads. */
function refusedExpression(part: BatchPart, offset: number | undefined): Pick<BatchRefusal, 'expression' | 'property'> {
  if (offset === undefined || !('type' in part) || part.type !== NfTablesMessage.NewRule)
    return { expression: undefined }
  const { bytes } = encode([part])
  const memory = Memory.from(bytes)
  const place = expressionAt(memory, NFNETLINK_ATTRIBUTES, bytes.length - NFNETLINK_ATTRIBUTES, offset)
  const { expressions = [] } = part.attributes as { readonly expressions?: readonly Expression[] }
  const refused = place === undefined ? undefined : expressions[place.index]
  return { expression: place?.name, property: refused === undefined ? undefined : propertyWords(refused) }
}
