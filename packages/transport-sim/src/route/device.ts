/** A network device: `struct net_device`, as far as rtnetlink shows it. */

/** The kinds of devices that are modelled. */
export type DeviceKind = 'loopback' | 'veth' | 'bridge' | 'dummy'

/** IFF_*: bits of `ifi_flags`. */
export const DeviceFlag = {
  /** IFF_UP */
  Up: 0x1,
  /** IFF_BROADCAST */
  Broadcast: 0x2,
  /** IFF_LOOPBACK */
  Loopback: 0x8,
  /** IFF_RUNNING */
  Running: 0x40,
  /** IFF_NOARP */
  NoArp: 0x80,
  /** IFF_PROMISC */
  Promiscuous: 0x100,
  /** IFF_MULTICAST */
  Multicast: 0x1000,
  /** IFF_LOWER_UP */
  LowerUp: 0x10000,
} as const

/** IF_OPER_*: RFC 2863. */
export const OperationalState = { Unknown: 0, Down: 2, LowerLayerDown: 3, Up: 6 } as const

/** What devices of a kind are made with. */
interface KindDefaults {
  /** ARPHRD_* */
  readonly hardwareType: number
  readonly mtu: number
  readonly minimumMtu: number
  readonly maximumMtu: number
  readonly queues: number
  readonly segmentationLimit: number
  readonly isBound: boolean
  readonly flags: number
}

const ETHERNET = { hardwareType: 1, mtu: 1500, minimumMtu: 68, maximumMtu: 65535, flags: 0x1002 } as const

export const kindDefaults: Readonly<Record<DeviceKind, KindDefaults>> = {
  loopback: {
    hardwareType: 772,
    mtu: 65536,
    minimumMtu: 0,
    maximumMtu: 0,
    queues: 1,
    segmentationLimit: 524280,
    isBound: true,
    flags: DeviceFlag.Loopback,
  },
  veth: { ...ETHERNET, queues: 2, segmentationLimit: 524280, isBound: false },
  dummy: {
    ...ETHERNET,
    minimumMtu: 0,
    maximumMtu: 0,
    flags: DeviceFlag.Broadcast | DeviceFlag.NoArp,
    queues: 1,
    segmentationLimit: 65536,
    isBound: false,
  },
  bridge: { ...ETHERNET, queues: 1, segmentationLimit: 65536, isBound: true },
}

/** BR_STATE_*: what a bridge does with the packets of a port. */
export const PortState = { Disabled: 0, Forwarding: 3, Blocking: 4 } as const

/** A device as a port of a bridge: `struct net_bridge_port`. */
export interface BridgePort {
  readonly bridge: Device
  /** from 1 */
  readonly number: number
  state: number
}

const NO_ADDRESS = new Uint8Array(6)
const EVERYBODY = new Uint8Array(6).fill(0xff)

export class Device {
  readonly index: number
  readonly kind: DeviceKind
  readonly defaults: KindDefaults
  name: string
  address: Uint8Array
  broadcast: Uint8Array
  mtu: number
  transmitQueueLength = 1000
  group = 0
  alias: string | undefined
  /** the address in a bridge's number: its own since it was given one, else the lowest of its ports */
  bridgeAddress: Uint8Array = NO_ADDRESS
  /** a bridge keeps an address or an MTU that it was given, with any ports */
  hasOwnAddress = false
  hasOwnMtu = false
  /** IFLA_TSO_MAX_SIZE */
  segmentationLimit: number
  /** IFLA_PROMISCUITY and IFLA_ALLMULTI: how many users ask for all packets, or for all that go to groups */
  promiscuity = 0
  allMulticast = 0
  port: BridgePort | undefined
  /** the other end of a veth */
  peer: Device | undefined
  isUp = false
  hasCarrier: boolean
  carrierUpCount = 0
  carrierDownCount = 0
  operationalState: number = OperationalState.Unknown
  /** its queueing discipline is attached when it comes up for the first time */
  hasBeenUp = false
  /** its carrier has changed, or it is new: its operational state follows */
  isWatched = false
  /** `disable_ipv6` is not modelled: IPv6 runs on all devices. Its MTU follows that of the device */
  internet6Mtu: number
  /** IF_READY: IPv6 has seen it come up */
  isInternet6Ready = false
  /** routes know that it has no carrier, which they learn with its state */
  isLinkDown = false
  /** it is being unregistered: nothing is reported of it any more but that it goes */
  isDying = false

  constructor(index: number, kind: DeviceKind, name: string, address: Uint8Array | undefined) {
    this.index = index
    this.kind = kind
    this.name = name
    this.defaults = kindDefaults[kind]
    this.address = address ?? NO_ADDRESS
    this.broadcast = kind === 'loopback' ? NO_ADDRESS : EVERYBODY
    this.mtu = this.defaults.mtu
    this.segmentationLimit = this.defaults.segmentationLimit
    this.internet6Mtu = this.mtu
    this.hasCarrier = true
  }

  /** As `netif_carrier_on` and `netif_carrier_off`: counted, and looked at later. */
  setCarrier(hasCarrier: boolean): void {
    if (this.hasCarrier === hasCarrier) return
    this.hasCarrier = hasCarrier
    if (hasCarrier) this.carrierUpCount++
    else this.carrierDownCount++
    this.isWatched = true
  }

  /** whether packets can pass: `netif_oper_up` */
  get isOperational(): boolean {
    return this.operationalState === OperationalState.Up || this.operationalState === OperationalState.Unknown
  }

  /** whether addresses can be used on it (`addrconf_link_ready`) */
  get isReady(): boolean {
    return this.isUp && this.hasCarrier && this.isOperational
  }

  /** `ifi_flags` */
  get flags(): number {
    let flags = this.defaults.flags
    if (!this.isUp) return flags
    flags |= DeviceFlag.Up
    if (this.isOperational) flags |= DeviceFlag.Running
    if (this.hasCarrier) flags |= DeviceFlag.LowerUp
    return flags
  }

  /** IFLA_LINK: what it is a link to, where that is not the device itself */
  get link(): number | undefined {
    return this.kind === 'veth' ? (this.peer?.index ?? 0) : undefined
  }

  /** The state that follows from the carrier (`rfc2863_policy`). */
  get defaultState(): number {
    if (this.hasCarrier) return OperationalState.Up
    const { peer } = this
    return peer === undefined || peer.hasCarrier ? OperationalState.Down : OperationalState.LowerLayerDown
  }
}
