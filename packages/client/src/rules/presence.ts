import { generationAttributes, Memory, MessageFlag, NfTablesMessage, writeNfnetlinkMessage } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import type { Transport } from '@ringlink/transport'
import { type BatchPart, type BatchRefusal, sendBatch } from './batch.ts'

/** NFT_MSG_GETGEN, which every nf_tables since 3.18 answers, and which changes nothing. */
const question: BatchPart = {
  kind: 'batch',
  what: 'the question for nf_tables',
  flags: 0,
  write: (memory, offset, limit, flags, sequence) =>
    writeNfnetlinkMessage(memory, offset, limit, generationAttributes, {
      type: NfTablesMessage.GetGeneration,
      flags,
      sequence,
      resourceId: 0,
      attributes: {},
    }),
}

/**
 * Asks nf_tables something that is no batch, which also has the kernel load its module; the kernel's refusal, or `undefined`. A
 * batch for a subsystem that is missing makes some kernels dereference NULL (seen on 4.4.1), so nothing may come before this. Rejects as
 * {@link sendBatch}.
 */
export function askForNfTables(
  transport: Transport,
  sequence: number,
  timeout: number,
): Promise<BatchRefusal | undefined> {
  const memory = new Memory(NFNETLINK_ATTRIBUTES)
  const flags = MessageFlag.Request | MessageFlag.Acknowledge
  const length = question.write(memory, 0, memory.byteLength, flags, sequence)
  const bytes = memory.copy(0, length)
  return sendBatch(transport, { bytes, sequence, messages: [{ part: question, bytes }] }, timeout)
}
