import { Family, Hook, type LogRecordView, type QueuePacketView } from '@ringlink/codec'
import { ETHERNET_HEADER_LENGTH, EtherType } from '@ringlink/packet'

/** A packet, with a copy of what it is shown by. */
export interface Entry {
  /** nanoseconds since 1970 */
  readonly at: bigint
  /** number of the queue that it waited in, its id there, and what was answered */
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
  /** an Ethernet header, if there is one */
  readonly linkLayer?: Uint8Array | undefined
  /** 0: as the first byte says */
  readonly etherType: number
  /** from the network header on, what was copied of it */
  readonly bytes: Uint8Array
  /** packets that were lost right before it */
  readonly lost: number
}

type HookNames = Readonly<Record<number, string>>
const arpHooks: HookNames = ['input', 'output', 'forward']
const deviceHooks: HookNames = ['ingress', 'egress']
const hooks: HookNames = Object.fromEntries(Object.entries(Hook).map(([name, number]) => [number, name.toLowerCase()]))

/** Copies what is shown of a record. */
export function entryOfRecord(record: LogRecordView, at: bigint, lost: number): Entry {
  const linkLayer = record.linkLayerHeader() ?? record.hardwareHeader()
  const { group, sequence, family, protocol } = record
  const bytes = record.payload().slice()
  return {
    at,
    lost,
    group,
    sequence,
    prefix: record.prefix(),
    ...detailsOf(record),
    linkLayer: linkLayer?.length === ETHERNET_HEADER_LENGTH ? linkLayer : undefined,
    etherType: protocol || etherTypeOf(family),
    bytes,
  }
}

/** Copies what is shown of a packet of a queue. */
export function entryOfPacket(
  packet: QueuePacketView,
  now: bigint,
  { verdict, lost = 0 }: { readonly verdict?: Entry['verdict']; readonly lost?: number },
): Entry {
  const { queueNumber: queue, id, family, protocol } = packet
  const received = packet.timestamp()
  const linkLayer = packet.linkLayerHeader()
  const bytes = packet.payload().slice()
  return {
    at: received === undefined ? now : received * 1000n,
    lost,
    queue,
    id,
    verdict,
    ...detailsOf(packet),
    linkLayer: linkLayer?.length === ETHERNET_HEADER_LENGTH ? linkLayer : undefined,
    etherType: protocol || etherTypeOf(family),
    bytes,
  }
}

function detailsOf(packet: LogRecordView | QueuePacketView) {
  const { family, hook, inputDevice, outputDevice, mark, userId, groupId } = packet
  return { hook: hookName(family, hook), inputDevice, outputDevice, mark, userId, groupId }
}

/** Some kernels leave the protocol of a record at 0; then the family tells it, or the packet's first byte (0). */
function etherTypeOf(family: number): number {
  switch (family) {
    case Family.Ipv4:
      return EtherType.Ipv4
    case Family.Ipv6:
      return EtherType.Ipv6
    case Family.Arp:
      return EtherType.Arp
    default:
      return 0
  }
}

function hookName(family: number, hook: number): string {
  const names = family === Family.Arp ? arpHooks : family === Family.NetworkDevice ? deviceHooks : hooks
  return names[hook] ?? `hook ${hook}`
}
