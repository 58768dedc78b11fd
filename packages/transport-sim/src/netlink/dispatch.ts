/**
 * Processes a send as the kernel does: message by message, each checked separately. Everything after a truncated
 * message, or one with an invalid length, is ignored silently.
 */
import {
  AcknowledgeFlag,
  AttributeWriter,
  align4,
  ControlType,
  extendedAckAttributes,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  MINIMUM_MESSAGE_TYPE,
  writeAttributes,
} from '@ringlink/codec'
import type { AttributePolicy } from './attribute-policy.ts'
import { type AckDetails, KernelRequest, type ReportedRule, type RequestHandler, SUPPRESS_ACK } from './request.ts'
import { reportRule } from './rule-report.ts'
import type { SimSocket } from './socket.ts'

const NLMSGERR_ATTR = { message: 1, offset: 2, policy: 4, missingType: 5 } as const
const POLICY_ATTR = { type: 1, minimum: 4, maximum: 5, longest: 7 } as const
const policyType = { u8: 2, u16: 3, u32: 4, u64: 5, binary: 10, text: 11, name: 12, nested: 13 } as const
const policyMaximum = { u8: 0xffn, u16: 0xffffn, u32: 0xffffffffn, u64: 0xffffffffffffffffn } as const
const encoder = new TextEncoder()

/** Hands the messages of one send to `handler` and answers them. */
export class Dispatcher {
  #request = new KernelRequest()
  #writer = new AttributeWriter()

  /** Goes through the messages in `length` bytes at `offset`. */
  run(socket: SimSocket, memory: Memory, offset: number, length: number, handler: RequestHandler): void {
    const request = this.#request
    const end = offset + length
    let position = offset
    while (end - position >= MESSAGE_HEADER_LENGTH) {
      if (!isWhole(memory, position, end)) return
      request.aim(socket, memory, position)
      const { flags, type } = request
      const handled = (flags & MessageFlag.Request) !== 0 && type >= MINIMUM_MESSAGE_TYPE
      const result = handled ? handler(request) : 0
      if (result !== SUPPRESS_ACK && (result !== 0 || (flags & MessageFlag.Acknowledge) !== 0)) {
        this.acknowledge(request, result)
      }
      position += align4(request.length)
    }
  }

  /** Answers only the first message, with `errno` (negative), for a send that is refused as a whole. */
  refuse(socket: SimSocket, memory: Memory, offset: number, length: number, errno: number): void {
    if (length < MESSAGE_HEADER_LENGTH || !isWhole(memory, offset, offset + length)) return
    this.#request.aim(socket, memory, offset)
    this.acknowledge(this.#request, errno)
  }

  /** Sends the answer to `request`: an acknowledgement for 0, an error for a negative errno. */
  acknowledge(request: KernelRequest, errno: number): void {
    const { socket, details } = request
    const { extendedAck, cappedAck, portId } = socket.settings
    const capped = errno === 0 || cappedAck
    const repeated = capped ? MESSAGE_HEADER_LENGTH : align4(request.length)
    const start = MESSAGE_HEADER_LENGTH + 4 + repeated
    const told = extendedAck ? detailsLength(details, errno) : 0
    const { receiver } = socket
    if (!receiver.allocate(start + told)) return
    const { memory, offset } = receiver
    const word = offset >> 2
    memory.u16[(offset + 4) >> 1] = ControlType.Error
    memory.u16[(offset + 6) >> 1] = (capped ? AcknowledgeFlag.Capped : 0) | (told > 0 ? AcknowledgeFlag.Attributes : 0)
    memory.u32[word + 2] = request.sequence
    memory.u32[word + 3] = portId
    memory.i32[word + 4] = errno
    const bytes = capped ? MESSAGE_HEADER_LENGTH : request.length
    memory.u8.set(request.memory.u8.subarray(request.offset, request.offset + bytes), offset + 20)
    memory.u8.fill(0, offset + 20 + bytes, offset + start)
    let end = offset + start
    if (told > 0) {
      this.#writer.wrap(memory, end, end + told)
      writeDetails(this.#writer, details, errno)
      end = this.#writer.position
    }
    memory.u32[word] = end - offset
    receiver.deliver(end - offset, 0, 0, 0)
  }
}

/** The attributes of an extended ack; `undefined` when there is nothing to tell. */
export function encodeDetails(details: AckDetails, errno: number): Uint8Array | undefined {
  const length = detailsLength(details, errno)
  if (length === 0) return undefined
  const memory = new Memory(length)
  const writer = new AttributeWriter().wrap(memory, 0, length)
  writeDetails(writer, details, errno)
  return memory.copy(0, writer.position)
}

function isWhole(memory: Memory, offset: number, end: number): boolean {
  const length = memory.u32[offset >> 2] as number
  return length >= MESSAGE_HEADER_LENGTH && length <= end - offset
}

/** Bytes of the extended ack; more than are needed for the policy, as in the kernel. */
function detailsLength({ message, badAttribute, policy, missingType }: AckDetails, errno: number): number {
  let length = message === undefined ? 0 : 4 + align4(message.length + 1)
  if (errno === 0) return length
  if (badAttribute >= 0) length += 8
  if (policy !== undefined) length += 64
  if (missingType >= 0) length += 8
  return length
}

function writeDetails(writer: AttributeWriter, details: AckDetails, errno: number): void {
  const { message, badAttribute, policy, missingType } = details
  if (message !== undefined) writer.bytes(NLMSGERR_ATTR.message, encoder.encode(`${message}\0`))
  if (errno === 0) return
  if (badAttribute >= 0) putWord(writer, NLMSGERR_ATTR.offset, badAttribute)
  if (policy !== undefined) writePolicy(writer, policy)
  if (missingType >= 0) putWord(writer, NLMSGERR_ATTR.missingType, missingType)
}

function writePolicy(writer: AttributeWriter, policy: AttributePolicy | ReportedRule): void {
  if (policy.kind === 'rule') {
    writeAttributes(writer, extendedAckAttributes, { policy: reportRule(policy.rule) })
    return
  }
  const { kind } = policy
  if (kind === 'bytes' || kind === 'small' || kind === 'flags' || kind === 'rejected') return
  const nest = writer.beginNest(NLMSGERR_ATTR.policy)
  if (policy.kind === 'text' || policy.kind === 'name' || policy.kind === 'binary') {
    if (policy.maximum !== undefined) putWord(writer, POLICY_ATTR.longest, policy.maximum)
  } else if (policy.kind !== 'nested') {
    putLong(writer, POLICY_ATTR.minimum, 0n)
    putLong(writer, POLICY_ATTR.maximum, policyMaximum[policy.kind])
  }
  putWord(writer, POLICY_ATTR.type, policyType[policy.kind])
  writer.endNest(nest)
}

function putWord(writer: AttributeWriter, type: number, value: number): void {
  writer.memory.u32[writer.reserve(type, 4) >> 2] = value
}

function putLong(writer: AttributeWriter, type: number, value: bigint): void {
  const at = writer.reserve(type, 8) >> 2
  // Host order: the word that comes first is the lower one on a little-endian machine, the higher one on the other.
  const low = Number(value & 0xffffffffn)
  const words = new Uint32Array(new BigUint64Array([value]).buffer)
  writer.memory.u32[at] = words[0] ?? low
  writer.memory.u32[at + 1] = words[1] ?? 0
}
