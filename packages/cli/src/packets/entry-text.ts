import { styleText } from 'node:util'
import { formatHardwareAddress, hexadecimal, printable } from './address.ts'
import type { DeviceNames } from './devices.ts'
import type { Entry } from './entry.ts'
import { describeEthernet, describePacket, formatEnds } from './packet-text.ts'

export type Style = Parameters<typeof styleText>[0]
/** Puts a text in colour, or does not. */
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_, text) => text
export const inColour: Paint = (style, text) => styleText(style, text, { validateStream: false })

/** How entries are turned to text. */
export interface EntryStyle {
  readonly paint: Paint
  readonly devices: Pick<DeviceNames, 'name'>
  /** show the header of the link layer too */
  readonly linkLayer: boolean
}

/** One line, as tcpdump writes them; with what the log adds in front. */
export function formatEntry(entry: Entry, { paint, devices, linkLayer }: EntryStyle): string {
  const packet = describePacket(entry.etherType, entry.bytes)
  const words: string[] = [paint('dim', clockTime(entry.at))]
  if (entry.lost > 0) words.push(paint(['bold', 'red'], `(${entry.lost} lost)`))
  if (entry.group !== undefined) words.push(paint('dim', `${entry.group}`))
  if (entry.prefix) words.push(paint('yellow', printable(entry.prefix).trim()))
  const way = wayOf(entry, devices)
  if (way !== '') words.push(paint('dim', way))
  if (entry.mark !== undefined) words.push(`mark 0x${hexadecimal(entry.mark)}`)
  const header = linkLayer && entry.linkLayer !== undefined ? describeEthernet(entry.linkLayer) : undefined
  if (header !== undefined) words.push(paint('dim', `${header},`))
  words.push(paint(['bold', colourOf(packet.protocol)], packet.network))
  const ends = formatEnds(packet)
  if (ends !== '') words.push(paint('cyan', ends.trim()))
  words.push(packet.text)
  return words.join(' ')
}

/** The same for programs; what is not known is left out. */
export function entryObject(entry: Entry, devices: Pick<DeviceNames, 'name'>): object {
  const { at, bytes, linkLayer, inputDevice, outputDevice, etherType: _, ...rest } = entry
  const { network, protocol, length, source, sourcePort, destination, destinationPort, text } = describePacket(
    entry.etherType,
    bytes,
  )
  return {
    event: 'packet',
    at: isoTime(at),
    ...rest,
    input: inputDevice === undefined ? undefined : devices.name(inputDevice),
    output: outputDevice === undefined ? undefined : devices.name(outputDevice),
    sender: linkLayer === undefined ? undefined : formatHardwareAddress(linkLayer.subarray(6, 12)),
    network,
    protocol,
    source,
    sourcePort,
    destination,
    destinationPort,
    length,
    captured: bytes.length,
    text,
  }
}

function wayOf({ hook, inputDevice, outputDevice }: Entry, devices: Pick<DeviceNames, 'name'>): string {
  const from = inputDevice === undefined ? '' : devices.name(inputDevice)
  const to = outputDevice === undefined ? '' : devices.name(outputDevice)
  return [hook, from === '' && to === '' ? '' : `${from}>${to}`].filter(Boolean).join(' ')
}

function colourOf(protocol: string): 'green' | 'blue' | 'magenta' | 'white' {
  switch (protocol) {
    case 'TCP':
      return 'green'
    case 'UDP':
    case 'DNS':
      return 'blue'
    case 'ICMP':
    case 'ICMP6':
    case 'ARP':
      return 'magenta'
    default:
      return 'white'
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

/** A time that a date cannot be made of is one that a capture made up; its number is shown. */
function isoTime(at: bigint): string {
  const date = new Date(Number(at / MILLISECOND))
  return Number.isNaN(date.getTime()) ? `${at}` : date.toISOString().replace(/\.\d+Z$/, `.${microseconds(at)}Z`)
}
