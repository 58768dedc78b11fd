/** RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR of IPv4 and IPv6. */
import { Errno, MessageFlag, NewFlag, PolicyType } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { addrAttributes } from '@ringlink/families/rt-addr'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { sendReply } from '../netlink/row-answers.ts'
import { parseRequest } from '../netlink/rules.ts'
import { type Address, AddressFlag, addressMessage, RTM_NEWADDR } from './address.ts'
import type { Device } from './device.ts'
import type { Internet4 } from './internet4.ts'
import { type Internet6, scopeOf } from './internet6.ts'
import { FOREVER, type Lifetime } from './lifetime.ts'
import type { Links } from './links.ts'
import { covers, prefixOf, sameBytes } from './prefix.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'
import { IPV4, IPV6, Scope } from './route.ts'

const HEADER = 16
/** Bytes of `struct ifaddrmsg` with the netlink header. */
const ATTRIBUTES = HEADER + 8
const IFA = attributeNumbers(addrAttributes)
const CACHE_INFORMATION = 16
export const DUMP_FILTERED = 0x20
const { Exclusive, Replace } = NewFlag

const u32: AttributeRule = { type: PolicyType.U32 }
const common: readonly [number, AttributeRule][] = [
  [IFA.cacheinfo, { type: PolicyType.Binary, shortest: CACHE_INFORMATION }],
  [IFA.flags, u32],
  [IFA.rtPriority, u32],
  [IFA.targetNetnsid, { type: PolicyType.S32 }],
  [IFA.proto, { type: PolicyType.U8 }],
]
const rules4: AttributeRules = {
  maximum: IFA.proto,
  rules: new Map<number, AttributeRule>([
    ...common,
    [IFA.local, u32],
    [IFA.address, u32],
    [IFA.broadcast, u32],
    [IFA.label, { type: PolicyType.String, longest: 15 }],
  ]),
}
const bytes16: AttributeRule = { type: PolicyType.Binary, shortest: 16 }
const rules6: AttributeRules = {
  maximum: IFA.proto,
  rules: new Map<number, AttributeRule>([...common, [IFA.local, bytes16], [IFA.address, bytes16]]),
}
const modelled4: ReadonlySet<number> = new Set([IFA.local, IFA.address, IFA.broadcast, IFA.label, IFA.cacheinfo])
const modelled6: ReadonlySet<number> = new Set([IFA.local, IFA.address, IFA.cacheinfo])

export class AddressRequests {
  readonly #links: Links
  readonly #internet4: Internet4
  readonly #internet6: Internet6

  constructor(links: Links, internet4: Internet4, internet6: Internet6) {
    this.#links = links
    this.#internet4 = internet4
    this.#internet6 = internet6
  }

