/** Addresses of IPv4, and the routes that come and go with them (net/ipv4/devinet.c, fib_frontend.c). */
import { Errno, NewFlag } from '@ringlink/codec'
import { RtmType } from '@ringlink/families/rt-route'
import type { VirtualClock } from '../clock.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { type Address, AddressFlag, addressMessage, RTM_DELADDR, RTM_NEWADDR } from './address.ts'
import type { Device } from './device.ts'
import type { Lifetime } from './lifetime.ts'
import { Lifetimes } from './lifetimes.ts'
import type { LinkListener } from './links.ts'
import { type Notifier, RouteGroup } from './notifier.ts'
import { covers, lastOf, prefixOf, sameBytes } from './prefix.ts'
import { IPV4, KERNEL, RouteTableNumber, Scope } from './route.ts'
import type { RouteTables } from './route-tables.ts'

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const ADDED = NewFlag.Create | NewFlag.Append
const BITS = 32

export class Internet4 implements LinkListener {
  readonly #notifier: Notifier
  readonly #routes: RouteTables
  readonly #addresses = new Map<Device, Address[]>()
  readonly #lifetimes: Lifetimes
  /** Called when a device goes down, or its last address is gone (`fib_disable_ip`). */
  onDisabled: ((device: Device) => void) | undefined

