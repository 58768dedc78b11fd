/** What connection tracking does to packets on their way (nf_conntrack_in, nf_confirm). */
import {
  ConntrackDirection,
  ConntrackEventBit,
  ConntrackInfo,
  ConntrackStateBit,
  ConntrackStatus,
  Family,
  Hook,
  Verdict,
} from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import { Checksum, type SimPacket } from '../netfilter/packet.ts'
import type { Connection } from './connection.ts'
import { classifyIcmp, isForSender, trackGeneric, trackIcmp } from './icmp.ts'
import type { ConntrackTable } from './table.ts'
import { trackTcp } from './tcp.ts'
import { Outcome, type TrackedPacket, type TrackingHost } from './tracking.ts'
import { DEFAULT_ZONE, findTransport, invertTuple, type TransportPlace, tupleOf, type Zone } from './tuple.ts'
import { trackUdp } from './udp.ts'

type Tracker = (host: TrackingHost, connection: Connection, packet: TrackedPacket) => Outcome

const trackers: ReadonlyMap<number, Tracker> = new Map<number, Tracker>([
  [IpProtocol.Tcp, trackTcp],
  [IpProtocol.Udp, trackUdp],
  [IpProtocol.UdpLite, trackUdp],
  [IpProtocol.Icmp, trackIcmp],
  [IpProtocol.Icmpv6, trackIcmp],
])

/** Bits of what `ct state` loads, for a packet that stands so to its connection. */
function stateBit(info: number): number {
  return 1 << ((info % ConntrackInfo.EstablishedReply) + 1)
}

/** Whether a packet that stands so to its connection goes the way of the answers. */
export function directionOf(info: number): ConntrackDirection {
  return info >= ConntrackInfo.EstablishedReply ? ConntrackDirection.Reply : ConntrackDirection.Original
}

/** Finds the connections of packets, and takes in new ones. */
export class PacketTracker {
  #table: ConntrackTable

  constructor(table: ConntrackTable) {
    this.#table = table
  }

  /** Finds or makes the connection of a packet; the verdict on it. */
  track(packet: SimPacket): number {
    const isSettled = packet.connection !== undefined || packet.connectionState === ConntrackStateBit.Untracked
    if (isSettled || packet.isStateGiven) return Verdict.Accept
    const { bytes, family } = packet
    if (family !== Family.Ipv4 && family !== Family.Ipv6) return Verdict.Accept
    packet.connectionState = ConntrackStateBit.Invalid
    const zone = packet.zone ?? DEFAULT_ZONE
    packet.zone = undefined
    const { statistics } = this.#table
    const place = findTransport(bytes, 0, family)
    if (place === undefined) {
      statistics.invalid++
      return Verdict.Accept
    }
    const verify =
      this.#table.settings.checksum && packet.hook === Hook.Prerouting && packet.checksum === Checksum.Unverified
    const found = { bytes, family, at: place.at, verify }
    const icmp = family === Family.Ipv4 ? IpProtocol.Icmp : IpProtocol.Icmpv6
    if (place.protocol === icmp && this.#takeIcmp(packet, found, zone)) return Verdict.Accept
    for (;;) {
      const outcome = this.#resolve(packet, found, place, zone)
      if (outcome === Outcome.Repeat) continue
      if (outcome === Outcome.Accept) return Verdict.Accept
      statistics.invalid++
      if (outcome === Outcome.Invalid) return Verdict.Accept
      statistics.drop++
      return Verdict.Drop
    }
  }

  /**
   * A packet has passed: its connection is confirmed if it is new, and what has happened to it is told; false: drop the
   * packet.
   */
  confirm(packet: SimPacket): boolean {
    const { connection } = packet
    if (connection === undefined) return true
    const table = this.#table
    if (!connection.isConfirmed && directionOf(packet.connectionInfo) === ConntrackDirection.Original) {
      if (connection.isDying || !table.insert(connection)) {
        table.statistics.insertFailed++
        if (!connection.isDying) return this.#resolveClash(packet, connection)
        return false
      }
      if (connection.helper?.helper !== undefined) table.note(connection, ConntrackEventBit.Helper)
      table.note(connection, connection.master === undefined ? ConntrackEventBit.New : ConntrackEventBit.Related)
    }
    table.deliverEvents(packet.connection as Connection)
    return true
  }

  /** The packet ends its way: it holds its connection no longer. */
  forget(packet: SimPacket): void {
    const { connection } = packet
    if (connection === undefined) return
    packet.connection = undefined
    this.#table.release(connection)
  }

  /** Another packet has made the same connection while this one waited: of UDP and ICMP this one joins it. */
  #resolveClash(packet: SimPacket, loser: Connection): boolean {
    const table = this.#table
    const winner = table.find(loser.tuples[0], loser.zone)?.connection
    const isResolvable = table.settings.clashResolution && loser.protocol !== IpProtocol.Tcp
    if (!isResolvable || winner === undefined || winner.keys[1] !== loser.keys[1]) {
      table.statistics.drop++
      return false
    }
    table.statistics.insertFailed--
    table.statistics.clashResolve++
    const { counters } = loser
    if (counters !== undefined) winner.count(ConntrackDirection.Original, counters[0].bytes)
    winner.references++
    packet.connection = winner
    packet.connectionInfo = ConntrackInfo.New
    table.release(loser)
    return true
  }