  create4(request: KernelRequest): number {
    const found = parse(request, rules4)
    if (typeof found === 'number') return found
    const { prefixLength, scope, index, flags } = readHeader(request)
    if (prefixLength > 32) return refuse(request, Errno.EINVAL, 'ipv4: Invalid prefix length')
    if (!found.has(IFA.local)) return refuse(request, Errno.EINVAL, 'ipv4: Local address is not supplied')
    const lifetime = readLifetime(found)
    if (lifetime === undefined) return refuse(request, Errno.EINVAL, 'ipv4: address lifetime invalid')
    const device = this.#links.find(index)
    if (device === undefined) return refuse(request, Errno.ENODEV, 'ipv4: Device not found')
    const unknown = unmodelled(request, found, modelled4)
    if (unknown >= 0) return refuseUnknown(request, unknown)
    if ((flags & ~AddressFlag.Permanent) !== 0) return refuseUnknown(request)
    const local = found.bytes(IFA.local).slice(0, 4)
    const other = found.has(IFA.address) ? found.bytes(IFA.address).slice(0, 4) : local
    const existing = this.#internet4
      .addressesOf(device)
      .find(
        (it) =>
          it.prefixLength === prefixLength &&
          sameBytes(it.local, local) &&
          covers(prefixOf(it.address, prefixLength), prefixLength, other),
      )
    if (existing !== undefined) {
      if ((request.flags & Exclusive) !== 0 || (request.flags & Replace) === 0) {
        return refuse(request, Errno.EEXIST, 'ipv4: Address already assigned')
      }
      this.#internet4.renew(existing, lifetime, request)
      return 0
    }
    const address: Address = {
      family: IPV4,
      device,
      local,
      address: other,
      prefixLength,
      scope: local[0] === 127 ? Scope.Host : scope,
      broadcast: found.has(IFA.broadcast) ? found.bytes(IFA.broadcast).slice(0, 4) : undefined,
      label: found.has(IFA.label) ? found.text(IFA.label) : device.name,
      proto: 0,
      created: this.#links.now,
      flags: 0,
      lifetime: { ...lifetime, since: this.#links.now },
    }
    return this.#internet4.add(address, (errno, message) => refuse(request, errno, message), request)
  }

  remove4(request: KernelRequest): number {
    const found = parse(request, rules4)
    if (typeof found === 'number') return found
    const { prefixLength, index } = readHeader(request)
    const device = this.#links.find(index)
    if (device === undefined) return refuse(request, Errno.ENODEV, 'ipv4: Device not found')
    const address = this.#internet4.addressesOf(device).find((it) => {
      if (found.has(IFA.local) && !sameBytes(found.bytes(IFA.local).slice(0, 4), it.local)) return false
      if (found.has(IFA.label) && found.text(IFA.label) !== it.label) return false
      if (!found.has(IFA.address)) return true
      const asked = found.bytes(IFA.address).slice(0, 4)
      return prefixLength === it.prefixLength && covers(prefixOf(it.address, prefixLength), prefixLength, asked)
    })
    if (address === undefined) return refuse(request, Errno.EADDRNOTAVAIL, 'ipv4: Address not found')
    this.#internet4.remove(address, request)
    return 0
  }

  create6(request: KernelRequest): number {
    const found = parse(request, rules6)
    if (typeof found === 'number') return found
    const { prefixLength, index, flags } = readHeader(request)
    const local = localOf(found)
    if (local === undefined) return -Errno.EINVAL
    const lifetime = readLifetime(found)
    if (lifetime === undefined) return refuse(request, Errno.EINVAL, 'ipv6: address lifetime invalid')
    const device = this.#links.find(index)
    if (device === undefined) return refuse(request, Errno.ENODEV, 'ipv6: Unable to find the interface')
    const unknown = unmodelled(request, found, modelled6)
    if (unknown >= 0) return refuseUnknown(request, unknown)
    if ((flags & ~AddressFlag.Permanent) !== 0) return refuseUnknown(request)
    const peer = found.has(IFA.local) && found.has(IFA.address) ? found.bytes(IFA.address).slice(0, 16) : local
    const existing = this.#internet6.addressesOf(device).find((it) => sameBytes(it.local, local))
    if (existing !== undefined) {
      if ((request.flags & Exclusive) !== 0 || (request.flags & Replace) === 0) {
        return refuse(request, Errno.EEXIST, 'ipv6: address already assigned')
      }
      if (!sameBytes(existing.address, peer)) return refuseUnknown(request)
      this.#internet6.renew(existing, lifetime)
      return 0
    }
    if (prefixLength > 128) return refuse(request, Errno.EINVAL, 'ipv6: Invalid prefix length')
    if (local[0] === 0xff || local.every((byte) => byte === 0)) return refuseUnknown(request)
    const address: Address = {
      family: IPV6,
      device,
      local,
      address: peer,
      prefixLength,
      scope: scopeOf(local),
      proto: 0,
      created: this.#links.now,
      flags: 0,
      lifetime: { ...lifetime, since: this.#links.now },
    }
    return this.#internet6.add(address)
  }

  remove6(request: KernelRequest): number {
    const found = parse(request, rules6)
    if (typeof found === 'number') return found
    const { prefixLength, index } = readHeader(request)
    const local = localOf(found)
    if (local === undefined) return -Errno.EINVAL
    if (prefixLength > 128) return refuse(request, Errno.EINVAL, 'ipv6: Invalid prefix length')
    const device = this.#links.find(index)
    if (device === undefined) return refuse(request, Errno.ENODEV, 'ipv6: Unable to find the interface')
    const address = this.#internet6
      .addressesOf(device)
      .find((it) => it.prefixLength === prefixLength && sameBytes(it.local, local))
    if (address === undefined) return refuse(request, Errno.EADDRNOTAVAIL, 'ipv6: address not found')
    this.#internet6.remove(address)
    return 0
  }

  get6(request: KernelRequest): number {
    const found = parse(request, rules6)
    if (typeof found === 'number') return found
    const local = localOf(found)
    if (local === undefined) return -Errno.EINVAL
    const { index } = readHeader(request)
    const devices = index === 0 ? this.#links.devices : this.#links.devices.filter((it) => it.index === index)
    const address = devices.flatMap((it) => this.#internet6.addressesOf(it)).find((it) => sameBytes(it.local, local))
    if (address === undefined) return -Errno.EADDRNOTAVAIL
    return sendReply(request.socket, addressMessage(answerHeader(request, 0), address, this.#links.now))
  }

  /** The rows of a dump, or a negative errno. */
  list(family: typeof IPV4 | typeof IPV6, request: KernelRequest): Uint8Array[] | number {
    const addressesOf = (device: Device) =>
      family === IPV4 ? this.#internet4.addressesOf(device) : this.#internet6.addressesOf(device)
    const words = family === IPV4 ? 'ipv4: ' : 'ipv6: '
    let only = 0
    if (request.socket.settings.strictChecking) {
      if (request.length < ATTRIBUTES) {
        return refuse(request, Errno.EINVAL, `${words}Invalid header for address dump request`)
      }
      const { prefixLength, flags, scope, index } = readHeader(request)
      if (prefixLength !== 0 || flags !== 0 || scope !== 0) {
        return refuse(request, Errno.EINVAL, `${words}Invalid values in header for address dump request`)
      }
      only = index
      if (only !== 0) request.answerFlags = DUMP_FILTERED
      const found = parseRequest(request, ATTRIBUTES, family === IPV4 ? rules4 : rules6, 'exact')
      if (typeof found === 'number') return found
      if (unmodelled(request, found, new Set()) >= 0) {
        return refuse(request, Errno.EINVAL, `${words}Unsupported attribute in dump request`)
      }
    }
    const devices = only === 0 ? this.#links.devices : [this.#links.find(only)].filter((it) => it !== undefined)
    if (devices.length === 0) return -Errno.ENODEV
    const header = answerHeader(request, MessageFlag.Multipart | request.answerFlags)
    return devices.flatMap(addressesOf).map((address) => addressMessage(header, address, this.#links.now))
  }
}

function parse(request: KernelRequest, rules: AttributeRules): ParsedAttributes | number {
  if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header length')
  return parseRequest(request, ATTRIBUTES, rules, 'liberal')
}

function localOf(found: ParsedAttributes): Uint8Array | undefined {
  if (found.has(IFA.local)) return found.bytes(IFA.local).slice(0, 16)
  return found.has(IFA.address) ? found.bytes(IFA.address).slice(0, 16) : undefined
}

/** How long an address is to live; `undefined`: that makes no sense. */
function readLifetime(found: ParsedAttributes): Omit<Lifetime, 'since'> | undefined {
  if (!found.has(IFA.cacheinfo)) return { preferred: FOREVER, valid: FOREVER }
  const at = found.at(IFA.cacheinfo) >> 2
  const preferred = found.memory.u32[at] as number
  const valid = found.memory.u32[at + 1] as number
  return valid === 0 || preferred > valid ? undefined : { preferred, valid }
}

function readHeader({ memory, offset }: KernelRequest) {
  const at = offset + HEADER
  const { u8, u32: words } = memory
  return {
    prefixLength: u8[at + 1] as number,
    flags: u8[at + 2] as number,
    scope: u8[at + 3] as number,
    index: words[(at + 4) >> 2] as number,
  }
}

function answerHeader({ sequence, socket }: KernelRequest, flags: number) {
  return { type: RTM_NEWADDR, flags, sequence, portId: socket.portId }
}
