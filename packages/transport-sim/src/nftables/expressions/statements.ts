/** Expressions that do something with the packet: counter, log, queue, and the xtables targets NFQUEUE and NFLOG. */
import {
  Errno,
  expressionTables,
  Family,
  LogLevel,
  MAXIMUM_LOG_PREFIX,
  RuleQueueFlag,
  RuleVerdict,
  readLogTarget,
  readQueueTarget,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { SimPacket } from '../../netfilter/packet.ts'
import type { RuleLog } from '../../netfilter/rule.ts'
import { queueVerdict } from '../../netfilter/verdict.ts'
import { policyOf, small, u16, u32, u64 } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import { COUNTER } from '../numbers.ts'
import type { RuleExpression } from '../ruleset.ts'
import type { Evaluate } from './evaluate.ts'
import {
  type ExpressionContext,
  type ExpressionHost,
  type ExpressionKind,
  isIpFamily,
  loadRegister,
  registerNumber,
} from './expression.ts'

const { Continue } = RuleVerdict

/** Expression `counter`. */
export const counter: ExpressionKind = {
  name: 'counter',
  policy: policyOf(expressionTables.counter, { bytes: u64, packets: u64 }),
  make: (attributes) => {
    let packets = attributes.has(COUNTER.packets) ? Number(attributes.be64(COUNTER.packets)) : 0
    let bytes = attributes.has(COUNTER.bytes) ? Number(attributes.be64(COUNTER.bytes)) : 0
    return {
      name: 'counter',
      evaluate: ({ packet }) => {
        packets++
        bytes += (packet as SimPacket).bytes.length
        return Continue
      },
      dump: (reply, reset) => {
        reply.be64(COUNTER.bytes, bytes)
        reply.be64(COUNTER.packets, packets)
        if (reset) {
          packets = 0
          bytes = 0
        }
      },
    }
  },
}

const LOG = attributeNumbers(expressionTables.log)
/** NF_LOG_MASK */
const LOG_FLAGS = 0x3f

/** Expression `log`. Without a group it writes to the kernel's log, which the simulator does not have. */
export const log: ExpressionKind = {
  name: 'log',
  policy: policyOf(expressionTables.log, {
    group: u16,
    prefix: { kind: 'text', maximum: MAXIMUM_LOG_PREFIX },
    copyRange: u32,
    threshold: u16,
    level: u32,
    flags: u32,
  }),
  make: (attributes, { host }) => {
    const hasGroup = attributes.has(LOG.group)
    if (hasGroup && (attributes.has(LOG.level) || attributes.has(LOG.flags))) return -Errno.EINVAL
    const prefix = attributes.has(LOG.prefix) ? attributes.text(LOG.prefix) : undefined
    if (!hasGroup) {
      const level = attributes.has(LOG.level) ? attributes.be32(LOG.level) : LogLevel.Warning
      const flags = attributes.has(LOG.flags) ? attributes.be32(LOG.flags) : 0
      if (level > LogLevel.Audit || (flags & ~LOG_FLAGS) !== 0) return -Errno.EINVAL
      return {
        name: 'log',
        evaluate: () => Continue,
        dump: (reply) => {
          if (prefix !== undefined) reply.text(LOG.prefix, prefix)
          reply.be32(LOG.level, level)
          if (flags !== 0) reply.be32(LOG.flags, flags)
        },
      }
    }
    const group = attributes.be16(LOG.group)
    const copyLength = attributes.has(LOG.copyRange) ? attributes.be32(LOG.copyRange) : undefined
    const threshold = attributes.has(LOG.threshold) ? attributes.be16(LOG.threshold) : 0
    return {
      name: 'log',
      evaluate: logTo(host, { group, prefix, copyLength, threshold }),
      dump: (reply) => {
        if (prefix !== undefined) reply.text(LOG.prefix, prefix)
        reply.be16(LOG.group, group)
        if (copyLength !== undefined) reply.be32(LOG.copyRange, copyLength)
        if (threshold !== 0) reply.be16(LOG.threshold, threshold)
      },
    }
  },
}

function logTo({ logs }: ExpressionHost, ruleLog: RuleLog): Evaluate {
  return ({ packet }) => {
    logs.log(packet as SimPacket, ruleLog)
    return Continue
  }
}

const QUEUE = attributeNumbers(expressionTables.queue)
const QUEUE_FLAGS = RuleQueueFlag.Bypass | RuleQueueFlag.CpuFanout
const LAST_QUEUE = 0xffff

/** Expression `queue`. */
export const queue: ExpressionKind = {
  name: 'queue',
  policy: policyOf(expressionTables.queue, { number: u16, total: u16, flags: u16, numberRegister: u32 }),
  select: (attributes) => (attributes.has(QUEUE.number) !== attributes.has(QUEUE.numberRegister) ? 0 : -Errno.EINVAL),
  make: (attributes, context) => {
    const flags = attributes.has(QUEUE.flags) ? attributes.be16(QUEUE.flags) : 0
    if (attributes.has(QUEUE.numberRegister)) {
      const word = loadRegister(context, attributes.be32(QUEUE.numberRegister), 4)
      if (word < 0) return word
      if ((flags & ~QUEUE_FLAGS) !== 0) return -Errno.EINVAL
      if ((flags & RuleQueueFlag.CpuFanout) !== 0) return -Errno.EOPNOTSUPP
      return {
        name: 'queue',
        validate: checkQueueHook,
        evaluate: ({ words }) => queueVerdict((words[word] as number) & LAST_QUEUE, isBypass(flags)),
        dump: (reply) => {
          reply.be32(QUEUE.numberRegister, registerNumber(word))
          reply.be16(QUEUE.flags, flags)
        },
      }
    }
    const number = attributes.be16(QUEUE.number)
    const total = attributes.has(QUEUE.total) ? attributes.be16(QUEUE.total) : 1
    if (total === 0) return -Errno.EINVAL
    if (total - 1 + number > LAST_QUEUE) return -Errno.ERANGE
    if ((flags & ~QUEUE_FLAGS) !== 0) return -Errno.EINVAL
    return {
      name: 'queue',
      validate: checkQueueHook,
      evaluate: queueTo(context.host, number, total, flags),
      dump: (reply) => {
        reply.be16(QUEUE.number, number)
        reply.be16(QUEUE.total, total)
        reply.be16(QUEUE.flags, flags)
      },
    }
  },
}

const checkQueueHook = ({ table }: { readonly table: { readonly family: number } }): number =>
  isIpFamily(table.family) || table.family === Family.Bridge ? 0 : -Errno.EOPNOTSUPP

/** The simulated kernel has one processor: with fan-out it is the first queue that gets all. */
function queueTo(host: ExpressionHost, number: number, total: number, flags: number): Evaluate {
  if (total === 1 || (flags & RuleQueueFlag.CpuFanout) !== 0) {
    const verdict = queueVerdict(number, isBypass(flags))
    return () => verdict
  }
  const bypass = isBypass(flags)
  return ({ packet }) => queueVerdict(host.balance(packet as SimPacket, number, total), bypass)
}

function isBypass(flags: number): boolean {
  return (flags & RuleQueueFlag.Bypass) !== 0
}

const TARGET = attributeNumbers(expressionTables.target)
/** Bytes of the structs, padded; bytes after their ends are ignored. */
const QUEUE_TARGET = { size: 6, aligned: 8 } as const
const LOG_TARGET = { size: 80, aligned: 80, prefixEnd: 75 } as const

/** A target of xtables that the simulated kernel has. */
interface TargetKind {
  readonly revision: number
  readonly size: number
  readonly aligned: number
  readonly families: (family: number) => boolean
  readonly make: (information: Uint8Array, host: ExpressionHost) => Evaluate | number
}

const targets: Readonly<Record<string, TargetKind>> = {
  NFQUEUE: {
    revision: 3,
    ...QUEUE_TARGET,
    families: (family) => isIpFamily(family),
    make: (information, host) => {
      const { number, total, flags } = readQueueTarget(information)
      if (total === 0) return -Errno.EINVAL
      if (total - 1 + number > LAST_QUEUE) return -Errno.ERANGE
      return (flags & ~QUEUE_FLAGS) !== 0 ? -Errno.EINVAL : queueTo(host, number, total, flags)
    },
  },
  NFLOG: {
    revision: 0,
    ...LOG_TARGET,
    families: (family) => family === Family.Ipv4 || family === Family.Ipv6,
    make: (information, host) => {
      if (information[LOG_TARGET.prefixEnd] !== 0) return -Errno.EINVAL
      const { group, copyRange, threshold, prefix } = readLogTarget(information)
      return logTo(host, { group, copyLength: copyRange, threshold, prefix })
    },
  },
}

/** The families whose rules NFQUEUE is found for, though it works in those of IP only. */
const OTHER_FAMILIES: readonly number[] = [Family.Arp, Family.Bridge]

/** The revision of a target with which a kernel answers a request for `revision`, or a negative errno. */
export function targetRevision(name: string, revision: number, family: number): number {
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined
  const isThere = target?.families(family) === true || (name === 'NFQUEUE' && OTHER_FAMILIES.includes(family))
  if (target === undefined || !isThere) return -Errno.ENOENT
  return revision <= target.revision ? target.revision : -Errno.EPROTONOSUPPORT
}

/** Expression `target`. */
export const target: ExpressionKind = {
  name: 'target',
  policy: policyOf(expressionTables.target, {
    name: { kind: 'name', maximum: 31 },
    revision: small,
    information: { kind: 'binary', maximum: 0xffff },
  }),
  select: (attributes, { table }) => {
    const { name, revision, information } = TARGET
    if (!attributes.has(name) || !attributes.has(revision) || !attributes.has(information)) return -Errno.EINVAL
    const kind = findTarget(attributes.text(name), attributes.be32(revision), table.family)
    if (kind === undefined) return -Errno.ENOENT
    return kind.size > attributes.length(information) ? -Errno.EINVAL : 0
  },
  make: (attributes, context) => makeTarget(attributes, context),
}

function findTarget(name: string, revision: number, family: number): TargetKind | undefined {
  const kind = Object.hasOwn(targets, name) ? targets[name] : undefined
  return kind !== undefined && kind.revision === revision && kind.families(family) ? kind : undefined
}

function makeTarget(attributes: AttributeTable, { host, table }: ExpressionContext): RuleExpression | number {
  const name = attributes.text(TARGET.name)
  const revision = attributes.be32(TARGET.revision)
  const information = attributes.bytes(TARGET.information)
  const { make, aligned, size } = findTarget(name, revision, table.family) as TargetKind
  if (((information.length + 7) & ~7) !== aligned) return -Errno.EINVAL
  const evaluate = make(information, host)
  if (typeof evaluate === 'number') return evaluate
  const shown = new Uint8Array(aligned)
  shown.set(information.subarray(0, size))
  return {
    name: 'target',
    evaluate,
    dump: (reply) => {
      reply.text(TARGET.name, name)
      reply.be32(TARGET.revision, revision)
      reply.bytes(TARGET.information, shown)
    },
  }
}
