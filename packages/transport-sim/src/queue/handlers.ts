/** Requests to nfnetlink_queue, with the answers of Linux 6.18. */
import {
  Errno,
  messageResourceId,
  QueueCommand,
  QueueFlag,
  queueAttributes,
  queueConfigAttributes,
  Verdict,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { ConntrackGlue } from '../conntrack/glue.ts'
import { reporterOf } from '../conntrack/requests.ts'
import { networkHeaderLength } from '../internet/transit.ts'
import { Checksum, type SimPacket } from '../netfilter/packet.ts'
import { VERDICT_MASK } from '../netfilter/verdict.ts'
import { type MessagePolicy, nested, policyOf, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { type SubsystemMessage, unsupportedMessage } from '../nfnetlink/subsystem.ts'
import type { QueueInstance } from './instance.ts'
import type { PacketQueues } from './queues.ts'

const NFQA = attributeNumbers(queueAttributes)
const NFQA_CFG = attributeNumbers(queueConfigAttributes)
const CONNECTION_ATTRIBUTES = { connection: NFQA.conntrack, expectation: NFQA.expectation }
/** NFQA_CFG_F_MAX */
const FLAGS_END = 32
const STOLEN = 2

const verdictHeader = { kind: 'bytes', minimum: 8 } as const
const verdictPolicy: MessagePolicy = policyOf(queueAttributes, {
  verdictHeader,
  mark: u32,
  vlan: nested,
  priority: u32,
})
const batchPolicy: MessagePolicy = policyOf(queueAttributes, { verdictHeader, mark: u32, priority: u32 })
const configPolicy: MessagePolicy = policyOf(queueConfigAttributes, {
  command: { kind: 'bytes', minimum: 4 },
  parameters: { kind: 'bytes', minimum: 5 },
  maximumLength: u32,
  mask: u32,
  flags: u32,
})

/** The features that the kernel was built with. */
export interface QueueFeatures {
  /** packets can carry their connections, and verdicts change them (CONFIG_NETFILTER_NETLINK_GLUE_CT) */
  readonly glue: ConntrackGlue | undefined
}

/** The messages of the subsystem, by the lower byte of their type. */
export function queueMessages(queues: PacketQueues, features: QueueFeatures): readonly SubsystemMessage[] {
  const handlers = new QueueHandlers(queues, features)
  return [
    unsupportedMessage,
    { policy: verdictPolicy, call: (...args) => handlers.verdict(...args) },
    { policy: configPolicy, call: (...args) => handlers.configure(...args) },
    { policy: batchPolicy, call: (...args) => handlers.verdictBatch(...args) },
  ]
}

class QueueHandlers {
  #queues: PacketQueues
  #features: QueueFeatures

  constructor(queues: PacketQueues, features: QueueFeatures) {
    this.#queues = queues
    this.#features = features
  }

  configure(request: KernelRequest, attributes: AttributeTable): number {
    const command = attributes.has(NFQA_CFG.command) ? request.memory.u8[attributes.at(NFQA_CFG.command)] : undefined
    if (command === QueueCommand.FamilyBind || command === QueueCommand.FamilyUnbind) return 0
    const refused = this.#checkFlags(attributes)
    if (refused !== 0) return refused
    const number = messageResourceId(request.memory, request.offset)
    let queue = this.#queues.find(number)
    if (queue !== undefined && queue.owner !== request.socket) return -Errno.EPERM
    if (command === QueueCommand.Bind) {
      if (queue !== undefined) return -Errno.EBUSY
      queue = this.#queues.create(number, request.socket)
    } else if (command === QueueCommand.Unbind) {
      if (queue === undefined) return -Errno.ENODEV
      this.#queues.destroy(queue)
      return 0
    } else if (command !== undefined) {
      return -Errno.EOPNOTSUPP
    }
    if (queue === undefined) return -Errno.ENODEV
    applySettings(queue, request, attributes)
    return 0
  }

  verdict(request: KernelRequest, attributes: AttributeTable): number {
    const queue = this.#ownedQueue(request)
    if (typeof queue === 'number') return queue
    if (!attributes.has(NFQA.verdictHeader)) return -Errno.EINVAL
    let verdict = attributes.be32(NFQA.verdictHeader)
    if (!isAllowed(verdict)) return -Errno.EINVAL
    const packet = queue.take(request.memory.data.getUint32(attributes.at(NFQA.verdictHeader) + 4))
    if (packet === undefined) return -Errno.ENOENT
    if (attributes.has(NFQA.conntrack)) {
      this.#features.glue?.change(packet, attributes, CONNECTION_ATTRIBUTES, reporterOf(request))
    }
    if (attributes.has(NFQA.payload)) {
      const start = attributes.at(NFQA.payload)
      const length = attributes.length(NFQA.payload)
      // The kernel drops a packet that would lose part of its network header, and says nothing.
      if (length < packet.bytes.length && length < networkHeaderLength(packet.bytes)) verdict = Verdict.Drop
      else replacePayload(packet, request.memory.copy(start, length))
    }
    mark(packet, attributes)
    this.#queues.goOn(packet, verdict)
    return 0
  }

  verdictBatch(request: KernelRequest, attributes: AttributeTable): number {
    const queue = this.#ownedQueue(request)
    if (typeof queue === 'number') return queue
    if (!attributes.has(NFQA.verdictHeader)) return -Errno.EINVAL
    const verdict = attributes.be32(NFQA.verdictHeader)
    if (!isAllowed(verdict)) return -Errno.EINVAL
    const last = request.memory.data.getUint32(attributes.at(NFQA.verdictHeader) + 4)
    // All are taken out before the first continues: one that returns to this queue is not caught again.
    const packets: SimPacket[] = []
    for (let packet = queue.head; packet !== undefined && ((packet.id - last) | 0) <= 0; packet = queue.head) {
      queue.remove(packet)
      packets.push(packet)
    }
    if (packets.length === 0) return -Errno.ENOENT
    for (const packet of packets) {
      mark(packet, attributes)
      this.#queues.goOn(packet, verdict)
    }
    return 0
  }

  #ownedQueue(request: KernelRequest): QueueInstance | number {
    const queue = this.#queues.find(messageResourceId(request.memory, request.offset))
    if (queue === undefined) return -Errno.ENODEV
    return queue.owner === request.socket ? queue : -Errno.EPERM
  }

  #checkFlags(attributes: AttributeTable): number {
    if (!attributes.has(NFQA_CFG.flags)) return 0
    if (!attributes.has(NFQA_CFG.mask)) return -Errno.EINVAL
    const flags = attributes.be32(NFQA_CFG.flags)
    if (flags >= FLAGS_END) return -Errno.EOPNOTSUPP
    const requested = flags & attributes.be32(NFQA_CFG.mask)
    return (requested & QueueFlag.Conntrack) !== 0 && this.#features.glue === undefined ? -Errno.EOPNOTSUPP : 0
  }
}

