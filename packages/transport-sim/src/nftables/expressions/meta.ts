/** Expression `meta`: the metadata of a packet. */
import { Errno, expressionTables, MetaKey, RuleVerdict } from '@ringlink/codec'
import { attributeNumbers, hostIsLittleEndian } from '@ringlink/codec/internal'
import type { SimPacket } from '../../netfilter/packet.ts'
import { policyOf, small, u32 } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { ReplyWriter } from '../../nfnetlink/reply.ts'
import type { RuleExpression } from '../ruleset.ts'
import type { Evaluate, Evaluation } from './evaluate.ts'
import {
  type ExpressionContext,
  type ExpressionHost,
  type ExpressionKind,
  loadRegister,
  registerNumber,
  selectLoadOrSet,
  storeRegister,
} from './expression.ts'

const { Break, Continue } = RuleVerdict
const NAME_LENGTH = 16
const LOOPBACK_TYPE = 772

/** The value that a meta key loads; `undefined` if the packet has none. */
type NumberOf = (packet: SimPacket, evaluation: Evaluation, host: ExpressionHost) => number | undefined

interface MetaNumber {
  readonly length: number
  readonly size?: number
  readonly of: NumberOf
}

const SECONDS_OF_DAY = 86_400
const THURSDAY = 4
const secondsOf = (host: ExpressionHost) => Math.floor(host.now() / 1e9)
const hasType = (device: number, type: number) => (device === 0 ? undefined : type)
const ofNetworkOrder16 = (value: number) => (hostIsLittleEndian ? ((value & 0xff) << 8) | (value >> 8) : value)
const ownerOf = ({ owner }: SimPacket) => (owner === undefined || owner.closed === true ? undefined : owner)

/** Keys with numbers: the register size that is checked, and the size of the value if it is smaller, in bytes. */
const metaNumbers: Readonly<Record<number, MetaNumber>> = {
  [MetaKey.Length]: { length: 4, of: ({ bytes }) => bytes.length },
  [MetaKey.Protocol]: { length: 2, of: ({ protocol }) => ofNetworkOrder16(protocol) },
  [MetaKey.Priority]: { length: 4, of: ({ priority }) => priority },
  [MetaKey.Mark]: { length: 4, of: ({ mark }) => mark },
  [MetaKey.InputDevice]: { length: 4, of: ({ inputDevice }) => inputDevice },
  [MetaKey.OutputDevice]: { length: 4, of: ({ outputDevice }) => outputDevice },
  [MetaKey.InputDeviceType]: { length: 2, of: ({ inputDevice, hardwareType }) => hasType(inputDevice, hardwareType) },
  [MetaKey.OutputDeviceType]: { length: 2, of: ({ outputDevice }) => hasType(outputDevice, LOOPBACK_TYPE) },
  [MetaKey.UserId]: { length: 4, of: (packet) => ownerOf(packet)?.userId },
  [MetaKey.GroupId]: { length: 4, of: (packet) => ownerOf(packet)?.groupId },
  [MetaKey.Family]: { length: 4, size: 1, of: ({ family }) => family },
  [MetaKey.TransportProtocol]: {
    length: 4,
    size: 1,
    of: (_, { transport, transportProtocol }) => (transport < 0 ? undefined : transportProtocol),
  },
  [MetaKey.PacketType]: { length: 4, size: 1, of: () => 0 },
  [MetaKey.Cpu]: { length: 4, of: () => 0 },
  [MetaKey.InputDeviceGroup]: { length: 4, of: ({ inputDevice }) => hasType(inputDevice, 0) },
  [MetaKey.OutputDeviceGroup]: { length: 4, of: ({ outputDevice }) => hasType(outputDevice, 0) },
  [MetaKey.ControlGroup]: { length: 4, of: ({ owner, cgroupClassId }) => owner && cgroupClassId },
  // The kernel's clock begins at midnight UTC of 1970-01-01, a Thursday.
  [MetaKey.Day]: {
    length: 4,
    size: 1,
    of: (_, __, host) => (Math.floor(secondsOf(host) / SECONDS_OF_DAY) + THURSDAY) % 7,
  },
  [MetaKey.Hour]: { length: 4, of: (_, __, host) => secondsOf(host) % SECONDS_OF_DAY },
  [MetaKey.Random]: { length: 4, of: (_, __, host) => host.random() },
}

