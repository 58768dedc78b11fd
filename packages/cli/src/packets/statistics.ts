import { type AddressView, IPV6_ADDRESS_LENGTH } from '@ringlink/packet'
import { formatTable } from '../terminal/table.ts'
import { whole } from '../terminal/text.ts'
import type { PacketSource } from './source.ts'

interface Talker {
  readonly address: string
  packets: number
  bytes: number
}

/** Maximum addresses remembered; with more, the quieter half is forgotten. */
const MAXIMUM_TALKERS = 8192

/** Counts packets by sender. It reads headers in place; only a new address allocates an object. */
export class Statistics {
  packets = 0
  bytes = 0
  // IPv4 addresses are numbers, IPv6 addresses texts.
  #talkers = new Map<number | string, Talker>()

  count(source: PacketSource): void {
    const packet = source.headers()
    this.packets++
    const { version, source: address } = packet
    if (address === undefined) {
      this.bytes += packet.length
      return
    }
    const { u8 } = packet.memory
    const { offset } = address
    if (version === 4) {
      const key = (uint16(u8, offset) * 0x10000 + uint16(u8, offset + 2)) >>> 0
      this.#add(key, address, packet.networkLength)
      return
    }
    let key = ''
    for (let i = 0; i < IPV6_ADDRESS_LENGTH; i += 2) key += String.fromCharCode(uint16(u8, offset + i))
    this.#add(key, address, packet.networkLength)
  }

  /** The senders of most packets. */
  topTalkers(count: number): readonly Readonly<Talker>[] {
    return [...this.#talkers.values()].sort((a, b) => b.packets - a.packets).slice(0, count)
  }

  /** The same as a table; empty if there are no senders. */
  lines(count: number): string[] {
    const talkers = this.topTalkers(count)
    if (talkers.length === 0) return []
    const columns = [
      { title: 'top talkers' },
      { title: 'packets', align: 'right' },
      { title: 'bytes', align: 'right' },
    ] as const
    return formatTable(
      columns,
      talkers.map(({ address, packets, bytes }) => [address, whole(packets), whole(bytes)]),
    )
  }

  #add(key: number | string, address: AddressView, bytes: number): void {
    this.bytes += bytes
    let talker = this.#talkers.get(key)
    if (talker === undefined) {
      if (this.#talkers.size >= MAXIMUM_TALKERS) this.#forgetQuietOnes()
      talker = { address: String(address), packets: 0, bytes: 0 }
      this.#talkers.set(key, talker)
    }
    talker.packets++
    talker.bytes += bytes
  }

  #forgetQuietOnes(): void {
    const kept = [...this.#talkers].sort(([, a], [, b]) => b.packets - a.packets).slice(0, MAXIMUM_TALKERS / 2)
    this.#talkers = new Map(kept)
  }
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number)
}
