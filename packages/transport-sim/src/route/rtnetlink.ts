/** rtnetlink (net/core/rtnetlink.c): the way of a request to its handler, by type and family. */
import { Errno, GetFlag, type Memory, Protocol } from '@ringlink/codec'
import type { Random } from '@ringlink/transport/faults'
import type { VirtualClock } from '../clock.ts'
import { Dispatcher } from '../netlink/dispatch.ts'
import { type KernelRequest, SUPPRESS_ACK } from '../netlink/request.ts'
import { startDump } from '../netlink/row-answers.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { AddressRequests } from './address-requests.ts'
import { BridgePorts } from './bridge-ports.ts'
import { Internet4 } from './internet4.ts'
import { Internet6 } from './internet6.ts'
import { LinkRequests } from './link-requests.ts'
import { Links } from './links.ts'
import { NeighbourRequests } from './neighbour-requests.ts'
import { Neighbours } from './neighbours.ts'
import { Notifier, type RouteMulticast } from './notifier.ts'
import { refuse, refuseUnknown } from './requests.ts'
import { IPV4, IPV6 } from './route.ts'
import { RouteLookups } from './route-lookups.ts'
import { RouteRequests } from './route-requests.ts'
import { RouteTables } from './route-tables.ts'

/** `RTM_MAX` of Linux 6.18 */
const LAST_TYPE = 127
/** `struct rtgenmsg`, the least that a message has after its header */
const SHORTEST = 17
const BULK = 0x200
const UNSPECIFIED = 0
/** AF_BRIDGE */
const BRIDGE = 7
const [DELETE, GET] = [1, 2]

type Handler = (request: KernelRequest) => number
type Lister = (request: KernelRequest, isOnlyFamily: boolean) => Uint8Array[] | number

/** How messages of one kind are carried out: its four types are consecutive. */
interface RouteHandlers {
  readonly new?: Handler
  readonly delete?: Handler
  readonly get?: Handler
  readonly list?: Lister
  readonly set?: Handler
}

/** What a network namespace needs from its kernel. */
export interface RouteHost {
  readonly clock: VirtualClock
  readonly random: Random
  readonly multicast: (protocol: number, group: number, message: Uint8Array, except: number) => void
}

/** RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH */
const FirstType = { Link: 16, Address: 20, Route: 24, Neighbour: 28 } as const

/**
 * Families that have handlers of their own in Linux, which are not modelled: of bridges' neighbours, IPv6, MPLS and
 * multicast routing.
 */
const unmodelled: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  [FirstType.Link, new Set([IPV6])],
  [FirstType.Address, new Set([45])],
  [FirstType.Route, new Set([28, 128, 129])],
  [FirstType.Neighbour, new Set([7])],
])

