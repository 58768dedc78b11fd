/** RTM_NEWNEIGH, RTM_DELNEIGH and RTM_GETNEIGH (net/core/neighbour.c). */
import { Errno, MessageFlag, NewFlag, PolicyType } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { neighbourAttributes } from '@ringlink/families/rt-neigh'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { sendReply } from '../netlink/row-answers.ts'
import { parseRequest } from '../netlink/rules.ts'
import { DUMP_FILTERED } from './address-requests.ts'
import type { Device } from './device.ts'
import type { Internet4 } from './internet4.ts'
import type { Links } from './links.ts'
import { isValid, type Neighbour, NeighbourState, neighbourMessage, RTM_NEWNEIGH } from './neighbour-message.ts'
import type { Neighbours } from './neighbours.ts'
import { sameBytes } from './prefix.ts'
import { refuse, refuseUnknown, unmodelled } from './requests.ts'
import { IPV4, IPV6 } from './route.ts'

const HEADER = 16
/** Bytes of `struct ndmsg` with the netlink header. */
const ATTRIBUTES = HEADER + 12
const NDA = attributeNumbers(neighbourAttributes)
const ADDRESS_LENGTH = 6
const LONGEST_ADDRESS = 32
const PROXY = 0x08
const { Create, Exclusive, Replace } = NewFlag
const settable: ReadonlySet<number> = new Set([NDA.dst, NDA.lladdr])
/** Of other states, timers and probes take care. */
const states: ReadonlySet<number> = new Set([NeighbourState.Permanent, NeighbourState.Stale, NeighbourState.NoArp])

const address: AttributeRule = { type: PolicyType.Binary, longest: LONGEST_ADDRESS }
const u32: AttributeRule = { type: PolicyType.U32 }
const rules: AttributeRules = {
  maximum: NDA.fdbExtAttrs + 2,
  rules: new Map<number, AttributeRule>([
    [NDA.dst, address],
    [NDA.lladdr, address],
    [NDA.probes, u32],
    [NDA.ifindex, u32],
    [NDA.master, u32],
    [NDA.protocol, { type: PolicyType.U8 }],
  ]),
}

export class NeighbourRequests {
  readonly #links: Links
  readonly #internet4: Internet4
  readonly #neighbours: Neighbours

  constructor(links: Links, internet4: Internet4, neighbours: Neighbours) {
    this.#links = links
    this.#internet4 = internet4
    this.#neighbours = neighbours
  }

