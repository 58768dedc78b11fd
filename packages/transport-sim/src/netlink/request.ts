import { EMPTY_MEMORY } from '../empty.ts'
import type { AttributePolicy } from './attribute-policy.ts'
import type { AttributeRule } from './attribute-rules.ts'
import type { SimSocket } from './socket.ts'

/** A policy of the later kind, in an extended ack. */
export interface ReportedRule {
  readonly kind: 'rule'
  readonly rule: AttributeRule
}

/** The extended ack of an answer: `struct netlink_ext_ack`. */
export class AckDetails {
  message: string | undefined
  /** offset, from the start of the request, of the attribute at fault; -1: none */
  badAttribute = -1
  policy: AttributePolicy | ReportedRule | undefined
  /** the type of an attribute that must be there and is not; -1: none */
  missingType = -1

  get isEmpty(): boolean {
    return this.message === undefined && this.badAttribute < 0 && this.missingType < 0
  }

  clear(): void {
    this.message = undefined
    this.badAttribute = -1
    this.policy = undefined
    this.missingType = -1
  }
}

/** One message from user space, in place. The dispatcher re-aims it from message to message. */
export class KernelRequest {
  memory = EMPTY_MEMORY
  offset = 0
  length = 0
  type = 0
  flags = 0
  sequence = 0
  /** `nlmsg_flags` that all messages of the dump get which it starts */
  answerFlags = 0
  readonly details: AckDetails = new AckDetails()
  #socket: SimSocket | undefined

  aim(socket: SimSocket, memory: typeof EMPTY_MEMORY, offset: number): void {
    this.#socket = socket
    this.memory = memory
    this.offset = offset
    this.length = memory.u32[offset >> 2] as number
    this.type = memory.u16[(offset + 4) >> 1] as number
    this.flags = memory.u16[(offset + 6) >> 1] as number
    this.sequence = memory.u32[(offset + 8) >> 2] as number
    this.answerFlags = 0
    if (!this.details.isEmpty) this.details.clear()
  }

  /** the socket that sent it */
  get socket(): SimSocket {
    return this.#socket as SimSocket
  }
}

/** Answers a request: 0, or an errno (negative); {@link SUPPRESS_ACK} when the answer is given already. */
export type RequestHandler = (request: KernelRequest) => number

/** Returned by a handler whose request is not to be acknowledged, because its answer (a dump) follows by itself. */
export const SUPPRESS_ACK: number = Number.NEGATIVE_INFINITY
