import { Memory } from '@ringlink/codec'
import { PacketView } from '@ringlink/packet'
import type { FilteredPacket } from '../../src/packets/filter.ts'

/** Bytes before and after a packet, in which a filter that reads outside the packet would find its text. */
const SURROUNDINGS = new TextEncoder().encode('secret secret secret....')

/** A packet as a filter is shown it, in the middle of other bytes. */
export function packet(bytes: readonly number[] | Uint8Array, mark?: number, length = bytes.length): TestPacket {
  const memory = Memory.from(Uint8Array.from([...SURROUNDINGS, ...bytes, ...SURROUNDINGS]))
  const view = new PacketView()
  return { bytes, mark, headers: () => view.wrapNetwork(memory, SURROUNDINGS.length, length) }
}

interface TestPacket extends FilteredPacket {
  readonly bytes: readonly number[] | Uint8Array
}

/** The first `length` bytes of a packet: what a copy range leaves of it. */
export function cut({ bytes, mark }: TestPacket, length: number): TestPacket {
  return packet(bytes, mark, length)
}

interface Ipv4Options {
  source?: readonly number[]
  destination?: readonly number[]
  /** a multiple of four */
  options?: number
  fragmentOffset?: number
  moreFragments?: boolean
}

export function ipv4(protocol: number, content: readonly number[], settings: Ipv4Options = {}): number[] {
  const { source = [10, 0, 0, 1], destination = [192, 0, 2, 7], options = 0, fragmentOffset = 0 } = settings
  const length = 20 + options + content.length
  return [
    0x45 + options / 4,
    0,
    ...half(length),
    ...half(0x1234),
    ...half((settings.moreFragments === true ? 0x2000 : 0) | (fragmentOffset >> 3)),
    64,
    protocol,
    ...half(0),
    ...source,
    ...destination,
    ...Array<number>(options).fill(1),
    ...content,
  ]
}

const IPV6_SOURCE = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
const IPV6_DESTINATION = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]

export function ipv6(next: number, content: readonly number[]): number[] {
  return [0x60, 0, 0, 0, ...half(content.length), next, 64, ...IPV6_SOURCE, ...IPV6_DESTINATION, ...content]
}

/** An extension header of `length` bytes (a multiple of eight) in front of what follows. */
export function extension(next: number, length: number, rest: readonly number[]): number[] {
  return [next, length / 8 - 1, ...Array<number>(length - 2).fill(0), ...rest]
}

export function authentication(next: number, length: number, rest: readonly number[]): number[] {
  return [next, length / 4 - 2, ...Array<number>(length - 2).fill(0), ...rest]
}

export function fragment(next: number, offset: number, rest: readonly number[]): number[] {
  return [next, 0, ...half(offset | 1), 0, 0, 0, 9, ...rest]
}

export function udp(source: number, destination: number, text = ''): number[] {
  const content = [...new TextEncoder().encode(text)]
  return [...half(source), ...half(destination), ...half(8 + content.length), 0, 0, ...content]
}

/** @param options bytes of TCP options, a multiple of four */
export function tcp(source: number, destination: number, text = '', options = 0): number[] {
  const header = [
    ...half(source),
    ...half(destination),
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    2,
    (5 + options / 4) << 4,
    0x18,
    1,
    0,
    0,
    0,
    0,
    0,
  ]
  return [...header, ...Array<number>(options).fill(1), ...new TextEncoder().encode(text)]
}

function half(value: number): number[] {
  return [value >> 8, value & 0xff]
}
