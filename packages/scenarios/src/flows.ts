/**
 * Conversations between a client and a server as lists of packets, in the order in which the path between them sees
 * them. The same options produce the same bytes and times.
 */

import { EncodeError } from '@ringlink/codec/errors'
import {
  type Address,
  addressBytes,
  IcmpType,
  Icmpv6Type,
  IPV4_ADDRESS_LENGTH,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  icmpPacket,
  icmpv6Packet,
  type NetworkOptions,
  TCP_HEADER_LENGTH,
  TcpFlag,
  tcpPacket,
  udpPacket,
} from '@ringlink/packet'
import { Random } from '@ringlink/transport/faults'
import { payloadBytes, whole } from './packet.ts'
import { randomBytes, randomOrder } from './random.ts'

/** A packet and when it comes by. */
export interface TimedPacket {
  /** from the network header on */
  readonly packet: Uint8Array
  /** nanoseconds: of virtual time in what is generated, since 1970 in what was captured */
  readonly at: bigint
}

export type Direction = 'toServer' | 'toClient'

export interface FlowPacket extends TimedPacket {
  readonly direction: Direction
}

/** One end of a conversation with ports. */
export interface Endpoint {
  readonly address: Address
  readonly port: number
}

/** Bytes, text (as UTF-8), or a number of bytes that the seed chooses. */
export type Content = Uint8Array | string | number

/** Options of all flows. */
export interface FlowTiming {
  readonly seed: number
  /** when the first packet comes by, in nanoseconds; default 0 */
  readonly start?: bigint | undefined
  /** nanoseconds between a packet and its answer, about; default 1 ms */
  readonly roundTrip?: bigint | undefined
}

export interface TcpFlowOptions extends FlowTiming {
  readonly client: Endpoint
  readonly server: Endpoint
  /** what the client sends first */
  readonly request: Content
  /** what the server answers */
  readonly response: Content
  /** bytes of payload in one segment; default 1460 over IPv4, 1440 over IPv6 */
  readonly maximumSegmentSize?: number | undefined
  /** the numbers of the two SYN; default chosen by the seed */
  readonly initialSequence?: { readonly client: number; readonly server: number } | undefined
}

export interface UdpFlowOptions extends FlowTiming {
  readonly client: Endpoint
  readonly server: Endpoint
  readonly request: Content
  /** left out: nothing comes back */
  readonly response?: Content | undefined
  /** how often; default 1 */
  readonly count?: number | undefined
  /** nanoseconds from one request to the next; default twice the round trip */
  readonly interval?: bigint | undefined
}

export interface IcmpFlowOptions extends FlowTiming {
  readonly client: Address
  readonly server: Address
  /** echo requests; default 4 */
  readonly count?: number | undefined
  /** what is echoed; default 56 bytes */
  readonly content?: Content | undefined
  /** nanoseconds from one request to the next; default 1 s */
  readonly interval?: bigint | undefined
}

const ROUND_TRIP = 1_000_000n
const SECOND = 1_000_000_000n
/** Minimum nanoseconds that a packet occupies the line, and the jitter beyond that: about 1 Gbit/s. */
const SPACING = 1_000
const JITTER = 12_000
const WINDOW = 0xffff
/** Kind 2, four bytes long, the size (RFC 9293 section 3.2). */
const SEGMENT_SIZE_OPTION = [2, 4] as const

/**
 * A whole TCP connection: handshake, request, response, both FIN. Data is acknowledged every second segment and at its
 * end (RFC 9293 section 3.8.6.3); no more is on its way than the window allows.
 */
