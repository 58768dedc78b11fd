import { PacketHeaders, type PacketSource } from '../packets/headers.ts'
import { formatRows, whole } from '../terminal/text.ts'
import { formatAddress } from '../packets/address.ts'

export interface LogTotals {
  readonly packets: number
  /** as the packets' own headers say, whatever was copied of them */
  readonly bytes: number
  /** logged, and lost on the way here */
  readonly lost: number
}

interface Talker {
  readonly address: string
  packets: number
  bytes: number
}

/** Addresses that are remembered; when there are more, the quieter half is forgotten. */
const MAXIMUM_TALKERS = 8192

/** Who sends how much. It looks at headers where they lie; only an address that is new costs an object. */
export class Statistics {
  packets = 0
  bytes = 0
  #headers = new PacketHeaders()
  // IPv4 addresses are numbers, IPv6 addresses texts.
  #talkers = new Map<number | string, Talker>()

  count(source: PacketSource): void {
    const headers = this.#headers.read(source)
    const { networkOffset } = headers
    this.packets++
    if (headers.version === 4) {
      const address = number32(headers, networkOffset + 12)
      this.#add(address, networkOffset + 12, 4, number16(headers, networkOffset + 2))
    } else if (headers.version === 6) {
      let key = ''
      for (let i = 8; i < 24; i += 2) key += String.fromCharCode(number16(headers, networkOffset + i))
      this.#add(key, networkOffset + 8, 16, 40 + number16(headers, networkOffset + 4))
    } else {
      this.bytes += source.payloadLength
    }
  }

  read(lost: number): LogTotals {
    return { packets: this.packets, bytes: this.bytes, lost }
  }

  /** Those who sent most packets. */
  topTalkers(count: number): readonly Readonly<Talker>[] {
    return [...this.#talkers.values()].sort((a, b) => b.packets - a.packets).slice(0, count)
  }

  #add(key: number | string, offset: number, size: number, bytes: number): void {
    this.bytes += bytes
    let talker = this.#talkers.get(key)
    if (talker === undefined) {
      if (this.#talkers.size >= MAXIMUM_TALKERS) this.#forgetQuietOnes()
      const address = Uint8Array.from({ length: size }, (_, i) => this.#headers.byte(offset + i))
      talker = { address: formatAddress(address), packets: 0, bytes: 0 }
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

function number16(headers: PacketHeaders, offset: number): number {
  return (headers.byte(offset) << 8) | headers.byte(offset + 1)
}

function number32(headers: PacketHeaders, offset: number): number {
  return number16(headers, offset) * 0x10000 + number16(headers, offset + 2)
}

/** What stands behind the rates while it runs. */
export function describeTotals({ packets, lost }: LogTotals): readonly (readonly [string, number])[] {
  return Object.entries({ lost, packets })
}

/** The last words, for people. */
export function formatStatistics(statistics: Statistics, lost: number, seconds: number, source: string): string {
  const { packets, bytes } = statistics
  const rate = seconds > 0 ? packets / seconds : 0
  const talkers = statistics.topTalkers(10)
  const lines = [
    formatRows([
      ['packets', packets, `${whole(rate)} a second for ${seconds.toFixed(1)} s, by ${source}`],
      ['bytes', bytes, ''],
      ['lost', lost, lost > 0 ? 'more than could be read: try --threshold, --copy-range' : ''],
    ]),
  ]
  if (talkers.length > 0) lines.push('', 'top talkers     packets           bytes')
  for (const { address, packets: count, bytes: size } of talkers) {
    lines.push(`${address.padEnd(10)} ${whole(count).padStart(12)}  ${whole(size).padStart(14)}`)
  }
  return lines.join('\n')
}
