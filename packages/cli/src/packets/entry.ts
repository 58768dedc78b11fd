import { LinkType, nflogMessage, type PacketBlock } from '@ringlink/capture'
import { Family, Hook, type LogRecordView, Memory } from '@ringlink/codec'
import { EtherType, openEthernet } from './packet-text.ts'

/** A logged packet, with a copy of what it is shown by. */
export interface Entry {
  /** nanoseconds since 1970 */
  readonly at: bigint
  readonly group?: number | undefined
  readonly sequence?: number | undefined
  readonly prefix?: string | undefined
  readonly hook?: string | undefined
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
  readonly mark?: number | undefined
  readonly userId?: number | undefined
  readonly groupId?: number | undefined
  /** an Ethernet header, if there is one */
  readonly linkLayer?: Uint8Array | undefined
  readonly etherType: number
  /** from the network header on, what was copied of it */
  readonly bytes: Uint8Array
  /** packets that were lost right before it */
  readonly lost: number
}

const ETHERNET_LENGTH = 14
type HookNames = Readonly<Record<number, string>>
const arpHooks: HookNames = ['input', 'output', 'forward']
const deviceHooks: HookNames = ['ingress', 'egress']
const hooks: HookNames = Object.fromEntries(Object.entries(Hook).map(([name, number]) => [number, name.toLowerCase()]))

/** Copies what is shown of a record. */
export function entryOfRecord(record: LogRecordView, at: bigint, lost: number): Entry {
  const linkLayer = record.linkLayerHeader() ?? record.hardwareHeader()
  return {
    at,
    lost,
    group: record.group,
    sequence: record.sequence,
    prefix: record.prefix(),
    hook: hookName(record.family, record.hook),
    inputDevice: record.inputDevice,
    outputDevice: record.outputDevice,
    mark: record.mark,
    userId: record.userId,
    groupId: record.groupId,
    linkLayer: linkLayer?.length === ETHERNET_LENGTH ? linkLayer : undefined,
    etherType: record.protocol,
    bytes: record.payload().slice(),
  }
}

function hookName(family: number, hook: number): string {
  const names = family === Family.Arp ? arpHooks : family === Family.NetworkDevice ? deviceHooks : hooks
  return names[hook] ?? `hook ${hook}`
}

/** A packet of a capture that is a record of a log, as it was; undefined for another link type. Throws `DecodeError`. */
export function recordOfPacket(packet: PacketBlock, view: LogRecordView): LogRecordView | undefined {
  if (packet.linkType !== LinkType.Nflog) return undefined
  const message = nflogMessage(packet)
  return view.wrap(Memory.from(message), 0, message.length)
}

/** A packet of a capture that somebody else has made; undefined for a link type that is not known here. */
export function entryOfPacket(packet: PacketBlock): Entry | undefined {
  const { at, bytes, linkType } = packet
  const lost = Number(packet.dropCount ?? 0)
  switch (linkType) {
    case LinkType.Ethernet: {
      const found = openEthernet(bytes)
      if (found === undefined) return { at, lost, etherType: 0, bytes }
      const linkLayer = bytes.subarray(0, ETHERNET_LENGTH)
      return { at, lost, linkLayer, etherType: found.etherType, bytes: bytes.subarray(found.offset) }
    }
    case LinkType.Raw:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return { at, lost, etherType: (bytes[0] ?? 0) >> 4 === 6 ? EtherType.Ipv6 : EtherType.Ipv4, bytes }
    default:
      return undefined
  }
}