  constructor(notifier: Notifier, routes: RouteTables, clock: VirtualClock) {
    this.#lifetimes = new Lifetimes(clock, (address, isOver) => {
      if (isOver) this.remove(address)
      else this.notify(RTM_NEWADDR, address)
    })
    this.#notifier = notifier
    this.#routes = routes
  }

  addressesOf(device: Device): readonly Address[] {
    return this.#addresses.get(device) ?? []
  }

  /** Whether a device has it. */
  isLocal(address: Uint8Array): boolean {
    return [...this.#addresses.values()].some((list) => list.some(({ local }) => sameBytes(local, address)))
  }

  /** Whether it is an address of this machine, or a broadcast address of a link. */
  isOwn(address: Uint8Array): boolean {
    return this.#routes.all.some(
      ({ table, dst, dstLen }) => table === RouteTableNumber.Local && covers(dst, dstLen, address),
    )
  }

  /** Gives an address another lifetime. */
  renew(address: Address, lifetime: Omit<Lifetime, 'since'>, cause: KernelRequest): void {
    this.#lifetimes.start(address, lifetime)
    this.notify(RTM_NEWADDR, address, cause)
  }

  /** Adds an address: 0, or a negative errno with the kernel's text in `refused`. */
  add(address: Address, refused: (errno: number, message: string) => number, cause?: KernelRequest): number {
    const list = [...this.addressesOf(address.device)]
    let at = 0
    for (const [index, other] of list.entries()) {
      const isPrimary = (other.flags & AddressFlag.Secondary) === 0
      if (isPrimary && address.scope <= other.scope) at = index + 1
      if (other.prefixLength !== address.prefixLength || !covers(subnet(other), other.prefixLength, address.address))
        continue
      if (sameBytes(other.local, address.local)) return -Errno.EEXIST
      if (other.scope !== address.scope) return refused(Errno.EINVAL, 'ipv4: Invalid scope value')
      address.flags |= AddressFlag.Secondary
    }
    if ((address.flags & AddressFlag.Secondary) !== 0) at = list.length
    list.splice(at, 0, address)
    if (address.lifetime !== undefined) this.#lifetimes.start(address, address.lifetime)
    this.#addresses.set(address.device, list)
    this.notify(RTM_NEWADDR, address, cause)
    this.#addRoutes(address)
    return 0
  }

  /** Removes an address; with a primary one go the secondary ones of its subnet. */
  remove(address: Address, cause?: KernelRequest): void {
    const { device } = address
    if ((address.flags & AddressFlag.Secondary) === 0) {
      for (const other of this.addressesOf(device)) {
        if ((other.flags & AddressFlag.Secondary) === 0 || !isSameSubnet(address, other)) continue
        this.#take(other)
        this.notify(RTM_DELADDR, other, cause)
        this.#removeRoutes(other)
      }
    }
    this.#take(address)
    this.notify(RTM_DELADDR, address, cause)
    this.#removeRoutes(address)
    if (this.addressesOf(device).length > 0) return
    this.#routes.flush((route) => route.device === device, false)
    this.onDisabled?.(device)
  }

  notify(type: number, address: Address, cause?: KernelRequest): void {
    const header = { type, flags: 0, sequence: cause?.sequence ?? 0, portId: cause?.socket.portId ?? 0 }
    this.#notifier.send(RouteGroup.Ipv4Address, addressMessage(header, address, this.#lifetimes.now), cause)
  }

  up(device: Device): void {
    device.isLinkDown = !device.hasCarrier
    if (device.kind === 'loopback' && this.addressesOf(device).length === 0) {
      const loopback: Address = {
        family: IPV4,
        device,
        local: LOOPBACK,
        address: LOOPBACK,
        prefixLength: 8,
        scope: Scope.Host,
        label: device.name,
        proto: 0,
        created: 0,
        flags: AddressFlag.Permanent,
      }
      this.add(loopback, (errno) => -errno)
      return
    }
    for (const address of this.addressesOf(device)) this.#addRoutes(address)
  }

  changed(device: Device): void {
    device.isLinkDown = !device.hasCarrier
  }

  /** What is reached through the device is forgotten without a notification; its own addresses stay. */
  down(device: Device): void {
    this.#routes.flush((route) => route.device === device && route.scope !== Scope.Host, false)
    this.onDisabled?.(device)
  }

  gone(device: Device): void {
    for (const address of this.addressesOf(device)) this.remove(address)
    this.#addresses.delete(device)
  }

  #take(address: Address): void {
    this.#lifetimes.stop(address)
    const list = this.addressesOf(address.device).filter((other) => other !== address)
    this.#addresses.set(address.device, list)
  }

  #addRoutes(address: Address): void {
    const { device, local, prefixLength, broadcast } = address
    const isSecondary = (address.flags & AddressFlag.Secondary) !== 0
    const primary = isSecondary
      ? this.addressesOf(device).find((other) => (other.flags & 1) === 0 && isSameSubnet(other, address))
      : address
    const source = (primary ?? address).local
    this.#magic('add', RtmType.Local, local, BITS, device, source)
    if (!device.isUp) return
    if (broadcast?.some((byte) => byte !== 0xff) === true) {
      this.#magic('add', RtmType.Broadcast, broadcast, BITS, device, source)
    }
    const net = subnet(address)
    if (isSecondary || (prefixLength === BITS && sameBytes(net, local)) || net[0] === 0) return
    this.#magic('add', netType(device), net, prefixLength, device, source)
    if (prefixLength < 31) {
      this.#magic('add', RtmType.Broadcast, lastOf(net, prefixLength), BITS, device, source)
    }
  }

  #removeRoutes(address: Address): void {
    const { device, local, prefixLength, broadcast } = address
    const net = subnet(address)
    const last = lastOf(net, prefixLength)
    const others = this.addressesOf(device)
    if ((address.flags & AddressFlag.Secondary) === 0 && !(prefixLength === BITS && sameBytes(net, local))) {
      const remains = others.some((other) => isSameSubnet(address, other))
      if (!remains) this.#magic('remove', netType(device), net, prefixLength, device, local)
    }
    if (prefixLength < 31 || broadcast !== undefined) {
      const isUsed = (it: Uint8Array) =>
        others.some(
          (other) => sameBytes(other.broadcast, it) || sameBytes(lastOf(subnet(other), other.prefixLength), it),
        )
      if (broadcast !== undefined && !isUsed(broadcast)) {
        this.#magic('remove', RtmType.Broadcast, broadcast, BITS, device, local)
      }
      if (prefixLength < 31 && !isUsed(last)) this.#magic('remove', RtmType.Broadcast, last, BITS, device, local)
    }
    if (others.some((other) => sameBytes(other.local, local))) return
    this.#magic('remove', RtmType.Local, local, BITS, device, undefined)
    if (!this.isLocal(local)) this.#routes.flush((route) => sameBytes(route.prefsrc, local), true)
  }

  /** A route of the kernel's own (`fib_magic`). */
  #magic(
    action: 'add' | 'remove',
    type: number,
    dst: Uint8Array,
    dstLen: number,
    device: Device,
    prefsrc: Uint8Array | undefined,
  ): void {
    const table = type === RtmType.Unicast ? RouteTableNumber.Main : RouteTableNumber.Local
    const scope = type === RtmType.Local ? Scope.Host : Scope.Link
    const common = { dst, dstLen, table, scope, type, protocol: KERNEL, priority: 0 }
    if (action === 'add') this.#routes.add({ ...common, family: IPV4, device, prefsrc }, ADDED)
    else this.#routes.remove({ ...common, oif: device.index, prefsrc })
  }
}

/** The prefix that an address is in, from its other end. */
function subnet({ address, prefixLength }: Address): Uint8Array {
  return prefixOf(address, prefixLength)
}

function isSameSubnet(one: Address, other: Address): boolean {
  return one.prefixLength === other.prefixLength && covers(subnet(one), one.prefixLength, other.address)
}

function netType({ kind }: Device): number {
  return kind === 'loopback' ? RtmType.Local : RtmType.Unicast
}
