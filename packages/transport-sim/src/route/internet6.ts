/**
 * Addresses of IPv6, and the routes that come and go with them (net/ipv6/addrconf.c), as where addresses are not tested
 * for duplicates: they are valid as soon as they are there.
 */
import { Errno, NewFlag } from '@ringlink/codec'
import { RtmType } from '@ringlink/families/rt-route'
import type { VirtualClock } from '../clock.ts'
import { type Address, AddressFlag, addressMessage, RTM_DELADDR, RTM_NEWADDR } from './address.ts'
import type { Device } from './device.ts'
import { FOREVER, type Lifetime } from './lifetime.ts'
import { Lifetimes } from './lifetimes.ts'
import type { LinkListener } from './links.ts'
import { type Notifier, RouteGroup } from './notifier.ts'
import { prefixOf, sameBytes } from './prefix.ts'
import { IPV6, KERNEL, type Route, RouteTableNumber, Scope } from './route.ts'
import type { RouteTables } from './route-tables.ts'

const BITS = 128
/** IP6_RT_PRIO_ADDRCONF */
const ADDRESS_PRIORITY = 256
/** IFAPROT_KERNEL_LO, IFAPROT_KERNEL_LL */
const [LOOPBACK_PROTOCOL, LINK_LOCAL_PROTOCOL] = [1, 3]
const LOOPBACK = bytes16([], [1])
const LINK_LOCAL = bytes16([0xfe, 0x80], [])
const MULTICAST = bytes16([0xff], [])
const ADDED = NewFlag.Create

export class Internet6 implements LinkListener {
  readonly #notifier: Notifier
  readonly #routes: RouteTables
  readonly #addresses = new Map<Device, Address[]>()
  // Addresses of links that have just come up.
  #unannounced: Address[] = []
  readonly #lifetimes: Lifetimes

