import { type FamilyDescription, Hook, type Memory, Protocol } from '@ringlink/codec'
import { Random } from '@ringlink/transport/faults'
import type { OpenRingSystem, RingTransport } from '@ringlink/transport/netlink-ring'
import { VirtualClock } from './clock.ts'
import { ConntrackAttachment } from './conntrack/attachment.ts'
import type { EventNetwork } from './conntrack/events.ts'
import { ConntrackGlue } from './conntrack/glue.ts'
import type { ConntrackOptions } from './conntrack/settings.ts'
import { Database } from './database.ts'
import type { GenericMulticast } from './generic/controller.ts'
import { Controller } from './generic/controller.ts'
import { GenericNetlink } from './generic/generic.ts'
import type { FamilyHandlers } from './generic/handlers.ts'
import { RegisteredFamily } from './generic/registered-family.ts'
import { takeNumbers } from './generic/take-numbers.ts'
import type { TransportHost } from './host.ts'
import { checkKernelOptions, type SimKernelOptions } from './kernel-options.ts'
import { chosenFeatures, type LinuxVersion, linuxVersions } from './linux.ts'
import { PacketLogs } from './log/logs.ts'
import type { DeliveredPacket, PacketMeta } from './netfilter/packet.ts'
import { checkInjected } from './netfilter/packet-schema.ts'
import { type DropReason, PacketPath } from './netfilter/path.ts'
import type { Rule } from './netfilter/rule.ts'
import { DATABASE_PROTOCOL } from './netlink/groups.ts'
import type { SimSocket } from './netlink/socket.ts'
import { deliver, join, leave, SocketTable, writeBytes } from './netlink/sockets.ts'
import { Nfnetlink } from './nfnetlink/nfnetlink.ts'
import { NfTablesAttachment } from './nftables/attachment.ts'
import { checkRingKernel, checkSimOptions, type SimOptions, type SimRingOptions } from './options.ts'
import { queueMessages } from './queue/handlers.ts'
import { openRing, openRingSystem } from './rings/open-ring.ts'
import type { RingKernelOptions } from './rings/ring-socket.ts'
import { Rtnetlink } from './route/rtnetlink.ts'
import { SimTransport } from './transport.ts'

const QUEUE_SUBSYSTEM = 3
const LOG_SUBSYSTEM = 4
/** The stream of random numbers that ids of connections come from. */
const CONNTRACK_STREAM = 1
/** The stream of those that addresses of devices come from. */
const ROUTE_STREAM = 2
const NO_META: PacketMeta = {}
const DEVICES = { 1: 'lo' }

/**
 * A kernel with packet queues, packet logs and a table that can be dumped, all in memory. Nothing in it happens by
 * itself: packets come when they are injected, time passes when {@link clock} is advanced, and the same calls on a
 * kernel of the same seed give the same answers.
 */
export class SimKernel {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: Random
  /** the table with protocol {@link DATABASE_PROTOCOL} */
  readonly database: Database
  #poison: boolean
  #localProtocol: boolean
  #devices: Readonly<Record<number, string>>
  #sockets: SocketTable
  #logs: PacketLogs
  #path: PacketPath
  #nfnetlink: Nfnetlink
  #nfTables: NfTablesAttachment | undefined
  #generic: GenericNetlink
  #route: Rtnetlink
  #controller: Controller
  #host: TransportHost