  create(request: KernelRequest): number {
    const found = parse(request)
    if (typeof found === 'number') return found
    const { family, index, state, flags } = readHeader(request)
    if (!found.has(NDA.dst)) return refuse(request, Errno.EINVAL, 'Network address not specified')
    const device = index === 0 ? undefined : this.#links.find(index)
    if (index !== 0 && device === undefined) return -Errno.ENODEV
    if (device !== undefined && found.has(NDA.lladdr) && found.length(NDA.lladdr) < ADDRESS_LENGTH) {
      return refuse(request, Errno.EINVAL, 'Invalid link address')
    }
    const size = keySizes[family]
    if (size === undefined) return -Errno.EAFNOSUPPORT
    if (found.length(NDA.dst) < size) return refuse(request, Errno.EINVAL, 'Invalid network address')
    if (device === undefined) return refuse(request, Errno.EINVAL, 'Device not specified')
    const destination = found.bytes(NDA.dst).slice(0, size)
    const unknown = unmodelled(request, found, settable)
    if (unknown >= 0) return refuseUnknown(request, unknown)
    if (flags !== 0 || !states.has(state) || !this.#isModelled(family, device, destination))
      return refuseUnknown(request)
    const given = found.has(NDA.lladdr) ? found.bytes(NDA.lladdr).slice(0, ADDRESS_LENGTH) : undefined
    const existing = this.#neighbours.find(family, device, destination)
    if (existing === undefined) {
      if ((request.flags & Create) === 0) return -Errno.ENOENT
      const made: Neighbour = {
        family,
        device,
        destination,
        linkAddress: undefined,
        state: NeighbourState.None,
        updated: this.#links.now,
      }
      this.#neighbours.add(made)
      return this.#update(request, made, given, state)
    }
    if ((request.flags & Exclusive) !== 0) return -Errno.EEXIST
    // Another address is only taken by a request that replaces.
    const isOther = given !== undefined && isValid(existing) && !sameBytes(existing.linkAddress, given)
    if (isOther && (request.flags & Replace) === 0) return 0
    return this.#update(request, existing, given, state)
  }

  remove(request: KernelRequest): number {
    const found = parse(request)
    if (typeof found === 'number') return found
    const { family, index, flags } = readHeader(request)
    if (!found.has(NDA.dst)) return refuse(request, Errno.EINVAL, 'Network address not specified')
    const device = index === 0 ? undefined : this.#links.find(index)
    if (index !== 0 && device === undefined) return -Errno.ENODEV
    const size = keySizes[family]
    if (size === undefined) return -Errno.EAFNOSUPPORT
    if (found.length(NDA.dst) < size) return refuse(request, Errno.EINVAL, 'Invalid network address')
    if ((flags & PROXY) !== 0) return refuseUnknown(request)
    if (device === undefined) return -Errno.EINVAL
    const neighbour = this.#neighbours.find(family, device, found.bytes(NDA.dst).slice(0, size))
    if (neighbour === undefined) return -Errno.ENOENT
    this.#neighbours.remove(neighbour, request)
    return 0
  }

  get(request: KernelRequest): number {
    const isStrict = request.socket.settings.strictChecking
    if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for neighbor get request')
    const { family, index, state, flags, type } = readHeader(request)
    if (isStrict && (state !== 0 || type !== 0)) {
      return refuse(request, Errno.EINVAL, 'Invalid values in header for neighbor get request')
    }
    if ((flags & ~PROXY) !== 0) {
      return refuse(request, Errno.EINVAL, 'Invalid flags in header for neighbor get request')
    }
    const found = parseRequest(request, ATTRIBUTES, rules, 'exact')
    if (typeof found === 'number') return found
    const size = keySizes[family]
    if (size === undefined) {
      return refuse(request, Errno.EAFNOSUPPORT, 'Unsupported family in header for neighbor get request')
    }
    if (!found.has(NDA.dst)) {
      request.details.missingType = NDA.dst
      return -Errno.EINVAL
    }
    if (found.length(NDA.dst) !== size) {
      return refuse(request, Errno.EINVAL, 'Invalid network address in neighbor get request')
    }
    if (unmodelled(request, found, new Set([NDA.dst])) >= 0) {
      return refuse(request, Errno.EINVAL, 'Unsupported attribute in neighbor get request')
    }
    if (index === 0 || (flags & PROXY) !== 0) return refuseUnknown(request)
    const device = this.#links.find(index)
    if (device === undefined) return refuse(request, Errno.ENODEV, 'Unknown device ifindex')
    const neighbour = this.#neighbours.find(family, device, found.bytes(NDA.dst))
    if (neighbour === undefined) return refuse(request, Errno.ENOENT, 'Neighbour entry not found')
    return sendReply(request.socket, neighbourMessage(answerHeader(request, 0), neighbour, this.#links.now))
  }

  /** The rows of a dump, or a negative errno. */
  list(request: KernelRequest): Uint8Array[] | number {
    const isStrict = request.socket.settings.strictChecking
    const { family, index, state, flags, type } = readHeader(request)
    if (isStrict) {
      if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header for neighbor dump request')
      if (index !== 0 || state !== 0 || type !== 0) {
        return refuse(request, Errno.EINVAL, 'Invalid values in header for neighbor dump request')
      }
      if ((flags & ~PROXY) !== 0) {
        return refuse(request, Errno.EINVAL, 'Invalid flags in header for neighbor dump request')
      }
    }
    const found = parseRequest(request, ATTRIBUTES, rules, isStrict ? 'exact' : 'liberal')
    if (typeof found === 'number') return found
    if (isStrict && unmodelled(request, found, new Set([NDA.ifindex, NDA.master])) >= 0) {
      return refuse(request, Errno.EINVAL, 'Unsupported attribute in neighbor dump request')
    }
    if ((flags & PROXY) !== 0) return refuseUnknown(request)
    const only = found.has(NDA.ifindex) ? found.u32(NDA.ifindex) : 0
    const isFiltered = only !== 0 || found.has(NDA.master)
    // No device has a master.
    const isNothing = found.has(NDA.master) && found.u32(NDA.master) !== 0
    const header = answerHeader(request, MessageFlag.Multipart | (isFiltered ? DUMP_FILTERED : 0))
    const shown = [IPV4, IPV6].filter((it) => family === 0 || it === family)
    return shown
      .flatMap((it) => this.#neighbours.all.filter((neighbour) => neighbour.family === it))
      .filter(({ device }) => !isNothing && (only === 0 || device.index === only))
      .map((neighbour) => neighbourMessage(header, neighbour, this.#links.now))
  }

  #update(request: KernelRequest, neighbour: Neighbour, given: Uint8Array | undefined, state: number): number {
    const linkAddress = given ?? (isValid(neighbour) ? neighbour.linkAddress : undefined)
    // The entry stays, without a state.
    if (linkAddress === undefined) return refuse(request, Errno.EINVAL, 'No link layer address given')
    this.#neighbours.update(neighbour, linkAddress, state, request)
    return 0
  }

  /** Whether the address is that of another machine on the link, as far as can be seen. */
  #isModelled(family: number, device: Device, destination: Uint8Array): boolean {
    if (device.kind === 'loopback' || device.kind === 'dummy') return false
    const [first = 0] = destination
    if (family === IPV6) return first !== 0xff
    return first !== 0 && first !== 127 && first < 224 && !this.#internet4.isOwn(destination)
  }
}

/** Bytes of an address, by family. */
const keySizes: Readonly<Record<number, number>> = { [IPV4]: 4, [IPV6]: 16 }

function parse(request: KernelRequest): ParsedAttributes | number {
  if (request.length < ATTRIBUTES) return refuse(request, Errno.EINVAL, 'Invalid header length')
  return parseRequest(request, ATTRIBUTES, rules, 'liberal')
}

function readHeader({ memory, offset, length }: KernelRequest) {
  const at = offset + HEADER
  if (length < ATTRIBUTES) return { family: memory.u8[at] as number, index: 0, state: 0, flags: 0, type: 0 }
  return {
    family: memory.u8[at] as number,
    index: memory.i32[(at + 4) >> 2] as number,
    state: memory.u16[(at + 8) >> 1] as number,
    flags: memory.u8[at + 10] as number,
    type: memory.u8[at + 11] as number,
  }
}

function answerHeader({ sequence, socket }: KernelRequest, flags: number) {
  return { type: RTM_NEWNEIGH, flags, sequence, portId: socket.portId }
}
