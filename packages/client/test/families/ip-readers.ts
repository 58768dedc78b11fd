/** What `ip -json -details` shows of links, addresses, routes, neighbours and rules, by our values. */
import type { OperationValues } from '@ringlink/codec'
import { IfaFlags, type rtAddr } from '@ringlink/families/rt-addr'
import { RouteProtocol, RouteScope, RouteTable } from '@ringlink/families/rt-constants'
import { IfinfoFlags, type rtLink } from '@ringlink/families/rt-link'
import { NtfFlags, NudState, type rtNeigh } from '@ringlink/families/rt-neigh'
import { RtmType, type rtRoute } from '@ringlink/families/rt-route'
import { FrAct, type rtRule } from '@ringlink/families/rt-rule'
import { addressText, hardware, type Readers } from './shown-fields.ts'

export type Link = OperationValues<typeof rtLink.operations.getlink>
export type Address = OperationValues<typeof rtAddr.operations.getaddr>
export type Route = OperationValues<typeof rtRoute.operations.getroute>
export type Neighbour = OperationValues<typeof rtNeigh.operations.getneigh>
export type Rule = OperationValues<typeof rtRule.operations.getrule>
/** The names of devices by their index. */
export type DeviceNames = ReadonlyMap<number, string>

/** `LOWER_UP` of `LowerUp`. */
const capitals = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
const keyOf = (constants: Readonly<Record<string, number>>, value: number | undefined) =>
  Object.keys(constants).find((key) => constants[key] === value)
/** The name of a constant in lower case, or the number. */
const word = (constants: Readonly<Record<string, number>>, value: number | undefined) =>
  keyOf(constants, value)?.toLowerCase() ?? String(value)
const bitsOf = (constants: Readonly<Record<string, number>>, value: number) =>
  Object.keys(constants)
    .filter((key) => (value & (constants[key] as number)) !== 0)
    .map(capitals)
const isSet = (value: number | undefined, bit: number) => ((value ?? 0) & bit) !== 0
const clock = 'a clock, which ran on between the two readings'

const operatingStates = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP']
const addressModes = ['eui64', 'none', 'stable_secret', 'random']
/** ARPHRD_* (linux/if_arp.h) */
const linkTypes: Readonly<Record<number, string>> = {
  1: 'ether',
  768: 'ipip',
  769: 'tunnel6',
  772: 'loopback',
  776: 'sit',
  778: 'gre',
  824: 'netlink',
  65534: 'none',
}
/** Devices whose addresses are those of IP. */
const tunnelTypes = [768, 769, 776, 778]

const linkAddress = ({ header }: Link, bytes: Uint8Array | undefined) =>
  tunnelTypes.includes(header.type) ? addressText(bytes) : hardware(bytes)

/**
 * The flags as ip names and orders them: what it computes first, and the state of the device that this one is on last.
 */
function linkFlags({ header, link }: Link, all: readonly Link[]): string[] {
  const names = bitsOf(IfinfoFlags, header.flags & ~IfinfoFlags.Running).map(
    (name) => ({ NO_ARP: 'NOARP', POINT_TO_POINT: 'POINTOPOINT', ALL_MULTI: 'ALLMULTI' })[name] ?? name,
  )
  const order = ['LOOPBACK', 'BROADCAST', 'POINTOPOINT', 'MULTICAST', 'NOARP', 'ALLMULTI', 'PROMISC', 'MASTER', 'SLAVE']
  const lower = all.find((other) => other.header.index === link)
  const isUp = isSet(header.flags, IfinfoFlags.Up)
  return [
    ...(isUp && !isSet(header.flags, IfinfoFlags.Running) ? ['NO-CARRIER'] : []),
    ...order.filter((name) => names.includes(name)),
    ...names.filter((name) => !order.includes(name)),
    ...(lower !== undefined && !isSet(lower.header.flags, IfinfoFlags.Up) ? ['M-DOWN'] : []),
  ]
}