  /** Throws `OptionError`. */
  constructor(options: SimKernelOptions = {}) {
    const {
      seed = 1,
      linux = '6.18',
      conntrack = {},
      conntrackGlue = false,
      nfTables = {},
      batchPanics = false,
      localProtocol = true,
      ruleCopyRange = true,
      smallBlock = linuxVersions[linux].smallBlock,
      logTimes = linuxVersions[linux].logTimes,
      devices = DEVICES,
      poison = true,
    } = checkKernelOptions(options)
    this.random = new Random(seed)
    this.#sockets = new SocketTable(this.random, smallBlock)
    this.#poison = poison
    this.#localProtocol = localProtocol
    this.#devices = devices
    const tracking = conntrack === false ? undefined : this.#makeConntrack(linux, conntrack)
    const glue = conntrackGlue && tracking !== undefined ? new ConntrackGlue(tracking.table) : undefined
    this.#logs = new PacketLogs(this.clock, { glue, ruleCopyRange, logTimes })
    this.#path = new PacketPath(this.#logs, this.random.next(), glue)
    tracking?.attach(this.#path)
    if (nfTables !== false) {
      const { clock, random } = this
      const multicast = (group: number, message: Uint8Array) => this.multicast(Protocol.Netfilter, group, message)
      const host = { path: this.#path, logs: this.#logs, clock, random, devices, multicast, conntrack: tracking }
      const { without = [], modules = false, ...given } = nfTables
      const features = chosenFeatures(linuxVersions[linux].nfTables, given)
      const missing = tracking === undefined ? [...without, 'ct', 'notrack'] : without
      this.#nfTables = new NfTablesAttachment(host, features, { without: missing, modules })
    }
    this.#nfnetlink = new Nfnetlink(this.#nfTables?.batches, batchPanics)
    this.#nfTables?.register(this.#nfnetlink)
    tracking?.register(this.#nfnetlink)
    this.#nfnetlink.register(QUEUE_SUBSYSTEM, queueMessages(this.#path.queues, { glue }))
    this.#nfnetlink.register(LOG_SUBSYSTEM, this.#logs.messages())
    this.database = new Database((group, size, write) => this.#sockets.multicast(DATABASE_PROTOCOL, group, size, write))
    this.#route = new Rtnetlink({
      clock: this.clock,
      random: this.random.fork(ROUTE_STREAM),
      multicast: (protocol, group, message, except) =>
        this.#sockets.multicast(protocol, group, message.length, writeBytes(message), except),
    })
    this.#generic = new GenericNetlink()
    this.#controller = new Controller(this.#generic, this.#multicastGeneric)
    this.#host = {
      clock: this.clock,
      send: (socket, memory, offset, length) => this.#send(socket, memory, offset, length),
      join: (socket, group) => join(socket, group),
      leave: (socket, group) => leave(socket, group),
      readProcNet: (name) => this.readProcNet(name),
      closed: (socket) => this.#closed(socket),
    }
  }

  #makeConntrack(linux: LinuxVersion, options: ConntrackOptions): ConntrackAttachment {
    const settings = { ...options, ...chosenFeatures(linuxVersions[linux].conntrack, options) }
    const ids = this.random.fork(CONNTRACK_STREAM)
    const network: EventNetwork = {
      hasListeners: (group) => this.#sockets.hasListeners(Protocol.Netfilter, group),
      multicast: (group, message, size, except) =>
        this.#sockets.multicast(Protocol.Netfilter, group, size, writeBytes(message), except),
      unicast: (portId, message, size) => {
        const socket = this.#sockets.find(Protocol.Netfilter, portId)
        if (socket !== undefined) deliver(socket, size, writeBytes(message), 0, 0)
      },
    }
    return new ConntrackAttachment({ clock: this.clock, random: () => ids.next(), network }, settings)
  }

  /** packets that have passed their hook */
  get delivered(): number {
    return this.#path.delivered
  }

  /** packets that have not, by reason */
  get dropped(): Readonly<Record<DropReason, number>> {
    return this.#path.dropped
  }

