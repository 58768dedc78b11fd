/**
 * Traffic as data: the packets that a scenario injects. The same source and seed give the same
 * packets and times.
 */

import {
  type EchoFloodOptions,
  echoFlood,
  type Flood,
  type FloodOptions,
  synFlood,
  type UdpFloodOptions,
  udpFlood,
} from './flood.ts'
import {
  type IcmpFlowOptions,
  icmpFlow,
  mixFlows,
  type TcpFlowOptions,
  type TimedPacket,
  tcpFlow,
  type UdpFlowOptions,
  udpFlow,
} from './flows.ts'
import { partSeed } from './random.ts'

/** How many packets of a flood, and how far apart. */
export interface FloodPace {
  readonly count: number
  /** nanoseconds; default 0: all at once */
  readonly interval?: bigint | undefined
}

/** Options whose seed comes from the scenario. */
type Seedless<Options> = Omit<Options, 'seed'>

/** One kind for each thing that makes packets; `mix` interleaves others by time. */
export type PacketSource =
  | ({ readonly kind: 'tcp' } & Seedless<TcpFlowOptions>)
  | ({ readonly kind: 'udp' } & Seedless<UdpFlowOptions>)
  | ({ readonly kind: 'icmp' } & Seedless<IcmpFlowOptions>)
  | ({ readonly kind: 'udpFlood' } & Seedless<UdpFloodOptions> & FloodPace)
  | ({ readonly kind: 'synFlood' } & Seedless<FloodOptions> & FloodPace)
  | ({ readonly kind: 'echoFlood' } & Seedless<EchoFloodOptions> & FloodPace)
  | PacketList
  | PacketMix

/**
 * Given packets, a capture file's for example (`capturedPackets(bytes).packets`). Times count from the first packet's.
 */
export interface PacketList {
  readonly kind: 'packets'
  readonly packets: readonly TimedPacket[]
}

export interface PacketMix {
  readonly kind: 'mix'
  readonly sources: readonly PacketSource[]
  /** maximum nanoseconds between the starts of the sources; default 0 */
  readonly spread?: bigint | undefined
}

/**
 * The packets of a source in order of time, the first at about 0. Each is **borrowed**: a flood writes the next packet
 * into the same bytes and the same object.
 */
export function sourcePackets(source: PacketSource, seed: number): Iterable<TimedPacket> {
  switch (source.kind) {
    case 'tcp':
      return tcpFlow({ ...source, seed })
    case 'udp':
      return udpFlow({ ...source, seed })
    case 'icmp':
      return icmpFlow({ ...source, seed })
    case 'udpFlood':
      return paced(() => udpFlood({ ...source, seed }), source)
    case 'synFlood':
      return paced(() => synFlood({ ...source, seed }), source)
    case 'echoFlood':
      return paced(() => echoFlood({ ...source, seed }), source)
    case 'packets': {
      const start = source.packets[0]?.at ?? 0n
      return source.packets.map(({ packet, at }) => ({ packet, at: at - start }))
    }
    case 'mix': {
      const lists = source.sources.map((part, index) => ownedPackets(part, partSeed(seed, index)))
      return mixFlows(lists, seed, source.spread)
    }
  }
}

function ownedPackets(source: PacketSource, seed: number): readonly TimedPacket[] {
  const owned: TimedPacket[] = []
  for (const { packet, at } of sourcePackets(source, seed)) owned.push({ packet: packet.slice(), at })
  return owned
}

/** Iterable again and again: each iteration begins a flood of its own. */
function paced(begin: () => Flood, { count, interval = 0n }: FloodPace): Iterable<TimedPacket> {
  return {
    *[Symbol.iterator]() {
      const flood = begin()
      const timed = { packet: flood.packet, at: 0n }
      for (let number = 0; number < count; number++) {
        flood.step()
        yield timed
        timed.at += interval
      }
    },
  }
}
