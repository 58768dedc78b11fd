import { Errno, Hook, type Memory, Protocol } from '@ringlink/codec'
import { systemError } from '@ringlink/transport'
import { Random } from '@ringlink/transport/faults'
import type { OpenRingSystem, RingTransport } from '@ringlink/transport/netlink-ring'
import { VirtualClock } from './clock.ts'
import { ConntrackAttachment } from './conntrack/attachment.ts'
import type { EventNetwork } from './conntrack/events.ts'
import { ConntrackGlue } from './conntrack/glue.ts'
import type { ConntrackOptions } from './conntrack/settings.ts'
import { DATABASE_PROTOCOL, Database } from './database.ts'
import type { TransportHost } from './host.ts'
import { checkKernelOptions, type SimKernelOptions } from './kernel-options.ts'
import { PacketLogs } from './log/logs.ts'
import type { DeliveredPacket, PacketMeta } from './netfilter/packet.ts'
import { checkInjected } from './netfilter/packet-schema.ts'
import { type DropReason, PacketPath } from './netfilter/path.ts'
import type { Rule } from './netfilter/rule.ts'
import { ReceiveQueue } from './netlink/receive-queue.ts'
import { SimSocket } from './netlink/socket.ts'
import { Nfnetlink } from './nfnetlink/nfnetlink.ts'
import { NfTablesAttachment } from './nftables/attachment.ts'
import {
  type CheckedSimOptions,
  checkRingKernel,
  checkSimOptions,
  GROUPS,
  protocols,
  type SimOptions,
  type SimRingOptions,
} from './options.ts'
import { queueMessages } from './queue/handlers.ts'
import { openRing, openRingSystem } from './rings/open-ring.ts'
import type { RingKernelOptions } from './rings/ring-socket.ts'
import { SimTransport } from './transport.ts'

/** Port id of the first socket of a protocol, which on Linux is the process id. */
const PROCESS_ID = 1000
const QUEUE_SUBSYSTEM = 3
const LOG_SUBSYSTEM = 4
/** The stream of random numbers that ids of connections come from. */
const CONNTRACK_STREAM = 1
const NO_META: PacketMeta = {}
const DEVICES = { 1: 'lo' }

/**
 * A kernel with packet queues, packet logs and a table that can be dumped, all in memory. Nothing in it happens by itself:
 * packets come when they are injected, time passes when {@link clock} is advanced, and the same calls on a kernel of the same
 * seed give the same answers.
 */
export class SimKernel {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: Random
  /** the table with protocol {@link DATABASE_PROTOCOL} */
  readonly database: Database
  #poison: boolean
  #localProtocol: boolean
  #devices: Readonly<Record<number, string>>
  #sockets = new Map<string, SimSocket>()
  #logs: PacketLogs
  #path: PacketPath
  #nfnetlink: Nfnetlink
  #nfTables: NfTablesAttachment | undefined
  #host: TransportHost

