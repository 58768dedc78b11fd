/** RTM_NEWROUTE and RTM_DELROUTE of IPv4 and IPv6, and the dumps of RTM_GETROUTE. */
import { Errno, MessageFlag } from '@ringlink/codec'
import { RtmType } from '@ringlink/families/rt-route'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { parseRequest } from '../netlink/rules.ts'
import { DUMP_FILTERED } from './address-requests.ts'
import type { Device } from './device.ts'
import type { Internet4 } from './internet4.ts'
import { isRefusal } from './internet6.ts'
import type { Links } from './links.ts'
import { isPrefix, prefixOf, sameBytes } from './prefix.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'
import { IPV4, IPV6, type Route, RouteTableNumber, RTM_NEWROUTE, routeMessage, Scope } from './route.ts'
import { RTA, routeRules } from './route-rules.ts'
import type { RouteTables } from './route-tables.ts'

const HEADER = 16
/** Bytes of `struct rtmsg` with the netlink header. */
const ATTRIBUTES = HEADER + 12
/** IP6_RT_PRIO_USER */
const USER_PRIORITY = 1024
const LOOPBACK_INDEX = 1
const { Unicast, Local, Xresolve } = RtmType

const modelled4: ReadonlySet<number> = new Set([RTA.dst, RTA.gateway, RTA.oif, RTA.priority, RTA.prefsrc, RTA.table])
const modelled6: ReadonlySet<number> = new Set([RTA.dst, RTA.gateway, RTA.oif, RTA.priority, RTA.table])
const filters: ReadonlySet<number> = new Set([RTA.table, RTA.oif])

/** A request, read. */
interface Asked extends Omit<Route, 'family' | 'device'> {
  readonly oif: number
}

export class RouteRequests {
  readonly #links: Links
  readonly #internet4: Internet4
  readonly #tables4: RouteTables
  readonly #tables6: RouteTables

  constructor(links: Links, internet4: Internet4, tables4: RouteTables, tables6: RouteTables) {
    this.#links = links
    this.#internet4 = internet4
    this.#tables4 = tables4
    this.#tables6 = tables6
  }

  create4(request: KernelRequest): number {
    const asked = read(request, IPV4, modelled4)
    if (typeof asked === 'number') return asked
    const { dst, dstLen, type, scope, oif, gateway, prefsrc } = asked
    if (dstLen > 32) return refuse(request, Errno.EINVAL, 'Invalid prefix length')
    if (!isPrefix(dst, dstLen)) return refuse(request, Errno.EINVAL, 'Invalid prefix for given prefix length')
    if (type > Xresolve) return refuse(request, Errno.EINVAL, 'Invalid route type')
    if ((leastScopes[type] ?? Scope.Nowhere) > scope) return refuse(request, Errno.EINVAL, 'Invalid scope')
    let device: Device | undefined
    if (isRefusal(type)) {
      if (oif !== 0 || gateway !== undefined) {
        const text = 'Gateway, device and multipath can not be specified for this route type'
        return refuse(request, Errno.EINVAL, text)
      }
    } else {
      if (type === RtmType.Unspec || type >= RtmType.Nat) return refuse(request, Errno.EINVAL, 'Invalid route type')
      if (scope > Scope.Host) return refuse(request, Errno.EINVAL, 'Invalid scope')
      const next = this.#nextHop4(request, asked)
      if (typeof next === 'number') return next
      device = next
    }
    if (prefsrc !== undefined && !(type === Local && sameBytes(prefsrc, dst)) && !this.#internet4.isLocal(prefsrc)) {
      return refuse(request, Errno.EINVAL, 'Invalid prefsrc address')
    }
    return this.#tables4.add({ ...asked, family: IPV4, device }, request.flags, request)
  }

  create6(request: KernelRequest): number {
    const asked = read(request, IPV6, modelled6)
    if (typeof asked === 'number') return asked
    const { dstLen, type, oif, gateway } = asked
    if (dstLen > 128) return -Errno.EINVAL
    if (type > Xresolve) return refuse(request, Errno.EINVAL, 'Invalid route type')
    // The other types are made by the kernel itself, and what one by hand does is not modelled.
    if (type !== Unicast && type !== Local && !isRefusal(type)) return refuseUnknown(request)
    const device = isRefusal(type) ? this.#links.find(LOOPBACK_INDEX) : this.#nextHop6(oif, gateway)
    if (typeof device === 'number') return device
    const dst = prefixOf(asked.dst, dstLen)
    const priority = asked.priority === 0 ? USER_PRIORITY : asked.priority
    const route: Route = { ...asked, family: IPV6, dst, priority, device, scope: Scope.Universe, prefsrc: undefined }
    return this.#tables6.add(route, request.flags, request)
  }

