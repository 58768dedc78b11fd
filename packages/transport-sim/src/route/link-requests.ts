/** RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK and RTM_GETLINK (net/core/rtnetlink.c). */
import { Errno, MessageFlag, NewFlag } from '@ringlink/codec'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { sendReply } from '../netlink/row-answers.ts'
import { parseNest, parseRequest } from '../netlink/rules.ts'
import { portMessage } from './bridge-port-message.ts'
import type { BridgePorts } from './bridge-ports.ts'
import type { Device } from './device.ts'
import { createLink, isMadeKind } from './link-creation.ts'
import { linkMessage } from './link-message.ts'
import { IFLA, IFLA_INFO, infoRules, linkRules, settable } from './link-rules.ts'
import { changeLink } from './link-settings.ts'
import { RTM_NEWLINK } from './link-types.ts'
import type { Links } from './links.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'

const HEADER = 16
/** Bytes of `struct ifinfomsg` with the netlink header. */
const ATTRIBUTES = HEADER + 16
const { Create, Exclusive, Replace } = NewFlag

export class LinkRequests {
  readonly #links: Links
  readonly #ports: BridgePorts

  constructor(links: Links, ports: BridgePorts) {
    this.#links = links
    this.#ports = ports
  }

  create(request: KernelRequest): number {
    const found = parseLink(request)
    if (typeof found === 'number') return found
    const info = found.has(IFLA.linkinfo) ? parseNest(request, found, IFLA.linkinfo, infoRules, 'liberal') : undefined
    if (typeof info === 'number') return info
    const header = readHeader(request)
    if (header.index < 0) return refuse(request, Errno.EINVAL, "ifindex can't be negative")
    const device = this.#device(header.index, found)
    const unknown = unmodelled(request, found, settable)
    if (device !== undefined) {
      if ((request.flags & Exclusive) !== 0) return -Errno.EEXIST
      if ((request.flags & Replace) !== 0) return -Errno.EOPNOTSUPP
      if (unknown >= 0) return refuseUnknown(request, unknown)
      if (info?.has(IFLA_INFO.slaveData) === true) return refuseUnknown(request)
      if (info?.has(IFLA_INFO.data) === true) return refuseInfo(request, info, device)
      return changeLink(this.#links, this.#ports, request, device, found, header)
    }
    if ((request.flags & Create) === 0) {
      if (header.index === 0 && found.has(IFLA.group) && !found.has(IFLA.ifname)) return refuseUnknown(request)
      return -Errno.ENODEV
    }
    const kind = info?.has(IFLA_INFO.kind) === true ? info.text(IFLA_INFO.kind) : undefined
    if (kind === undefined || !isMadeKind(kind)) return refuse(request, Errno.EOPNOTSUPP, 'Unknown device type')
    if (unknown >= 0) return refuseUnknown(request, unknown)
    if (info?.has(IFLA_INFO.slaveData) === true) return refuseUnknown(request)
    const made = createLink(this.#links, request, kind, found, info, header)
    if (typeof made === 'number') return made
    const refused = found.has(IFLA.master) ? this.#ports.setMaster(request, made, found.u32(IFLA.master)) : 0
    if (refused !== 0) this.#remove(made)
    return refused
  }

  set(request: KernelRequest): number {
    const found = parseLink(request)
    if (typeof found === 'number') return found
    const header = readHeader(request)
    if (header.index <= 0 && !found.has(IFLA.ifname)) return -Errno.EINVAL
    const device = this.#device(header.index, found)
    if (device === undefined) return -Errno.ENODEV
    const unknown = unmodelled(request, found, settable)
    if (unknown >= 0) return refuseUnknown(request, unknown)
    return changeLink(this.#links, this.#ports, request, device, found, header)
  }

  remove(request: KernelRequest): number {
    const found = parseLink(request)
    if (typeof found === 'number') return found
    const { index } = readHeader(request)
    if (index <= 0 && !found.has(IFLA.ifname) && !found.has(IFLA.altIfname)) {
      return found.has(IFLA.group) ? refuseUnknown(request) : -Errno.EINVAL
    }
    const device = this.#device(index, found)
    if (device === undefined) return -Errno.ENODEV
    if (device.kind === 'loopback') return -Errno.EOPNOTSUPP
    this.#remove(device)
    return 0
  }

  get(request: KernelRequest): number {
    const isStrict = request.socket.settings.strictChecking
    const header = readHeader(request)
    if (isStrict) {
      if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for get link')
      if (header.type !== 0 || header.flags !== 0 || header.change !== 0) {
        return refuse(request, Errno.EINVAL, 'Invalid values in header for get link request')
      }
    }
    const found = parseLink(request, isStrict ? 'exact' : 'liberal')
    if (typeof found === 'number') return found
    if (isStrict && unmodelled(request, found, gettable) >= 0) {
      return refuse(request, Errno.EINVAL, 'Unsupported attribute in get link request')
    }
    if (header.index <= 0 && !found.has(IFLA.ifname) && !found.has(IFLA.altIfname)) return -Errno.EINVAL
    const device = this.#device(header.index, found)
    if (device === undefined) return -Errno.ENODEV
    return sendReply(request.socket, linkMessage(answerHeader(request, 0), device, this.#links.now))
  }

  /** The rows of a dump, or a negative errno. */
  list(request: KernelRequest): Uint8Array[] | number {
    const isStrict = request.socket.settings.strictChecking
    const header = readHeader(request)
    if (isStrict) {
      if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for link dump')
      if (header.type !== 0 || header.flags !== 0 || header.change !== 0) {
        return refuse(request, Errno.EINVAL, 'Invalid values in header for link dump request')
      }
      if (header.index !== 0) {
        return refuse(request, Errno.EINVAL, 'Filter by device index not supported for link dumps')
      }
    }
    const found = parseLink(request, isStrict ? 'exact' : 'liberal')
    if (typeof found === 'number') return found
    const unknown = unmodelled(request, found, listFilters)
    if (unknown >= 0) {
      return isStrict
        ? refuse(request, Errno.EINVAL, 'Unsupported attribute in link dump request')
        : refuseUnknown(request)
    }
    if (found.has(IFLA.linkinfo) || found.has(IFLA.master)) return refuseUnknown(request)
    const answer = answerHeader(request, MessageFlag.Multipart)
    return this.#links.devices.map((device) => linkMessage(answer, device, this.#links.now))
  }

  /** The ports of bridges, as the handler of AF_BRIDGE lists them. */
  listPorts(request: KernelRequest): Uint8Array[] | number {
    const isStrict = request.socket.settings.strictChecking
    const header = readHeader(request)
    if (isStrict) {
      if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for bridge link dump')
      if (header.type !== 0 || header.flags !== 0 || header.change !== 0 || header.index !== 0) {
        return refuse(request, Errno.EINVAL, 'Invalid values in header for bridge link dump request')
      }
    }
    const found = parseLink(request, isStrict ? 'exact' : 'liberal')
    if (typeof found === 'number') return found
    if (isStrict && unmodelled(request, found, portFilters) >= 0) {
      return refuse(request, Errno.EINVAL, 'Unsupported attribute in bridge link dump request')
    }
    // The VLANs and other protocols of ports are not modelled.
    if (found.has(IFLA.extMask) && (found.u32(IFLA.extMask) & ~WITHOUT_EFFECT) !== 0) return refuseUnknown(request)
    const answer = answerHeader(request, MessageFlag.Multipart)
    return this.#links.devices.flatMap((device) => (device.port === undefined ? [] : [portMessage(answer, device)]))
  }

  #remove(device: Device): void {
    this.#links.remove(device.peer === undefined ? [device] : [device, device.peer])
  }

  #device(index: number, found: ParsedAttributes): Device | undefined {
    if (index > 0) return this.#links.find(index)
    return found.has(IFLA.ifname) ? this.#links.named(found.text(IFLA.ifname)) : undefined
  }
}

const gettable: ReadonlySet<number> = new Set([IFLA.ifname, IFLA.altIfname, IFLA.extMask])
const portFilters: ReadonlySet<number> = new Set([IFLA.extMask])
/** RTEXT_FILTER_VF and RTEXT_FILTER_SKIP_STATS: ports have no such attributes */
const WITHOUT_EFFECT = 0x9
const listFilters: ReadonlySet<number> = new Set([IFLA.extMask, IFLA.master, IFLA.linkinfo])

/** A veth cannot be changed by its own attributes, and what those of a bridge change is not modelled. */
function refuseInfo(request: KernelRequest, info: ParsedAttributes, device: Device): number {
  const isBridge = device.kind === 'bridge' && info.has(IFLA_INFO.kind) && info.text(IFLA_INFO.kind) === 'bridge'
  return isBridge ? refuseUnknown(request) : -Errno.EOPNOTSUPP
}

function answerHeader({ sequence, socket }: KernelRequest, flags: number) {
  return { type: RTM_NEWLINK, flags, sequence, portId: socket.portId }
}

function readHeader({ memory, offset, length }: KernelRequest) {
  if (length < ATTRIBUTES) return { type: 0, index: 0, flags: 0, change: 0 }
  const at = offset + HEADER
  return {
    type: memory.u16[(at + 2) >> 1] as number,
    index: memory.i32[(at + 4) >> 2] as number,
    flags: memory.u32[(at + 8) >> 2] as number,
    change: memory.u32[(at + 12) >> 2] as number,
  }
}

function parseLink(request: KernelRequest, strictness: 'liberal' | 'exact' = 'liberal'): ParsedAttributes | number {
  if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header length')
  return parseRequest(request, ATTRIBUTES, linkRules, strictness)
}
