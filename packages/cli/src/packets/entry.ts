import { Family, Hook, type LogRecordView, Memory, type QueuePacketView } from '@ringlink/codec'
import { ETHERNET_HEADER_LENGTH, PacketView } from '@ringlink/packet'
import type { LogRecord } from 'ringlink'

/** A packet, with copies of the shown values. */
export interface Entry {
  /** nanoseconds since 1970 */
  readonly at: bigint
  /** name of the host that logged it, if that is another one */
  readonly host?: string | undefined
  /** number of the queue that it waited in, its id there, and its verdict */
  readonly queue?: number | undefined
  readonly id?: number | undefined
  readonly verdict?: 'accept' | 'drop' | undefined
  readonly group?: number | undefined
  readonly sequence?: number | undefined
  readonly prefix?: string | undefined
  readonly hook?: string | undefined
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
  readonly mark?: number | undefined
  readonly userId?: number | undefined
  readonly groupId?: number | undefined
  readonly vlanId?: number | undefined
  /** an Ethernet header, if there is one */
  readonly linkLayer?: Uint8Array | undefined
  /** 0: by the first byte */
  readonly etherType: number
  /** the copied bytes, from the network header on */
  readonly bytes: Uint8Array
  /** packets that were lost right before it */
  readonly lost: number
}

type HookNames = Readonly<Record<number, string>>
const arpHooks: HookNames = ['input', 'output', 'forward']
const deviceHooks: HookNames = ['ingress', 'egress']
const hooks: HookNames = Object.fromEntries(Object.entries(Hook).map(([name, number]) => [number, name.toLowerCase()]))

/** Copies the shown values of a record. */
export function entryOfRecord(record: LogRecord, at: bigint, lost: number, host?: string): Entry {
  const { group, sequence } = record
  const linkLayer = record.linkLayerHeader() ?? record.hardwareHeader()
  return { at, lost, host, group, sequence, prefix: record.prefix(), ...detailsOf(record, record.headers(), linkLayer) }
}

/** Copies the shown values of a packet of a queue. */
export function entryOfPacket(
  packet: QueuePacketView,
  headers: PacketView,
  now: bigint,
  { verdict, lost = 0 }: { readonly verdict?: Entry['verdict']; readonly lost?: number },
): Entry {
  const { queueNumber: queue, id } = packet
  const received = packet.timestamp()
  const at = received === undefined ? now : received * 1000n
  return { at, lost, queue, id, verdict, ...detailsOf(packet, headers, packet.linkLayerHeader()) }
}

/** The headers of the packet in an entry. */
export function headersOf({ bytes, etherType }: Entry): PacketView {
  return new PacketView().wrapNetwork(Memory.from(bytes), 0, bytes.length, etherType)
}

function detailsOf(packet: LogRecordView | QueuePacketView, headers: PacketView, header: Uint8Array | undefined) {
  const { family, hook, inputDevice, outputDevice, mark, userId, groupId } = packet
  const { memory, linkOffset, offset, length, vlanId } = headers
  // Some packets begin with their Ethernet header, or with tags.
  const network = headers.networkOffset < 0 ? offset : headers.networkOffset
  const linkLayer = linkOffset < 0 ? header : memory.copy(linkOffset, Math.min(length, ETHERNET_HEADER_LENGTH))
  return {
    hook: hookName(family, hook),
    inputDevice,
    outputDevice,
    mark,
    userId,
    groupId,
    vlanId,
    linkLayer: linkLayer?.length === ETHERNET_HEADER_LENGTH ? linkLayer : undefined,
    etherType: headers.etherType ?? 0,
    bytes: memory.copy(network, offset + length - network),
  }
}

function hookName(family: number, hook: number): string {
  const names = family === Family.Arp ? arpHooks : family === Family.NetworkDevice ? deviceHooks : hooks
  return names[hook] ?? `hook ${hook}`
}
