/**
 * RTM_GETROUTE for one address: which route its packets take, and from which address they are sent
 * (`inet_rtm_getroute`, `inet6_rtm_getroute`).
 */
import { Errno } from '@ringlink/codec'
import { type RouteAttributes, RtmType, routeAttributes, rtmsgLayout } from '@ringlink/families/rt-route'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { sendReply } from '../netlink/row-answers.ts'
import { parseRequest } from '../netlink/rules.ts'
import { tableMessage } from '../netlink/table-message.ts'
import type { Device } from './device.ts'
import type { Internet4 } from './internet4.ts'
import { type Internet6, isRefusal } from './internet6.ts'
import type { Links } from './links.ts'
import { prefixOf } from './prefix.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'
import { IPV4, IPV6, type Route, RouteTableNumber, RTM_NEWROUTE, routeMessage, Scope } from './route.ts'
import { RTA, routeRules } from './route-rules.ts'
import type { RouteTables } from './route-tables.ts'
import { selectAddress4, selectAddress6 } from './source-addresses.ts'
import { structBytes } from './struct-bytes.ts'

const HEADER = 16
/** Bytes of `struct rtmsg` with the netlink header. */
const ATTRIBUTES = HEADER + 12

/** RTM_F_* of a request, and of an answer that is not a route of a table. */
const LookupFlag = { Notify: 0x100, Cloned: 0x200, Table: 0x1000, Match: 0x2000 } as const
/** RTCF_*: what becomes of packets */
const PacketFlag = { Multicast: 0x20000000, Broadcast: 0x10000000, Local: 0x80000000 } as const

/** What a request may have by the kernel's rules; ports and protocols count for rules alone. */
const accepted: ReadonlySet<number> = new Set([
  ...[RTA.iif, RTA.oif, RTA.src, RTA.dst, RTA.mark, RTA.uid, RTA.ipProto, RTA.sport, RTA.dport],
])
const accepted6: ReadonlySet<number> = new Set([...accepted, RTA.flowlabel])
const modelled: ReadonlySet<number> = new Set([RTA.oif, RTA.src, RTA.dst, RTA.mark, RTA.uid])

/** A request, read. */
interface Asked {
  readonly flags: number
  readonly destination: Uint8Array
  readonly source: Uint8Array | undefined
  readonly oif: number
  readonly mark: number
  readonly uid: number
}

/** Where packets of IPv4 go. */
interface Way {
  readonly type: number
  readonly device: Device
  readonly destination: Uint8Array
  readonly source: Uint8Array | undefined
  readonly route: Route | undefined
  /** the table that has it, if any does */
  readonly table: number
}

export class RouteLookups {
  readonly #links: Links
  readonly #internet4: Internet4
  readonly #internet6: Internet6
  readonly #tables4: RouteTables
  readonly #tables6: RouteTables

  constructor(
    links: Links,
    [internet4, tables4]: readonly [Internet4, RouteTables],
    [internet6, tables6]: readonly [Internet6, RouteTables],
  ) {
    this.#links = links
    this.#internet4 = internet4
    this.#internet6 = internet6
    this.#tables4 = tables4
    this.#tables6 = tables6
  }

