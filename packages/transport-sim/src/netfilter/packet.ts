import { ConntrackStateBit, Family, Hook } from '@ringlink/codec'
import type { Connection } from '../conntrack/connection.ts'
import type { Zone } from '../conntrack/tuple.ts'
import { networkHeaderLength } from '../internet/transit.ts'

/** How far the checksum of a packet's transport header is. */
export const Checksum = {
  /** verified on arrival, or to be trusted */
  Verified: 0,
  /** CHECKSUM_PARTIAL: holds the sum of the pseudo header; the device is to fill in the rest */
  Partial: 1,
  /** CHECKSUM_NONE: in the packet, and not verified */
  Unverified: 2,
} as const
export type Checksum = (typeof Checksum)[keyof typeof Checksum]

/** The local socket that a packet came from. */
export interface PacketOwner {
  readonly userId: number
  readonly groupId: number
  /** it has been closed since: its user and group are no longer known */
  readonly closed?: boolean | undefined
}

/** The metadata of a packet. Properties left out are those of a plain packet at its hook. */
export interface PacketMeta {
  /** the bytes are the sender's again as soon as the packet waits in a queue: they are copied then; default false */
  readonly borrowed?: boolean | undefined
  /** `Hook`; default Output */
  readonly hook?: number | undefined
  /** `Family`; default by the version in its first byte */
  readonly family?: number | undefined
  /** EtherType; default by family */
  readonly protocol?: number | undefined
  /** interface indexes; default 1 (`lo`) if the hook has one, 0 for none */
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
  /** bridge ports; default none */
  readonly physicalInputDevice?: number | undefined
  readonly physicalOutputDevice?: number | undefined
  readonly mark?: number | undefined
  readonly priority?: number | undefined
  /** the sending local socket; default at Output one of user and group 0. `null`: none */
  readonly owner?: PacketOwner | null | undefined
  /**
   * `ConntrackStateBit`: the value that `ct state` in rules loads, without any connection. Default: the state that
   * connection tracking finds, and Invalid for an untracked packet
   */
  readonly connectionState?: number | undefined
  /**
   * it is to be injected at another hook when it was delivered here: its connection is not confirmed yet; default false
   */
  readonly continues?: boolean | undefined
  /** the packet that it was at the hook before, as `onDelivered` gives it: it stays in the same connection */
  readonly follows?: DeliveredPacket | undefined
  /** net_cls class of the sender */
  readonly cgroupClassId?: number | undefined
  readonly securityContext?: string | undefined
  /** link-layer address of the sender; default six zero bytes, as on `lo`, where there is an input device */
  readonly hardwareAddress?: Uint8Array | null | undefined
  /** `ARPHRD_…` of the input device; default 772 (loopback) */
  readonly hardwareType?: number | undefined
  /** bytes in front of the packet; default 14 bytes of an Ethernet header without addresses */
  readonly linkLayerHeader?: Uint8Array | undefined
  /** time of receipt in microseconds since 1970; left out: no timestamp */
  readonly timestamp?: bigint | undefined
  readonly checksum?: Checksum | undefined
  /** bytes of data in each segment: the packet is larger than the MTU and is segmented later */
  readonly segmentSize?: number | undefined
  /**
   * bytes that the kernel holds in one piece, which it copies where it refers to the rest; matters to the accounting
   * alone
   */
  readonly linearLength?: number | undefined
}

/** A packet that has passed its hook. */
export interface DeliveredPacket {
  /** not to be changed, nor kept: copy it */
  readonly bytes: Uint8Array
  readonly hook: number
  readonly mark: number
  readonly priority: number
}

/** UDP datagrams larger than this are kept in pages (`SKB_MAX_ALLOC` less the link-layer header). */
const LARGEST_LINEAR = 16048

/**
 * A packet on its way. The objects are reused: each belongs to the path that it travels, and is returned at the end.
 * The bytes are the sender's until they are changed.
 */