export function linkReaders(all: readonly Link[], names: DeviceNames): Readers<Link> {
  const statistic = (name: keyof NonNullable<Link['stats64']>) => (link: Link) => Number(link.stats64?.[name])
  return {
    ifindex: ({ header }) => header.index,
    ifname: ({ ifname }) => ifname,
    ifalias: ({ ifalias }) => ifalias,
    flags: (link) => linkFlags(link, all),
    mtu: ({ mtu }) => mtu,
    qdisc: ({ qdisc }) => qdisc,
    link: ({ link }) => (link === 0 ? null : names.get(link ?? 0)),
    master: ({ master }) => names.get(master ?? 0),
    operstate: ({ operstate }) => operatingStates[operstate ?? 0],
    linkmode: ({ linkmode }) => (linkmode === 0 ? 'DEFAULT' : 'DORMANT'),
    group: ({ group }) => (group === 0 ? 'default' : String(group)),
    txqlen: ({ txqlen }) => txqlen,
    link_type: ({ header }) => linkTypes[header.type],
    address: (link) => linkAddress(link, link.address),
    broadcast: (link) => linkAddress(link, link.broadcast),
    link_pointtopoint: ({ header }) => isSet(header.flags, IfinfoFlags.PointToPoint),
    permaddr: (link) => linkAddress(link, link.permAddress),
    promiscuity: ({ promiscuity }) => promiscuity,
    allmulti: ({ allmulti }) => allmulti,
    min_mtu: ({ minMtu }) => minMtu,
    max_mtu: ({ maxMtu }) => maxMtu,
    inet6_addr_gen_mode: ({ afSpec }) => addressModes[afSpec?.inet6?.addrGenMode ?? -1],
    num_tx_queues: ({ numTxQueues }) => numTxQueues,
    num_rx_queues: ({ numRxQueues }) => numRxQueues,
    gso_max_size: ({ gsoMaxSize }) => gsoMaxSize,
    gso_max_segs: ({ gsoMaxSegs }) => gsoMaxSegs,
    tso_max_size: ({ tsoMaxSize }) => tsoMaxSize,
    tso_max_segs: ({ tsoMaxSegs }) => tsoMaxSegs,
    gro_max_size: ({ groMaxSize }) => groMaxSize,
    'linkinfo.info_kind': ({ linkinfo }) => linkinfo?.kind,
    'linkinfo.info_slave_kind': ({ linkinfo }) => linkinfo?.slaveKind,
    'stats64.rx.bytes': statistic('rxBytes'),
    'stats64.rx.packets': statistic('rxPackets'),
    'stats64.rx.errors': statistic('rxErrors'),
    'stats64.rx.dropped': statistic('rxDropped'),
    'stats64.rx.over_errors': statistic('rxOverErrors'),
    'stats64.rx.multicast': statistic('multicast'),
    'stats64.tx.bytes': statistic('txBytes'),
    'stats64.tx.packets': statistic('txPackets'),
    'stats64.tx.errors': statistic('txErrors'),
    'stats64.tx.dropped': statistic('txDropped'),
    'stats64.tx.carrier_errors': statistic('txCarrierErrors'),
    'stats64.tx.collisions': statistic('collisions'),
  }
}

const scopes: Readonly<Record<number, string>> = {
  [RouteScope.Universe]: 'global',
  [RouteScope.Link]: 'link',
  [RouteScope.Host]: 'host',
}
const families: Readonly<Record<number, string>> = { 2: 'inet', 10: 'inet6' }
const LIFETIME = 'cacheinfo'

export const addressReaders: Readers<Address> = {
  family: ({ header }) => families[header.family],
  local: ({ local, address }) => addressText(local ?? address),
  address: ({ address }) => addressText(address),
  broadcast: ({ broadcast }) => addressText(broadcast),
  prefixlen: ({ header }) => header.prefixlen,
  scope: ({ header }) => scopes[header.scope],
  label: ({ label }) => label,
  tentative: ({ flags }) => isSet(flags, IfaFlags.Tentative),
  nodad: ({ flags }) => isSet(flags, IfaFlags.Nodad),
  dynamic: ({ flags }) => !isSet(flags, IfaFlags.Permanent),
  valid_life_time: ({ [LIFETIME]: lifetime }) => lifetime?.ifaValid,
  preferred_life_time: ({ [LIFETIME]: lifetime }) => lifetime?.ifaPrefered,
}

