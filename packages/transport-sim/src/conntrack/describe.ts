/** How the kernel describes connections and expected ones: which attributes, in which order. */
import { AttributeBit, ConntrackDirection, ConntrackEventBit, ConntrackStatus, Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { ReplyWriter } from '../nfnetlink/reply.ts'
import {
  ADDRESS,
  COUNTERS,
  CTA,
  EXPECT,
  EXPECT_NAT,
  HELP,
  PROTO,
  PROTOINFO,
  PROTOINFO_TCP,
  SEQADJ,
  SYNPROXY,
  TIMESTAMP,
  TUPLE,
} from './attributes.ts'
import type { Connection, Counter, Expectation } from './connection.ts'
import { TcpTracking } from './tcp-tracking.ts'
import { hasPorts, type Tuple, type Zone, ZoneDirection } from './tuple.ts'

const NESTED = AttributeBit.Nested
const MILLISECONDS = 1000

/** Writes the attributes of connections. */
export class ConnectionWriter {
  #reply: ReplyWriter
  #now: () => number

  /** @param now milliseconds */
  constructor(reply: ReplyWriter, now: () => number) {
    this.#reply = reply
    this.#now = now
  }

  /** As in a dump; `zeroes`: counters begin again from 0. */
  row(connection: Connection, zeroes: boolean, hasExtensions = true): void {
    this.#tuples(connection)
    this.#status(connection)
    this.#mark(connection, true)
    this.#id(connection)
    this.#reply.be32(CTA.use, connection.references)
    this.#master(connection)
    if (!connection.has(ConntrackStatus.Offload)) {
      this.#timeout(connection, false)
      this.#protocolInformation(connection, false)
    }
    if (!hasExtensions) return
    this.#counters(connection, zeroes)
    this.#times(connection)
    this.#helper(connection)
    this.#labels(connection)
    this.#adjustments(connection)
    this.#synproxy(connection)
  }

  /** As in a message about `events`. */
  event(connection: Connection, events: number): void {
    const has = (event: ConntrackEventBit) => (events & (1 << event)) !== 0
    this.#tuples(connection)
    this.#id(connection)
    this.#status(connection)
    if (has(ConntrackEventBit.Destroy)) {
      this.#timeout(connection, true)
      this.#counters(connection, false)
      this.#times(connection)
      this.#protocolInformation(connection, true)
    } else {
      this.#timeout(connection, false)
      if (has(ConntrackEventBit.ProtocolInformation)) this.#protocolInformation(connection, false)
      this.#helper(connection)
      if (has(ConntrackEventBit.Label)) this.#labels(connection)
      if (has(ConntrackEventBit.Related)) this.#master(connection)
      if (has(ConntrackEventBit.SequenceAdjustment)) this.#adjustments(connection)
      if (has(ConntrackEventBit.Synproxy)) this.#synproxy(connection)
    }
    this.#mark(connection, has(ConntrackEventBit.Mark))
    const since = connection.events?.since
    if (since !== undefined) this.#reply.be64(CTA.eventTimestamp, since)
  }

  /** As in a queued packet or a log record. */
  ofPacket(connection: Connection): void {
    this.#tuples(connection)
    this.#id(connection)
    this.#status(connection)
    this.#timeout(connection, false)
    this.#protocolInformation(connection, false)
    this.#counters(connection, false)
    this.#times(connection)
    this.#helper(connection)
    this.#master(connection)
    this.#adjustments(connection)
    this.#synproxy(connection)
    this.#mark(connection, true)
    this.#labels(connection)
  }

  /** An expected connection. */
  expectation(expectation: Expectation): void {
    const { tuple, mask, master, nat, timer } = expectation
    const reply = this.#reply
    this.#nest(EXPECT.tuple, () => writeTuple(reply, tuple))
    const full = new Uint8Array(tuple.source.length).fill(0xff)
    const maskTuple = { ...tuple, ...mask, destination: full, destinationId: 0xffff }
    this.#nest(EXPECT.mask, () => writeTuple(reply, maskTuple))
    this.#nest(EXPECT.master, () => writeTuple(reply, master.tuples[0]))
    if (nat !== undefined) {
      const { family, protocol } = master
      const none = new Uint8Array(nat.address.length)
      const natTuple = {
        family,
        protocol,
        source: nat.address,
        destination: none,
        sourceId: nat.sourceId,
        destinationId: 0,
      }
      this.#nest(EXPECT.nat, () => {
        reply.be32(EXPECT_NAT.direction, nat.direction)
        this.#nest(EXPECT_NAT.tuple, () => writeTuple(reply, natTuple))
      })
    }
    reply.be32(EXPECT.timeout, seconds(timer === undefined ? 0 : timer.due - this.#now()))
    reply.be32(EXPECT.id, expectation.id)
    reply.be32(EXPECT.flags, expectation.flags)
    reply.be32(EXPECT.class, expectation.class)
    const helper = master.helper?.helper
    if (helper !== undefined) reply.text(EXPECT.helperName, helper.name)
    if (expectation.functionName !== undefined) reply.text(EXPECT.functionName, expectation.functionName)
  }

  #nest(type: number, write: () => void): void {
    this.#reply.nest(type | NESTED, write)
  }

  #tuples({ tuples: [original, reply], zone }: Connection): void {
    this.#tuple(CTA.original, original, zone, ZoneDirection.Original)
    this.#tuple(CTA.reply, reply, zone, ZoneDirection.Reply)
    if (zone.id !== 0 && zone.directions === ZoneDirection.Both) this.#reply.be16(CTA.zone, zone.id)
  }

  #tuple(type: number, tuple: Tuple, zone: Zone, directions: number): void {
    this.#nest(type, () => {
      writeTuple(this.#reply, tuple)
      if (zone.id !== 0 && zone.directions === directions) this.#reply.be16(TUPLE.zone, zone.id)
    })
  }

  #id({ id }: Connection): void {
    this.#reply.be32(CTA.id, id)
  }

  #status({ status }: Connection): void {
    this.#reply.be32(CTA.status, status)
  }

  #mark({ mark }: Connection, showsZero: boolean): void {
    if (mark !== 0 || showsZero) this.#reply.be32(CTA.mark, mark)
  }

  #timeout(connection: Connection, skipsZero: boolean): void {
    const left = seconds(connection.remaining(this.#now()))
    if (left !== 0 || !skipsZero) this.#reply.be32(CTA.timeout, left)
  }

  #master({ status, master }: Connection): void {
    if ((status & ConntrackStatus.Expected) === 0 || master === undefined) return
    this.#nest(CTA.master, () => writeTuple(this.#reply, master.tuples[0]))
  }

  #protocolInformation({ protocol, tcp = NO_TCP }: Connection, isOver: boolean): void {
    if (protocol !== IpProtocol.Tcp) return
    const reply = this.#reply
    const [original, answer] = tcp.sides
    this.#nest(CTA.protocolInformation, () =>
      this.#nest(PROTOINFO.tcp, () => {
        reply.bytes(PROTOINFO_TCP.state, Uint8Array.of(tcp.state))
        if (isOver) return
        reply.bytes(PROTOINFO_TCP.windowScaleOriginal, Uint8Array.of(original.scale))
        reply.bytes(PROTOINFO_TCP.windowScaleReply, Uint8Array.of(answer.scale))
        reply.bytes(PROTOINFO_TCP.flagsOriginal, Uint8Array.of(original.flags, 0))
        reply.bytes(PROTOINFO_TCP.flagsReply, Uint8Array.of(answer.flags, 0))
      }),
    )
  }

  #counters({ counters }: Connection, zeroes: boolean): void {
    if (counters === undefined) return
    const write = (type: number, counter: Counter) =>
      this.#nest(type, () => {
        this.#reply.be64(COUNTERS.packets, counter.packets)
        this.#reply.be64(COUNTERS.bytes, counter.bytes)
        if (zeroes) Object.assign(counter, { packets: 0, bytes: 0 })
      })
    write(CTA.countersOriginal, counters[ConntrackDirection.Original])
    write(CTA.countersReply, counters[ConntrackDirection.Reply])
  }

  #times({ times }: Connection): void {
    if (times === undefined) return
    this.#nest(CTA.timestamp, () => {
      this.#reply.be64(TIMESTAMP.start, times.start)
      if (times.stop !== undefined) this.#reply.be64(TIMESTAMP.stop, times.stop)
    })
  }

  #helper({ helper }: Connection): void {
    const name = helper?.helper?.name
    if (name !== undefined) this.#nest(CTA.helper, () => this.#reply.text(HELP.name, name))
  }

  #labels({ labels }: Connection): void {
    if (labels?.some((byte) => byte !== 0) === true) this.#reply.bytes(CTA.labels, labels)
  }

  #adjustments({ status, adjustments }: Connection): void {
    if ((status & ConntrackStatus.SequenceAdjust) === 0 || adjustments === undefined) return
    for (const [index, { position, before, after }] of adjustments.entries()) {
      this.#nest(index === 0 ? CTA.sequenceAdjustmentOriginal : CTA.sequenceAdjustmentReply, () => {
        this.#reply.be32(SEQADJ.correctionPosition, position)
        this.#reply.be32(SEQADJ.offsetBefore, before)
        this.#reply.be32(SEQADJ.offsetAfter, after)
      })
    }
  }

  #synproxy({ synproxy }: Connection): void {
    if (synproxy === undefined) return
    this.#nest(CTA.synproxy, () => {
      this.#reply.be32(SYNPROXY.initialSequence, synproxy.initialSequence)
      this.#reply.be32(SYNPROXY.initialTimestamp, synproxy.initialTimestamp)
      this.#reply.be32(SYNPROXY.timestampOffset, synproxy.timestampOffset)
    })
  }
}

