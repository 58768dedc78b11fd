import {
  BatchMessage,
  batchAttributes,
  expressionAt,
  KernelError,
  Memory,
  NfTablesMessage,
  nfnetlinkHeader,
  Subsystem,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import { encodeRequests, type Request, type RequestData } from '../request.ts'
import type { Session } from '../session.ts'

/** What a message of a batch is about: its errnos mean different things. */
export type BatchPartKind = 'batch' | 'table' | 'chain' | 'set' | 'rule'

/** One message of a batch. */
export interface BatchPart extends RequestData {
  readonly kind: BatchPartKind
  /** index of the rule that it belongs to */
  readonly rule?: number | undefined
}

/** What the kernel refused first of a batch. */
export interface BatchRefusal {
  readonly part: BatchPart
  readonly error: KernelError
  /** kernel name of the expression at fault, where the kernel tells */
  readonly expression: string | undefined
}

/** A batch of nf_tables: Begin, the parts, End. */
function batchOf(parts: readonly BatchPart[]): BatchPart[] {
  return [edge(BatchMessage.Begin, 'begin'), ...parts, edge(BatchMessage.End, 'end')]
}

function edge(type: number, what: string): BatchPart {
  const header = nfnetlinkHeader(0, Subsystem.NfTables)
  return { kind: 'batch', what: `${what} of the rules`, type, header, set: batchAttributes, attributes: {} }
}

/** Bytes of a batch. Throws `EncodeError` for what no message can carry. */
export function batchLength(parts: readonly BatchPart[]): number {
  return encode(batchOf(parts)).bytes.length
}

/**
 * Sends a batch and waits until the kernel has carried it out, or refused it: what it refused first. All of a batch is done, or
 * nothing. Rejects as `Session.batch`.
 */
export async function performBatch(session: Session, parts: readonly BatchPart[]): Promise<BatchRefusal | undefined> {
  const batch = batchOf(parts)
  const results = await session.batch(batch, { what: 'change the rules', transaction: true })
  const index = results.findIndex(({ error }) => error !== undefined)
  const part = batch[index]
  const error = results[index]?.error
  if (part === undefined || error === undefined) return undefined
  if (!(error instanceof KernelError)) throw error
  return { part, error, expression: refusedExpression(part, error.offset) }
}

/** Sends a batch without waiting for what becomes of it. */
export function postBatch(session: Session, parts: readonly BatchPart[]): void {
  session.post(batchOf(parts))
}

function encode(requests: readonly Request[]) {
  return encodeRequests(
    requests,
    requests.map(() => ({ flags: 0, sequence: 0 })),
  )
}

/** The name of the expression of a NewRule message that the kernel's offset points into. */
function refusedExpression(part: BatchPart, offset: number | undefined): string | undefined {
  if (offset === undefined || part.type !== NfTablesMessage.NewRule) return undefined
  const { bytes } = encode([part])
  return expressionAt(Memory.from(bytes), NFNETLINK_ATTRIBUTES, bytes.length - NFNETLINK_ATTRIBUTES, offset)?.name
}