const metaNames: Readonly<Record<number, (packet: SimPacket) => number>> = {
  [MetaKey.InputDeviceName]: ({ inputDevice }) => inputDevice,
  [MetaKey.OutputDeviceName]: ({ outputDevice }) => outputDevice,
}

const metaSetters: Readonly<
  Record<number, { readonly length: number; readonly set: (p: SimPacket, v: number) => void }>
> = {
  [MetaKey.Mark]: {
    length: 4,
    set: (packet, value) => {
      packet.mark = value
    },
  },
  [MetaKey.Priority]: {
    length: 4,
    set: (packet, value) => {
      packet.priority = value
    },
  },
  // Traced packets are not reported.
  [MetaKey.Trace]: { length: 1, set: () => {} },
  [MetaKey.PacketType]: { length: 1, set: () => {} },
}

const META = attributeNumbers(expressionTables.meta)

/** Expression `meta`. */
export const meta: ExpressionKind = {
  name: 'meta',
  policy: policyOf(expressionTables.meta, { destinationRegister: u32, key: small, sourceRegister: u32 }),
  select: selectLoadOrSet(META.destinationRegister, META.key, META.sourceRegister),
  make: (attributes, context) =>
    attributes.has(META.destinationRegister) ? loadMeta(attributes, context) : setMeta(attributes, context),
}

function loadMeta(attributes: AttributeTable, context: ExpressionContext): RuleExpression | number {
  const key = attributes.be32(META.key)
  const number = metaNumbers[key]
  const device = metaNames[key]
  if (number === undefined && device === undefined) return -Errno.EOPNOTSUPP
  const word = storeRegister(context, attributes.be32(META.destinationRegister), number?.length ?? NAME_LENGTH)
  if (word < 0) return word
  const dump = (reply: ReplyWriter) => {
    reply.be32(META.key, key)
    reply.be32(META.destinationRegister, registerNumber(word))
  }
  const { host } = context
  const evaluate =
    number === undefined
      ? loadName(host, word, device as (packet: SimPacket) => number)
      : loadNumber(host, word, number)
  return { name: 'meta', evaluate, dump }
}

function loadNumber(host: ExpressionHost, word: number, { length, size = length, of }: MetaNumber): Evaluate {
  if (size === 4) {
    return (evaluation) => {
      const value = of(evaluation.packet as SimPacket, evaluation, host)
      if (value === undefined) return Break
      evaluation.words[word] = value
      return Continue
    }
  }
  // A smaller value is at the beginning of the register, in host order, followed by zeros.
  return (evaluation) => {
    const value = of(evaluation.packet as SimPacket, evaluation, host)
    if (value === undefined) return Break
    evaluation.words[word] = 0
    if (size === 1) evaluation.bytes[word * 4] = value
    else evaluation.halves[word * 2] = value
    return Continue
  }
}

function loadName(host: ExpressionHost, word: number, deviceOf: (packet: SimPacket) => number): Evaluate {
  const names = new Map<number, Uint8Array>()
  return (evaluation) => {
    const index = deviceOf(evaluation.packet as SimPacket)
    let name = names.get(index)
    if (name === undefined) {
      name = new Uint8Array(NAME_LENGTH)
      name.set(new TextEncoder().encode(host.deviceName(index)).subarray(0, NAME_LENGTH - 1))
      names.set(index, name)
    }
    evaluation.bytes.set(name, word * 4)
    return Continue
  }
}

function setMeta(attributes: AttributeTable, context: ExpressionContext): RuleExpression | number {
  const key = attributes.be32(META.key)
  const setter = metaSetters[key]
  if (setter === undefined) return -Errno.EOPNOTSUPP
  const word = loadRegister(context, attributes.be32(META.sourceRegister), setter.length)
  if (word < 0) return word
  const { set } = setter
  return {
    name: 'meta',
    evaluate: (evaluation) => {
      set(evaluation.packet as SimPacket, evaluation.words[word] as number)
      return Continue
    },
    dump: (reply) => {
      reply.be32(META.key, key)
      reply.be32(META.sourceRegister, registerNumber(word))
    },
  }
}