  get4(request: KernelRequest): number {
    const asked = read(request, IPV4)
    if (typeof asked === 'number') return asked
    const way = this.#find4(asked)
    if (typeof way === 'number') return way
    const header = answerHeader(request)
    const { flags, source: given, mark, uid } = asked
    const table = (flags & LookupFlag.Table) === 0 ? RouteTableNumber.Main : way.table
    if ((flags & LookupFlag.Match) !== 0) {
      if (way.route === undefined) return -Errno.EHOSTUNREACH
      return sendReply(request.socket, routeMessage(header, { ...way.route, table }, this.#links.now))
    }
    const { type, device, source, route } = way
    const fields = {
      ...{ family: IPV4, dstLen: 32, srcLen: given === undefined ? 0 : 32, tos: 0, table, protocol: 0, scope: 0 },
      type: type as RtmType,
      flags: (packetFlags(way) | LookupFlag.Cloned | (flags & LookupFlag.Notify)) >>> 0,
    }
    const values: RouteAttributes = {
      table,
      dst: asked.destination,
      src: given,
      oif: device.index,
      prefsrc: given === undefined ? source : undefined,
      gateway: route?.gateway,
      mark: mark === 0 ? undefined : mark,
      uid,
      cacheinfo: NOT_CACHED,
    }
    return sendReply(request.socket, tableMessage(header, structBytes(rtmsgLayout, fields), routeAttributes, values))
  }

  get6(request: KernelRequest): number {
    const asked = read(request, IPV6)
    if (typeof asked === 'number') return asked
    const { destination, source, oif, flags } = asked
    const device = oif === 0 ? undefined : this.#links.find(oif)
    const route = this.#tables6.lookUp(destination, Scope.Universe, source === undefined ? oif : 0)
    if (route === undefined) return -Errno.ENETUNREACH
    if (isRefusal(route.type)) return refusals[route.type] ?? -Errno.ENETUNREACH
    const header = answerHeader(request)
    if ((flags & LookupFlag.Match) !== 0) return sendReply(request.socket, routeMessage(header, route, this.#links.now))
    const prefsrc = selectAddress6(
      this.#links.devices,
      (it) => this.#internet6.addressesOf(it),
      route.device ?? device,
      destination,
    )
    const looped = route.type === RtmType.Local ? LOOPBACK_INDEX : route.device?.index
    const { table, protocol, type, priority, gateway } = route
    const fields = {
      ...{ family: IPV6, dstLen: 128, srcLen: 128, tos: 0, protocol, scope: 0, flags: 0 },
      table: table < 256 ? table : RouteTableNumber.Compat,
      type: type as RtmType,
    }
    const values: RouteAttributes = {
      table,
      dst: destination,
      src: source ?? new Uint8Array(16),
      prefsrc,
      priority,
      gateway,
      oif: looped,
      cacheinfo: NOT_CACHED,
      pref: 0,
    }
    return sendReply(request.socket, tableMessage(header, structBytes(rtmsgLayout, fields), routeAttributes, values))
  }

  /** The way of packets that this machine sends (`ip_route_output_key_hash_rcu`), or a negative errno. */
  #find4({ destination, source: given, oif }: Asked): Way | number {
    let device = oif === 0 ? undefined : this.#links.find(oif)
    if (given !== undefined) {
      if (isMulticast(given) || isBroadcast(given)) return -Errno.EINVAL
      const owner = this.#links.devices.find((it) =>
        this.#internet4.addressesOf(it).some(({ local }) => sameAddress(local, given)),
      )
      if (owner === undefined) return -Errno.ENETUNREACH
      if (oif === 0 && (isMulticast(destination) || isBroadcast(destination))) {
        return this.#leaving({ type: 0, device: owner, destination, source: given, route: undefined, table: 0 })
      }
    }
    if (oif !== 0) {
      if (device === undefined) return -Errno.ENODEV
      if (!device.isUp) return -Errno.ENETUNREACH
      if (isLinkMulticast(destination) || isBroadcast(destination)) {
        const source = given ?? this.#select(device, undefined, Scope.Link)
        return this.#leaving({ type: 0, device, destination, source, route: undefined, table: 0 })
      }
    }
    let source = given
    if (device !== undefined && source === undefined) {
      if (isMulticast(destination)) source = this.#select(device, undefined, Scope.Universe)
      else if (isZero(destination)) source = this.#select(device, undefined, Scope.Host)
    }
    const loopback = this.#links.find(LOOPBACK_INDEX)
    if (isZero(destination)) {
      const own = source ?? LOOPBACK
      if (loopback === undefined) return -Errno.ENETUNREACH
      return this.#leaving({
        type: RtmType.Local,
        device: loopback,
        destination: own,
        source: own,
        route: undefined,
        table: 0,
      })
    }
    const route = this.#tables4.lookUp(destination, Scope.Universe, oif)
    if (route === undefined || isRefusal(route.type)) {
      if (device === undefined) return refusals[route?.type ?? 0] ?? -Errno.ENETUNREACH
      // Linux takes it that the destination is on the link.
      source ??= this.#select(device, undefined, Scope.Link)
      return this.#leaving({ type: RtmType.Unicast, device, destination, source, route: undefined, table: 0 })
    }
    // The kernel's two tables are one tree, which is the main one.
    const table = route.table === RouteTableNumber.Local ? RouteTableNumber.Main : route.table
    if (route.type === RtmType.Local) {
      source ??= route.prefsrc ?? destination
      device = loopback
    } else {
      device = route.device
      if (device !== undefined) source ??= route.prefsrc ?? this.#select(device, route.gateway, route.scope)
    }
    if (device === undefined) return -Errno.ENETUNREACH
    return this.#leaving({ type: route.type, device, destination, source, route, table })
  }

  /** As `__mkroute_output`: what the destination makes of it. */
  #leaving(way: Way): Way | number {
    const { device, destination, source, route } = way
    if (source?.[0] === 127 && device.kind !== 'loopback') return -Errno.EINVAL
    if (isBroadcast(destination)) return { ...way, type: RtmType.Broadcast, route: undefined }
    if (!isMulticast(destination)) return way.type === RtmType.Broadcast ? { ...way, route: undefined } : way
    return { ...way, type: RtmType.Multicast, route: (route?.dstLen ?? 0) < 4 ? undefined : route }
  }

  #select(device: Device, next: Uint8Array | undefined, scope: number): Uint8Array | undefined {
    return selectAddress4(this.#links.devices, (it) => this.#internet4.addressesOf(it), device, next, scope)
  }
}