  /** Throws `OptionError`. */
  constructor(options: SimKernelOptions = {}) {
    const {
      seed = 1,
      conntrack = {},
      conntrackGlue = false,
      nfTables = {},
      batchPanics = false,
      localProtocol = true,
      ruleCopyRange = true,
      devices = DEVICES,
      poison = true,
    } = checkKernelOptions(options)
    this.random = new Random(seed)
    this.#poison = poison
    this.#localProtocol = localProtocol
    this.#devices = devices
    const tracking = conntrack === false ? undefined : this.#makeConntrack(conntrack)
    const glue = conntrackGlue && tracking !== undefined ? new ConntrackGlue(tracking.table) : undefined
    this.#logs = new PacketLogs(this.clock, glue, ruleCopyRange)
    this.#path = new PacketPath(this.#logs, this.random.next(), glue)
    tracking?.attach(this.#path)
    if (nfTables !== false) {
      const { clock, random } = this
      const multicast = (group: number, message: Uint8Array) => this.multicast(Protocol.Netfilter, group, message)
      const host = { path: this.#path, logs: this.#logs, clock, random, devices, multicast, conntrack: tracking }
      const without = tracking === undefined ? [...(nfTables.without ?? []), 'ct', 'notrack'] : nfTables.without
      this.#nfTables = new NfTablesAttachment(host, { ...nfTables, without })
    }
    this.#nfnetlink = new Nfnetlink(this.#nfTables?.batches, batchPanics)
    this.#nfTables?.register(this.#nfnetlink)
    tracking?.register(this.#nfnetlink)
    this.#nfnetlink.register(QUEUE_SUBSYSTEM, queueMessages(this.#path.queues, { glue }))
    this.#nfnetlink.register(LOG_SUBSYSTEM, this.#logs.messages())
    this.database = new Database((group, size, write) => this.#multicast(DATABASE_PROTOCOL, group, size, write))
    this.#host = {
      clock: this.clock,
      send: (socket, memory, offset, length) => this.#send(socket, memory, offset, length),
      join: (socket, group) => join(socket, group),
      leave: (socket, group) => leave(socket, group),
      readProcNet: (name) => this.readProcNet(name),
      closed: (socket) => this.#closed(socket),
    }
  }

  #makeConntrack(options: ConntrackOptions): ConntrackAttachment {
    const ids = this.random.fork(CONNTRACK_STREAM)
    const network: EventNetwork = {
      hasListeners: (group) => this.#hasListeners(Protocol.Netfilter, group),
      multicast: (group, message, size, except) =>
        this.#multicast(Protocol.Netfilter, group, size, writeBytes(message), except),
      unicast: (portId, message, size) => {
        const socket = this.#sockets.get(socketKey(Protocol.Netfilter, portId))
        if (socket !== undefined) deliver(socket, size, writeBytes(message), 0, 0)
      },
    }
    return new ConntrackAttachment({ clock: this.clock, random: () => ids.next(), network }, options)
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
   * Opens a socket: an `OpenTransport` for `openQueue` and others. Throws `OptionError`, the reason of an aborted signal, and
   * code `SYSTEM` for an unknown protocol (EPROTONOSUPPORT), a port id in use (EADDRINUSE), or with the errno of a refused ring.
   */
  open(options: SimOptions & { readonly ring: SimRingOptions }): RingTransport
  open(options: SimOptions & { readonly ring?: undefined }): SimTransport
  open(options: SimOptions): SimTransport | RingTransport
  open(options: SimOptions): SimTransport | RingTransport {
    const checked = checkSimOptions(options)
    options.signal?.throwIfAborted()
    const socket = this.#openSocket(checked)
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
    return (onReadable) => openRingSystem(this.#host, this.#openSocket(checked), checkedKernel, onReadable)
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

  #openSocket(checked: CheckedSimOptions): SimSocket {
    const { protocol, portId, extendedAck, cappedAck, privileged, receiveBufferSize, noOverrunErrors } = checked
    const { socketFilter } = checked
    if (!protocols.includes(protocol)) throw systemError('open socket', Errno.EPROTONOSUPPORT)
    if (portId !== 0 && this.#sockets.has(socketKey(protocol, portId))) throw systemError('bind', Errno.EADDRINUSE)
    const settings = {
      portId: portId === 0 ? this.#freePortId(protocol) : portId,
      protocol,
      extendedAck,
      cappedAck,
      socketFilter,
      privileged,
    }
    const queue = new ReceiveQueue(receiveBufferSize, !noOverrunErrors, () => socket.arrived())
    const socket: SimSocket = new SimSocket(settings, queue)
    for (const group of checked.groups) {
      const result = join(socket, group)
      if (result < 0) throw systemError('join group', -result)
    }
    this.#sockets.set(socketKey(protocol, socket.portId), socket)
    return socket
  }

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
    this.#multicast(protocol, group, message.length, writeBytes(message))
  }

  /** Sends `message` to one socket, from the kernel or, with `from`, from another port. False when it did not arrive. */
  unicast(protocol: number, portId: number, message: Uint8Array, from = 0): boolean {
    const socket = this.#sockets.get(socketKey(protocol, portId))
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
    if (socket.settings.protocol === Protocol.Netfilter) this.#nfnetlink.send(socket, memory, offset, length)
    else this.database.send(socket, memory, offset, length)
  }

  #hasListeners(protocol: number, group: number): boolean {
    for (const { settings, groups } of this.#sockets.values()) {
      if (settings.protocol === protocol && groups.has(group)) return true
    }
    return false
  }

  #multicast(
    protocol: number,
    group: number,
    size: number,
    write: (memory: Memory, offset: number) => number,
    except = 0,
  ): void {
    for (const socket of this.#sockets.values()) {
      if (socket.settings.protocol !== protocol || !socket.groups.has(group)) continue
      if (except !== 0 && socket.portId === except) continue
      if (!socket.keeps(size, write)) continue
      deliver(socket, size, write, 0, group <= 32 ? (1 << (group - 1)) >>> 0 : 0)
    }
  }

  #closed(socket: SimSocket): void {
    this.#sockets.delete(socketKey(socket.settings.protocol, socket.portId))
    this.#path.queues.socketClosed(socket)
    this.#logs.socketClosed(socket)
    if (socket.settings.protocol === Protocol.Netfilter) this.#nfTables?.tables.socketClosed(socket)
  }

  /** The process id for the first socket, then one of the upper half, as Linux chooses them. */
  #freePortId(protocol: number): number {
    let portId = PROCESS_ID
    while (this.#sockets.has(socketKey(protocol, portId))) portId = 0x80000000 + this.random.below(0x7ffff000)
    return portId
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

function socketKey(protocol: number, portId: number): string {
  return `${protocol} ${portId}`
}

function join(socket: SimSocket, group: number): number {
  if (socket.settings.protocol === Protocol.Netfilter && !socket.settings.privileged) return -Errno.EPERM
  if (group < 1 || group > GROUPS) return -Errno.EINVAL
  socket.groups.add(group)
  return 0
}

function leave(socket: SimSocket, group: number): number {
  if (socket.settings.protocol === Protocol.Netfilter && !socket.settings.privileged) return -Errno.EPERM
  if (group < 1 || group > GROUPS) return -Errno.EINVAL
  socket.groups.delete(group)
  return 0
}

function writeBytes(message: Uint8Array): (memory: Memory, offset: number) => number {
  return (memory, offset) => {
    memory.u8.set(message, offset)
    return message.length
  }
}

function deliver(
  socket: SimSocket,
  size: number,
  write: (memory: Memory, offset: number) => number,
  from: number,
  groups: number,
): boolean {
  const { receiver } = socket
  if (!receiver.allocate(size)) return false
  return receiver.deliver(write(receiver.memory, receiver.offset), 0, from, groups) === 0
}
