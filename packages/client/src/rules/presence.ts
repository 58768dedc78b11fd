import { generationAttributes, KernelError, NfTablesMessage, nfnetlinkHeader } from '@ringlink/codec'
import type { Session } from '../session.ts'
import type { BatchPart, BatchRefusal } from './batch.ts'

/** NFT_MSG_GETGEN: every nf_tables since 3.18 answers it, and it changes nothing. */
const question: BatchPart = {
  kind: 'batch',
  what: 'the question for nf_tables',
  type: NfTablesMessage.GetGeneration,
  header: nfnetlinkHeader(0, 0),
  set: generationAttributes,
  attributes: {},
}

/**
 * Sends nf_tables a request that is not a batch, which also makes the kernel load the module. Resolves to the kernel's
 * refusal, or `undefined`. Must come before any batch: a batch for a missing subsystem makes some kernels dereference
 * NULL (seen on 4.4.1). Rejects as `Session.request`.
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