export function tcpFlow(options: TcpFlowOptions): FlowPacket[] {
  const random = new Random(options.seed)
  const packets: FlowPacket[] = []
  const clock = new FlowClock(options, random)
  const network = networkOptions(options.client.address, options.server.address, random)
  const initial = options.initialSequence ?? { client: random.next(), server: random.next() }
  const client: TcpSide = {
    direction: 'toServer',
    options: { ...network.toServer, ...ports(options.client, options.server) },
    sequence: initial.client,
    identification: random.below(0x10000),
  }
  const server: TcpSide = {
    direction: 'toClient',
    options: { ...network.toClient, ...ports(options.server, options.client) },
    sequence: initial.server,
    identification: random.below(0x10000),
  }
  const headers = network.version === 4 ? IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH : TCP_HEADER_LENGTH
  const fitting = WINDOW - headers
  const usual = 1500 - TCP_HEADER_LENGTH - (network.version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH)
  const segmentSize = whole('maximumSegmentSize', options.maximumSegmentSize ?? usual, fitting)
  if (segmentSize === 0) throw new EncodeError('VALUE_RANGE', 'maximumSegmentSize must be at least 1, got 0')
  const sizeOption = Uint8Array.of(...SEGMENT_SIZE_OPTION, segmentSize >> 8, segmentSize & 0xff)

  /** `from` sends; `to` is the one whose bytes it acknowledges, all that were sent so far. */
  const send = (from: TcpSide, to: TcpSide, flags: number, payload?: Uint8Array, tcpOptions?: Uint8Array) => {
    const packet = tcpPacket({
      ...from.options,
      identification: from.identification,
      sequence: from.sequence,
      acknowledgement: (flags & TcpFlag.Acknowledge) === 0 ? 0 : to.sequence,
      flags,
      window: WINDOW,
      options: tcpOptions,
      payload,
    })
    from.identification = (from.identification + 1) & 0xffff
    // SYN and FIN take a number each (RFC 9293 section 3.4).
    const controls = (flags & (TcpFlag.Synchronize | TcpFlag.Finish)) === 0 ? 0 : 1
    from.sequence = (from.sequence + (payload?.length ?? 0) + controls) >>> 0
    packets.push({ packet, direction: from.direction, at: clock.next(from.direction) })
  }
  const sendContent = (from: TcpSide, to: TcpSide, content: Uint8Array) => {
    let unacknowledged = 0
    let segments = 0
    for (let at = 0; at < content.length; at += segmentSize) {
      const segment = content.subarray(at, at + segmentSize)
      const last = at + segmentSize >= content.length
      send(from, to, TcpFlag.Acknowledge | (last ? TcpFlag.Push : 0), segment)
      unacknowledged += segment.length
      segments++
      if (segments < 2 && !last && unacknowledged + segmentSize <= WINDOW) continue
      send(to, from, TcpFlag.Acknowledge)
      unacknowledged = 0
      segments = 0
    }
  }

  send(client, server, TcpFlag.Synchronize, undefined, sizeOption)
  send(server, client, TcpFlag.Synchronize | TcpFlag.Acknowledge, undefined, sizeOption)
  send(client, server, TcpFlag.Acknowledge)
  sendContent(client, server, contentBytes(options.request, random))
  sendContent(server, client, contentBytes(options.response, random))
  send(client, server, TcpFlag.Finish | TcpFlag.Acknowledge)
  send(server, client, TcpFlag.Finish | TcpFlag.Acknowledge)
  send(client, server, TcpFlag.Acknowledge)
  return packets
}

interface TcpSide {
  readonly direction: Direction
  readonly options: NetworkOptions & { sourcePort: number; destinationPort: number }
  sequence: number
  identification: number
}

/** UDP requests, each with its response if there is one. */
export function udpFlow(options: UdpFlowOptions): FlowPacket[] {
  const random = new Random(options.seed)
  const { client, server } = options
  const network = networkOptions(client.address, server.address, random)
  const request = contentBytes(options.request, random)
  const response = options.response === undefined ? undefined : contentBytes(options.response, random)
  return exchanges(options, random, options.interval ?? 2n * (options.roundTrip ?? ROUND_TRIP), options.count ?? 1, {
    request: (_, identification) =>
      udpPacket({ ...network.toServer, ...ports(client, server), identification, payload: request }),
    response:
      response &&
      ((_, identification) =>
        udpPacket({ ...network.toClient, ...ports(server, client), identification, payload: response })),
  })
}

/** Echo requests and replies, ICMP or ICMPv6, numbered from 1 as ping does. */
export function icmpFlow(options: IcmpFlowOptions): FlowPacket[] {
  const random = new Random(options.seed)
  const network = networkOptions(options.client, options.server, random)
  const identifier = random.below(0x10000)
  const payload = contentBytes(options.content ?? 56, random)
  const packet = network.version === 4 ? icmpPacket : icmpv6Packet
  const [requestType, replyType] =
    network.version === 4 ? [IcmpType.EchoRequest, IcmpType.EchoReply] : [Icmpv6Type.EchoRequest, Icmpv6Type.EchoReply]
  const echo = { identifier, payload }
  return exchanges(options, random, options.interval ?? SECOND, options.count ?? 4, {
    request: (index, identification) =>
      packet({ ...network.toServer, ...echo, identification, type: requestType, sequence: (index + 1) & 0xffff }),
    response: (index, identification) =>
      packet({ ...network.toClient, ...echo, identification, type: replyType, sequence: (index + 1) & 0xffff }),
  })
}