  constructor(notifier: Notifier, routes: RouteTables, clock: VirtualClock) {
    this.#lifetimes = new Lifetimes(clock, (address, isOver) => {
      if (isOver) this.remove(address)
      else this.#notify(RTM_NEWADDR, address)
    })
    this.#notifier = notifier
    this.#routes = routes
  }

  addressesOf(device: Device): readonly Address[] {
    return this.#addresses.get(device) ?? []
  }

  /** Adds an address that a request asks for: 0 or a negative errno. */
  add(address: Address): number {
    const { device } = address
    if (this.addressesOf(device).some(({ local }) => sameBytes(local, address.local))) return -Errno.EEXIST
    if (address.lifetime !== undefined) this.#lifetimes.start(address, address.lifetime)
    if (device.isUp) {
      if (device.kind !== 'loopback') this.#addMulticastRoute(device)
      this.#addPrefixRoute(address)
    }
    this.#link(address)
    address.flags |= AddressFlag.Tentative
    this.#notify(RTM_NEWADDR, address)
    address.flags &= ~AddressFlag.Tentative
    this.#announce(address)
    return 0
  }

  /** Gives an address another lifetime, and its prefix with it. */
  renew(address: Address, lifetime: Omit<Lifetime, 'since'>): void {
    const wasPermanent = (address.flags & AddressFlag.Permanent) !== 0
    this.#lifetimes.start(address, lifetime)
    this.#notify(RTM_NEWADDR, address)
    if (!address.device.isUp) return
    if (wasPermanent) this.#routes.expire(this.#isPrefixRouteOf(address), expiryOf(address))
    else this.#addPrefixRoute(address)
  }

  remove(address: Address): void {
    const { device, local, prefixLength } = address
    const net = prefixOf(local, prefixLength)
    this.#unlink(address)
    this.#notify(RTM_DELADDR, address)
    if (!sameBytes(local, address.address)) this.#removePrefixRoute(device, address.address, BITS)
    this.#routes.remove({ table: RouteTableNumber.Local, dst: local, dstLen: BITS, oif: device.index })
    // The prefix of one that was to live for a time stays until that is over.
    if ((address.flags & AddressFlag.Permanent) === 0) return
    const others = this.addressesOf(device).filter(
      (other) => other.prefixLength === prefixLength && sameBytes(prefixOf(other.local, prefixLength), net),
    )
    if (others.some(({ flags }) => (flags & AddressFlag.Permanent) !== 0)) return
    if (others.length === 0) this.#removePrefixRoute(device, net, prefixLength)
    else this.#routes.expire(this.#isPrefixRouteOf(address), Math.max(...others.map((it) => expiryOf(it) ?? 0)))
  }

  up(device: Device): void {
    for (const address of this.addressesOf(device)) {
      if ((address.flags & AddressFlag.Permanent) !== 0) this.#addPrefixRoute(address)
    }
    this.changed(device)
  }

  changed(device: Device): void {
    if (!device.isReady || device.isInternet6Ready) return
    device.isInternet6Ready = true
    if (device.kind === 'loopback') {
      this.#own(device, LOOPBACK, BITS, Scope.Host, LOOPBACK_PROTOCOL)
      return
    }
    this.#addMulticastRoute(device)
    this.#addRoute(device, RouteTableNumber.Main, LINK_LOCAL, 64, RtmType.Unicast, ADDRESS_PRIORITY)
    this.#own(device, linkLocalAddress(device), 64, Scope.Link, LINK_LOCAL_PROTOCOL)
  }

  down(device: Device): void {
    device.isInternet6Ready = false
    this.#routes.flush((route) => route.device === device && !isRefusal(route.type), true)
    this.#routes.collect()
    for (const address of this.addressesOf(device)) {
      this.#unlink(address)
      this.#notify(RTM_DELADDR, address)
    }
  }

  gone(device: Device): void {
    this.down(device)
    this.#addresses.delete(device)
  }

  /** An address that the kernel gives a device itself. */
  #own(device: Device, local: Uint8Array, prefixLength: number, scope: number, proto: number): void {
    if (this.addressesOf(device).some((other) => sameBytes(other.local, local))) return
    const address: Address = {
      family: IPV6,
      device,
      local,
      address: local,
      prefixLength,
      scope,
      proto,
      created: 0,
      flags: AddressFlag.Permanent,
    }
    this.#link(address)
    this.#unannounced.push(address)
  }

  /** Announces the addresses of links that have come up: after the links themselves. */
  announce(): void {
    const addresses = this.#unannounced
    this.#unannounced = []
    for (const address of addresses) this.#announce(address)
  }

  #announce(address: Address): void {
    this.#notify(RTM_NEWADDR, address)
    const { device, local, address: peer } = address
    this.#addRoute(device, RouteTableNumber.Local, local, BITS, RtmType.Local, 0)
    if (device.isUp && !sameBytes(local, peer)) {
      this.#addRoute(device, RouteTableNumber.Main, peer, BITS, RtmType.Unicast, ADDRESS_PRIORITY)
    }
  }

  /** Addresses of larger scopes are first, and of one scope the newest. */
  #link(address: Address): void {
    const list = [...this.addressesOf(address.device)]
    const at = list.findIndex((other) => reachOf(address) >= reachOf(other))
    list.splice(at < 0 ? list.length : at, 0, address)
    this.#addresses.set(address.device, list)
  }

  #unlink(address: Address): void {
    this.#lifetimes.stop(address)
    const list = this.addressesOf(address.device).filter((other) => other !== address)
    this.#addresses.set(address.device, list)
  }

  #addMulticastRoute(device: Device): void {
    this.#addRoute(device, RouteTableNumber.Local, MULTICAST, 8, RtmType.Multicast, ADDRESS_PRIORITY)
  }

  #addPrefixRoute(address: Address): void {
    const { device, local, prefixLength } = address
    const net = prefixOf(local, prefixLength)
    const expiry = expiryOf(address)
    const isSame = this.#isPrefixRouteOf(address)
    // A route that was to stay does so.
    if (this.#routes.all.some((route) => isSame(route) && route.expiry === undefined)) return
    this.#addRoute(device, RouteTableNumber.Main, net, prefixLength, RtmType.Unicast, ADDRESS_PRIORITY, expiry)
    this.#routes.expire(isSame, expiry)
  }

  #removePrefixRoute(device: Device, dst: Uint8Array, dstLen: number): void {
    this.#routes.remove({ table: RouteTableNumber.Main, dst, dstLen, oif: device.index, protocol: KERNEL })
  }

  #isPrefixRouteOf({ device, local, prefixLength }: Address): (route: Route) => boolean {
    const net = prefixOf(local, prefixLength)
    return ({ table, dst, dstLen, protocol, device: other }) =>
      table === RouteTableNumber.Main &&
      other === device &&
      dstLen === prefixLength &&
      protocol === KERNEL &&
      sameBytes(dst, net)
  }

  /** Adds a route of the kernel's own, unless it is there. */
  #addRoute(
    device: Device,
    table: number,
    dst: Uint8Array,
    dstLen: number,
    type: number,
    priority: number,
    expiry?: number,
  ): void {
    const common = { family: IPV6, dst, dstLen, table, type, priority, device, protocol: KERNEL, expiry } as const
    this.#routes.add({ ...common, scope: Scope.Universe }, ADDED)
  }

  #notify(type: number, address: Address): void {
    const header = { type, flags: 0, sequence: 0, portId: 0 }
    this.#notifier.send(RouteGroup.Ipv6Address, addressMessage(header, address, this.#lifetimes.now))
  }
}

/** The scope of an address, from its first bits (`ipv6_addr_scope`). */
export function scopeOf(address: Uint8Array): number {
  if (sameBytes(address, LOOPBACK)) return Scope.Host
  const first = ((address[0] ?? 0) << 8) | (address[1] ?? 0)
  if ((first & 0xffc0) === 0xfe80) return Scope.Link
  return (first & 0xffc0) === 0xfec0 ? Scope.Site : Scope.Universe
}

/** Types of routes that only refuse: they belong to no device. */
export function isRefusal(type: number): boolean {
  return type >= RtmType.Blackhole && type <= RtmType.Throw
}

/** When the time of an address is over; `undefined`: never. */
function expiryOf({ lifetime }: Address): number | undefined {
  return lifetime === undefined || lifetime.valid === FOREVER ? undefined : lifetime.since + lifetime.valid * 1000
}

function reachOf({ scope }: Address): number {
  return 255 - scope
}

/** From the address of the device: EUI-64, RFC 4291. */
function linkLocalAddress({ address: [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] }: Device): Uint8Array {
  return bytes16([0xfe, 0x80], [a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

function bytes16(first: readonly number[], last: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(first)
  bytes.set(last, 16 - last.length)
  return bytes
}