export class SimPacket {
  bytes: Uint8Array = NO_BYTES
  family: number = Family.Ipv4
  protocol = 0x0800
  hook: number = Hook.Output
  inputDevice = 0
  outputDevice = 0
  physicalInputDevice = 0
  physicalOutputDevice = 0
  mark = 0
  priority = 0
  owner: PacketOwner | undefined
  connectionState: number = ConntrackStateBit.Invalid
  /** its state was given and need not be determined */
  isStateGiven = false
  connection: Connection | undefined
  /** `ConntrackInfo`: how it stands to its connection */
  connectionInfo = 0
  /** the zone that a rule has chosen for it, until it is tracked */
  zone: Zone | undefined
  /** it has passed another hook before this one */
  follows = false
  continues = false
  cgroupClassId = 0
  securityContext: string | undefined
  hardwareAddress: Uint8Array | undefined
  hardwareType = 772
  linkLayerHeader: Uint8Array = LOOPBACK_HEADER
  timestamp: bigint | undefined
  checksum: Checksum = Checksum.Verified
  segmentSize = 0
  linearLength = 0
  /** its bytes must be copied before it waits */
  borrowed = false
  /** the table of its hook in which it was queued */
  table = 0
  /** times that user space sent it through its hook again */
  repeats = 0
  /** its number in the queue that it waits in */
  id = 0
  previous: SimPacket | undefined
  next: SimPacket | undefined

  /** Makes it the packet of `bytes` and `meta`. */
  aim(bytes: Uint8Array, meta: PacketMeta): this {
    this.bytes = bytes
    const isIpv6 = (bytes[0] as number) >> 4 === 6
    this.family = meta.family ?? (isIpv6 ? Family.Ipv6 : Family.Ipv4)
    this.protocol = meta.protocol ?? (isIpv6 ? 0x86dd : 0x0800)
    const hook = meta.hook ?? Hook.Output
    this.hook = hook
    this.inputDevice = meta.inputDevice ?? (hook <= Hook.Forward ? 1 : 0)
    this.outputDevice = meta.outputDevice ?? (hook >= Hook.Forward && hook <= Hook.Postrouting ? 1 : 0)
    this.physicalInputDevice = meta.physicalInputDevice ?? 0
    this.physicalOutputDevice = meta.physicalOutputDevice ?? 0
    this.mark = meta.mark ?? 0
    this.priority = meta.priority ?? 0
    this.owner = meta.owner === undefined ? (hook >= Hook.Output ? ROOT : undefined) : (meta.owner ?? undefined)
    this.connectionState = meta.connectionState ?? ConntrackStateBit.Invalid
    this.isStateGiven = meta.connectionState !== undefined
    this.connection = undefined
    this.zone = undefined
    this.continues = meta.continues === true
    this.follows = meta.follows !== undefined
    if (meta.follows !== undefined) this.#follow(meta.follows)
    this.cgroupClassId = meta.cgroupClassId ?? 0
    this.securityContext = meta.securityContext
    this.hardwareAddress = meta.hardwareAddress === null ? undefined : (meta.hardwareAddress ?? LOOPBACK_ADDRESS)
    this.hardwareType = meta.hardwareType ?? 772
    this.linkLayerHeader = meta.linkLayerHeader ?? LOOPBACK_HEADER
    this.timestamp = meta.timestamp
    this.checksum = meta.checksum ?? Checksum.Verified
    this.segmentSize = meta.segmentSize ?? 0
    this.linearLength = meta.linearLength ?? defaultLinear(bytes)
    this.borrowed = meta.borrowed === true
    this.table = 0
    this.repeats = 0
    return this
  }

  #follow(before: DeliveredPacket): void {
    if (!(before instanceof SimPacket)) return
    this.connectionState = before.connectionState
    this.isStateGiven = before.isStateGiven
    this.connection = before.connection
    this.connectionInfo = before.connectionInfo
    if (this.connection !== undefined) this.connection.references++
  }

  /** Makes the bytes its own. */
  keep(): void {
    this.bytes = this.bytes.slice()
    this.borrowed = false
  }

  /** Copies everything of `other` except its bytes. */
  copyFrom(other: SimPacket, bytes: Uint8Array): this {
    const { previous, next } = this
    Object.assign(this, other)
    this.previous = previous
    this.next = next
    this.bytes = bytes
    this.borrowed = false
    this.linearLength = defaultLinear(bytes)
    if (this.connection !== undefined) this.connection.references++
    return this
  }
}

function defaultLinear(bytes: Uint8Array): number {
  return bytes.length < LARGEST_LINEAR ? bytes.length : networkHeaderLength(bytes) + 8
}

const ROOT: PacketOwner = { userId: 0, groupId: 0 }
const NO_BYTES = new Uint8Array(0)
const LOOPBACK_ADDRESS = new Uint8Array(6)
const LOOPBACK_HEADER = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0])
