import { BatchMessage, Errno, MESSAGE_HEADER_LENGTH, type Memory, NFNETLINK_ATTRIBUTES } from '@ringlink/codec'
import { Dispatcher } from '../netlink/dispatch.ts'
import { AttributeTable, type MessagePolicy } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { SimSocket } from '../netlink/socket.ts'
import type { NfTables } from '../nftables/subsystem.ts'
import { BatchReceiver } from './batch.ts'

/** ENOTSUPP, which the kernel lets out although user space has no name for it. */
export const ENOTSUPP = 524

/** One message type of a subsystem. */
export interface SubsystemMessage {
  /** the highest attribute number that it knows */
  readonly attributes: number
  readonly policy: MessagePolicy
  /** 0 or a negative errno */
  readonly call: (request: KernelRequest, attributes: AttributeTable) => number
}

interface RegisteredMessage extends SubsystemMessage {
  readonly table: AttributeTable
}

/** The netfilter protocol: checks the sender's privilege and hands messages to the subsystem that their type names. */
export class Nfnetlink {
  #subsystems = new Map<number, readonly RegisteredMessage[]>()
  #dispatcher = new Dispatcher()
  #batches: BatchReceiver
  #handle = (request: KernelRequest): number => this.#receive(request)

  /** @param tables takes the batches; left out: a kernel without nf_tables */
  constructor(tables: NfTables | undefined) {
    this.#batches = new BatchReceiver(this.#dispatcher, tables)
  }

  /** Registers the messages of a subsystem, by the lower byte of their type. */
  register(subsystem: number, messages: readonly SubsystemMessage[]): void {
    this.#subsystems.set(
      subsystem,
      messages.map((message) => ({ ...message, table: new AttributeTable(message.attributes) })),
    )
  }

  /** Takes one send of a socket. */
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

/** A message type that goes from the kernel to user space only. */
export const unsupportedMessage = (attributes: number): SubsystemMessage => ({
  attributes,
  policy: [],
  call: () => -ENOTSUPP,
})
