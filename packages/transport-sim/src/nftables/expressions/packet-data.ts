/** Expressions that load bytes of a packet, or the state of its connection: payload, ct, notrack. */
import { ConntrackKey, ConntrackStateBit, Errno, PayloadBase, RuleVerdict } from '@ringlink/codec'
import type { SimPacket } from '../../netfilter/packet.ts'
import type { Evaluate, Evaluation } from './evaluate.ts'
import { type ExpressionKind, registerNumber, selectLoadOrSet, storeRegister } from './expression.ts'

const { Break, Continue } = RuleVerdict
const u8 = { kind: 'u8' } as const
const u32 = { kind: 'u32' } as const
const small = { kind: 'small' } as const

const PAYLOAD = { destination: 1, base: 2, offset: 3, length: 4, source: 5, maximum: 9 } as const
const LARGEST_OFFSET = 0xffff
/** Bytes of the link-layer header that a register is filled from. */
const NO_HEADER = new Uint8Array(0)

/** Expression `payload`, without setting bytes. */
export const payload: ExpressionKind = {
  name: 'payload',
  attributes: PAYLOAD.maximum,
  policy: [undefined, u32, u32, u32, small, u32, u32, small, u32],
  select: (attributes) => {
    const { base, offset, length, source, destination } = PAYLOAD
    if (!attributes.has(base) || !attributes.has(offset) || !attributes.has(length)) return -Errno.EINVAL
    if (attributes.be32(base) > PayloadBase.Inner) return -Errno.EOPNOTSUPP
    if (attributes.has(source)) return attributes.has(destination) ? -Errno.EINVAL : -Errno.EOPNOTSUPP
    if (!attributes.has(destination)) return -Errno.EINVAL
    return attributes.be32(offset) > LARGEST_OFFSET ? -Errno.ERANGE : 0
  },
  make: (attributes, context) => {
    const base = attributes.be32(PAYLOAD.base)
    const offset = attributes.be32(PAYLOAD.offset)
    const length = attributes.be32(PAYLOAD.length)
    const word = storeRegister(context, attributes.be32(PAYLOAD.destination), length)
    if (word < 0) return word
    return {
      name: 'payload',
      evaluate:
        base === PayloadBase.LinkLayer ? loadLinkLayer(word, offset, length) : loadBytes(base, word, offset, length),
      dump: (reply) => {
        reply.be32(PAYLOAD.destination, registerNumber(word))
        reply.be32(PAYLOAD.base, base)
        reply.be32(PAYLOAD.offset, offset)
        reply.be32(PAYLOAD.length, length)
      },
    }
  },
}

function loadBytes(base: number, word: number, offset: number, length: number): Evaluate {
  const last = word + ((length - 1) >> 2)
  const at = word * 4
  return (evaluation) => {
    const { bytes } = evaluation.packet as SimPacket
    const start = baseOffset(base, evaluation, bytes)
    const from = start + offset
    if (start < 0 || from + length > bytes.length) return Break
    evaluation.words[last] = 0
    const { bytes: registers } = evaluation
    for (let i = 0; i < length; i++) registers[at + i] = bytes[from + i] as number
    return Continue
  }
}

/** Offset of a header; -1 if the packet has none. */
function baseOffset(base: number, evaluation: Evaluation, bytes: Uint8Array): number {
  if (base === PayloadBase.Network) return 0
  const { transport } = evaluation
  if (transport < 0 || evaluation.isFragment) return -1
  if (base === PayloadBase.Transport) return transport
  return base === PayloadBase.Inner ? innerOffset(transport, evaluation.transportProtocol, bytes) : -1
}

const TCP = 6
const UDP = 17
const UDP_HEADER_LENGTH = 8

/** Offset of the payload of TCP and UDP; -1 for other protocols. */
function innerOffset(transport: number, protocol: number, bytes: Uint8Array): number {
  if (protocol === UDP) return transport + UDP_HEADER_LENGTH
  if (protocol !== TCP || transport + 12 >= bytes.length) return -1
  return transport + ((bytes[transport + 12] as number) >> 4) * 4
}

/** A packet has a link-layer header where it came from a device. */
function loadLinkLayer(word: number, offset: number, length: number): Evaluate {
  const last = word + ((length - 1) >> 2)
  return (evaluation) => {
    const packet = evaluation.packet as SimPacket
    const header = packet.inputDevice === 0 ? NO_HEADER : packet.linkLayerHeader
    if (header.length === 0 || offset + length > header.length + packet.bytes.length) return Break
    evaluation.words[last] = 0
    for (let i = 0; i < length; i++) {
      const at = offset + i
      evaluation.bytes[word * 4 + i] = (header[at] ?? packet.bytes[at - header.length]) as number
    }
    return Continue
  }
}

const CT = { destination: 1, key: 2, direction: 3, source: 4 } as const
const ctLengths: Readonly<Record<number, number>> = {
  [ConntrackKey.State]: 4,
  [ConntrackKey.Direction]: 1,
  [ConntrackKey.Status]: 4,
  [ConntrackKey.Mark]: 4,
  [ConntrackKey.Expiration]: 4,
}

/** Expression `ct`: the state that the packet was injected with; of its connection nothing more is known. */
export const ct: ExpressionKind = {
  name: 'ct',
  attributes: CT.source,
  policy: [undefined, u32, small, u8, u32],
  select: selectLoadOrSet(CT.destination, CT.key, CT.source),
  make: (attributes, context) => {
    const key = attributes.be32(CT.key)
    const length = ctLengths[key]
    if (attributes.has(CT.source) || length === undefined) return -Errno.EOPNOTSUPP
    if (attributes.has(CT.direction)) return -Errno.EINVAL
    const word = storeRegister(context, attributes.be32(CT.destination), length)
    if (word < 0) return word
    return {
      name: 'ct',
      evaluate: (evaluation) => {
        if (key !== ConntrackKey.State) return Break
        evaluation.words[word] = (evaluation.packet as SimPacket).connectionState
        return Continue
      },
      dump: (reply) => {
        reply.be32(CT.destination, registerNumber(word))
        reply.be32(CT.key, key)
      },
    }
  },
}

/** Expression `notrack`: a packet without a connection is not to get one. */
export const notrack: ExpressionKind = {
  name: 'notrack',
  attributes: 0,
  policy: [],
  make: () => ({
    name: 'notrack',
    evaluate: (evaluation) => {
      const packet = evaluation.packet as SimPacket
      if (packet.connectionState === ConntrackStateBit.Invalid) packet.connectionState = ConntrackStateBit.Untracked
      return Continue
    },
  }),
}
