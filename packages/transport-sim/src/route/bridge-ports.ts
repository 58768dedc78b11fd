/** The ports of bridges: who joins and leaves, their states, and what follows for the bridge (net/bridge). */
import { Errno } from '@ringlink/codec'
import type { KernelRequest } from '../netlink/request.ts'
import { portMessage } from './bridge-port-message.ts'
import { type BridgePort, type Device, kindDefaults, PortState } from './device.ts'
import { isDeviceAddress } from './device-address.ts'
import { RTM_DELLINK, RTM_NEWLINK } from './link-types.ts'
import type { LinkListener, Links } from './links.ts'
import { type Notifier, RouteGroup } from './notifier.ts'
import { sameBytes } from './prefix.ts'
import { refuse } from './requests.ts'

/** IFF_PROMISC */
const PROMISCUOUS = 0x100
/** IFLA_EVENT_FEATURES */
const FEATURES = 2
/** `TSO_MAX_SIZE` */
const LONGEST_SEGMENTED = 524280
const NO_ADDRESS = new Uint8Array(6)

export class BridgePorts implements LinkListener {
  readonly #links: Links
  readonly #notifier: Notifier
  /** by bridge: the kinds of its ports, from which its features follow */
  readonly #features = new WeakMap<Device, string>()

  constructor(links: Links, notifier: Notifier) {
    this.#links = links
    this.#notifier = notifier
  }

  /** IFLA_MASTER (`do_set_master`): 0 leaves the bridge. A negative errno: refused. */
  setMaster(request: KernelRequest, device: Device, index: number): number {
    const { port } = device
    if (port?.bridge.index === index) return 0
    if (port !== undefined) {
      this.#leave(device, port)
      this.#follow(port.bridge)
    }
    if (index === 0) return 0
    const bridge = this.#links.find(index)
    if (bridge === undefined) return -Errno.EINVAL
    if (bridge.kind !== 'bridge') return -Errno.EOPNOTSUPP
    if (device.kind === 'loopback' || !isDeviceAddress(device.address)) return -Errno.EINVAL
    if (device.kind === 'bridge') return refuse(request, Errno.ELOOP, 'Can not enslave a bridge to a bridge')
    this.#join(device, bridge)
    return 0
  }

  /** A bridge is given an address: with another number it looks at its ports. */
  readdress(bridge: Device, address: Uint8Array): void {
    bridge.hasOwnAddress = true
    if (sameBytes(bridge.address, address)) return
    bridge.bridgeAddress = address
    this.#selectStates(bridge)
  }

  opening(bridge: Device): void {
    for (const [device, port] of this.#portsOf(bridge))
      if (device.isUp && device.isOperational) this.#enable(device, port)
  }

  closing(bridge: Device): void {
    for (const [device, port] of this.#portsOf(bridge))
      if (port.state !== PortState.Disabled) this.#disable(device, port)
  }

  deleting(bridge: Device): void {
    for (const [device, port] of this.#portsOf(bridge)) this.#leave(device, port)
  }

  up(device: Device): void {
    const { port } = device
    if (port === undefined) return
    if (port.bridge.isUp && device.isOperational) this.#enable(device, port)
    else this.#notify(RTM_NEWLINK, device)
  }

  changed(device: Device): void {
    const { port } = device
    if (port === undefined) return
    const isUsable = device.isUp && device.isOperational
    const isEnabled = port.state !== PortState.Disabled
    if (!port.bridge.isUp || isUsable === isEnabled) this.#notify(RTM_NEWLINK, device)
    else if (isUsable) this.#enable(device, port)
    else this.#disable(device, port)
  }

  down(device: Device): void {
    const { port } = device
    if (port === undefined) return
    if (port.bridge.isUp) this.#disable(device, port)
    else this.#notify(RTM_NEWLINK, device)
  }

  readdressed(device: Device): void {
    const { port } = device
    if (port === undefined) return
    if (this.#chooseAddress(port.bridge)) this.#links.readdressed(port.bridge)
    this.#notify(RTM_NEWLINK, device)
  }

  resized({ port }: Device): void {
    if (port !== undefined) this.#chooseMtu(port.bridge)
  }

  gone(device: Device): void {
    const { port } = device
    if (port === undefined) return
    this.#leave(device, port)
    this.#follow(port.bridge)
  }

  #portsOf(bridge: Device): [Device, BridgePort][] {
    if (bridge.kind !== 'bridge') return []
    return this.#links.devices.flatMap((device): [Device, BridgePort][] =>
      device.port?.bridge === bridge ? [[device, device.port]] : [],
    )
  }

  /** `br_add_if` */
  #join(device: Device, bridge: Device): void {
    const taken = new Set(this.#portsOf(bridge).map(([, { number }]) => number))
    let number = 1
    while (taken.has(number)) number++
    const port: BridgePort = { bridge, number, state: PortState.Disabled }
    device.port = port
    device.allMulticast++
    this.#links.notify(device)
    device.promiscuity++
    this.#links.notify(device, { change: PROMISCUOUS })
    this.#updateFeatures(bridge)
    const isReaddressed = this.#chooseAddress(bridge)
    if (bridge.isUp && device.isUp && device.isOperational) this.#enable(device, port)
    this.#notify(RTM_NEWLINK, device)
    if (isReaddressed) this.#links.readdressed(bridge)
    this.#chooseMtu(bridge)
    this.#limitSegments(bridge)
  }

  /** `del_nbp` */
  #leave(device: Device, port: BridgePort): void {
    device.allMulticast--
    device.promiscuity--
    this.#links.notify(device, { change: PROMISCUOUS })
    this.#disable(device, port)
    this.#notify(RTM_DELLINK, device)
    device.port = undefined
    this.#links.notify(device)
  }

  /** What becomes of a bridge that a port has left (`br_del_if`). */
  #follow(bridge: Device): void {
    this.#chooseMtu(bridge)
    this.#limitSegments(bridge)
    if (this.#chooseAddress(bridge)) this.#links.readdressed(bridge)
    this.#updateFeatures(bridge)
  }

  #enable(device: Device, port: BridgePort): void {
    port.state = PortState.Blocking
    this.#selectStates(port.bridge)
    this.#notify(RTM_NEWLINK, device)
  }