const preferences = ['medium', 'high', 'invalid', 'low']
const prefix = (bytes: Uint8Array | undefined, length: number) => {
  if (bytes === undefined) return 'default'
  return length === bytes.length * 8 ? addressText(bytes) : `${addressText(bytes)}/${length}`
}
const tableName = (table: number | undefined) => word(RouteTable, table)

export function routeReaders(names: DeviceNames): Readers<Route> {
  return {
    type: ({ header }) => word(RtmType, header.type),
    dst: ({ header, dst }) => prefix(dst, header.dstLen),
    gateway: ({ gateway }) => addressText(gateway),
    dev: ({ oif }) => names.get(oif ?? 0),
    table: ({ table }) => tableName(table),
    protocol: ({ header }) => word(RouteProtocol, header.protocol),
    scope: ({ header }) => scopes[header.scope],
    prefsrc: ({ prefsrc }) => addressText(prefsrc),
    metric: ({ priority }) => priority,
    tos: ({ header }) => `0x${header.tos.toString(16)}`,
    flags: ({ header }) => bitsOf({ dead: 1, onlink: 4, linkdown: 16 }, header.flags).map((name) => name.toLowerCase()),
    metrics: ({ metrics }) => [{ mtu: metrics?.mtu, advmss: metrics?.advmss, hoplimit: metrics?.hoplimit }],
    expires: clock,
    error: ({ cacheinfo }) => cacheinfo?.error,
    pref: ({ pref }) => preferences[pref ?? -1],
  }
}

export function neighbourReaders(names: DeviceNames): Readers<Neighbour> {
  return {
    dst: ({ dst }) => addressText(dst),
    dev: ({ header }) => names.get(header.ifindex),
    lladdr: ({ lladdr }) => hardware(lladdr),
    router: ({ header }) => (isSet(header.flags, NtfFlags.Router) ? null : header.flags),
    used: clock,
    confirmed: clock,
    updated: clock,
    refcnt: ({ cacheinfo }) => cacheinfo?.refcnt,
    probes: ({ probes }) => probes,
    state: ({ header }) => (header.state === 0 ? ['NONE'] : bitsOf(NudState, header.state)),
  }
}

const hexadecimal = (value: number | undefined) => `0x${value?.toString(16)}`
const protocols: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' }

export const ruleReaders: Readers<Rule> = {
  priority: ({ priority = 0 }) => priority,
  not: ({ header }) => (isSet(header.flags, 2) ? null : header.flags),
  src: ({ src }) => (src === undefined ? 'all' : addressText(src)),
  srclen: ({ header }) => header.srcLen,
  dst: ({ dst }) => addressText(dst),
  dstlen: ({ header }) => header.dstLen,
  tos: ({ header }) => hexadecimal(header.tos),
  fwmark: ({ fwmark }) => hexadecimal(fwmark),
  fwmask: ({ fwmask }) => hexadecimal(fwmask),
  l3mdev: ({ l3mdev }) => (l3mdev === 1 ? null : l3mdev),
  iif: ({ iifname }) => iifname,
  oif: ({ oifname }) => oifname,
  oif_detached: ({ header }) => (isSet(header.flags, 0x10) ? null : header.flags),
  uid_start: ({ uidRange }) => uidRange?.start,
  uid_end: ({ uidRange }) => uidRange?.end,
  ipproto: ({ ipProto = 0 }) => protocols[ipProto],
  sport: ({ sportRange }) => sportRange?.start,
  sport_start: ({ sportRange }) => sportRange?.start,
  sport_end: ({ sportRange }) => sportRange?.end,
  dport: ({ dportRange }) => dportRange?.start,
  dport_start: ({ dportRange }) => dportRange?.start,
  dport_end: ({ dportRange }) => dportRange?.end,
  table: ({ table }) => tableName(table),
  suppress_prefixlen: ({ suppressPrefixlen }) => suppressPrefixlen,
  goto: ({ goto }) => goto,
  action: ({ header }) => word(FrAct, header.action),
  protocol: ({ protocol }) => word(RouteProtocol, protocol),
}