  remove(family: typeof IPV4 | typeof IPV6, request: KernelRequest): number {
    const asked = read(request, family, family === IPV4 ? modelled4 : modelled6)
    if (typeof asked === 'number') return asked
    const tables = family === IPV4 ? this.#tables4 : this.#tables6
    if (!tables.hasTable(asked.table)) return refuse(request, Errno.ESRCH, 'FIB table does not exist')
    if (family === IPV4) {
      if (asked.dstLen > 32) return refuse(request, Errno.EINVAL, 'Invalid prefix length')
      if (!isPrefix(asked.dst, asked.dstLen)) {
        return refuse(request, Errno.EINVAL, 'Invalid prefix for given prefix length')
      }
      return tables.remove(asked, request)
    }
    if (asked.dstLen > 128) return -Errno.EINVAL
    const { gateway, oif, priority, protocol, table, dstLen } = asked
    const dst = prefixOf(asked.dst, dstLen)
    return tables.remove({ table, dst, dstLen, gateway, oif, priority, protocol }, request)
  }

  /** The rows of a dump, or a negative errno. */
  list(family: typeof IPV4 | typeof IPV6, request: KernelRequest, isOnlyFamily: boolean): Uint8Array[] | number {
    let wanted = { table: 0, protocol: 0, type: 0, oif: 0 }
    if (request.socket.settings.strictChecking) {
      const filter = this.#readFilter(family, request)
      if (typeof filter === 'number') return filter
      wanted = filter
      if (Object.values(wanted).some((value) => value !== 0)) request.answerFlags = DUMP_FILTERED
    }
    const tables = family === IPV4 ? this.#tables4 : this.#tables6
    const { table, protocol, type, oif } = wanted
    if (table !== 0 && !tables.hasTable(table)) {
      if (!isOnlyFamily) return []
      return refuse(request, Errno.ENOENT, `${family === IPV4 ? 'ipv4: ' : ''}FIB table does not exist`)
    }
    const flags = MessageFlag.Multipart | DUMP_FILTERED
    const header = { type: RTM_NEWROUTE, flags, sequence: request.sequence, portId: request.socket.portId }
    return tables.all
      .filter((route) => table === 0 || route.table === table)
      .filter((route) => protocol === 0 || route.protocol === protocol)
      .filter((route) => type === 0 || route.type === type)
      .filter((route) => oif === 0 || route.device?.index === oif)
      .map((route) => routeMessage(header, route, this.#links.now))
  }

  #readFilter(family: typeof IPV4 | typeof IPV6, request: KernelRequest) {
    if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for FIB dump request')
    const { u8, u32: words } = request.memory
    const at = request.offset + HEADER
    if (u8[at + 1] !== 0 || u8[at + 2] !== 0 || u8[at + 3] !== 0 || u8[at + 6] !== 0) {
      return refuse(request, Errno.EINVAL, 'Invalid values in header for FIB dump request')
    }
    if (words[(at + 8) >> 2] !== 0) return refuseUnknown(request)
    const found = parseRequest(request, ATTRIBUTES, routeRules[family], 'exact')
    if (typeof found === 'number') return found
    if (unmodelled(request, found, filters) >= 0) {
      return refuse(request, Errno.EINVAL, 'Unsupported attribute in dump request')
    }
    const oif = found.has(RTA.oif) ? found.u32(RTA.oif) : 0
    if (found.has(RTA.oif) && this.#links.find(oif) === undefined) return -Errno.ENODEV
    const table = found.has(RTA.table) ? found.u32(RTA.table) : (u8[at + 4] as number)
    return { table, protocol: u8[at + 5] as number, type: u8[at + 7] as number, oif }
  }

  /** The device of a route of IPv4, or a negative errno (`fib_check_nh`). */
  #nextHop4(request: KernelRequest, { gateway, oif, scope }: Asked): Device | number {
    if (scope === Scope.Host && gateway !== undefined) {
      return refuse(request, Errno.EINVAL, 'Route with host scope can not have a gateway')
    }
    if (gateway === undefined) {
      const device = this.#links.find(oif)
      if (device === undefined) return -Errno.ENODEV
      if (!device.isUp && scope !== Scope.Host) return refuse(request, Errno.ENETDOWN, 'Device for nexthop is not up')
      return device
    }
    if (scope >= Scope.Link) return refuse(request, Errno.EINVAL, 'Nexthop has invalid scope')
    const next = this.#tables4.lookUp(gateway, Math.max(scope + 1, Scope.Link), oif)
    if (next === undefined || isRefusal(next.type)) {
      return refuse(request, Errno.ENETUNREACH, 'Nexthop has invalid gateway')
    }
    if (next.type !== Unicast && next.type !== Local) {
      return refuse(request, Errno.EINVAL, 'Nexthop has invalid gateway')
    }
    return next.device ?? -Errno.ENODEV
  }

  /** The device of a route of IPv6, or a negative errno. */
  #nextHop6(oif: number, gateway: Uint8Array | undefined): Device | number {
    const device = oif === 0 ? undefined : this.#links.find(oif)
    if (oif !== 0 && device === undefined) return -Errno.ENODEV
    if (device !== undefined && !device.isUp) return -Errno.ENETDOWN
    if (gateway === undefined) return device ?? -Errno.ENODEV
    const next = this.#tables6.lookUp(gateway, 0, oif)
    if (next?.device === undefined || isRefusal(next.type) || next.gateway !== undefined) return -Errno.EHOSTUNREACH
    // Linux refuses an own address as a gateway with errors of several kinds.
    return next.type === Local ? -Errno.EOPNOTSUPP : next.device
  }
}

