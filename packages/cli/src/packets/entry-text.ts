import { escapeText } from '@ringlink/codec'
import { EtherType, formatHardwareAddress, IpProtocol, type PacketView, packetEnds, packetText } from '@ringlink/packet'
import type { Paint } from '../terminal/paint.ts'
import type { DeviceNames } from './devices.ts'
import { DNS_PORTS, describeDns } from './dns.ts'
import { type Entry, headersOf } from './entry.ts'

/** Options of formatting entries. */
export interface EntryStyle {
  readonly paint: Paint
  readonly devices: Pick<DeviceNames, 'name'>
  /** show the header of the link layer too */
  readonly linkLayer: boolean
}

/** One line in tcpdump's format, preceded by the log's fields. */
export function formatEntry(entry: Entry, { paint, devices, linkLayer }: EntryStyle): string {
  const words: string[] = [paint('dim', clockTime(entry.at))]
  if (entry.lost > 0) words.push(paint(['bold', 'red'], `(${entry.lost} lost)`))
  if (entry.host !== undefined) words.push(paint('bold', escapeText(entry.host)))
  const number = entry.group ?? entry.queue
  if (number !== undefined) words.push(paint('dim', `${number}`))
  if (entry.verdict !== undefined)
    words.push(paint(entry.verdict === 'drop' ? 'red' : 'green', entry.verdict.padEnd(6)))
  if (entry.prefix) words.push(paint('yellow', escapeText(entry.prefix).trim()))
  const way = wayOf(entry, devices)
  if (way !== '') words.push(paint('dim', way))
  if (entry.mark !== undefined) words.push(`mark 0x${entry.mark.toString(16)}`)
  if (entry.vlanId !== undefined) words.push(`vlan ${entry.vlanId}`)
  if (linkLayer && entry.linkLayer !== undefined) words.push(paint('dim', `${ethernetText(entry.linkLayer)},`))
  words.push(paintPacket(headersOf(entry), paint))
  return words.join(' ')
}

/** As tcpdump prints it, in colours, with the names in DNS questions. */
function paintPacket(packet: PacketView, paint: Paint): string {
  const text = packetLine(packet)
  const [network = ''] = text.split(' ', 1)
  const ends = packetEnds(packet)
  const start = `${network} ${ends}`
  const name = paint(['bold', colourOf(packet)], network)
  if (ends === '' || !text.startsWith(start)) return `${name}${text.slice(network.length)}`
  return `${name} ${paint('cyan', ends)}${text.slice(start.length)}`
}

function packetLine(packet: PacketView): string {
  const question = dnsOf(packet)
  if (question === undefined) return packetText(packet)
  const network = packet.version === 4 ? 'IP' : 'IP6'
  return `${network} ${packetEnds(packet)}: ${question} (${packet.payloadLength})`
}

function dnsOf(packet: PacketView): string | undefined {
  const { protocol, sourcePort, destinationPort, payloadOffset, payloadLength } = packet
  const isDns = DNS_PORTS.has(sourcePort) || DNS_PORTS.has(destinationPort)
  if (protocol !== IpProtocol.Udp || !isDns) return undefined
  return describeDns(packet.memory.u8.subarray(payloadOffset, payloadOffset + payloadLength))
}

function ethernetText(bytes: Uint8Array): string {
  return `${formatHardwareAddress(bytes.subarray(6, 12))} > ${formatHardwareAddress(bytes.subarray(0, 6))}`
}

/** The same for programs; unknown values are left out. */
export function entryObject(entry: Entry, devices: Pick<DeviceNames, 'name'>): object {
  const { at, bytes, linkLayer, inputDevice, outputDevice, etherType: _, ...rest } = entry
  const packet = headersOf(entry)
  return {
    event: 'packet',
    at: isoTime(at),
    ...rest,
    input: inputDevice === undefined ? undefined : devices.name(inputDevice),
    output: outputDevice === undefined ? undefined : devices.name(outputDevice),
    sender: linkLayer === undefined ? undefined : formatHardwareAddress(linkLayer.subarray(6, 12)),
    ...packet.copy(),
    captured: bytes.length,
    text: packetLine(packet),
  }
}

function wayOf({ hook, inputDevice, outputDevice }: Entry, devices: Pick<DeviceNames, 'name'>): string {
  const from = inputDevice === undefined ? '' : escapeText(devices.name(inputDevice))
  const to = outputDevice === undefined ? '' : escapeText(devices.name(outputDevice))
  return [hook, from === '' && to === '' ? '' : `${from}>${to}`].filter(Boolean).join(' ')
}

function colourOf({ protocol, etherType }: PacketView): 'green' | 'blue' | 'magenta' | 'white' {
  switch (protocol) {
    case IpProtocol.Tcp:
      return 'green'
    case IpProtocol.Udp:
      return 'blue'
    case IpProtocol.Icmp:
    case IpProtocol.Icmpv6:
      return 'magenta'
    default:
      return etherType === EtherType.Arp ? 'magenta' : 'white'
  }
}

const MILLISECOND = 1_000_000n

function microseconds(at: bigint): string {
  return String((at / 1000n) % 1_000_000n).padStart(6, '0')
}

/** In this machine's time zone. */
function clockTime(at: bigint): string {
  const date = new Date(Number(at / MILLISECOND))
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${hours}:${minutes}:${seconds}.${microseconds(at)}`
}

/** A time outside the range of dates comes from a damaged capture; its number is shown. */
function isoTime(at: bigint): string {
  const date = new Date(Number(at / MILLISECOND))
  return Number.isNaN(date.getTime()) ? `${at}` : date.toISOString().replace(/\.\d+Z$/, `.${microseconds(at)}Z`)
}
