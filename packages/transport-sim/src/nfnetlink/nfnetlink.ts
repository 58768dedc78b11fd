import { BatchMessage, Errno, MESSAGE_HEADER_LENGTH, type Memory } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES } from '@ringlink/codec/internal'
import { Dispatcher } from '../netlink/dispatch.ts'
import { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { BatchReceiver, type BatchSubsystem } from './batch.ts'
import type { SubsystemMessage } from './subsystem.ts'

interface RegisteredMessage extends SubsystemMessage {
  readonly table: AttributeTable
}

/** The netfilter protocol: checks the sender's privilege and hands messages to the subsystem that their type names. */
export class Nfnetlink {
  #subsystems = new Map<number, readonly RegisteredMessage[]>()
  #dispatcher = new Dispatcher()
  #batches: BatchReceiver
  #handle = (request: KernelRequest): number => this.#receive(request)

  /**
   * @param subsystem executes the batches; `undefined`: a kernel without nf_tables
   * @param batchPanics a batch for a subsystem that is missing panics
   */
  constructor(subsystem: BatchSubsystem | undefined, batchPanics: boolean) {
    this.#batches = new BatchReceiver(this.#dispatcher, subsystem, batchPanics)
  }

  /** Registers the messages of a subsystem, by the lower byte of their type. */
  register(subsystem: number, messages: readonly SubsystemMessage[]): void {
    this.#subsystems.set(
      subsystem,
      messages.map((message) => ({ ...message, table: AttributeTable.of(message.policy) })),
    )
  }

  /** Processes one send of a socket. */
  send(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    if (!socket.settings.privileged) {
      this.#dispatcher.refuse(socket, memory, offset, length, -Errno.EPERM)
    } else if (length >= MESSAGE_HEADER_LENGTH && memory.u16[(offset + 4) >> 1] === BatchMessage.Begin) {
      this.#batches.receive(socket, memory, offset, length)
    } else {
      this.#dispatcher.run(socket, memory, offset, length, this.#handle)
    }
  }

  #receive(request: KernelRequest): number {
    if (request.length < NFNETLINK_ATTRIBUTES) return 0
    const messages = this.#subsystems.get(request.type >> 8)
    const message = messages?.[request.type & 0xff]
    if (message === undefined) return -Errno.EINVAL
    const { table, policy, call } = message
    const error = table.parse(request, NFNETLINK_ATTRIBUTES, policy)
    return error !== 0 ? error : call(request, table)
  }
}
