import {
  type AttributeSet,
  type AttributeValues,
  type Conntrack,
  ControlType,
  conntrackAttributes,
  ErrorView,
  Family,
  Memory,
  MessageFlag,
  MessageIterator,
  Protocol,
  readNfnetlinkAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import { SimKernel, type SimKernelOptions } from '../../src/index.ts'

/** A message of connection tracking: what it is, and of what. */
export interface TrackingMessage {
  readonly type: number
  readonly flags: number
  readonly connection: Conntrack
}

/** A kernel that tracks all packets. */
export const trackingKernel = ({ conntrack, ...others }: SimKernelOptions = {}): SimKernel =>
  new SimKernel({ ...others, conntrack: { track: 'always', ...conntrack } })

export const openNetfilter = (kernel: SimKernel, groups: readonly number[] = []): Transport =>
  kernel.open({ protocol: Protocol.Netfilter, groups })

/** Sends one message. */
export function send<Set extends AttributeSet>(
  { outbox }: Transport,
  type: number,
  flags: number,
  set: Set,
  attributes: AttributeValues<Set>,
  family: number = Family.Ipv4,
  resourceId = 0,
): void {
  const memory = new Memory(4096)
  const header = { type, flags: MessageFlag.Request | flags, sequence: 7, family, resourceId, attributes }
  const length = writeNfnetlinkMessage(memory, 0, 4096, set, header)
  const offset = outbox.reserve(length)
  outbox.memory.u8.set(memory.copy(0, length), offset)
  outbox.commit(length)
  outbox.flush()
}

/** What has come: messages about connections, and errnos of answers. */
export function received(transport: Transport): (TrackingMessage | number)[] {
  const messages: (TrackingMessage | number)[] = []
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
    for (let i = 0; i < batch.length; i++) {
      const memory = Memory.from(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
      const iterator = new MessageIterator().wrap(memory, 0, memory.byteLength)
      while (iterator.next()) {
        const { view } = iterator
        if (view.type === ControlType.Error) messages.push(new ErrorView().wrap(view).errno)
        if (view.type < 0x100) continue
        messages.push({
          type: view.type,
          flags: view.flags,
          connection: readNfnetlinkAttributes(view, conntrackAttributes),
        })
      }
    }
    batch.release()
  }
  return messages
}

/** The connections in what has come. */
export const connectionsOf = (transport: Transport): Conntrack[] =>
  received(transport).flatMap((it) => (typeof it === 'number' ? [] : [it.connection]))
