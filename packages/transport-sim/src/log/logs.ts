import { AttributeWriter, Errno, LogCommand, LogFlag, logConfigAttributes, messageResourceId } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { VirtualClock } from '../clock.ts'
import type { ConntrackGlue } from '../conntrack/glue.ts'
import type { SimPacket } from '../netfilter/packet.ts'
import type { RuleLog } from '../netfilter/rule.ts'
import { type MessagePolicy, policyOf, u16, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import { NO_ROOM } from '../netlink/receiver.ts'
import type { KernelRequest } from '../netlink/request.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { ENOTSUPP, type SubsystemMessage, unsupportedMessage } from '../nfnetlink/subsystem.ts'
import { planEntry, writeEntry } from './entry.ts'
import { LogGroup } from './group.ts'

const NFULA_CFG = attributeNumbers(logConfigAttributes)
/** NFPROTO_NUMPROTO */
const FAMILIES = 11
const BUCKETS = 16

const configPolicy: MessagePolicy = policyOf(logConfigAttributes, {
  command: { kind: 'bytes', minimum: 1 },
  mode: { kind: 'bytes', minimum: 6 },
  bufferSize: u32,
  timeout: u32,
  threshold: u32,
  flags: u16,
})

/** What logs differ in from kernel to kernel. */
export interface PacketLogsOptions {
  /** tells the connections of packets; undefined in a kernel without */
  readonly glue: ConntrackGlue | undefined
  /** a rule limits the copied bytes */
  readonly ruleCopyRange: boolean
  /** a record has the time when it was made, if its packet has none of its own */
  readonly logTimes: boolean
}

/** All log groups of a kernel: nfnetlink_log, with the answers of Linux 6.18. */
export class PacketLogs {
  #groups = new Map<number, LogGroup>()
  #clock: VirtualClock
  #options: PacketLogsOptions
  #globalSequence = 0
  #writer = new AttributeWriter()
  #numbers: { now: bigint | undefined; readonly global: () => number }

  constructor(clock: VirtualClock, options: PacketLogsOptions) {
    this.#clock = clock
    this.#options = options
    const global = () => {
      this.#globalSequence = (this.#globalSequence + 1) >>> 0
      return this.#globalSequence
    }
    this.#numbers = { now: undefined, global }
  }

  /** The messages of the subsystem, by the lower byte of their type. */
  messages(): readonly SubsystemMessage[] {
    const call = (request: KernelRequest, attributes: AttributeTable) => this.#configure(request, attributes)
    return [unsupportedMessage, { policy: configPolicy, call }]
  }

  /** Logs a packet that passes a rule. Does nothing if the group has no listener. */
  log(packet: SimPacket, { group: number, prefix = '', copyLength, threshold = 0 }: RuleLog): void {
    const group = this.#groups.get(number)
    if (group === undefined) return
    const { glue, ruleCopyRange, logTimes } = this.#options
    const plan = planEntry(group, packet, prefix, ruleCopyRange ? copyLength : undefined, glue)
    const offset = group.reserve(plan.size)
    if (offset === NO_ROOM) return
    if (logTimes) this.#numbers.now = BigInt(Math.round(this.#clock.now * 1000))
    const length = writeEntry(this.#writer, group, offset, packet, plan, this.#numbers)
    group.add(length, threshold === 0 ? group.threshold : Math.min(threshold, group.threshold))
  }

  /** A socket is closed: its groups go with it. */
  socketClosed(socket: SimSocket): void {
    for (const group of [...this.#groups.values()]) if (group.owner === socket) this.#destroy(group)
  }

  /** The text of /proc/net/netfilter/nfnetlink_log, in the order of the kernel's hash table. */
  report(): string {
    const buckets: LogGroup[][] = Array.from({ length: BUCKETS }, () => [])
    for (const group of this.#groups.values()) buckets[group.number % BUCKETS]?.unshift(group)
    return buckets.flat().map(reportLine).join('')
  }

  #configure(request: KernelRequest, attributes: AttributeTable): number {
    const { memory, offset, socket } = request
    const command = attributes.has(NFULA_CFG.command) ? memory.u8[attributes.at(NFULA_CFG.command)] : undefined
    const family = memory.u8[offset + 16] as number
    if (command === LogCommand.FamilyBind) return family < FAMILIES ? 0 : -Errno.EINVAL
    if (command === LogCommand.FamilyUnbind) return 0
    const number = messageResourceId(memory, offset)
    let group = this.#groups.get(number)
    if (group !== undefined && group.owner !== socket) return -Errno.EPERM
    const flags = attributes.has(NFULA_CFG.flags) ? attributes.be16(NFULA_CFG.flags) : 0
    if ((flags & LogFlag.Conntrack) !== 0 && this.#options.glue === undefined) return -Errno.EOPNOTSUPP
    if (command === LogCommand.Bind) {
      if (group !== undefined) return -Errno.EBUSY
      group = new LogGroup(number, socket, this.#clock)
      this.#groups.set(number, group)
    } else if (command === LogCommand.Unbind) {
      if (group === undefined) return -Errno.ENODEV
      this.#destroy(group)
      return 0
    } else if (command !== undefined) {
      return -ENOTSUPP
    }
    if (group === undefined) return -Errno.ENODEV
    applySettings(group, request, attributes)
    return 0
  }

  #destroy(group: LogGroup): void {
    this.#groups.delete(group.number)
    group.flush()
  }
}

function applySettings(group: LogGroup, request: KernelRequest, attributes: AttributeTable): void {
  if (attributes.has(NFULA_CFG.mode)) {
    group.setMode(request.memory.u8[attributes.at(NFULA_CFG.mode) + 4] as number, attributes.be32(NFULA_CFG.mode))
  }
  if (attributes.has(NFULA_CFG.timeout)) group.timeout = attributes.be32(NFULA_CFG.timeout)
  if (attributes.has(NFULA_CFG.bufferSize)) group.setBufferSize(attributes.be32(NFULA_CFG.bufferSize))
  if (attributes.has(NFULA_CFG.threshold)) group.threshold = attributes.be32(NFULA_CFG.threshold)
  if (attributes.has(NFULA_CFG.flags)) group.flags = attributes.be16(NFULA_CFG.flags)
}

function reportLine(group: LogGroup): string {
  const columns: [number, number][] = [
    [group.number, 5],
    [group.owner.portId, 6],
    [group.length, 5],
    [group.copyMode, 1],
    [group.copyRange, 5],
    [group.timeout, 6],
    [group.references, 2],
  ]
  return `${columns.map(([value, width]) => String(value).padStart(width)).join(' ')}\n`
}
