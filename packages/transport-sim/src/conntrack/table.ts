/** The table of connections: nf_conntrack_core without the way of packets. */
import { ConntrackDirection, ConntrackEventBit, ConntrackStatus } from '@ringlink/codec'
import type { VirtualClock } from '../clock.ts'
import { Connection, type EventCache, type HelperState, LABEL_BYTES } from './connection.ts'
import type { ConntrackReports } from './events.ts'
import { ExpectationTable } from './expectations.ts'
import { ExpiryQueue } from './expiry.ts'
import { NOBODY, type Reporter } from './reporter.ts'
import type { ConntrackSettings } from './settings.ts'
import { ConntrackStatistics } from './statistics.ts'
import type { TrackingHost } from './tracking.ts'
import { type Tuple, tupleKey, type Zone, zoneIdOf } from './tuple.ts'

/** A connection, and which of its directions a tuple is. */
export interface FoundConnection {
  readonly connection: Connection
  readonly direction: ConntrackDirection
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000
/** Longer times are cut to this (`INT_MAX` jiffies at 250 a second). */
const LONGEST = Math.floor(0x7fffffff / 250) * 1000
const ALL_EVENTS = 0xffff

/** All connections of a kernel. */
export class ConntrackTable implements TrackingHost {
  readonly settings: ConntrackSettings
  readonly statistics: ConntrackStatistics = new ConntrackStatistics()
  readonly expectations: ExpectationTable
  readonly reports: ConntrackReports
  /** connections that were confirmed, the oldest first */
  readonly connections: Set<Connection> = new Set()
  /** connections that are not confirmed count too */
  count = 0
  /** rules that set labels: while there are some, new connections have labels */
  labelUsers = 0
  #clock: VirtualClock
  #random: () => number
  #byKey = new Map<string, FoundConnection>()
  #expiry: ExpiryQueue

  constructor(settings: ConntrackSettings, clock: VirtualClock, random: () => number, reports: ConntrackReports) {
    this.settings = settings
    this.reports = reports
    this.#clock = clock
    this.#random = random
    this.#expiry = new ExpiryQueue(
      clock,
      (connection) => this.kill(connection),
      () => this.connections.size,
    )
    this.expectations = new ExpectationTable(settings, this.statistics, clock, random, reports)
  }

  get now(): number {
    return this.#clock.now
  }