export class Rtnetlink {
  readonly #dispatcher = new Dispatcher()
  readonly #links: Links
  readonly #internet6: Internet6
  /** by the first type of a kind, and by family */
  readonly #handlers: ReadonlyMap<number, ReadonlyMap<number, RouteHandlers>>
  readonly #handle = (request: KernelRequest): number => {
    const result = this.#receive(request)
    this.#links.watch()
    this.#internet6.announce()
    return result
  }

  constructor({ clock, random, multicast }: RouteHost) {
    const send: RouteMulticast = (group, message, except) => multicast(Protocol.Route, group, message, except)
    const notifier = new Notifier(send)
    this.#links = new Links(clock, random, notifier)
    const tables4 = new RouteTables(IPV4, notifier, clock)
    const tables6 = new RouteTables(IPV6, notifier, clock)
    const internet4 = new Internet4(notifier, tables4, clock)
    const internet6 = new Internet6(notifier, tables6, clock)
    this.#internet6 = internet6
    const neighbours = new Neighbours(this.#links, notifier)
    internet4.onDisabled = (device) => neighbours.disabled4(device)
    const ports = new BridgePorts(this.#links, notifier)
    this.#links.listeners.push(internet4, internet6, neighbours, ports)
    const links = new LinkRequests(this.#links, ports)
    const addresses = new AddressRequests(this.#links, internet4, internet6)
    const neighbourRequests = new NeighbourRequests(this.#links, internet4, neighbours)
    const routes = new RouteRequests(this.#links, internet4, tables4, tables6)
    const lookups = new RouteLookups(this.#links, [internet4, tables4], [internet6, tables6])
    this.#handlers = new Map([
      [
        FirstType.Link,
        new Map<number, RouteHandlers>([
          [
            UNSPECIFIED,
            {
              new: (request) => links.create(request),
              delete: (request) => links.remove(request),
              get: (request) => links.get(request),
              list: (request) => links.list(request),
              set: (request) => links.set(request),
            },
          ],
          [
            BRIDGE,
            {
              new: (request) => links.create(request),
              delete: refuseUnknown,
              get: (request) => links.get(request),
              list: (request) => links.listPorts(request),
              set: refuseUnknown,
            },
          ],
        ]),
      ],
      [
        FirstType.Address,
        new Map<number, RouteHandlers>([
          [
            IPV4,
            {
              new: (request) => addresses.create4(request),
              delete: (request) => addresses.remove4(request),
              list: (request) => addresses.list(IPV4, request),
            },
          ],
          [
            IPV6,
            {
              new: (request) => addresses.create6(request),
              delete: (request) => addresses.remove6(request),
              get: (request) => addresses.get6(request),
              list: (request) => addresses.list(IPV6, request),
            },
          ],
        ]),
      ],
      [
        FirstType.Route,
        new Map<number, RouteHandlers>([
          [
            IPV4,
            {
              new: (request) => routes.create4(request),
              delete: (request) => routes.remove(IPV4, request),
              get: (request) => lookups.get4(request),
              list: (request, isOnly) => routes.list(IPV4, request, isOnly),
            },
          ],
          [
            IPV6,
            {
              new: (request) => routes.create6(request),
              delete: (request) => routes.remove(IPV6, request),
              get: (request) => lookups.get6(request),
              list: (request, isOnly) => routes.list(IPV6, request, isOnly),
            },
          ],
        ]),
      ],
      [
        FirstType.Neighbour,
        new Map<number, RouteHandlers>([
          [
            UNSPECIFIED,
            {
              new: (request) => neighbourRequests.create(request),
              delete: (request) => neighbourRequests.remove(request),
              get: (request) => neighbourRequests.get(request),
              list: (request) => neighbourRequests.list(request),
            },
          ],
        ]),
      ],
    ])
  }

  /** Processes one send of a socket. */
  send(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    this.#dispatcher.run(socket, memory, offset, length, this.#handle)
  }

  #receive(request: KernelRequest): number {
    const { type, flags, length, memory, offset, socket } = request
    if (type > LAST_TYPE) return -Errno.EOPNOTSUPP
    if (length < SHORTEST) return 0
    const kind = type & 3
    if (kind !== GET && !socket.settings.privileged) return -Errno.EPERM
    const first = type & ~3
    const families = this.#handlers.get(first)
    const family = memory.u8[offset + 16] as number
    if (families === undefined || unmodelled.get(first)?.has(family) === true) return refuseUnknown(request)
    const handlers = families.get(family) ?? families.get(UNSPECIFIED)
    if (kind === GET && (flags & GetFlag.Dump) !== 0) return this.#list(request, handlers, families)
    if (kind === DELETE && handlers?.delete !== undefined && (flags & BULK) !== 0) {
      return refuse(request, Errno.EOPNOTSUPP, 'Bulk delete is not supported')
    }
    const handler = [handlers?.new, handlers?.delete, handlers?.get, handlers?.set][kind]
    return handler === undefined ? -Errno.EOPNOTSUPP : handler(request)
  }

  /** Starts a dump of one family, or of all in turn. What is wrong is told at its end. */
  #list(
    request: KernelRequest,
    handlers: RouteHandlers | undefined,
    families: ReadonlyMap<number, RouteHandlers>,
  ): number {
    if (request.socket.dump !== undefined) return -Errno.EBUSY
    const rows: Uint8Array[] = []
    for (const { list } of handlers === undefined ? families.values() : [handlers]) {
      const found = list?.(request, handlers !== undefined) ?? -Errno.EOPNOTSUPP
      if (typeof found === 'number') return startDump(request, rows, found) ? SUPPRESS_ACK : -Errno.ENOBUFS
      rows.push(...found)
    }
    return startDump(request, rows) ? SUPPRESS_ACK : -Errno.ENOBUFS
  }
}
