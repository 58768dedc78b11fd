import {
  BatchMessage,
  batchAttributes,
  ControlType,
  EncodeError,
  ErrorView,
  expressionAt,
  type KernelError,
  Memory,
  MessageFlag,
  MessageIterator,
  NfTablesMessage,
  Protocol,
  Subsystem,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { timeoutError } from '../errors.ts'
import { kernelError } from '../kernel-error.ts'

/** What a message of a batch is about: its errnos mean different things. */
export type BatchPartKind = 'batch' | 'table' | 'chain' | 'set' | 'rule'

/** One message of a batch. */
export interface BatchPart {
  readonly kind: BatchPartKind
  /** what it does, for error texts */
  readonly what: string
  /** index of the rule that it belongs to */
  readonly rule?: number | undefined
  /** `NewFlag`s */
  readonly flags: number
  /** writes the message, with these flags and this number, and returns its length */
  readonly write: (memory: Memory, offset: number, limit: number, flags: number, sequence: number) => number
}

/** What the kernel refused first of a batch. */
export interface BatchRefusal {
  readonly part: BatchPart
  readonly error: KernelError
  /** kernel name of the expression at fault, where the kernel tells */
  readonly expression: string | undefined
}

/** A batch as it is sent. */
export interface EncodedBatch {
  readonly bytes: Uint8Array
  /** sequence number of the first message; the others follow one by one */
  readonly sequence: number
  readonly messages: readonly { readonly part: BatchPart; readonly bytes: Uint8Array }[]
}

const INITIAL_SIZE = 16 * 1024
const LARGEST_SIZE = 64 * 1024 * 1024

/**
 * A batch of nf_tables in one datagram: Begin, the parts, End. The last part asks for an acknowledgement, which the kernel sends
 * behind the errors of all others. Throws `EncodeError` for what no message can carry.
 */
export function encodeBatch(parts: readonly BatchPart[], sequence: number): EncodedBatch {
  for (let size = INITIAL_SIZE; ; size *= 2) {
    try {
      return encodeWithin(size, parts, sequence)
    } catch (error) {
      if (!(error instanceof EncodeError) || error.code !== 'NO_SPACE' || size >= LARGEST_SIZE) throw error
    }
  }
}

function encodeWithin(size: number, parts: readonly BatchPart[], sequence: number): EncodedBatch {
  const memory = new Memory(size)
  const all = [edge(BatchMessage.Begin, 'begin'), ...parts, edge(BatchMessage.End, 'end')]
  const messages: { part: BatchPart; bytes: Uint8Array }[] = []
  let offset = 0
  for (const [index, part] of all.entries()) {
    const acknowledge = index === parts.length ? MessageFlag.Acknowledge : 0
    const flags = MessageFlag.Request | part.flags | acknowledge
    const length = part.write(memory, offset, size, flags, sequence + index)
    messages.push({ part, bytes: memory.copy(offset, length) })
    offset += length
  }
  return { bytes: memory.copy(0, offset), sequence, messages }
}

function edge(type: number, what: string): BatchPart {
  return {
    kind: 'batch',
    what: `${what} of the rules`,
    flags: 0,
    write: (memory, offset, limit, flags, sequence) =>
      writeNfnetlinkMessage(memory, offset, limit, batchAttributes, {
        type,
        flags,
        sequence,
        resourceId: Subsystem.NfTables,
        attributes: {},
      }),
  }
}

/**
 * Sends a batch and waits until the kernel has carried it out, or refused it: what it refused first. All of a batch is done, or
 * nothing. The transport must be received from by nobody else meanwhile. Rejects with code `TIMEOUT` after `timeout` milliseconds,
 * and as the transport does.
 */
export async function sendBatch(
  transport: Transport,
  batch: EncodedBatch,
  timeout: number,
): Promise<BatchRefusal | undefined> {
  postBatch(transport, batch)
  const answers = new BatchAnswers(batch)
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(timeoutError('change the rules', timeout)), timeout)
  try {
    while (!answers.complete) {
      const frames = await transport.receive({ signal: abort.signal })
      answers.take(frames)
      frames.release()
    }
  } finally {
    clearTimeout(timer)
  }
  if (answers.refusal !== undefined) discardRest(transport)
  return answers.refusal
}

/** A socket that was overrun gets nothing more until all of it has been read: the answers to the next batch would be lost. */
function discardRest(transport: Transport): void {
  for (let frames = transport.poll(); frames !== undefined; frames = transport.poll()) frames.release()
}

/** Sends a batch without waiting for what becomes of it. */
export function postBatch({ outbox }: Transport, { bytes }: EncodedBatch): void {
  const offset = outbox.reserve(bytes.length)
  outbox.memory.u8.set(bytes, offset)
  outbox.commit(bytes.length)
  outbox.flush()
}

/** Finds the answers to one batch among what is received. */
class BatchAnswers {
  complete = false
  refusal: BatchRefusal | undefined
  #batch: EncodedBatch
  #messages = new MessageIterator()
  #error = new ErrorView()

  constructor(batch: EncodedBatch) {
    this.#batch = batch
  }

  take(frames: FrameBatch): void {
    const { memory, length } = frames
    for (let i = 0; i < length; i++) this.#takeFrame(memory, frames.offset(i), frames.byteLength(i))
    // Only a batch full of errors overruns a socket that nothing else comes to: the first of them is here.
    if (frames.lost > 0 && this.refusal !== undefined) this.complete = true
  }

  #takeFrame(memory: Memory, offset: number, length: number): void {
    const messages = this.#messages.wrap(memory, offset, length)
    while (messages.next()) {
      if (messages.view.type !== ControlType.Error) continue
      const index = messages.view.sequence - this.#batch.sequence
      const message = this.#batch.messages[index]
      if (message === undefined) continue
      const error = this.#error.wrap(messages.view)
      if (error.errno !== 0) {
        const request = { what: message.part.what, bytes: message.bytes, sequence: messages.view.sequence }
        const refused = kernelError(Protocol.Netfilter, request, error.errno, error.extendedAck())
        this.refusal ??= {
          part: message.part,
          error: refused,
          expression: refusedExpression(message.bytes, refused.offset),
        }
      }
      // An error of Begin is one of the whole batch: of the privilege, the subsystem, or of carrying it out.
      if (index === 0 || index === this.#batch.messages.length - 2) this.complete = true
    }
  }
}

/** The name of the expression of a NewRule message that the kernel's offset points into. */
function refusedExpression(bytes: Uint8Array, offset: number | undefined): string | undefined {
  const memory = Memory.from(bytes)
  if (offset === undefined || memory.u16[2] !== NfTablesMessage.NewRule) return undefined
  return expressionAt(memory, NFNETLINK_ATTRIBUTES, bytes.length - NFNETLINK_ATTRIBUTES, offset)?.name
}