  /**
   * Opens a socket: an `OpenTransport` for `openQueue` and others. Throws `OptionError`, the reason of an aborted
   * signal, and code `SYSTEM` for an unknown protocol (EPROTONOSUPPORT), a port id in use (EADDRINUSE), or with the
   * errno of a refused ring.
   */
  open(options: SimOptions & { readonly ring: SimRingOptions }): RingTransport
  open(options: SimOptions & { readonly ring?: undefined }): SimTransport
  open(options: SimOptions): SimTransport | RingTransport
  open(options: SimOptions): SimTransport | RingTransport {
    const checked = checkSimOptions(options)
    options.signal?.throwIfAborted()
    const socket = this.#sockets.open(checked)
    const { ring } = checked
    if (ring === undefined) return new SimTransport(this.#host, socket, checked, this.#poison)
    try {
      return openRing(this.#host, socket, checked, ring, this.#poison)
    } catch (error) {
      this.#closed(socket)
      throw error
    }
  }

  /**
   * The system calls of a socket with rings, for building a ring transport. Each call of the returned function opens a
   * socket, and throws as {@link open}.
   */
  ringSystem(options: SimOptions, kernel: RingKernelOptions = {}): OpenRingSystem {
    const checked = checkSimOptions(options)
    const checkedKernel = checkRingKernel(kernel)
    return (onReadable) => openRingSystem(this.#host, this.#sockets.open(checked), checkedKernel, onReadable)
  }

  /**
   * Sends a packet on its way through the rules of its hook. The bytes, from the network header on, are not copied: do
   * not change them until the packet has been delivered or dropped, or set `borrowed`. Throws `OptionError`.
   */
  inject(packet: Uint8Array, meta: PacketMeta = NO_META): void {
    checkInjected(packet, meta)
    const isNameless = !this.#localProtocol && (meta.hook ?? Hook.Output) >= Hook.Output
    this.#path.inject(packet, isNameless ? { protocol: 0, ...meta } : meta)
  }

  /**
   * Registers a generic family, from a module of `@ringlink/families` or a description of your own, with handlers for
   * its operations. Its requests are checked against the tables as the kernel checks them against a policy. Throws
   * `EncodeError` for a description that is not one of a generic family, and code `SYSTEM` for a name in use (EEXIST)
   * or when no number is left (ENOMEM).
   */
  registerFamily<Description extends FamilyDescription>(
    description: Description,
    handlers: FamilyHandlers<Description>,
  ): RegisteredFamily<Description> {
    const numbers = takeNumbers(this.#generic, description, handlers)
    const family = new RegisteredFamily(description, handlers, numbers, {
      multicast: this.#multicastGeneric,
      unregister: (entry) => {
        this.#generic.remove(entry.id)
        this.#controller.unregistered(entry)
      },
    })
    this.#generic.add(family.entry)
    this.#controller.registered(family.entry)
    return family
  }

  #multicastGeneric: GenericMulticast = (group, message) =>
    this.#sockets.multicast(Protocol.Generic, group, message.length, writeBytes(message))

  /** Adds a rule after the others of its hook and priority, and returns it. Throws `OptionError`. */
  addRule(rule: Rule): Rule {
    this.#path.chains.addRule(rule)
    return rule
  }

  /** Removes a rule. */
  removeRule(rule: Rule): void {
    this.#path.chains.removeRule(rule)
  }

  /** Drops the packets waiting in all queues, as when a base chain of nftables is removed. */
  flushQueues(): void {
    this.#path.queues.flushAll()
  }

  /** Calls `listener` for every packet that is delivered, instead of the listener before. */
  onDelivered(listener: ((packet: DeliveredPacket) => void) | undefined): void {
    this.#path.onDelivered = listener
  }

  /** Sends `message` to the members of a group. */
  multicast(protocol: number, group: number, message: Uint8Array): void {
    this.#sockets.multicast(protocol, group, message.length, writeBytes(message))
  }

  /**
   * Sends `message` to one socket, from the kernel or, with `from`, from another port. False when it did not arrive.
   */
  unicast(protocol: number, portId: number, message: Uint8Array, from = 0): boolean {
    const socket = this.#sockets.find(protocol, portId)
    return (
      socket?.keeps(message.length, writeBytes(message)) === true &&
      deliver(socket, message.length, writeBytes(message), from, 0)
    )
  }

  /** The text of `/proc/net/<name>`; `undefined` for a file that there is not. */
  readProcNet(name: string): string | undefined {
    switch (name) {
      case 'netfilter/nfnetlink_queue':
        return this.#path.queues.report()
      case 'netfilter/nfnetlink_log':
        return this.#logs.report()
      case 'dev':
        return deviceReport(this.#devices)
      default:
        return undefined
    }
  }

  #send(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    switch (socket.settings.protocol) {
      case Protocol.Netfilter:
        this.#nfnetlink.send(socket, memory, offset, length)
        break
      case Protocol.Route:
        this.#route.send(socket, memory, offset, length)
        break
      case Protocol.Generic:
        this.#generic.send(socket, memory, offset, length)
        break
      default:
        this.database.send(socket, memory, offset, length)
    }
  }

  #closed(socket: SimSocket): void {
    this.#sockets.close(socket)
    this.#path.queues.socketClosed(socket)
    this.#logs.socketClosed(socket)
    if (socket.settings.protocol === Protocol.Netfilter) this.#nfTables?.tables.socketClosed(socket)
  }
}

/** `/proc/net/dev`: two lines of headings, then the counters of each device, which are not kept here. */
function deviceReport(devices: Readonly<Record<number, string>>): string {
  const headings = [
    'Inter-|   Receive                            |  Transmit',
    ' face |bytes packets errs drop|bytes packets errs drop',
  ]
  const lines = Object.values(devices).map((name) => `${name.padStart(6)}: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0`)
  return `${[...headings, ...lines].join('\n')}\n`
}