function applySettings(queue: QueueInstance, request: KernelRequest, attributes: AttributeTable): void {
  if (attributes.has(NFQA_CFG.parameters)) {
    const mode = request.memory.u8[attributes.at(NFQA_CFG.parameters) + 4] as number
    queue.setMode(mode, attributes.be32(NFQA_CFG.parameters))
  }
  if (attributes.has(NFQA_CFG.maximumLength)) queue.setMaximumLength(attributes.be32(NFQA_CFG.maximumLength))
  if (attributes.has(NFQA_CFG.flags)) {
    const mask = attributes.be32(NFQA_CFG.mask)
    queue.flags = (queue.flags & ~mask) | (attributes.be32(NFQA_CFG.flags) & mask)
  }
}

function isAllowed(verdict: number): boolean {
  const kind = verdict & VERDICT_MASK
  return kind <= Verdict.Stop && kind !== STOLEN
}

function replacePayload(packet: SimPacket, bytes: Uint8Array): void {
  packet.bytes = bytes
  packet.checksum = Checksum.Unverified
  packet.linearLength = bytes.length
}

function mark(packet: SimPacket, attributes: AttributeTable): void {
  if (attributes.has(NFQA.mark)) packet.mark = attributes.be32(NFQA.mark)
  if (attributes.has(NFQA.priority)) packet.priority = attributes.be32(NFQA.priority)
}
