import {
  type ConntrackGlobalStatistics,
  ConntrackMessage,
  type ConntrackProcessorStatistics,
  conntrackAttributes,
  conntrackGlobalAttributes,
  conntrackProcessorAttributes,
  ExpectationMessage,
  type ExpectationProcessorStatistics,
  expectationProcessorAttributes,
  isNetlinkError,
  type Message,
  messageResourceId,
  NetfilterGroup,
  nfnetlinkHeader,
  Protocol,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import type { OpenTransport, TransportNeeds } from '@ringlink/transport'
import { ClientError } from '../errors.ts'
import { openFor } from '../opening.ts'
import type { Request } from '../request.ts'
import { Session } from '../session.ts'
import { ConnectionBatch } from './batch.ts'
import { connectionOf } from './connection.ts'
import { changeValues, keyValues, newConnectionValues } from './encode.ts'
import { explainLabels, explainMissing, explainRefused, isGone, NO_HELPER, noRoomForLabels } from './errors.ts'
import { ConnectionEvents } from './events.ts'
import { Expectations } from './expectations.ts'
import { compileFilter, kernelFilter } from './filter.ts'
import type { ConntrackOptions, EventOptions, ListOptions } from './options.ts'
import { CREATE, connectionRequest, dumpConnections } from './requests.ts'
import {
  checkChanges,
  checkConnectionKey,
  checkConntrackOptions,
  checkEventOptions,
  checkFilter,
  checkListOptions,
  checkNewConnection,
  checkStatusChange,
} from './schema.ts'
import { compileSocketFilter } from './socket-filter.ts'
import type { Connection, ConnectionChanges, ConnectionFilter, ConnectionKey, NewConnection } from './types.ts'

/** Frame size in bytes for dumps: the kernel fills datagrams of this size. */
const FRAME_SIZE = 32_768
const DEFAULT_RECEIVE_BUFFER = 4 * 1024 * 1024
/**
 * What a transport of events needs, also for a program that passes its frames on: an event is one message of a few
 * hundred bytes.
 */
export const conntrackEventNeeds: TransportNeeds & { readonly receiveBufferSize: number } = {
  protocol: Protocol.Netfilter,
  frameSize: 4096,
  receiveBufferSize: 32 * 1024 * 1024,
}
/** Deletions in one datagram. */
const DELETIONS = 64

/** Counters of one processor. */
export interface ProcessorStatistics<Counters> {
  readonly processor: number
  readonly counters: Counters
}

/** Counters of connection tracking. */
export interface ConntrackStatistics {
  /** of the network namespace: current and maximum number of connections */
  readonly global: ConntrackGlobalStatistics
  /** of each processor; the set of counters depends on the kernel */
  readonly processors: readonly ProcessorStatistics<ConntrackProcessorStatistics>[]
  /** of each processor, on expected connections */
  readonly expectations: readonly ProcessorStatistics<ExpectationProcessorStatistics>[]
}

/**
 * The connections that the kernel tracks: list, get, create, update, delete, count and watch them.
 *
 * Every method checks its arguments before anything is sent, and rejects with an `OptionError` for invalid ones; with
 * `CONNECTION_GONE` or `CONNECTION_EXISTS` if the kernel reports that, `CONNTRACK_REFUSED` without the privilege,
 * `CONNTRACK_UNSUPPORTED` if the kernel lacks the feature, and otherwise as `Session` does.
 */
export class Conntrack implements AsyncDisposable {
  readonly session: Session
  readonly expectations: Expectations
  readonly #open: OpenTransport | undefined
  readonly #events = new Set<ConnectionEvents>()

  /** Called by {@link openConntrack}. */
  constructor(session: Session, open: OpenTransport | undefined) {
    this.session = session
    this.#open = open
    this.expectations = new Expectations(session)
  }

  /**
   * The connections that a filter selects, by default all, as owned values. The kernel's dump waits until the next one
   * is requested.
   */
  async *list(filter: ConnectionFilter = {}, options: ListOptions = {}): AsyncGenerator<Connection, void, undefined> {
    // Not by another generator: each costs a connection a promise.
    for await (const batch of this.listBatches(filter, options)) for (const view of batch) yield view.connection()
  }

  /** As {@link list}, without a copy and a promise for each: batches of views. */
  async *listBatches(
    filter: ConnectionFilter = {},
    given: ListOptions = {},
  ): AsyncGenerator<ConnectionBatch, void, undefined> {
    const { resetCounters = false, ...options } = checkListOptions(given)
    const compiled = compileFilter(checkFilter('list connections', filter))
    const type = resetCounters ? ConntrackMessage.GetAndZeroCounters : ConntrackMessage.Get
    const batch = new ConnectionBatch(compiled)
    try {
      for await (const rows of this.session.rowBatches(
        dumpConnections(compiled.family, kernelFilter(compiled), type),
        options,
      )) {
        batch.aim(rows, 0)
        yield batch
        batch.finish()
      }
    } catch (error) {
      throw explainRefused(error, 'list connections', 'connection')
    } finally {
      batch.finish()
    }
  }

  /** A connection. Rejects with code `CONNECTION_GONE` if it does not exist. */
  async get(key: ConnectionKey): Promise<Connection> {
    const { family, attributes } = keyValues(checkConnectionKey('get connection', key))
    const request = connectionRequest('get connection', ConntrackMessage.Get, family, attributes)
    const [message] = await this.#request(request)
    const found = connectionOf(readNfnetlinkAttributes((message as Message).view, conntrackAttributes))
    // For a get request the kernel uses only the tuple.
    if (key.id !== undefined && found.id !== key.id)
      throw new ClientError('CONNECTION_GONE', `${request.what}: another connection has its tuple now`)
    return found
  }

  /**
   * Creates a connection. Rejects with code `CONNECTION_EXISTS` if one of the tuples is in use, and with code
   * `CONNTRACK_UNSUPPORTED`, without a new connection, if there is no room for its labels.
   */
  async create(connection: NewConnection): Promise<void> {
    const { family, attributes } = newConnectionValues(checkNewConnection(connection))
    const request = connectionRequest('create connection', ConntrackMessage.New, family, attributes, CREATE)
    await this.#request(request, connection.helper === undefined ? undefined : NO_HELPER)
    if (attributes.labels?.some((byte) => byte !== 0) === true) await this.#checkLabels(connection)
  }

  /**
   * Changes a connection. Rejects with code `CONNECTION_GONE`, and with code `CONNTRACK_UNSUPPORTED` if there is no
   * room for its labels.
   */
  async update(key: ConnectionKey, changes: ConnectionChanges): Promise<void> {
    const { family, attributes } = keyValues(checkConnectionKey('update connection', key))
    const { id, ...named } = attributes
    const checked = checkChanges(changes, key)
    // The kernel changes the connection that has the tuple now, with any id, and refuses to clear a bit of its status.
    const found = id !== undefined || checked.status !== undefined ? await this.get(key) : undefined
    checkStatusChange(checked, found?.status ?? [])
    const values = { ...named, ...changeValues(checked, found?.attributes.status) }
    const request = connectionRequest('update connection', ConntrackMessage.New, family, values)
    try {
      await this.#request(request, checked.helper === undefined ? undefined : NO_HELPER)
    } catch (error) {
      throw checked.labels === undefined ? error : explainLabels(error, request.what)
    }
  }

  /** Removes a connection. Rejects with code `CONNECTION_GONE`. */
  async delete(key: ConnectionKey): Promise<void> {
    const { family, attributes } = keyValues(checkConnectionKey('delete connection', key))
    await this.#request(connectionRequest('delete connection', ConntrackMessage.Delete, family, attributes))
  }

  /**
   * Removes the connections that a filter selects, each by its id; without a filter all at once. Resolves to how many
   * were removed, without those that ended by themselves; `undefined` if the kernel removes all and does not count.
   */
  async flush(filter?: ConnectionFilter): Promise<number | undefined> {
    const checked = filter === undefined ? {} : checkFilter('flush connections', filter)
    if (Object.values(checked).every((value) => value === undefined)) {
      await this.#request(connectionRequest('flush connections', ConntrackMessage.Delete, 0))
      return undefined
    }
    const keys: Request[] = []
    for await (const batch of this.listBatches(checked))
      for (const view of batch) {
        const { original, zone, id } = view.attributes()
        const values = { original, zone, id }
        keys.push(connectionRequest('delete connection', ConntrackMessage.Delete, view.family, values))
      }
    let removed = 0
    while (keys.length > 0) {
      const results = await this.session.batch(keys.splice(0, DELETIONS), { what: 'flush connections' })
      for (const { error } of results) {
        if (error === undefined) removed++
        else if (!isGone(error)) throw explainRefused(error, 'flush connections', 'connection')
      }
    }
    return removed
  }

  /** The number of connections. */
  async count(): Promise<number> {
    return (await this.#global()).entries ?? 0
  }

  /** The kernel's counters. */
  async statistics(): Promise<ConntrackStatistics> {
    const what = 'read statistics'
    const header = nfnetlinkHeader(0, 0)
    const global = await this.#global()
    const processors = await this.session.dump({ what, type: ConntrackMessage.GetProcessorStatistics, header })
    const expectations = await this.session.dump({ what, type: ExpectationMessage.GetProcessorStatistics, header })
    return {
      global,
      processors: processors.map(({ view }) => ({
        processor: messageResourceId(view.memory, view.offset),
        counters: readNfnetlinkAttributes(view, conntrackProcessorAttributes),
      })),
      expectations: expectations.map(({ view }) => ({
        processor: messageResourceId(view.memory, view.offset),
        counters: readNfnetlinkAttributes(view, expectationProcessorAttributes),
      })),
    }
  }

  /** Watches connections: events from now on, on a separate socket if one can be opened. Close the result. */
  async events(given: EventOptions = {}): Promise<ConnectionEvents> {
    const options = checkEventOptions(given)
    const { new: began = true, update = true, destroy = true } = options
    const filter = compileFilter(options.filter ?? {})
    const groups = [
      ...(began ? [NetfilterGroup.ConntrackNew] : []),
      ...(update ? [NetfilterGroup.ConntrackUpdate] : []),
      ...(destroy ? [NetfilterGroup.ConntrackDestroy] : []),
    ]
    const session = await this.#openEvents(options, compileSocketFilter(filter))
    const close = async () => {
      this.#events.delete(events)
      if (session !== this.session) await session.close()
    }
    let events: ConnectionEvents
    try {
      const dump = dumpConnections(filter.family, kernelFilter(filter))
      events = new ConnectionEvents(session.subscribe(groups), { filter, lister: this.session, dump, close })
    } catch (error) {
      if (session !== this.session) await session.close()
      throw error
    }
    this.#events.add(events)
    return events
  }

  /** Closes the transport, and the events that are open. */
  async close(): Promise<void> {
    for (const events of [...this.#events]) await events.close()
    await this.session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #openEvents(
    { receiveBufferSize = conntrackEventNeeds.receiveBufferSize, signal }: EventOptions,
    socketFilter: TransportNeeds['socketFilter'],
  ): Promise<Session> {
    if (this.#open === undefined || this.session.transport.capabilities.receiveOnly === true) return this.session
    const needs = { ...conntrackEventNeeds, receiveBufferSize, socketFilter }
    return new Session(await openFor({ operation: 'watch connections', signal }, this.#open, needs))
  }

  async #global(): Promise<ConntrackGlobalStatistics> {
    const what = 'count connections'
    const header = nfnetlinkHeader(0, 0)
    const [message] = await this.session.request({ what, type: ConntrackMessage.GetStatistics, header })
    return readNfnetlinkAttributes((message as Message).view, conntrackGlobalAttributes)
  }

  /** Removes a new connection whose labels the kernel did not store: it does not report that. */
  async #checkLabels({ original, zone }: NewConnection): Promise<void> {
    try {
      const found = await this.get({ original, zone })
      if (found.labels !== undefined) return
      await this.delete(found)
    } catch (error) {
      if (!isNetlinkError(error, 'CONNECTION_GONE')) throw error
      return
    }
    throw noRoomForLabels('create connection')
  }

  async #request(request: Request, unsupported?: string): Promise<Message[]> {
    try {
      return await this.session.request(request)
    } catch (error) {
      throw explainRefused(error, request.what, 'connection', unsupported)
    }
  }

  /** Checks whether the kernel tracks connections for this program. */
  async probe(): Promise<void> {
    try {
      await this.#global()
    } catch (error) {
      throw explainMissing(error, 'open conntrack')
    }
  }
}

/**
 * Opens connection tracking. Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid option, before anything is opened: an `OptionError`
 * - `CONNTRACK_REFUSED` without CAP_NET_ADMIN in the network namespace
 * - `CONNTRACK_UNSUPPORTED` if the kernel does not track connections, or not over netlink
 * - the signal's reason, and any error of the transport
 */
export async function openConntrack(given: ConntrackOptions): Promise<Conntrack> {
  const { transport: source, receiveBufferSize, requestTimeout, signal } = checkConntrackOptions(given)
  const needs: TransportNeeds = {
    protocol: Protocol.Netfilter,
    frameSize: FRAME_SIZE,
    receiveBufferSize: receiveBufferSize ?? DEFAULT_RECEIVE_BUFFER,
  }
  const transport = await openFor({ operation: 'open conntrack', signal }, source, needs)
  const session = new Session(transport, { requestTimeout })
  const conntrack = new Conntrack(session, typeof source === 'function' ? source : undefined)
  try {
    // Events of other machines come without any request.
    if (transport.capabilities.receiveOnly !== true) await conntrack.probe()
    signal?.throwIfAborted()
    return conntrack
  } catch (error) {
    await conntrack.close()
    throw error
  }
}
