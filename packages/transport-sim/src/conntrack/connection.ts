/** A connection as the table keeps it: `struct nf_conn` and its extensions. */
import { type ConntrackDirection, type ConntrackEventBit, ConntrackStatus } from '@ringlink/codec'
import type { VirtualTimer } from '../clock.ts'
import type { ConntrackHelper } from './helpers.ts'
import type { TcpTracking } from './tcp-tracking.ts'
import { type Tuple, tupleKey, type Zone, zoneIdOf } from './tuple.ts'

/** Bytes of the labels (NF_CT_LABELS_MAX_SIZE). */
export const LABEL_BYTES = 16

/** Events that wait until the packet that caused them has passed (`nf_conntrack_ecache`). */
export interface EventCache {
  /** bits of `ConntrackEventBit` that are sent at all */
  mask: number
  expectationMask: number
  waiting: number
  /** nanoseconds since 1970 at which the first that waits came; undefined: times are not kept */
  since: bigint | undefined
}

/** A connection that is expected because of another (`nf_conntrack_expect`). */
export interface Expectation {
  readonly tuple: Tuple
  /** bits of the source that count; the destination counts whole */
  readonly mask: { readonly source: Uint8Array; readonly sourceId: number }
  readonly master: Connection
  readonly id: number
  /** bits of `ExpectationFlag` */
  readonly flags: number
  readonly class: number
  readonly nat: ExpectationNat | undefined
  readonly functionName: string | undefined
  timer: VirtualTimer | undefined
}

/** Where the source of an expected connection was before address translation. */
export interface ExpectationNat {
  readonly direction: number
  readonly address: Uint8Array
  readonly sourceId: number
}

/** What a connection has of a helper (`nf_conn_help`). */
export interface HelperState {
  helper: ConntrackHelper | undefined
  /** the newest first */
  readonly expectations: Expectation[]
}

/** How sequence numbers of a direction are moved (`nf_ct_seqadj`). */
export interface SequenceAdjustment {
  position: number
  before: number
  after: number
}

/** What the SYN proxy knows of a connection (`nf_conn_synproxy`). */
export interface SynproxyState {
  initialSequence: number
  initialTimestamp: number
  timestampOffset: number
}

/** Packets and bytes of a direction. */
export interface Counter {
  packets: number
  bytes: number
}

/** A connection. */
export class Connection {
  readonly tuples: readonly [original: Tuple, reply: Tuple]
  readonly keys: readonly [original: string, reply: string]
  readonly zone: Zone
  readonly id: number
  /** bits of `Status` */
  status = 0
  mark = 0
  securityMark = 0
  /** milliseconds: until it is confirmed how long it is to live, then the time at which it ends */
  timeout = 0
  /** the time at which it is next looked at, for the one who does that */
  watchedUntil = 0
  /** the table's, packets' and those of connections that were expected because of it */
  references = 1
  master: Connection | undefined
  counters: readonly [original: Counter, reply: Counter] | undefined
  /** nanoseconds since 1970; without `stop` while it lives */
  times: { start: bigint; stop: bigint | undefined } | undefined
  labels: Uint8Array | undefined
  helper: HelperState | undefined
  events: EventCache | undefined
  adjustments: readonly [SequenceAdjustment, SequenceAdjustment] | undefined
  synproxy: SynproxyState | undefined
  tcp: TcpTracking | undefined
  /** when traffic of UDP counts as a stream; long ago for a connection that a request made */
  streamSince = Number.NEGATIVE_INFINITY

  constructor(original: Tuple, reply: Tuple, zone: Zone, id: number) {
    this.tuples = [original, reply]
    this.keys = [tupleKey(original, zoneIdOf(zone, 0)), tupleKey(reply, zoneIdOf(zone, 1))]
    this.zone = zone
    this.id = id
  }

  get family(): number {
    return this.tuples[0].family
  }

  get protocol(): number {
    return this.tuples[0].protocol
  }

  has(bits: number): boolean {
    return (this.status & bits) !== 0
  }

  get isConfirmed(): boolean {
    return this.has(ConntrackStatus.Confirmed)
  }

  get isDying(): boolean {
    return this.has(ConntrackStatus.Dying)
  }

  /** Milliseconds that it has left. */
  remaining(now: number): number {
    return this.isConfirmed ? Math.max(0, this.timeout - now) : this.timeout
  }

  count(direction: ConntrackDirection, bytes: number): void {
    const counter = this.counters?.[direction]
    if (counter === undefined) return
    counter.packets++
    counter.bytes += bytes
  }

  /** Notes an event for when the packet has passed. */
  note(event: ConntrackEventBit, now: () => bigint): void {
    const { events } = this
    if (events === undefined) return
    if (events.since !== undefined && events.waiting === 0) events.since = now()
    events.waiting |= 1 << event
  }
}
