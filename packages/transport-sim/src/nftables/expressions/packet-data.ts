/** Expressions that load bytes of a packet: payload. */
import { Errno, expressionTables, PayloadBase, RuleVerdict } from '@ringlink/codec'
import type { SimPacket } from '../../netfilter/packet.ts'
import { policyOf, small, u32 } from '../../netlink/attribute-policy.ts'
import type { Evaluate } from './evaluate.ts'
import { type ExpressionKind, registerNumber, storeRegister } from './expression.ts'
import { baseOffset, PAYLOAD, setPayload } from './set-payload.ts'

const { Break, Continue } = RuleVerdict

const LARGEST_OFFSET = 0xffff
/** before offsets had two bytes */
const LARGEST_NEAR_OFFSET = 0xff
/** Bytes of the link-layer header that a register is filled from. */
const NO_HEADER = new Uint8Array(0)

/** Expression `payload`: bytes of the packet into a register, or into the packet. */
export const payload: ExpressionKind = {
  name: 'payload',
  policy: policyOf(expressionTables.payload, {
    destinationRegister: u32,
    base: u32,
    offset: u32,
    length: small,
    sourceRegister: u32,
    checksumType: u32,
    checksumOffset: small,
    checksumFlags: u32,
  }),
  select: (attributes, { features }) => {
    const { base, offset, length, sourceRegister: source, destinationRegister: destination } = PAYLOAD
    if (!attributes.has(base) || !attributes.has(offset) || !attributes.has(length)) return -Errno.EINVAL
    if (attributes.be32(base) > PayloadBase.Inner) return -Errno.EOPNOTSUPP
    if (attributes.has(source) === attributes.has(destination)) return -Errno.EINVAL
    const largest = features.distantPayload ? LARGEST_OFFSET : LARGEST_NEAR_OFFSET
    return attributes.be32(offset) > largest ? -Errno.ERANGE : 0
  },
  make: (attributes, context) => {
    const base = attributes.be32(PAYLOAD.base)
    const offset = attributes.be32(PAYLOAD.offset)
    const length = attributes.be32(PAYLOAD.length)
    if (attributes.has(PAYLOAD.sourceRegister)) return setPayload(attributes, context)
    const word = storeRegister(context, attributes.be32(PAYLOAD.destinationRegister), length)
    if (word < 0) return word
    return {
      name: 'payload',
      evaluate:
        base === PayloadBase.LinkLayer ? loadLinkLayer(word, offset, length) : loadBytes(base, word, offset, length),
      dump: (reply) => {
        reply.be32(PAYLOAD.destinationRegister, registerNumber(word))
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