  #disable(device: Device, port: BridgePort): void {
    port.state = PortState.Disabled
    this.#notify(RTM_NEWLINK, device)
    this.#selectStates(port.bridge)
  }

  /** Without a spanning tree each port forwards at once; the bridge has a carrier while one does. */
  #selectStates(bridge: Device): void {
    const ports = this.#portsOf(bridge)
    for (const [device, port] of ports) {
      if (port.state !== PortState.Blocking) continue
      port.state = PortState.Forwarding
      this.#notify(RTM_NEWLINK, device)
    }
    bridge.setCarrier(ports.some(([, { state }]) => state === PortState.Forwarding))
  }

  /** Whether a bridge has another address: the lowest one of its ports (`br_stp_recalculate_bridge_id`). */
  #chooseAddress(bridge: Device): boolean {
    if (bridge.hasOwnAddress) return false
    const [lowest = NO_ADDRESS] = this.#portsOf(bridge)
      .map(([{ address }]) => address)
      .sort(compareBytes)
    if (sameBytes(bridge.bridgeAddress, lowest)) return false
    bridge.address = lowest
    bridge.bridgeAddress = lowest
    this.#selectStates(bridge)
    return true
  }

  /** `br_mtu_auto_adjust` */
  #chooseMtu(bridge: Device): void {
    if (bridge.hasOwnMtu) return
    const ports = this.#portsOf(bridge)
    const mtu = ports.length === 0 ? kindDefaults.bridge.mtu : Math.min(...ports.map(([device]) => device.mtu))
    if (mtu !== bridge.mtu) this.#links.resize(bridge, mtu)
  }

  #limitSegments(bridge: Device): void {
    const limits = this.#portsOf(bridge).map(([device]) => device.segmentationLimit)
    bridge.segmentationLimit = Math.min(LONGEST_SEGMENTED, ...limits)
  }

  /** The features of a bridge are reported when they become others, not what they are. */
  #updateFeatures(bridge: Device): void {
    const kinds = new Set(this.#portsOf(bridge).map(([{ kind }]) => kind))
    const features = [...kinds].sort().join()
    if (features === (this.#features.get(bridge) ?? '')) return
    this.#features.set(bridge, features)
    this.#links.notify(bridge, { event: FEATURES })
  }

  #notify(type: number, device: Device): void {
    const header = { type, flags: 0, sequence: 0, portId: 0 }
    this.#notifier.send(RouteGroup.Link, portMessage(header, device))
  }
}

/** As `memcmp`, for addresses of one length. */
function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, index) => byte !== other[index])
  return at < 0 ? 0 : (one[at] as number) - (other[at] as number)
}