type PacketMaker = (index: number, identification: number) => Uint8Array

function exchanges(
  options: FlowTiming,
  random: Random,
  interval: bigint,
  count: number,
  make: { request: PacketMaker; response: PacketMaker | undefined },
): FlowPacket[] {
  const packets: FlowPacket[] = []
  const clock = new FlowClock(options, random)
  const start = options.start ?? 0n
  let requests = random.below(0x10000)
  let responses = random.below(0x10000)
  for (let index = 0; index < count; index++) {
    clock.notBefore(start + BigInt(index) * interval)
    packets.push({ packet: make.request(index, requests), direction: 'toServer', at: clock.next('toServer') })
    requests = (requests + 1) & 0xffff
    if (make.response === undefined) continue
    packets.push({ packet: make.response(index, responses), direction: 'toClient', at: clock.next('toClient') })
    responses = (responses + 1) & 0xffff
  }
  return packets
}

/**
 * When the packets of one flow come by: close together in one direction, half a round trip and more apart when it
 * turns.
 */
class FlowClock {
  #now: bigint
  #direction: Direction = 'toServer'
  #exact = true
  readonly #turn: bigint
  readonly #random: Random

  constructor({ start, roundTrip }: FlowTiming, random: Random) {
    this.#now = start ?? 0n
    this.#turn = (roundTrip ?? ROUND_TRIP) / 2n
    this.#random = random
  }

  /** The next packet comes by at `at`, unless it is later than that already. */
  notBefore(at: bigint): void {
    if (at <= this.#now) return
    this.#now = at
    this.#exact = true
  }

  next(direction: Direction): bigint {
    const turn = direction === this.#direction ? 0n : this.#turn
    if (!this.#exact) this.#now += BigInt(SPACING + this.#random.below(JITTER)) + turn
    this.#exact = false
    this.#direction = direction
    return this.#now
  }
}

/** A packet of a mix, and the index of the list that it is from. */
export interface MixedPacket<Packet extends TimedPacket> {
  readonly packet: Uint8Array
  readonly at: bigint
  readonly flow: number
  readonly from: Packet
}

/**
 * All packets of several flows in order of time. Each flow begins up to `spread` nanoseconds later than its own times
 * say, by the seed; where two flows meet at the same time the seed decides, and the order within a flow always stays.
 */
export function mixFlows<Packet extends TimedPacket>(
  flows: readonly (readonly Packet[])[],
  seed: number,
  spread = 0n,
): MixedPacket<Packet>[] {
  const random = new Random(seed)
  const priority = randomOrder(random, flows.length)
  const mixed = flows.flatMap((packets, flow) => {
    const later = spread === 0n ? 0n : randomBelow(spread, random)
    return packets.map((from) => ({ packet: from.packet, at: from.at + later, flow, from }))
  })
  // Sorting is stable: equal times within one flow keep their order.
  return mixed.sort((one, other) => {
    if (one.at !== other.at) return one.at < other.at ? -1 : 1
    return (priority[one.flow] as number) - (priority[other.flow] as number)
  })
}

function randomBelow(limit: bigint, random: Random): bigint {
  return ((BigInt(random.next()) << 32n) | BigInt(random.next())) % limit
}

/** The bytes of a content; a number of them is drawn from `random`. */
export function contentBytes(content: Content, random: Random): Uint8Array {
  if (typeof content !== 'number') return payloadBytes(content)
  return randomBytes(random, whole('bytes of content', content, 0xffffffff))
}

function ports(from: Endpoint, to: Endpoint): { sourcePort: number; destinationPort: number } {
  return { sourcePort: from.port, destinationPort: to.port }
}

function networkOptions(client: Address, server: Address, random: Random) {
  const source = addressBytes(client)
  const destination = addressBytes(server)
  const version = source.length === IPV4_ADDRESS_LENGTH ? 4 : 6
  return {
    version,
    toServer: { source, destination, flowLabel: random.below(0x100000) },
    toClient: { source: destination, destination: source, flowLabel: random.below(0x100000) },
  } as const
}
