import {
  AcknowledgeFlag,
  beginMessage,
  ControlType,
  finishMessage,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  MessageIterator,
} from '@ringlink/codec'

const ERROR_LENGTH = 4
const LENGTH = MESSAGE_HEADER_LENGTH + ERROR_LENGTH + MESSAGE_HEADER_LENGTH

/**
 * The answer of a kernel that accepts all requests in the `length` bytes at `offset`: an Error message with errno 0 for
 * each request that asks for one.
 */
export function acknowledgements(memory: Memory, offset: number, length: number, portId: number): Uint8Array[] {
  const answers: Uint8Array[] = []
  const messages = new MessageIterator().wrap(memory, offset, length)
  while (messages.next()) {
    const { flags, sequence, offset: at } = messages.view
    if ((flags & MessageFlag.Acknowledge) === 0) continue
    const answer = new Memory(LENGTH)
    const header = { type: ControlType.Error, flags: AcknowledgeFlag.Capped, sequence, portId }
    const end = beginMessage(answer, 0, LENGTH, header)
    answer.u8.set(memory.u8.subarray(at, at + MESSAGE_HEADER_LENGTH), end + ERROR_LENGTH)
    finishMessage(answer, 0, LENGTH)
    answers.push(answer.u8)
  }
  return answers
}
