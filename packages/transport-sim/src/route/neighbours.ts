/** The neighbours of all devices: the tables of ARP and of neighbour discovery. */
import type { KernelRequest } from '../netlink/request.ts'
import type { Device } from './device.ts'
import type { LinkListener, Links } from './links.ts'
import {
  isValid,
  type Neighbour,
  NeighbourState,
  neighbourMessage,
  RTM_DELNEIGH,
  RTM_NEWNEIGH,
} from './neighbour-message.ts'
import { type Notifier, RouteGroup } from './notifier.ts'
import { sameBytes } from './prefix.ts'
import { IPV4 } from './route.ts'

export class Neighbours implements LinkListener {
  readonly #links: Links
  readonly #notifier: Notifier
  #entries: Neighbour[] = []

  constructor(links: Links, notifier: Notifier) {
    this.#links = links
    this.#notifier = notifier
  }

  get all(): readonly Neighbour[] {
    return this.#entries
  }

  find(family: number, device: Device, destination: Uint8Array): Neighbour | undefined {
    return this.#entries.find(
      (it) => it.family === family && it.device === device && sameBytes(it.destination, destination),
    )
  }

  add(neighbour: Neighbour): void {
    this.#entries.push(neighbour)
  }

  /** Changes an entry, and reports it if it has become another. */
  update(neighbour: Neighbour, linkAddress: Uint8Array, state: number, cause: KernelRequest): void {
    if (neighbour.state === state && sameBytes(neighbour.linkAddress, linkAddress)) return
    neighbour.linkAddress = linkAddress
    neighbour.state = state
    neighbour.updated = this.#links.now
    this.#notify(RTM_NEWNEIGH, neighbour, cause)
  }

  /** Removes an entry: it fails first. */
  remove(neighbour: Neighbour, cause: KernelRequest): void {
    const wasValid = isValid(neighbour)
    neighbour.state = NeighbourState.Failed
    if (wasValid) this.#notify(RTM_NEWNEIGH, neighbour, cause)
    this.#drop(neighbour)
  }

  up(): void {}

  /** Without a carrier only what was made by hand stays. */
  changed(device: Device): void {
    if (device.hasCarrier) return
    this.#flush((it) => it.device === device && it.state !== NeighbourState.Permanent)
  }

  down(device: Device): void {
    this.#flush((it) => it.device === device)
  }

  gone(device: Device): void {
    this.#flush((it) => it.device === device)
  }

  /** IPv4 has left the device. */
  disabled4(device: Device): void {
    this.#flush((it) => it.device === device && it.family === IPV4)
  }

  readdressed(device: Device): void {
    this.#flush((it) => it.device === device)
  }

  #flush(isGone: (neighbour: Neighbour) => boolean): void {
    for (const neighbour of this.#entries.filter(isGone)) this.#drop(neighbour)
  }

  #drop(neighbour: Neighbour): void {
    this.#entries = this.#entries.filter((it) => it !== neighbour)
    this.#notify(RTM_DELNEIGH, neighbour)
  }

  #notify(type: number, neighbour: Neighbour, cause?: KernelRequest): void {
    const header = { type, flags: 0, sequence: 0, portId: cause?.socket.portId ?? 0 }
    this.#notifier.send(RouteGroup.Neighbour, neighbourMessage(header, neighbour, this.#links.now))
  }
}
