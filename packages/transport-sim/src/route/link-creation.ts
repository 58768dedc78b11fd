/** New links (`rtnl_newlink_create`, `veth_newlink`). */
import { Errno } from '@ringlink/codec'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { parseNest } from '../netlink/rules.ts'
import { type Device, type DeviceKind, kindDefaults } from './device.ts'
import { isDeviceAddress } from './device-address.ts'
import { chooseName } from './device-names.ts'
import { IFLA, IFLA_INFO, linkRules, settable, VETH_INFO_PEER, vethRules } from './link-rules.ts'
import { checkMtu } from './link-settings.ts'
import type { Links } from './links.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'

const IFINFOMSG = 16

/** `struct ifinfomsg`, as far as it counts. */
export interface LinkHeader {
  readonly index: number
  readonly flags: number
  readonly change: number
}

/** The kinds of links that a request can make. */
export type MadeKind = Exclude<DeviceKind, 'loopback'>
const madeKinds: ReadonlySet<string> = new Set<MadeKind>(['veth', 'bridge', 'dummy'])

export function isMadeKind(kind: string): kind is MadeKind {
  return madeKinds.has(kind)
}

/** A link that is asked for. */
interface Wanted {
  readonly kind: MadeKind
  readonly header: LinkHeader
  readonly found: ParsedAttributes | undefined
}

/** Makes a link, and the peer of a veth before it. A negative errno: refused. */
export function createLink(
  links: Links,
  request: KernelRequest,
  kind: MadeKind,
  found: ParsedAttributes,
  info: ParsedAttributes | undefined,
  header: LinkHeader,
): Device | number {
  const refused = validate(found)
  if (refused !== 0) return refused
  const mtu = found.has(IFLA.mtu) ? checkMtu(request, kindDefaults[kind], found.u32(IFLA.mtu)) : 0
  if (mtu !== 0) return mtu
  const wanted: Wanted = { kind, header, found }
  if (kind !== 'veth') {
    if (kind === 'bridge' && info?.has(IFLA_INFO.data) === true && info.length(IFLA_INFO.data) > 0)
      return refuseUnknown(request)
    const device = make(links, request, wanted)
    if (typeof device === 'number') return device
    links.complete(device, header.flags, header.change, request)
    return device
  }
  const peerWanted = readPeer(request, info)
  if (typeof peerWanted === 'number') return peerWanted
  const peer = make(links, request, peerWanted)
  if (typeof peer === 'number') return peer
  links.complete(peer, peerWanted.header.flags, peerWanted.header.change, request)
  const device = make(links, request, wanted)
  if (typeof device === 'number') {
    links.remove([peer])
    return device
  }
  device.peer = peer
  peer.peer = device
  links.complete(device, header.flags, header.change, request)
  return device
}

function validate(found: ParsedAttributes): number {
  if (!found.has(IFLA.address)) return 0
  if (found.length(IFLA.address) !== 6) return -Errno.EINVAL
  if (!isDeviceAddress(found.bytes(IFLA.address))) return -Errno.EADDRNOTAVAIL
  return 0
}

/** The peer that VETH_INFO_PEER describes; without it one of defaults. */
function readPeer(request: KernelRequest, info: ParsedAttributes | undefined): Wanted | number {
  const none: Wanted = { kind: 'veth', header: { index: 0, flags: 0, change: 0 }, found: undefined }
  if (info?.has(IFLA_INFO.data) !== true) return none
  const data = parseNest(request, info, IFLA_INFO.data, vethRules, 'liberal')
  if (typeof data === 'number') return data
  if (!data.has(VETH_INFO_PEER)) return none
  if (data.length(VETH_INFO_PEER) < IFINFOMSG) return refuse(request, Errno.EINVAL)
  const found = parseNest(request, data, VETH_INFO_PEER, linkRules, 'liberal', IFINFOMSG)
  if (typeof found === 'number') return found
  const unknown = unmodelled(request, found, settable)
  if (unknown >= 0) return refuseUnknown(request, unknown)
  const refused = validate(found)
  if (refused !== 0) return refused
  const at = data.at(VETH_INFO_PEER)
  const { memory } = data
  const header = {
    index: memory.i32[(at + 4) >> 2] as number,
    flags: memory.u32[(at + 8) >> 2] as number,
    change: memory.u32[(at + 12) >> 2] as number,
  }
  return { kind: 'veth', header, found }
}

/** Makes one device, or returns a negative errno. */
function make(links: Links, request: KernelRequest, { kind, header, found }: Wanted): Device | number {
  if (found?.has(IFLA.mtu) === true) {
    const error = checkMtu(request, kindDefaults[kind], found.u32(IFLA.mtu))
    if (error !== 0) return error
  }
  const asked = found?.has(IFLA.ifname) === true ? found.text(IFLA.ifname) : `${kind}%d`
  const name = chooseName(asked, (it) => links.named(it) !== undefined)
  if (typeof name === 'number') return name
  if (header.index > 0 && links.find(header.index) !== undefined) return -Errno.EBUSY
  const index = header.index > 0 ? header.index : links.takeIndex()
  const address = found?.has(IFLA.address) === true ? found.bytes(IFLA.address) : undefined
  const device = links.register(index, kind, name, address)
  if (found?.has(IFLA.mtu) === true) {
    device.mtu = found.u32(IFLA.mtu)
    device.internet6Mtu = device.mtu
  }
  if (found?.has(IFLA.broadcast) === true) device.broadcast = found.bytes(IFLA.broadcast)
  if (found?.has(IFLA.txqlen) === true) device.transmitQueueLength = found.u32(IFLA.txqlen)
  if (found?.has(IFLA.group) === true) device.group = found.u32(IFLA.group)
  return device
}
