/** A batch of nfnetlink: all of its messages are applied, or none; the answers come at its end. */
import {
  align4,
  BatchMessage,
  batchAttributes,
  Errno,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  MessageFlag,
  MINIMUM_MESSAGE_TYPE,
  Subsystem,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import { type MessagePolicy, policyOf, u32 } from '../netlink/attribute-policy.ts'
import type { Dispatcher } from '../netlink/dispatch.ts'
import { AttributeTable } from '../netlink/policy.ts'
import { KernelRequest } from '../netlink/request.ts'
import type { SimSocket } from '../netlink/socket.ts'

/** NFNL_SUBSYS_COUNT */
const SUBSYSTEMS = 13
/** ERESTART */
const ERESTART = 85
const GENERATION = batchAttributes.members.generation.number
const batchPolicy: MessagePolicy = policyOf(batchAttributes, { generation: u32 })

/** One attempt to execute a batch: nothing of it is visible to packets before {@link commit}. */
export interface BatchAttempt {
  /** Executes one message; 0 or a negative errno: `-EAGAIN` where the whole batch is to be attempted again. */
  perform(request: KernelRequest): number
  /** 0, `-EAGAIN` to attempt the batch again with rules validated one by one, or another negative errno. */
  commit(sequence: number): number
  /** Undoes what was performed. */
  abort(): void
}

/** A subsystem that takes batches: `nfnetlink_subsystem` with `commit` and `abort`. */
export interface BatchSubsystem {
  /** changes with every batch that changes something; never 0 */
  readonly generation: number
  /** Begin and End are acknowledged, if they ask for it */
  readonly acknowledgesEnds: boolean
  /**
   * @param validateAtOnce validate each rule as soon as it is made
   * @param requested names of modules that this batch has looked for
   */
  begin(portId: number, validateAtOnce: boolean, requested: Set<string>): BatchAttempt
}

/** A message to answer, and its answer. */
interface Answer {
  readonly request: KernelRequest
  readonly errno: number
}

/** Processes sends that begin with NFNL_MSG_BATCH_BEGIN. */
export class BatchReceiver {
  #dispatcher: Dispatcher
  #subsystem: BatchSubsystem | undefined
  #panics: boolean

  /**
   * @param subsystem `undefined`: a kernel without nf_tables
   * @param panics for a subsystem that is missing
   */
  constructor(dispatcher: Dispatcher, subsystem: BatchSubsystem | undefined, panics: boolean) {
    this.#dispatcher = dispatcher
    this.#subsystem = subsystem
    this.#panics = panics
  }

  receive(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    if (length < NFNETLINK_ATTRIBUTES) return
    const begin = aim(socket, memory, offset)
    if (begin.length < MESSAGE_HEADER_LENGTH || begin.length > length) return
    const attributes = AttributeTable.of(batchPolicy)
    const refused = attributes.parseRange(memory, offset + NFNETLINK_ATTRIBUTES, offset + begin.length, batchPolicy)
    if (refused !== undefined) {
      this.#dispatcher.acknowledge(begin, -refused.errno)
      return
    }
    const subsystem = subsystemOf(memory, offset)
    const generation = attributes.has(GENERATION) ? attributes.be32(GENERATION) : 0
    const errno = this.#check(subsystem, generation)
    if (errno !== 0) this.#dispatcher.acknowledge(begin, errno)
    else new BatchRun(this.#dispatcher, this.#subsystem as BatchSubsystem, begin, offset + length).run()
  }

  #check(subsystem: number, generation: number): number {
    if (subsystem >= SUBSYSTEMS) return -Errno.EINVAL
    if (subsystem !== Subsystem.NfTables || this.#subsystem === undefined) {
      if (this.#panics) throw new Error('kernel panic: NULL pointer dereference in nfnetlink_rcv_batch')
      return -Errno.EOPNOTSUPP
    }
    return generation !== 0 && generation !== this.#subsystem.generation ? -ERESTART : 0
  }
}

/** Old versions of nft wrote the number in host order, which the kernel puts up with. */
function subsystemOf(memory: Memory, offset: number): number {
  const inHostOrder = memory.u16[(offset + 18) >> 1] as number
  return inHostOrder === Subsystem.NfTables ? inHostOrder : memory.data.getUint16(offset + 18)
}

function aim(socket: SimSocket, memory: Memory, offset: number): KernelRequest {
  const request = new KernelRequest()
  request.aim(socket, memory, offset)
  return request
}

class BatchRun {
  #dispatcher: Dispatcher
  #subsystem: BatchSubsystem
  #begin: KernelRequest
  #end: number
  #answers: Answer[] = []
  #failed = false
  #requested = new Set<string>()
  #isInterrupted = false

  constructor(dispatcher: Dispatcher, subsystem: BatchSubsystem, begin: KernelRequest, end: number) {
    this.#dispatcher = dispatcher
    this.#subsystem = subsystem
    this.#begin = begin
    this.#end = end
  }

  run(): void {
    // Rules that make a loop are found at the end only; then all begins again, with a look at each.
    let validateAtOnce = false
    while (!this.#attempt(validateAtOnce)) if (!this.#isInterrupted) validateAtOnce = true
    for (const { request, errno } of this.#answers) this.#dispatcher.acknowledge(request, errno)
  }

  /** Returns false if it must be tried again: with a check of each rule, unless it was interrupted. */
  #attempt(validateAtOnce: boolean): boolean {
    const attempt = this.#subsystem.begin(this.#begin.socket.portId, validateAtOnce, this.#requested)
    this.#answers = []
    this.#failed = false
    this.#isInterrupted = false
    this.#acknowledgeEnd(this.#begin)
    const last = this.#go(attempt)
    if (this.#isInterrupted) {
      attempt.abort()
      return false
    }
    if (last === undefined || this.#failed) {
      attempt.abort()
      return true
    }
    const errno = attempt.commit(last.sequence)
    if (errno === -Errno.EAGAIN) {
      attempt.abort()
      return false
    }
    if (errno !== 0) {
      attempt.abort()
      this.#dispatcher.acknowledge(this.#first(), errno)
    } else {
      this.#acknowledgeEnd(last)
    }
    return true
  }

  /** Begin or End. */
  #acknowledgeEnd(request: KernelRequest): void {
    const isAsked = (request.flags & MessageFlag.Acknowledge) !== 0
    if (isAsked && this.#subsystem.acknowledgesEnds) this.#answers.push({ request, errno: 0 })
  }

  /** The message after Begin, which the kernel answers for the whole batch. */
  #first(): KernelRequest {
    const { socket, memory, offset, length } = this.#begin
    return aim(socket, memory, offset + align4(length))
  }

  /** Goes through the messages; the one that ends the batch, if there is one. */
  #go(attempt: BatchAttempt): KernelRequest | undefined {
    const { memory, socket } = this.#begin
    let position = this.#begin.offset + align4(this.#begin.length)
    while (this.#end - position >= MESSAGE_HEADER_LENGTH) {
      const request = aim(socket, memory, position)
      const isWhole = request.length <= this.#end - position && request.length >= NFNETLINK_ATTRIBUTES
      if (!isWhole || (isRequest(request) && request.type === BatchMessage.Begin)) {
        this.#answers = []
        return undefined
      }
      if (isRequest(request) && request.type === BatchMessage.End) return request
      const errno = this.#perform(attempt, request)
      if (errno === -Errno.EAGAIN) {
        this.#isInterrupted = true
        return undefined
      }
      if (errno !== 0) this.#failed = true
      if (errno !== 0 || (request.flags & MessageFlag.Acknowledge) !== 0) this.#answers.push({ request, errno })
      position += align4(request.length)
    }
    return undefined
  }

  #perform(attempt: BatchAttempt, request: KernelRequest): number {
    if (!isRequest(request) || request.type < MINIMUM_MESSAGE_TYPE) return -Errno.EINVAL
    return attempt.perform(request)
  }
}

function isRequest({ flags }: KernelRequest): boolean {
  return (flags & MessageFlag.Request) !== 0
}
