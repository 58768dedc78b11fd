/** Expressions that look at registers, or that let only so much through: cmp, range, limit. */
import {
  CompareOperation,
  Errno,
  expressionTables,
  LimitType,
  MatchFlag,
  RangeOperation,
  RuleVerdict,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { SimPacket } from '../../netfilter/packet.ts'
import { nested, policyOf, small, u32, u64 } from '../../netlink/attribute-policy.ts'
import type { Evaluate } from './evaluate.ts'
import { type ExpressionContext, type ExpressionKind, loadRegister, parseValue, registerNumber } from './expression.ts'

const { Break, Continue } = RuleVerdict

/** Negative where the register is before the value. */
function compare(bytes: Uint8Array, at: number, value: Uint8Array): number {
  for (let i = 0; i < value.length; i++) {
    const difference = (bytes[at + i] as number) - (value[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

const CMP = attributeNumbers(expressionTables.cmp)

/** Expression `cmp`. */
export const cmp: ExpressionKind = {
  name: 'cmp',
  policy: policyOf(expressionTables.cmp, { sourceRegister: u32, operation: u32, data: nested }),
  select: (attributes) => {
    for (const number of Object.values(CMP)) if (!attributes.has(number)) return -Errno.EINVAL
    if (attributes.be32(CMP.operation) > CompareOperation.GreaterOrEqual) return -Errno.EINVAL
    const value = parseValue(attributes, CMP.data)
    return typeof value === 'number' ? value : 0
  },
  make: (attributes, context) => {
    const operation = attributes.be32(CMP.operation)
    const value = parseValue(attributes, CMP.data)
    if (typeof value === 'number') return value
    const word = loadRegister(context, attributes.be32(CMP.sourceRegister), value.length)
    if (word < 0) return word
    const isEquality = operation <= CompareOperation.NotEqual
    return {
      name: 'cmp',
      evaluate:
        isEquality && value.length <= 4
          ? compareWord(word, value, operation === CompareOperation.Equal)
          : compareBytes(word * 4, value, operation),
      dump: (reply) => {
        reply.be32(CMP.sourceRegister, registerNumber(word))
        reply.be32(CMP.operation, operation)
        reply.value(CMP.data, value)
      },
    }
  },
}

function compareWord(word: number, value: Uint8Array, equal: boolean): Evaluate {
  const padded = new Uint32Array(2)
  new Uint8Array(padded.buffer).set(value)
  new Uint8Array(padded.buffer).fill(0xff, 4, 4 + value.length)
  const expected = padded[0] as number
  const mask = padded[1] as number
  return (evaluation) => ((((evaluation.words[word] as number) & mask) >>> 0 === expected) === equal ? Continue : Break)
}

const holds: Readonly<Record<number, (order: number) => boolean>> = {
  [CompareOperation.Equal]: (order) => order === 0,
  [CompareOperation.NotEqual]: (order) => order !== 0,
  [CompareOperation.Less]: (order) => order < 0,
  [CompareOperation.LessOrEqual]: (order) => order <= 0,
  [CompareOperation.Greater]: (order) => order > 0,
  [CompareOperation.GreaterOrEqual]: (order) => order >= 0,
}

function compareBytes(at: number, value: Uint8Array, operation: number): Evaluate {
  const held = holds[operation] as (order: number) => boolean
  return (evaluation) => (held(compare(evaluation.bytes, at, value)) ? Continue : Break)
}

const RANGE = attributeNumbers(expressionTables.range)

/** Expression `range`. */
export const range: ExpressionKind = {
  name: 'range',
  policy: policyOf(expressionTables.range, { sourceRegister: u32, operation: small, from: nested, to: nested }),
  make: (attributes, context) => {
    const { sourceRegister: source, operation, from, to } = RANGE
    for (const number of [source, operation, from, to]) if (!attributes.has(number)) return -Errno.EINVAL
    const first = parseValue(attributes, from)
    if (typeof first === 'number') return first
    const last = parseValue(attributes, to)
    if (typeof last === 'number') return last
    if (first.length !== last.length) return -Errno.EINVAL
    const word = loadRegister(context, attributes.be32(source), first.length)
    if (word < 0) return word
    const expected = attributes.be32(operation)
    if (expected > RangeOperation.Outside) return -Errno.EINVAL
    const isWithin = expected === RangeOperation.Within
    return {
      name: 'range',
      evaluate: ({ bytes }) => {
        const within = compare(bytes, word * 4, first) >= 0 && compare(bytes, word * 4, last) <= 0
        return within === isWithin ? Continue : Break
      },
      dump: (reply) => {
        reply.be32(source, registerNumber(word))
        reply.be32(operation, expected)
        reply.value(from, first)
        reply.value(to, last)
      },
    }
  },
}

const LIMIT = attributeNumbers(expressionTables.limit)
const NANOSECONDS = 1_000_000_000n
const LARGEST = 0xffff_ffff_ffff_ffffn
const DEFAULT_BURST = 5

/** Expression `limit`: a token bucket of time, from which every packet or byte takes its cost at this rate. */
export const limit: ExpressionKind = {
  name: 'limit',
  policy: policyOf(expressionTables.limit, { rate: u64, unit: u64, burst: u32, type: u32, flags: u32 }),
  select: (attributes) =>
    attributes.has(LIMIT.type) && attributes.be32(LIMIT.type) > LimitType.Bytes ? -Errno.EOPNOTSUPP : 0,
  make: (attributes, context) => {
    if (!attributes.has(LIMIT.rate) || !attributes.has(LIMIT.unit)) return -Errno.EINVAL
    const rate = attributes.be64(LIMIT.rate)
    const unit = attributes.be64(LIMIT.unit)
    const type = attributes.has(LIMIT.type) ? attributes.be32(LIMIT.type) : LimitType.Packets
    const isPackets = type === LimitType.Packets
    if (rate === 0n) return -Errno.EINVAL
    const period = unit * NANOSECONDS
    if (period > LARGEST) return -Errno.EOVERFLOW
    let burst = attributes.has(LIMIT.burst) ? attributes.be32(LIMIT.burst) : 0
    if (isPackets && burst === 0) burst = DEFAULT_BURST
    if (rate + BigInt(burst) > LARGEST) return -Errno.EOVERFLOW
    const product = isPackets ? (period / rate) * BigInt(burst) : period * (rate + BigInt(burst))
    if (product > LARGEST) return -Errno.EOVERFLOW
    const flags = attributes.has(LIMIT.flags) ? attributes.be32(LIMIT.flags) : 0
    if ((flags & ~MatchFlag.Invert) !== 0) return -Errno.EOPNOTSUPP
    const full = Number(isPackets ? product : product / rate)
    const cost = Number(period / rate)
    const perByte = Number(period) / Number(rate)
    return {
      name: 'limit',
      evaluate: bucket(
        context,
        full,
        (packet) => (isPackets ? cost : Math.floor(perByte * packet.bytes.length)),
        flags,
      ),
      dump: (reply) => {
        reply.be64(LIMIT.rate, rate)
        reply.be64(LIMIT.unit, unit)
        reply.be32(LIMIT.burst, burst)
        reply.be32(LIMIT.type, type)
        reply.be32(LIMIT.flags, flags)
      },
    }
  },
}

function bucket(
  { host }: ExpressionContext,
  full: number,
  cost: (packet: SimPacket) => number,
  flags: number,
): Evaluate {
  const within = flags === 0 ? Continue : Break
  const beyond = flags === 0 ? Break : Continue
  let tokens = full
  let last = host.now()
  return ({ packet }) => {
    const now = host.now()
    tokens = Math.min(full, tokens + now - last)
    last = now
    const left = tokens - cost(packet as SimPacket)
    if (left < 0) return beyond
    tokens = left
    return within
  }
}