const NO_TCP = new TcpTracking()

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / MILLISECONDS))
}

/** Addresses and what tells the protocol's connections apart. */
function writeTuple(reply: ReplyWriter, tuple: Tuple): void {
  const { family, protocol, source, destination, sourceId, destinationId } = tuple
  reply.nest(TUPLE.address | NESTED, () => {
    const isIpv4 = family === Family.Ipv4
    reply.bytes(isIpv4 ? ADDRESS.ipv4Source : ADDRESS.ipv6Source, source)
    reply.bytes(isIpv4 ? ADDRESS.ipv4Destination : ADDRESS.ipv6Destination, destination)
  })
  reply.nest(TUPLE.protocol | NESTED, () => {
    reply.bytes(PROTO.number, Uint8Array.of(protocol))
    if (hasPorts(protocol)) {
      reply.be16(PROTO.sourcePort, sourceId)
      reply.be16(PROTO.destinationPort, destinationId)
    } else if (protocol === IpProtocol.Icmp || protocol === IpProtocol.Icmpv6) {
      const isIcmp = protocol === IpProtocol.Icmp
      reply.be16(isIcmp ? PROTO.icmpId : PROTO.icmpv6Id, sourceId)
      reply.bytes(isIcmp ? PROTO.icmpType : PROTO.icmpv6Type, Uint8Array.of(destinationId >> 8))
      reply.bytes(isIcmp ? PROTO.icmpCode : PROTO.icmpv6Code, Uint8Array.of(destinationId & 0xff))
    }
  })
}
