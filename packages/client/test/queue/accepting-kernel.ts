/** A kernel that accepts every config request, and queues on it. */
import { type QueueAttributes, QueueMessage, queueAttributes, readNfnetlinkAttributes } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first, split } from '@ringlink/test-support/messages'
import { openQueue, type Queue, type QueueOptions } from '../../src/index.ts'

/** A kernel that accepts every config request and notes the verdicts. */
export function acceptingKernel(): { transport: FunctionTransport; verdicts: () => QueueAttributes[] } {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const verdicts = () =>
    transport.sent
      .flatMap(split)
      .filter(({ type }) => type === QueueMessage.Verdict || type === QueueMessage.VerdictBatch)
      .map(({ bytes }) => readNfnetlinkAttributes(first(bytes).view, queueAttributes))
  return { transport, verdicts }
}

export async function open(options: Partial<QueueOptions> = {}) {
  const { transport, verdicts } = acceptingKernel()
  const queue = await openQueue({ number: 0, transport, copyRange: 512, ...options })
  return { transport, verdicts, queue }
}

/** id and verdict of each, in the order in which they were sent */
export const plain = (verdicts: QueueAttributes[]) =>
  verdicts.map(({ verdictHeader }) => [verdictHeader?.id, verdictHeader?.verdict])

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was expected to reject')
    },
    (error: unknown) => error,
  )
}

/** The next batch, outside a loop. */
export async function nextBatch(queue: Queue) {
  const iterator = queue[Symbol.asyncIterator]()
  const { value } = await iterator.next()
  if (value === undefined) throw new Error('no batch came')
  return { iterator, batch: value }
}