  /** True where there is nothing more to do: an error, or a message that is not tracked. */
  #takeIcmp(packet: SimPacket, found: Omit<TrackedPacket, 'direction'>, zone: Zone): boolean {
    const message = classifyIcmp(found)
    if (message.kind === 'query') return false
    if (message.kind === 'untracked') {
      packet.connectionState = ConntrackStateBit.Untracked
      packet.connectionInfo = ConntrackInfo.Untracked
      return true
    }
    const match = message.kind === 'error' ? this.#table.find(message.inner, zone) : undefined
    const isKnown =
      message.kind === 'error' &&
      match !== undefined &&
      isForSender(match.connection, match.direction, message.destination)
    if (!isKnown) {
      this.#table.statistics.error++
      return true
    }
    const info = match.direction === ConntrackDirection.Reply ? ConntrackInfo.RelatedReply : ConntrackInfo.Related
    this.#attach(packet, match.connection, info)
    return true
  }

  #attach(packet: SimPacket, connection: Connection, info: number): void {
    packet.connection = connection
    packet.connectionInfo = info
    packet.connectionState = stateBit(info)
    connection.references++
  }

  #resolve(packet: SimPacket, found: Omit<TrackedPacket, 'direction'>, place: TransportPlace, zone: Zone): Outcome {
    const tuple = tupleOf(packet.bytes, 0, packet.family, place)
    if (tuple === undefined) return Outcome.Invalid
    const match = this.#table.find(tuple, zone)
    if (match !== undefined) return this.#take(packet, found, match.connection, match.direction)
    const reply = invertTuple(tuple)
    if (reply === undefined) return Outcome.Invalid
    const table = this.#table
    const connection = table.create(tuple, reply, zone)
    if (connection === undefined) {
      // Dropped, and not counted as invalid.
      table.statistics.invalid--
      return Outcome.Drop
    }
    // The packet's own reference is taken below.
    connection.references--
    table.extend(connection)
    const expected = table.expectations.fulfil(tuple, zone)
    if (expected !== undefined) {
      const { master } = expected
      connection.status |= ConntrackStatus.Expected
      connection.master = master
      master.references++
      connection.mark = master.mark
      connection.securityMark = master.securityMark
    }
    return this.#take(packet, found, connection, ConntrackDirection.Original)
  }

  #take(
    packet: SimPacket,
    found: Omit<TrackedPacket, 'direction'>,
    connection: Connection,
    direction: ConntrackDirection,
  ): Outcome {
    let info: number = ConntrackInfo.EstablishedReply
    if (direction === ConntrackDirection.Original) {
      if (connection.has(ConntrackStatus.SeenReply)) info = ConntrackInfo.Established
      else info = connection.has(ConntrackStatus.Expected) ? ConntrackInfo.Related : ConntrackInfo.New
    }
    this.#attach(packet, connection, info)
    const tracker = trackers.get(connection.protocol) ?? trackGeneric
    const outcome = tracker(this.#table, connection, { ...found, direction })
    if (outcome !== Outcome.Accept) {
      packet.connectionState = ConntrackStateBit.Invalid
      this.forget(packet)
      return outcome
    }
    if (info === ConntrackInfo.EstablishedReply && !connection.has(ConntrackStatus.SeenReply)) {
      connection.status |= ConntrackStatus.SeenReply
      this.#table.note(connection, ConntrackEventBit.Reply)
    }
    return Outcome.Accept
  }
}
