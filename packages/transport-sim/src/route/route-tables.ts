/** The routes of one family, in the order in which the kernel shows them, and how one joins them. */
import { Errno, NewFlag } from '@ringlink/codec'
import { RtmType } from '@ringlink/families/rt-route'
import type { VirtualClock } from '../clock.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { Device } from './device.ts'
import { type Notifier, RouteGroup } from './notifier.ts'
import { compareBytes, covers, sameBytes } from './prefix.ts'
import { IPV4, IPV6, type Route, RouteTableNumber, RTM_DELROUTE, RTM_NEWROUTE, routeMessage } from './route.ts'

const { Append, Create, Exclusive, Replace } = NewFlag

/** What a request to remove a route says of it; what it leaves out may be anything. */
export interface RouteMatch {
  readonly table: number
  readonly dst: Uint8Array
  readonly dstLen: number
  readonly type?: number
  readonly scope?: number
  readonly protocol?: number
  readonly priority?: number
  readonly prefsrc?: Uint8Array | undefined
  readonly gateway?: Uint8Array | undefined
  readonly oif?: number
}

/** `ip6_rt_gc_interval` in milliseconds */
const COLLECTOR_INTERVAL = 30_000

export class RouteTables {
  readonly family: typeof IPV4 | typeof IPV6
  readonly #notifier: Notifier
  readonly #clock: VirtualClock
  #routes: Route[] = []
  // Those of the kernel, and those that ever had a route.
  readonly #tables = new Set<number>([RouteTableNumber.Main, RouteTableNumber.Local])

  constructor(family: typeof IPV4 | typeof IPV6, notifier: Notifier, clock: VirtualClock) {
    this.family = family
    this.#clock = clock
    this.#notifier = notifier
  }

  /** in the order of a dump */
  get all(): readonly Route[] {
    return this.#routes
  }

  hasTable(table: number): boolean {
    return this.#tables.has(table)
  }

  /** Adds a route as `NLM_F_*` of a request say: 0 or a negative errno. */
  add(route: Route, flags: number, cause?: KernelRequest): number {
    const peers = this.#routes.filter((other) => sameKey(route, other) && other.priority === route.priority)
    let told: number = Exclusive
    if (peers.length > 0) {
      if ((flags & Exclusive) !== 0) return -Errno.EEXIST
      told = 0
      if ((flags & Replace) !== 0) return this.#replace(peers, route, cause)
      if (peers.some((other) => this.#isSame(other, route))) return -Errno.EEXIST
      if (this.family === IPV6 && route.gateway !== undefined && peers.some(({ gateway }) => gateway !== undefined)) {
        // Linux makes one route with several next hops of them.
        return -Errno.EOPNOTSUPP
      }
      if ((flags & Append) !== 0) told |= Append
    }
    // IPv6 takes a route without NLM_F_CREATE, too, and warns of it in its log.
    if ((flags & Create) === 0 && (this.family === IPV4 || (peers.length === 0 && (flags & Replace) !== 0))) {
      return -Errno.ENOENT
    }
    // IPv4 puts the newest of equal routes first, unless it is appended; IPv6 puts it last.
    const isLast = this.family === IPV6 || (flags & Append) !== 0
    this.#tables.add(route.table)
    this.#insert(route, isLast)
    this.#notify(RTM_NEWROUTE, route, told | Create, cause)
    return 0
  }

  /** Removes the first route that matches: 0 or a negative errno. */
  remove(match: RouteMatch, cause?: KernelRequest): number {
    const route = this.#routes.find((it) => matches(it, match))
    if (route === undefined) return -Errno.ESRCH
    this.#drop(route)
    this.#notify(RTM_DELROUTE, route, 0, cause)
    return 0
  }

  /** Removes all that `isGone` says, with notifications where `isReported`. */
  flush(isGone: (route: Route) => boolean, isReported: boolean): void {
    for (const route of this.#routes.filter(isGone)) {
      this.#drop(route)
      if (isReported) this.#notify(RTM_DELROUTE, route, 0)
    }
  }

  /**
   * The route that packets to `address` take: the longest prefix counts. IPv6 asks the local table before the main one;
   * those of IPv4 are one tree, in which the local table is first among equal prefixes.
   */
  lookUp(address: Uint8Array, minimumScope: number, oif: number): Route | undefined {
    const { Local, Main } = RouteTableNumber
    const best = (tables: readonly number[]) =>
      this.#routes
        .filter((it) => tables.includes(it.table) && covers(it.dst, it.dstLen, address))
        .filter((it) => it.scope >= minimumScope && (oif === 0 || it.device === undefined || it.device.index === oif))
        .filter(({ expiry }) => expiry === undefined || expiry > this.#clock.now)
        .sort((one, other) => other.dstLen - one.dstLen || other.table - one.table || one.priority - other.priority)
        .slice(0, 1)
        .find(({ type }) => type !== RtmType.Throw)
    return this.family === IPV4 ? best([Local, Main]) : (best([Local]) ?? best([Main]))
  }

  /** When a route of the kernel's own is over: it is collected some time after that. `undefined`: never. */
  expire(find: (route: Route) => boolean, expiry: number | undefined): void {
    const route = this.#routes.find(find)
    if (route === undefined) return
    route.expiry = expiry
    if (expiry === undefined) return
    this.#clock.schedule(expiry + COLLECTOR_INTERVAL - this.#clock.now, () => this.collect())
  }

  /** Removes routes whose time is over. */
  collect(): void {
    this.flush(({ expiry }) => expiry !== undefined && expiry <= this.#clock.now, true)
  }

  /** Whether a route of the prefix goes to the device. */
  has(table: number, dst: Uint8Array, dstLen: number, device: Device): boolean {
    return this.#routes.some(
      (it) => it.table === table && it.dstLen === dstLen && it.device === device && sameBytes(it.dst, dst),
    )
  }

  #replace(peers: readonly Route[], route: Route, cause: KernelRequest | undefined): number {
    const [first] = peers
    if (first === undefined) return -Errno.ENOENT
    if (this.#isSame(first, route)) return 0
    if (peers.some((other) => this.#isSame(other, route))) return -Errno.EEXIST
    this.#routes = this.#routes.map((it) => (it === first ? route : it))
    this.#notify(RTM_NEWROUTE, route, Replace, cause)
    return 0
  }

  #isSame(one: Route, other: Route): boolean {
    if (one.device !== other.device || !sameBytes(one.gateway, other.gateway)) return false
    if (this.family === IPV6) return true
    return (
      one.type === other.type &&
      one.scope === other.scope &&
      one.protocol === other.protocol &&
      sameBytes(one.prefsrc, other.prefsrc)
    )
  }

  #insert(route: Route, isLast: boolean): void {
    const at = this.#routes.findIndex((other) => {
      const order = compareRoutes(this.family, other, route)
      return order > 0 || (order === 0 && !isLast)
    })
    this.#routes.splice(at < 0 ? this.#routes.length : at, 0, route)
  }

  #drop(route: Route): void {
    this.#routes = this.#routes.filter((it) => it !== route)
    route.expiry = undefined
  }