  /** Nanoseconds since 1970, where the virtual clock begins. */
  readonly realTime = (): bigint => BigInt(Math.round(this.#clock.now * NANOSECONDS_PER_MILLISECOND))

  /** The connection that a tuple belongs to in a zone; one whose time is over is ended instead. */
  find(tuple: Tuple, zone: Zone): FoundConnection | undefined {
    const original = zoneIdOf(zone, ConntrackDirection.Original)
    const reply = zoneIdOf(zone, ConntrackDirection.Reply)
    const found = this.#findIn(tuple, zone, original)
    return found === undefined && reply !== original ? this.#findIn(tuple, zone, reply) : found
  }

  #findIn(tuple: Tuple, zone: Zone, zoneId: number): FoundConnection | undefined {
    const found = this.#byKey.get(tupleKey(tuple, zoneId))
    if (found === undefined || zoneIdOf(zone, found.direction) !== zoneId) return undefined
    if (found.connection.timeout > this.now) return found
    this.kill(found.connection)
    return undefined
  }

  /** A new connection that nobody finds yet; undefined where there are too many. */
  create(original: Tuple, reply: Tuple, zone: Zone): Connection | undefined {
    if (this.settings.maximum > 0 && this.count >= this.settings.maximum && !this.#dropEarly()) return undefined
    this.count++
    return new Connection(original, reply, zone, this.#random())
  }

  /** Gives a new connection what connections have by the kernel's settings. */
  extend(connection: Connection): void {
    const { settings } = this
    if (settings.accounting) {
      connection.counters = [
        { packets: 0, bytes: 0 },
        { packets: 0, bytes: 0 },
      ]
    }
    if (settings.timestamps) connection.times = { start: this.realTime(), stop: undefined }
    if (this.labelUsers > 0) connection.labels = new Uint8Array(LABEL_BYTES)
    connection.events ??= this.#eventCache()
  }

  #eventCache(): EventCache | undefined {
    const { events } = this.settings
    if (events === 'off' || (events === 'auto' && !this.reports.hasListener)) return undefined
    return this.#makeEvents(ALL_EVENTS, ALL_EVENTS)
  }

  /** Gives a connection those events of its own that are in `mask`, independent of listeners. */
  giveEvents(connection: Connection, mask: number): void {
    connection.events = this.#makeEvents(mask, 0)
  }

  #makeEvents(mask: number, expectationMask: number): EventCache {
    const { timestamps, eventTimestamps } = this.settings
    const since = timestamps && eventTimestamps ? this.realTime() : undefined
    return { mask, expectationMask, waiting: 0, since }
  }

  /** Takes a connection in; false where another has one of its tuples. */
  insert(connection: Connection): boolean {
    const [original, reply] = connection.keys
    if (this.#byKey.has(original) || this.#byKey.has(reply)) return false
    connection.timeout += this.now
    connection.status |= ConntrackStatus.Confirmed
    connection.references++
    if (connection.times !== undefined) connection.times.start = this.realTime()
    this.#byKey.set(original, { connection, direction: ConntrackDirection.Original })
    this.#byKey.set(reply, { connection, direction: ConntrackDirection.Reply })
    this.connections.add(connection)
    this.#expiry.watch(connection)
    return true
  }

  /** Gives up one reference to a connection that was never confirmed, or is gone. */
  release(connection: Connection): void {
    if (--connection.references > 0) return
    this.count--
    if (connection.master !== undefined) this.release(connection.master)
  }

  refresh(connection: Connection, milliseconds: number): void {
    if (!connection.has(ConntrackStatus.FixedTimeout)) this.setTimeout(connection, milliseconds)
  }

  /** As {@link refresh}, even where the time is fixed. */
  setTimeout(connection: Connection, milliseconds: number): void {
    const duration = Math.min(milliseconds, LONGEST)
    if (!connection.isConfirmed) {
      connection.timeout = duration
      return
    }
    connection.timeout = this.now + duration
    if (connection.timeout < connection.watchedUntil && !connection.isDying) this.#expiry.watch(connection)
  }

  note(connection: Connection, event: ConntrackEventBit): void {
    connection.note(event, this.realTime)
  }

  kill(connection: Connection): boolean {
    return this.delete(connection, NOBODY)
  }

  /** Ends a connection; false where it has ended. */
  delete(connection: Connection, reporter: Reporter): boolean {
    if (connection.isDying) return false
    connection.status |= ConntrackStatus.Dying
    const { times } = connection
    if (times !== undefined) {
      const late = Math.max(0, this.now - connection.timeout) * NANOSECONDS_PER_MILLISECOND
      times.stop = this.realTime() - BigInt(Math.round(late))
    }
    const { events } = connection
    if (events?.since !== undefined) events.since = this.realTime()
    this.reports.connection(connection, 1 << ConntrackEventBit.Destroy, reporter)
    for (const key of connection.keys) {
      if (this.#byKey.get(key)?.connection === connection) this.#byKey.delete(key)
    }
    this.connections.delete(connection)
    this.removeExpectations(connection.helper)
    this.release(connection)
    return true
  }

  removeExpectations(helper: HelperState | undefined): void {
    for (const expectation of [...(helper?.expectations ?? [])]) this.expectations.remove(expectation, NOBODY)
  }

  /** Sends the events of a confirmed connection that wait. */
  deliverEvents(connection: Connection): void {
    const { events } = connection
    if (events === undefined || !connection.isConfirmed || connection.isDying || events.waiting === 0) return
    const waiting = events.waiting
    events.waiting = 0
    this.reports.connection(connection, waiting, NOBODY)
  }

  /** Ends a connection that is not assured, the oldest, to make room. */
  #dropEarly(): boolean {
    for (const connection of this.connections) {
      if (connection.has(ConntrackStatus.Assured) || !this.kill(connection)) continue
      this.statistics.earlyDrop++
      return true
    }
    return false
  }
}