/** What lookups of `cacheinfo` have: they are not cached. */
const NOT_CACHED = { clntref: 1, lastuse: 0, expires: 0, error: 0, used: 0 } as const
const LOOPBACK_INDEX = 1
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
/** 224.0.0.1: every machine is a member */
const ALL_HOSTS = Uint8Array.of(224, 0, 0, 1)

/** The errors of routes that refuse, by their type (`fib_props`); of RTN_THROW none: other tables are asked. */
const refusals: Readonly<Record<number, number>> = {
  [RtmType.Blackhole]: -Errno.EINVAL,
  [RtmType.Unreachable]: -Errno.EHOSTUNREACH,
  [RtmType.Prohibit]: -Errno.EACCES,
}

const isZero = (address: Uint8Array) => address.every((byte) => byte === 0)
const isBroadcast = (address: Uint8Array) => address.every((byte) => byte === 255)
const isMulticast = ([first = 0]: Uint8Array) => first >> 4 === 14
const isLinkMulticast = (address: Uint8Array) => sameAddress(prefixOf(address, 24), Uint8Array.of(224, 0, 0, 0))
const sameAddress = (one: Uint8Array, other: Uint8Array) => one.every((byte, at) => byte === other[at])

function packetFlags({ type, device, destination }: Way): number {
  if (type === RtmType.Broadcast) return PacketFlag.Broadcast | PacketFlag.Local
  if (type === RtmType.Multicast) {
    return PacketFlag.Multicast | (sameAddress(destination, ALL_HOSTS) ? PacketFlag.Local : 0)
  }
  return type === RtmType.Local || device.kind === 'loopback' ? PacketFlag.Local : 0
}

function answerHeader({ sequence, socket }: KernelRequest) {
  return { type: RTM_NEWROUTE, flags: 0, sequence, portId: socket.portId }
}

/** A request, or a negative errno. */
function read(request: KernelRequest, family: typeof IPV4 | typeof IPV6): Asked | number {
  const [bits, words, what] = family === IPV4 ? [32, 'ipv4: ', 'route get'] : [128, 'ipv6: ', 'get route']
  const invalid = (text: string) => refuse(request, Errno.EINVAL, `${words}${text}`)
  if (request.length < ATTRIBUTES) return invalid(`Invalid header for ${what} request`)
  const { u8, u32 } = request.memory
  const at = request.offset + HEADER
  const [dstLen, srcLen] = [u8[at + 1] as number, u8[at + 2] as number]
  const flags = u32[(at + 8) >> 2] as number
  const isStrict = request.socket.settings.strictChecking
  if (isStrict) {
    const isWrong = (length: number) => length !== 0 && length !== bits
    if (isWrong(dstLen) || isWrong(srcLen) || [4, 5, 6, 7].some((offset) => u8[at + offset] !== 0)) {
      return invalid(`Invalid values in header for ${what} request`)
    }
    if (family === IPV4 && (flags & ~(LookupFlag.Notify | LookupFlag.Table | LookupFlag.Match)) !== 0) {
      return invalid('Unsupported rtm_flags for route get request')
    }
    if (family === IPV6 && (flags & ~LookupFlag.Match) !== 0) {
      return invalid(`Invalid flags for ${what} request`)
    }
  }
  const found = parseRequest(request, ATTRIBUTES, routeRules[family], isStrict ? 'exact' : 'liberal')
  if (typeof found === 'number') return found
  if (isStrict) {
    if ((found.has(RTA.src) && srcLen === 0) || (found.has(RTA.dst) && dstLen === 0)) {
      return invalid(`rtm_src_len and rtm_dst_len must be ${bits} for IPv${family === IPV4 ? 4 : 6}`)
    }
    if (unmodelled(request, found, family === IPV4 ? accepted : accepted6) >= 0) {
      return invalid(`Unsupported attribute in ${what} request`)
    }
  }
  const unknown = [...found.numbers].find((number) => accepted6.has(number) && !modelled.has(number))
  if (unknown !== undefined) return refuseUnknown(request, found.at(unknown) - 4 - request.offset)
  if (u8[at + 3] !== 0) return refuseUnknown(request)
  const address = (number: number) => addressOf(found, number, bits / 8)
  return {
    flags,
    destination: address(RTA.dst) ?? new Uint8Array(bits / 8),
    source: address(RTA.src),
    oif: found.has(RTA.oif) ? found.u32(RTA.oif) : 0,
    mark: found.has(RTA.mark) ? found.u32(RTA.mark) : 0,
    uid: found.has(RTA.uid) ? found.u32(RTA.uid) : 0,
  }
}

function addressOf(found: ParsedAttributes, number: number, size: number): Uint8Array | undefined {
  const address = found.has(number) ? found.bytes(number).slice(0, size) : undefined
  return address?.some((byte) => byte !== 0) === true ? address : undefined
}