  #notify(type: number, route: Route, flags: number, cause?: KernelRequest): void {
    const header = { type, flags, sequence: cause?.sequence ?? 0, portId: cause?.socket.portId ?? 0 }
    const group = this.family === IPV4 ? RouteGroup.Ipv4Route : RouteGroup.Ipv6Route
    this.#notifier.send(group, routeMessage(header, route, this.#clock.now), cause)
  }
}

function sameKey(one: Route, other: Route): boolean {
  return one.table === other.table && one.dstLen === other.dstLen && sameBytes(one.dst, other.dst)
}

function matches(route: Route, match: RouteMatch): boolean {
  return (
    route.table === match.table &&
    route.dstLen === match.dstLen &&
    sameBytes(route.dst, match.dst) &&
    isAsked(match.type, route.type) &&
    (match.scope === undefined || match.scope === 255 || match.scope === route.scope) &&
    isAsked(match.protocol, route.protocol) &&
    isAsked(match.priority, route.priority) &&
    isAsked(match.oif, route.device?.index) &&
    (match.prefsrc === undefined || sameBytes(match.prefsrc, route.prefsrc)) &&
    (match.gateway === undefined || sameBytes(match.gateway, route.gateway))
  )
}

function isAsked(asked: number | undefined, value: number | undefined): boolean {
  return asked === undefined || asked === 0 || asked === value
}

/**
 * Tables have their place by the lower byte of their number. IPv4 shows the longest prefix of an address first, IPv6
 * what is in a prefix before it.
 */
function compareRoutes(family: number, one: Route, other: Route): number {
  const tables = (one.table & 255) - (other.table & 255) || one.table - other.table
  if (tables !== 0) return tables
  if (family === IPV6 && one.dstLen !== other.dstLen) {
    if (one.dstLen < other.dstLen && covers(one.dst, one.dstLen, other.dst)) return 1
    if (other.dstLen < one.dstLen && covers(other.dst, other.dstLen, one.dst)) return -1
  }
  return compareBytes(one.dst, other.dst) || other.dstLen - one.dstLen || one.priority - other.priority
}
