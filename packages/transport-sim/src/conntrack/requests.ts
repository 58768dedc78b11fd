/** Requests to the subsystem of connections (nf_conntrack_netlink), with the answers of Linux 6.18. */
import {
  ConntrackEventBit,
  ConntrackMessage,
  ConntrackStatus,
  Errno,
  GetFlag,
  MessageFlag,
  NewFlag,
} from '@ringlink/codec'
import { type MessagePolicy, nested, u16, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import { type KernelRequest, SUPPRESS_ACK } from '../netlink/request.ts'
import { sendNfnetlinkReply } from '../netlink/row-answers.ts'
import { RowDump } from '../netlink/row-dump.ts'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import type { SubsystemMessage } from '../nfnetlink/subsystem.ts'
import { CTA, STATS, STATS_GLOBAL } from './attributes.ts'
import { changeConnection, changeLabels } from './change.ts'
import type { Connection } from './connection.ts'
import { createConnection } from './create.ts'
import { ConnectionWriter } from './describe.ts'
import { type ConnectionFilter, needsFilter, parseFilter } from './filter.ts'
import { type ParsedTuple, parseTuple, parseZone } from './parse.ts'
import type { Reporter } from './reporter.ts'
import type { ConntrackStatistics } from './statistics.ts'
import type { ConntrackTable, FoundConnection } from './table.ts'

const labels = { kind: 'binary', maximum: 16 } as const

/** CTA_*, by number: what a request may have of each. */
export const connectionPolicy: MessagePolicy = [
  undefined,
  nested,
  nested,
  u32,
  nested,
  nested,
  nested,
  u32,
  u32,
  undefined,
  undefined,
  undefined,
  u32,
  nested,
  nested,
  nested,
  nested,
  undefined,
  u16,
  undefined,
  undefined,
  u32,
  labels,
  labels,
  undefined,
  nested,
  u32,
  { kind: 'rejected' },
]
/** Sends the events of a connection that a request has changed, for any change. */
const CHANGED =
  (1 << ConntrackEventBit.Reply) |
  (1 << ConntrackEventBit.Assured) |
  (1 << ConntrackEventBit.Helper) |
  (1 << ConntrackEventBit.ProtocolInformation) |
  (1 << ConntrackEventBit.SequenceAdjustment) |
  (1 << ConntrackEventBit.Mark) |
  (1 << ConntrackEventBit.Synproxy)

/** The messages of the subsystem, by the lower byte of their type. */
export function connectionMessages(table: ConntrackTable): readonly SubsystemMessage[] {
  const requests = new ConnectionRequests(table)
  const withAttributes = (call: SubsystemMessage['call']) => ({ policy: connectionPolicy, call })
  const bare = (call: SubsystemMessage['call']) => ({ policy: [], call })
  return [
    withAttributes((...args) => requests.create(...args)),
    withAttributes((...args) => requests.get(...args)),
    withAttributes((...args) => requests.delete(...args)),
    withAttributes((...args) => requests.get(...args)),
    bare((request) => requests.processorStatistics(request)),
    bare((request) => requests.statistics(request)),
    bare((request) => requests.emptyList(request)),
    bare((request) => requests.emptyList(request)),
  ]
}

export function isDump({ flags }: KernelRequest): boolean {
  return (flags & GetFlag.Dump) !== 0
}

export function familyOf({ memory, offset }: KernelRequest): number {
  return memory.u8[offset + 16] as number
}

export function reporterOf({ socket, flags }: KernelRequest): Reporter {
  return { portId: socket.portId, echo: (flags & MessageFlag.Echo) !== 0 }
}

/** Sends an answer to the one who asked. */
export function answer({ socket }: KernelRequest, message: Uint8Array): number {
  return sendNfnetlinkReply(socket, message, Math.max(message.length, ANSWER_SIZE))
}

/** What is left of a page for messages (`NLMSG_DEFAULT_SIZE`) with their header. */
const ANSWER_SIZE = 3776

/**
 * A row of counters for each processor, all of which but the first have counted nothing; `counters` are attributes by
 * name.
 */
export function dumpProcessors(
  request: KernelRequest,
  { statistics, settings }: ConntrackTable,
  reply: ReplyWriter,
  type: number,
  counters: Readonly<Partial<Record<keyof ConntrackStatistics, number>>>,
): number {
  if (!isDump(request)) return 0
  const { sequence, socket } = request
  const { portId } = socket
  const rows = Array.from({ length: settings.processors }, (_, processor) => () => {
    reply.begin({ type, flags: MessageFlag.Multipart, sequence, portId, family: 0, resourceId: processor })
    for (const [name, number] of Object.entries(counters)) {
      reply.be32(number, processor === 0 ? statistics[name as keyof ConntrackStatistics] : 0)
    }
    return reply.end()
  })
  return dump(request, rows)
}

/** Begins a dump of rows; each is written when its turn comes. */
export function dump(request: KernelRequest, rows: readonly (() => Uint8Array | undefined)[], endFlags = 0): number {
  const { socket, sequence } = request
  if (socket.dump !== undefined) return -Errno.EBUSY
  socket.dump = new RowDump({ generation: 0, flags: endFlags, row: (index) => rows[index] }, socket, sequence)
  return socket.dump.next() ? SUPPRESS_ACK : -Errno.ENOBUFS
}

class ConnectionRequests {
  #table: ConntrackTable
  #reply = new ReplyWriter()
  #writer: ConnectionWriter

  constructor(table: ConntrackTable) {
    this.#table = table
    this.#writer = new ConnectionWriter(this.#reply, () => table.now)
  }

  /** IPCTNL_MSG_CT_NEW: a new connection, or changes of one that is there. */
  create(request: KernelRequest, attributes: AttributeTable): number {
    const table = this.#table
    const family = familyOf(request)
    let zone = parseZone(attributes, CTA.zone)
    const parsed: { original?: ParsedTuple; reply?: ParsedTuple } = {}
    for (const [name, number] of [
      ['original', CTA.original],
      ['reply', CTA.reply],
    ] as const) {
      if (!attributes.has(number)) continue
      const tuple = parseTuple(attributes, number, { family, zone, isReply: number === CTA.reply })
      if (typeof tuple === 'number') return tuple
      parsed[name] = tuple
      zone = tuple.zone
    }
    const { original, reply } = parsed
    const named = original ?? reply
    const found = named === undefined ? undefined : table.find(named.tuple, zone)
    if (found !== undefined) return this.#change(request, attributes, found.connection)
    if ((request.flags & NewFlag.Create) === 0) return -Errno.ENOENT
    if (original === undefined || reply === undefined) return -Errno.EINVAL
    if (original.tuple.protocol !== reply.tuple.protocol) return -Errno.EINVAL
    const made = createConnection(table, attributes, original.tuple, reply.tuple, zone)
    if (typeof made === 'number') return made
    let events =
      CHANGED | (1 << (made.has(ConntrackStatus.Expected) ? ConntrackEventBit.Related : ConntrackEventBit.New))
    if (attributes.has(CTA.labels) && changeLabels(table, made, attributes) === 0)
      events |= 1 << ConntrackEventBit.Label
    this.#report(made, events, request)
    table.release(made)
    return 0
  }

  #change(request: KernelRequest, attributes: AttributeTable, connection: Connection): number {
    if ((request.flags & NewFlag.Exclusive) !== 0) return -Errno.EEXIST
    const errno = changeConnection(this.#table, connection, attributes)
    if (errno === 0) this.#report(connection, CHANGED | (1 << ConntrackEventBit.Label), request)
    return errno
  }

  #report(connection: Connection, events: number, request: KernelRequest): void {
    this.#table.reports.connection(connection, events, reporterOf(request))
  }

  /** IPCTNL_MSG_CT_GET, and the one that also zeroes counters. */
  get(request: KernelRequest, attributes: AttributeTable): number {
    const family = familyOf(request)
    const zeroes = request.type === ConntrackMessage.GetAndZeroCounters
    if (isDump(request)) return this.#dump(request, attributes, family, zeroes)
    const found = this.#find(attributes, family)
    if (typeof found === 'number') return found
    const { connection } = found
    // The request holds the connection that it describes.
    connection.references++
    const message = this.#row(request, connection, zeroes, 0)
    connection.references--
    return answer(request, message)
  }

  #dump(request: KernelRequest, attributes: AttributeTable, family: number, zeroes: boolean): number {
    if (request.socket.dump !== undefined) return -Errno.EBUSY
    const { settings } = this.#table
    let filter: ConnectionFilter | undefined
    if (needsFilter(family, attributes, settings)) {
      const parsed = parseFilter(family, attributes, settings)
      if (typeof parsed === 'number') return parsed
      filter = parsed
    }
    const flags = filter === undefined ? 0 : MessageFlag.DumpFiltered
    const { sequence, socket } = request
    const rows = [...this.#table.connections].map((connection) => () => {
      if (connection.isDying || connection.timeout <= this.#table.now) return undefined
      return filter?.(connection) === false ? undefined : this.#row({ sequence, socket }, connection, zeroes, flags)
    })
    return dump(request, rows, settings.filteredDone ? flags : 0)
  }

  #row(
    { sequence, socket }: Pick<KernelRequest, 'sequence' | 'socket'>,
    connection: Connection,
    zeroes: boolean,
    flags: number,
  ): Uint8Array {
    this.#reply.begin({
      type: ConntrackMessage.New,
      flags: flags | MessageFlag.Multipart,
      sequence,
      portId: socket.portId,
      family: connection.family,
      resourceId: 0,
    })
    this.#writer.row(connection, zeroes)
    return this.#reply.end()
  }

  /** The connection that a request names by one of its tuples; or a negative errno. */
  #find(attributes: AttributeTable, family: number): FoundConnection | number {
    const zone = parseZone(attributes, CTA.zone)
    const number = attributes.has(CTA.original) ? CTA.original : CTA.reply
    if (!attributes.has(number)) return -Errno.EINVAL
    const parsed = parseTuple(attributes, number, { family, zone, isReply: number === CTA.reply })
    if (typeof parsed === 'number') return parsed
    return this.#table.find(parsed.tuple, parsed.zone) ?? -Errno.ENOENT
  }

  /** IPCTNL_MSG_CT_DELETE: one connection, or all that a filter lets through. */
  delete(request: KernelRequest, attributes: AttributeTable): number {
    const family = familyOf(request)
    if (!attributes.has(CTA.original) && !attributes.has(CTA.reply)) return this.#flush(request, attributes, family)
    const found = this.#find(attributes, family)
    if (typeof found === 'number') return found
    const { connection } = found
    if (connection.has(ConntrackStatus.Offload)) return -Errno.EBUSY
    if (attributes.has(CTA.id) && attributes.be32(CTA.id) !== connection.id) return -Errno.ENOENT
    this.#table.delete(connection, reporterOf(request))
    return 0
  }

  #flush(request: KernelRequest, attributes: AttributeTable, family: number): number {
    const { settings } = this.#table
    // In old requests, without a version and without a filter, the family of a flush never counted.
    const hasVersion = request.memory.u8[request.offset + 17] !== 0
    if (!settings.flushFilters && attributes.has(CTA.filter)) return -Errno.EOPNOTSUPP
    const counted = hasVersion || attributes.has(CTA.filter) ? family : 0
    let filter: ConnectionFilter = () => true
    if (needsFilter(counted, attributes, settings)) {
      const parsed = parseFilter(counted, attributes, settings)
      if (typeof parsed === 'number') return parsed
      filter = parsed
    }
    const reporter = reporterOf(request)
    for (const connection of [...this.#table.connections]) {
      if (!connection.has(ConntrackStatus.Offload) && filter(connection)) this.#table.delete(connection, reporter)
    }
    return 0
  }

  /** IPCTNL_MSG_CT_GET_STATS_CPU */
  processorStatistics(request: KernelRequest): number {
    return dumpProcessors(request, this.#table, this.#reply, ConntrackMessage.GetProcessorStatistics, STATS)
  }

  /** IPCTNL_MSG_CT_GET_STATS */
  statistics(request: KernelRequest): number {
    const { count, settings } = this.#table
    this.#reply.begin({
      type: ConntrackMessage.GetStatistics,
      flags: MessageFlag.Multipart,
      sequence: request.sequence,
      portId: request.socket.portId,
      family: 0,
      resourceId: 0,
    })
    this.#reply.be32(STATS_GLOBAL.entries, count)
    this.#reply.be32(STATS_GLOBAL.maximum, settings.maximum)
    return answer(request, this.#reply.end())
  }

  /** The lists of connections that are dying or unconfirmed: dumps without rows, and nothing else. */
  emptyList(request: KernelRequest): number {
    return isDump(request) ? dump(request, []) : -Errno.EOPNOTSUPP
  }
}
