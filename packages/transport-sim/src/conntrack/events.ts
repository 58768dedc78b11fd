/** Events of connections and expected ones: messages to the groups NFNLGRP_CONNTRACK_*. */
import { ConntrackEventBit, ConntrackMessage, ExpectationMessage, NewFlag } from '@ringlink/codec'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import type { Connection, Expectation } from './connection.ts'
import { ConnectionWriter } from './describe.ts'
import type { Reporter } from './reporter.ts'

/** NFNLGRP_CONNTRACK_* */
const Group = { new: 1, update: 2, destroy: 3, expectationNew: 4, expectationDestroy: 6 } as const
/** IPEXP_* */
const ExpectationEvent = { New: 0, Destroy: 1 } as const

/** Where events are sent to. */
export interface EventNetwork {
  hasListeners(group: number): boolean
  /** Sends to the members of a group, except the socket `except`. `size`: bytes to allocate for the message. */
  multicast(group: number, message: Uint8Array, size: number, except: number): void
  unicast(portId: number, message: Uint8Array, size: number): void
}

/** Writes events and sends them. */
export class ConntrackReports {
  #network: EventNetwork
  #reply = new ReplyWriter()
  #writer: ConnectionWriter

  /** @param now milliseconds */
  constructor(network: EventNetwork, now: () => number) {
    this.#network = network
    this.#writer = new ConnectionWriter(this.#reply, now)
  }

  /** Whether there is a listener for events of connections. */
  get hasListener(): boolean {
    const { new: created, update, destroy } = Group
    return [created, update, destroy].some((group) => this.#network.hasListeners(group))
  }

  /** Reports `events`, bits of `ConntrackEventBit`, as far as the connection has them. */
  connection(connection: Connection, events: number, reporter: Reporter): void {
    const { events: cache } = connection
    if (cache === undefined || (events & cache.mask) === 0) return
    const isOver = (events & (1 << ConntrackEventBit.Destroy)) !== 0
    const isNew = (events & ((1 << ConntrackEventBit.New) | (1 << ConntrackEventBit.Related))) !== 0
    const group = isOver ? Group.destroy : isNew ? Group.new : Group.update
    if (!reporter.echo && !this.#network.hasListeners(group)) return
    this.#reply.begin({
      type: isOver ? ConntrackMessage.Delete : ConntrackMessage.New,
      flags: !isOver && isNew ? NewFlag.Create | NewFlag.Exclusive : 0,
      sequence: 0,
      portId: reporter.portId,
      family: connection.family,
      resourceId: 0,
    })
    this.#writer.event(connection, events)
    this.#send(group, reporter, allocatedFor(connection))
  }

  /** Reports that a connection is expected, or no longer. */
  expectation(expectation: Expectation, isOver: boolean, reporter: Reporter): void {
    const { events } = expectation.master
    const event = isOver ? ExpectationEvent.Destroy : ExpectationEvent.New
    if (events === undefined || (events.expectationMask & (1 << event)) === 0) return
    const group = isOver ? Group.expectationDestroy : Group.expectationNew
    if (!reporter.echo && !this.#network.hasListeners(group)) return
    this.#reply.begin({
      type: isOver ? ExpectationMessage.Delete : ExpectationMessage.New,
      flags: isOver ? 0 : NewFlag.Create | NewFlag.Exclusive,
      sequence: 0,
      portId: reporter.portId,
      family: expectation.tuple.family,
      resourceId: 0,
    })
    this.#writer.expectation(expectation)
    this.#send(group, reporter, EXPECTATION_SIZE)
  }

  #send(group: number, { portId, echo }: Reporter, size: number): void {
    const message = this.#reply.end()
    this.#network.multicast(group, message, Math.max(size, message.length), echo ? portId : 0)
    if (echo) this.#network.unicast(portId, message, Math.max(size, message.length))
  }
}

/** What is left of a page for messages (`NLMSG_DEFAULT_SIZE`). */
const EXPECTATION_SIZE = 3776

// What the kernel allocates for the event of a connection: room for all attributes that there may be.
const FIXED_SIZE = 16 + 4 + 3 * 4 + 3 * 4 + 3 * 4 + 3 * 8 + 8 + 8 + 8 + 4 + 4 + 20 + 2 * 4 + 6 * 8 + 8 + 8
const ADDRESSES_SIZE = 3 * (8 + 8 + 20 + 20)
const COUNTERS_SIZE = 2 * 4 + 4 * 12
const TIMES_SIZE = 4 + 2 * 12
const LABELS_SIZE = 20
const PORTS_SIZE = 3 * 16
const TCP_SIZE = 32

/** Bytes that the kernel allocates for all that may be said of a connection. */
export function allocatedFor({ protocol, counters, times, labels }: Connection): number {
  let size = FIXED_SIZE + ADDRESSES_SIZE + PORTS_SIZE
  if (protocol === 6) size += TCP_SIZE
  if (counters !== undefined) size += COUNTERS_SIZE
  if (times !== undefined) size += TIMES_SIZE
  return labels === undefined ? size : size + LABELS_SIZE
}
