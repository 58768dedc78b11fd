/** The values of registers and sets in nft's words, by nft's number of their type. */
import { escapeText } from '@ringlink/codec'
import { formatAddress, formatHardwareAddress } from '@ringlink/packet'
import { DataType } from '../fields/kinds.ts'
import {
  connectionDirections,
  connectionStateBits,
  connectionStatusBits,
  dscpNames,
  etherTypes,
  icmpCodes,
  icmpTypes,
  icmpv6Codes,
  icmpv6Types,
  type Names,
  packetTypes,
  protocolNumbers,
  tcpFlagBits,
  weekdays,
} from '../fields/names.ts'
import { type KeyRange, keyBytes } from '../set.ts'

const PROTOCOL_ICMPV6 = 58

/** Names of numbers, by nft's number of the type. */
const named: ReadonlyMap<number, Names> = new Map<number, Names>([
  [DataType.IcmpType, icmpTypes],
  [DataType.Icmpv6Type, icmpv6Types],
  [DataType.IcmpCode, icmpCodes],
  [DataType.Icmpv6Code, icmpv6Codes],
  [DataType.Protocol, { ...protocolNumbers, igmp: 2, gre: 47, esp: 50, ah: 51, ipcomp: 108 }],
  [DataType.ConnectionDirection, connectionDirections],
  [DataType.DeviceGroup, { '"default"': 0 }],
  [DataType.Dscp, dscpNames],
  [DataType.PacketType, packetTypes],
  [DataType.EtherType, { ...etherTypes, '8021ad': 0x88a8 }],
])

/** Names of bits, by nft's number of the type. */
const bits: ReadonlyMap<number, Names> = new Map<number, Names>([
  [DataType.ConnectionState, connectionStateBits],
  [DataType.ConnectionStatus, connectionStatusBits],
  [DataType.TcpFlag, tcpFlagBits],
])

function nameOf(names: Names, number: number): string | undefined {
  return Object.entries(names).find(([, it]) => it === number)?.[0]
}

/** Digits of numbers that nft writes in hexadecimal. */
const hexadecimal: ReadonlyMap<number, number> = new Map<number, number>([
  [DataType.Mark, 8],
  [DataType.Dscp, 2],
  [DataType.EtherType, 4],
])

/** One number of a type. */
function numberText(type: number, number: bigint, length: number): string {
  const bytes = () => keyBytes(number, length)
  switch (type) {
    case DataType.Ipv4Address:
    case DataType.Ipv6Address:
      return formatAddress(bytes())
    case DataType.EthernetAddress:
      return formatHardwareAddress(bytes())
    case DataType.DeviceName:
      return `"${deviceName(bytes())}"`
    case DataType.Hour:
      return `"${timeText(Number(number))}"`
    case DataType.Day:
      return `"${capitalized(nameOf(weekdays, Number(number)) ?? String(number))}"`
    case DataType.Protocol:
      if (Number(number) === PROTOCOL_ICMPV6) return 'ipv6-icmp'
      break
    case DataType.EtherType:
      if (Number(number) === etherTypes.vlan) return '8021q'
      break
  }
  const name = nameOf(named.get(type) ?? {}, Number(number))
  const digits = hexadecimal.get(type)
  return name ?? (digits === undefined ? String(number) : hex(number, digits))
}

/** A number in hexadecimal, with leading zeros. */
export function hex(number: number | bigint, digits = 8): string {
  return `0x${number.toString(16).padStart(digits, '0')}`
}

function deviceName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return escapeText(new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)))
}

function timeText(seconds: number): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`
  return seconds % 60 === 0 ? text : `${text}:${two(seconds % 60)}`
}

function capitalized(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

/** One number of a type, or a range of them: networks, and names that begin alike, have texts of their own. */
export function rangeText(type: number, { from, to }: KeyRange, length: number): string {
  if (from === to) return numberText(type, from, length)
  if (type === DataType.DeviceName) return `"${deviceName(keyBytes(from, length))}*"`
  const bitLength = length * 8
  const size = to - from + 1n
  const isNetwork = (size & (size - 1n)) === 0n && from % size === 0n
  if ((type === DataType.Ipv4Address || type === DataType.Ipv6Address) && isNetwork) {
    return `${numberText(type, from, length)}/${bitLength - (size.toString(2).length - 1)}`
  }
  return `${endText(type, from, length)}-${endText(type, to, length)}`
}

/** An end of a range, of which numbers have no names. */
function endText(type: number, number: bigint, length: number): string {
  if (!named.has(type)) return numberText(type, number, length)
  const digits = hexadecimal.get(type)
  return digits === undefined ? String(number) : hex(number, digits)
}

/** Whether a type is one of which bits have names. */
export function hasBits(type: number): boolean {
  return bits.has(type)
}

/** The names of the bits of a number. */
export function bitsText(type: number, number: bigint): string {
  const names = Object.entries(bits.get(type) ?? {}).filter(([, bit]) => (number & BigInt(bit)) !== 0n)
  const rest = names.reduce((left, [, bit]) => left & ~BigInt(bit), number)
  const texts = names.sort(([, one], [, other]) => one - other).map(([name]) => name)
  return [...texts, ...(rest === 0n && number !== 0n ? [] : [hex(rest, 1)])].join(',')
}

/** A time as nft writes it: `1h30m`. */
export function durationText(milliseconds: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const
  let left = milliseconds
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? '' : `${count}${unit}`
  })
  return parts.join('') || '0s'
}