/** The smallest scope of a route, by its type (`fib_props`). */
const leastScopes: Readonly<Record<number, number>> = {
  [RtmType.Unspec]: Scope.Nowhere,
  [RtmType.Unicast]: Scope.Universe,
  [RtmType.Local]: Scope.Host,
  [RtmType.Broadcast]: Scope.Link,
  [RtmType.Anycast]: Scope.Link,
  [RtmType.Multicast]: Scope.Universe,
  [RtmType.Blackhole]: Scope.Universe,
  [RtmType.Unreachable]: Scope.Universe,
  [RtmType.Prohibit]: Scope.Universe,
  [RtmType.Throw]: Scope.Universe,
  [RtmType.Nat]: Scope.Nowhere,
  [RtmType.Xresolve]: Scope.Nowhere,
}

/** A request to make or remove a route, or a negative errno. */
function read(
  request: KernelRequest,
  family: typeof IPV4 | typeof IPV6,
  modelled: ReadonlySet<number>,
): Asked | number {
  if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header length')
  const found = parseRequest(request, ATTRIBUTES, routeRules[family], 'liberal')
  if (typeof found === 'number') return found
  const unknown = unmodelled(request, found, modelled)
  if (unknown >= 0) return refuseUnknown(request, unknown)
  const { u8, u32: words } = request.memory
  const at = request.offset + HEADER
  // Source prefixes, types of service and flags such as RTNH_F_ONLINK.
  if (u8[at + 2] !== 0 || u8[at + 3] !== 0 || words[(at + 8) >> 2] !== 0) return refuseUnknown(request)
  const size = family === IPV4 ? 4 : 16
  const table = found.has(RTA.table) ? found.u32(RTA.table) : (u8[at + 4] as number)
  const type = u8[at + 7] as number
  return {
    dst: addressOf(found, RTA.dst, size) ?? new Uint8Array(size),
    dstLen: u8[at + 1] as number,
    table: table === 0 ? RouteTableNumber.Main : table,
    protocol: u8[at + 5] as number,
    scope: u8[at + 6] as number,
    type: family === IPV6 && type === RtmType.Unspec ? Unicast : type,
    priority: found.has(RTA.priority) ? found.u32(RTA.priority) : 0,
    oif: found.has(RTA.oif) ? found.u32(RTA.oif) : 0,
    gateway: nonZero(addressOf(found, RTA.gateway, size)),
    prefsrc: nonZero(addressOf(found, RTA.prefsrc, size)),
  }
}

function addressOf(found: ParsedAttributes, number: number, size: number): Uint8Array | undefined {
  return found.has(number) ? found.bytes(number).slice(0, size) : undefined
}

function nonZero(address: Uint8Array | undefined): Uint8Array | undefined {
  return address?.some((byte) => byte !== 0) === true ? address : undefined
}
