/** The devices of the network namespace, and what happens to them. */
import type { Random } from '@ringlink/transport/faults'
import type { VirtualClock } from '../clock.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { Device, type DeviceKind } from './device.ts'
import { type LinkMessageOptions, linkMessage } from './link-message.ts'
import { RTM_DELLINK, RTM_NEWLINK } from './link-types.ts'
import { type Notifier, RouteGroup } from './notifier.ts'

const NLM_F_ECHO = 0x8
/** All bits of `ifi_change`: the device is new, or goes. */
export const EVERYTHING = 0xffffffff
const UP = 1
/** IFF_UP and IFF_RUNNING */
const CLOSED = 0x41

/** What follows the changes of devices: protocols with addresses. Called where the kernel's notifier chain is. */
export interface LinkListener {
  /** NETDEV_UP */
  up(device: Device): void
  /** NETDEV_CHANGE: its state may have become another */
  changed(device: Device): void
  /** NETDEV_DOWN */
  down(device: Device): void
  /** NETDEV_UNREGISTER */
  gone(device: Device): void
  /** NETDEV_CHANGEADDR */
  readdressed?(device: Device): void
  /** NETDEV_CHANGEMTU */
  resized?(device: Device): void
  /** `ndo_open`: before it is reported */
  opening?(device: Device): void
  /** `ndo_stop`: before it is reported */
  closing?(device: Device): void
  /** `dellink`: before it is closed */
  deleting?(device: Device): void
}

export class Links {
  readonly listeners: LinkListener[] = []
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #notifier: Notifier
  readonly #devices = new Map<number, Device>()
  #lastIndex = 0

  constructor(clock: VirtualClock, random: Random, notifier: Notifier) {
    this.#clock = clock
    this.#random = random
    this.#notifier = notifier
    this.#devices.set(this.takeIndex(), new Device(1, 'loopback', 'lo', undefined))
  }

  /** by their indexes */
  get devices(): Device[] {
    return [...this.#devices.values()].sort((one, other) => one.index - other.index)
  }

  find(index: number): Device | undefined {
    return this.#devices.get(index)
  }

  named(name: string): Device | undefined {
    return this.devices.find((device) => device.name === name)
  }

  get now(): number {
    return this.#clock.now
  }

  /** The next index that is free; those that were used lately are not used again. */
  takeIndex(): number {
    do this.#lastIndex = this.#lastIndex >= 0x7fffffff ? 1 : this.#lastIndex + 1
    while (this.#devices.has(this.#lastIndex))
    return this.#lastIndex
  }

  /** An address for a device that is given none: one that is administered locally. */
  #randomAddress(): Uint8Array {
    const bytes = Uint8Array.from({ length: 6 }, () => this.#random.below(256))
    bytes[0] = ((bytes[0] as number) & 0xfe) | 0x02
    return bytes
  }

  /**
   * Registers a device, and does not report it yet. It has no carrier, except a dummy, which always has one, and a
   * bridge that was given no address: without ports it never looked.
   */
  register(index: number, kind: DeviceKind, name: string, address: Uint8Array | undefined): Device {
    const device = new Device(index, kind, name, address ?? this.#randomAddress())
    this.#devices.set(index, device)
    if (address !== undefined) {
      device.bridgeAddress = address
      device.hasOwnAddress = true
    }
    const hasCarrier = kind === 'dummy' || (kind === 'bridge' && address === undefined)
    if (!hasCarrier) device.setCarrier(false)
    return device
  }

  /** Reports a device that is complete, after it was set up where the request says so. */
  complete(device: Device, flags: number, change: number, cause: KernelRequest): void {
    const isUp = (change & flags & UP) !== 0
    if (isUp) this.#open(device)
    this.notify(device, { change: EVERYTHING }, cause)
    if (isUp) for (const listener of this.listeners) listener.up(device)
  }

  /** Changes flags of a device; only IFF_UP can be. */
  setUp(device: Device, isUp: boolean): void {
    if (device.isUp === isUp) return
    if (isUp) this.#open(device)
    else this.#close(device)
    this.notify(device, { change: UP })
    for (const listener of this.listeners) isUp ? listener.up(device) : listener.down(device)
  }

  /** Removes devices together: each is closed, then each is unregistered. */
  remove(devices: readonly Device[]): void {
    for (const device of devices) for (const listener of this.listeners) listener.deleting?.(device)
    const peers = devices.map(({ peer }) => peer)
    const open = devices.filter(({ isUp }) => isUp)
    for (const device of devices) device.peer = undefined
    for (const [at, device] of devices.entries()) if (device.isUp) this.#close(device, peers[at])
    for (const device of open) {
      this.notify(device, { change: CLOSED })
      for (const listener of this.listeners) listener.down(device)
    }
    for (const device of devices) device.isDying = true
    for (const device of devices) {
      for (const listener of this.listeners) listener.gone(device)
      const header = { type: RTM_DELLINK, flags: 0, sequence: 0, portId: 0 }
      this.#notifier.send(RouteGroup.Link, linkMessage(header, device, this.now, { change: EVERYTHING }))
      this.#devices.delete(device.index)
    }
  }

  /** Reports a device to the group of links. */
  notify(device: Device, options: LinkMessageOptions = {}, cause?: KernelRequest): void {
    if (device.isDying) return
    const isEcho = cause !== undefined && (cause.flags & NLM_F_ECHO) !== 0
    const header = {
      type: RTM_NEWLINK,
      flags: 0,
      sequence: isEcho ? cause.sequence : 0,
      portId: isEcho ? cause.socket.portId : 0,
    }
    this.#notifier.send(RouteGroup.Link, linkMessage(header, device, this.now, options), cause)
  }

  /** Reports a device that has another address. */
  readdressed(device: Device): void {
    this.notify(device)
    for (const listener of this.listeners) listener.readdressed?.(device)
  }

  /** Gives a device another MTU, and reports it. */
  resize(device: Device, mtu: number): void {
    device.mtu = mtu
    this.notify(device)
    // IPv6 learns of it after the notification.
    device.internet6Mtu = mtu
    for (const listener of this.listeners) listener.resized?.(device)
  }

  /** Reports a device whose state or properties have changed, while it is up (`netdev_state_change`). */
  stateChanged(device: Device): void {
    if (!device.isUp) return
    for (const listener of this.listeners) listener.changed(device)
    this.notify(device)
  }

  /** Finds out the states of devices whose carrier has changed: in Linux a little later, here after each request. */
  watch(): void {
    // Bridges come last: their carrier follows from the states of their ports.
    for (;;) {
      const watched = this.devices.filter(({ isWatched }) => isWatched)
      const device = watched.find(({ kind }) => kind !== 'bridge') ?? watched[0]
      if (device === undefined) return
      device.isWatched = false
      device.operationalState = device.defaultState
      this.stateChanged(device)
    }
  }

  #open(device: Device): void {
    device.isUp = true
    device.hasBeenUp = true
    for (const listener of this.listeners) listener.opening?.(device)
    if (device.peer?.isUp === true) {
      device.setCarrier(true)
      device.peer.setCarrier(true)
    }
  }

  #close(device: Device, peer = device.peer): void {
    device.isUp = false
    for (const listener of this.listeners) listener.closing?.(device)
    if (device.kind !== 'veth') return
    device.setCarrier(false)
    peer?.setCarrier(false)
  }
}
