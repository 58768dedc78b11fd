/** What requests set on links (`do_setlink`, `rtnl_create_link`). */
import { Errno } from '@ringlink/codec'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { BridgePorts } from './bridge-ports.ts'
import type { Device } from './device.ts'
import { isDeviceAddress } from './device-address.ts'
import { chooseName } from './device-names.ts'
import { IFLA } from './link-rules.ts'
import type { Links } from './links.ts'
import { refuse, refuseUnknown } from './requests.ts'

const ADDRESS_LENGTH = 6

/** 0, or the errno (negative) of an MTU that the device cannot have (`dev_validate_mtu`). */
export function checkMtu(
  request: KernelRequest,
  { minimumMtu, maximumMtu }: { minimumMtu: number; maximumMtu: number },
  mtu: number,
): number {
  if ((mtu | 0) < 0 || mtu < minimumMtu) return refuse(request, Errno.EINVAL, 'mtu less than device minimum')
  if (maximumMtu > 0 && mtu > maximumMtu) return refuse(request, Errno.EINVAL, 'mtu greater than device maximum')
  // IPv6 leaves a device with a smaller one.
  if (mtu < INTERNET6_MTU) return refuseUnknown(request)
  return 0
}

/** `IPV6_MIN_MTU` */
const INTERNET6_MTU = 1280

/** Changes a device, attribute by attribute; what was changed before one is refused stays changed. */
export function changeLink(
  links: Links,
  ports: BridgePorts,
  request: KernelRequest,
  device: Device,
  found: ParsedAttributes,
  header: { readonly index: number; readonly flags: number; readonly change: number },
): number {
  let isReported = false
  if (found.has(IFLA.address)) {
    const error = setAddress(links, ports, device, found)
    if (error !== 0) return error
  }
  if (found.has(IFLA.mtu)) {
    const error = setMtu(links, request, device, found.u32(IFLA.mtu))
    if (error !== 0) return error
  }
  if (found.has(IFLA.group)) {
    device.group = found.u32(IFLA.group)
    isReported = true
  }
  if (header.index > 0 && found.has(IFLA.ifname)) {
    const error = rename(links, device, found.text(IFLA.ifname))
    if (error !== 0) return error
  }
  if (found.has(IFLA.ifalias)) {
    device.alias = found.text(IFLA.ifalias) || undefined
    isReported = true
  }
  if (found.has(IFLA.broadcast)) {
    device.broadcast = found.bytes(IFLA.broadcast).slice(0, ADDRESS_LENGTH)
    links.readdressed(device)
  }
  if (header.flags !== 0 || header.change !== 0) {
    const error = setFlags(links, request, device, header)
    if (error !== 0) return error
  }
  if (found.has(IFLA.master)) {
    const error = ports.setMaster(request, device, found.u32(IFLA.master))
    if (error !== 0) return error
  }
  if (found.has(IFLA.txqlen) && found.u32(IFLA.txqlen) !== device.transmitQueueLength) {
    device.transmitQueueLength = found.u32(IFLA.txqlen)
    links.notify(device)
  }
  if (isReported) links.stateChanged(device)
  return 0
}

function setAddress(links: Links, ports: BridgePorts, device: Device, found: ParsedAttributes): number {
  if (found.length(IFLA.address) < ADDRESS_LENGTH) return -Errno.EINVAL
  const address = found.bytes(IFLA.address).slice(0, ADDRESS_LENGTH)
  if (device.isUp && device.kind === 'loopback') return -Errno.EBUSY
  if (!isDeviceAddress(address)) return -Errno.EADDRNOTAVAIL
  if (device.kind === 'bridge') ports.readdress(device, address)
  device.address = address
  links.readdressed(device)
  return 0
}

function setMtu(links: Links, request: KernelRequest, device: Device, mtu: number): number {
  if (mtu === device.mtu) return 0
  const error = checkMtu(request, device.defaults, mtu)
  if (error !== 0) return error
  device.hasOwnMtu = true
  links.resize(device, mtu)
  return 0
}

function rename(links: Links, device: Device, wanted: string): number {
  if (wanted === device.name) return 0
  const name = chooseName(wanted, (it) => links.named(it) !== undefined)
  if (typeof name === 'number') return name
  device.name = name
  links.notify(device)
  return 0
}

function setFlags(
  links: Links,
  request: KernelRequest,
  device: Device,
  { flags, change }: { readonly flags: number; readonly change: number },
): number {
  const isUpAsked = (change === 0 ? flags : (flags & change) | (device.flags & ~change)) & 1
  const others = change & ~CHANGED_WITHOUT_EFFECT
  if (change !== 0 && others !== 0) return refuse(request, Errno.EOPNOTSUPP, 'the simulated kernel only changes IFF_UP')
  links.setUp(device, isUpAsked !== 0)
  return 0
}

/** IFF_UP, and the flags that a request cannot change: broadcast, loopback, running, multicast is one that it can */
const CHANGED_WITHOUT_EFFECT = 0x1 | 0x2 | 0x8 | 0x40 | 0x10000
