import { generationAttributes, KernelError, NfTablesMessage, nfnetlinkHeader } from '@ringlink/codec'
import type { Session } from '../session.ts'
import type { BatchPart, BatchRefusal } from './batch.ts'

/** NFT_MSG_GETGEN, which every nf_tables since 3.18 answers, and which changes nothing. */
const question: BatchPart = {
  kind: 'batch',
  what: 'the question for nf_tables',
  type: NfTablesMessage.GetGeneration,
  header: nfnetlinkHeader(0, 0),
  set: generationAttributes,
  attributes: {},
}

/**
 * Asks nf_tables something that is no batch, which also has the kernel load its module; the kernel's refusal, or `undefined`. A
 * batch for a subsystem that is missing makes some kernels dereference NULL (seen on 4.4.1), so nothing may come before this. Rejects as
 * `Session.request`.
 */
export async function askForNfTables(session: Session): Promise<BatchRefusal | undefined> {
  try {
    await session.request(question)
    return undefined
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    return { part: question, error, expression: undefined }
  }
}
