/** Expression `payload` where it writes into the packet. */
import { Errno, expressionTables, PayloadBase, PayloadChecksum, RuleVerdict } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import type { SimPacket } from '../../netfilter/packet.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { RuleExpression } from '../ruleset.ts'
import type { Evaluation } from './evaluate.ts'
import { type ExpressionContext, loadRegister, registerNumber } from './expression.ts'

const { Break, Continue } = RuleVerdict

export const PAYLOAD = attributeNumbers(expressionTables.payload)

/** Where a header begins; -1 where this packet has none. */
export function baseOffset(base: number, evaluation: Evaluation, bytes: Uint8Array): number {
  if (base === PayloadBase.Network) return 0
  const { transport } = evaluation
  if (transport < 0 || evaluation.isFragment) return -1
  if (base === PayloadBase.Transport) return transport
  return base === PayloadBase.Inner ? innerOffset(transport, evaluation.transportProtocol, bytes) : -1
}

const TCP = 6
const UDP = 17
const UDP_HEADER_LENGTH = 8

/** Where what TCP and UDP carry begins; -1 for other protocols. */
function innerOffset(transport: number, protocol: number, bytes: Uint8Array): number {
  if (protocol === UDP) return transport + UDP_HEADER_LENGTH
  if (protocol !== TCP || transport + 12 >= bytes.length) return -1
  return transport + ((bytes[transport + 12] as number) >> 4) * 4
}

/** Writes a register into the network header, and mends the checksum of IPv4. */
export function setPayload(attributes: AttributeTable, context: ExpressionContext): RuleExpression | number {
  const base = attributes.be32(PAYLOAD.base)
  const offset = attributes.be32(PAYLOAD.offset)
  const length = attributes.be32(PAYLOAD.length)
  const word = loadRegister(context, attributes.be32(PAYLOAD.sourceRegister), length)
  if (word < 0) return word
  const option = (number: number) => (attributes.has(number) ? attributes.be32(number) : 0)
  const checksumType = option(PAYLOAD.checksumType)
  const checksumOffset = option(PAYLOAD.checksumOffset)
  const checksumFlags = option(PAYLOAD.checksumFlags)
  const isKnown = checksumType === PayloadChecksum.None || checksumType === PayloadChecksum.Internet
  if (base !== PayloadBase.Network || !isKnown || checksumFlags !== 0) return -Errno.EOPNOTSUPP
  const mends = checksumType === PayloadChecksum.Internet
  return {
    name: 'payload',
    evaluate: (evaluation) => {
      const packet = evaluation.packet as SimPacket
      const { bytes } = packet
      const start = baseOffset(base, evaluation, bytes)
      const at = start + offset
      if (start < 0 || at + length > bytes.length || (mends && checksumOffset + 2 > bytes.length)) return Break
      const changed = bytes.slice()
      const value = evaluation.bytes.subarray(word * 4, word * 4 + length)
      changed.set(value, at)
      if (mends) {
        const view = new DataView(changed.buffer)
        const old = view.getUint16(checksumOffset)
        view.setUint16(checksumOffset, mended(old, bytes.subarray(at, at + length), value))
      }
      packet.bytes = changed
      packet.borrowed = false
      return Continue
    },
    dump: (reply) => {
      reply.be32(PAYLOAD.sourceRegister, registerNumber(word))
      reply.be32(PAYLOAD.base, base)
      reply.be32(PAYLOAD.offset, offset)
      reply.be32(PAYLOAD.length, length)
      reply.be32(PAYLOAD.checksumType, checksumType)
      reply.be32(PAYLOAD.checksumOffset, checksumOffset)
      reply.be32(PAYLOAD.checksumFlags, checksumFlags)
    },
  }
}

/** A checksum after some bytes at an even offset have changed (RFC 1624). */
function mended(checksum: number, before: Uint8Array, after: Uint8Array): number {
  let sum = ~checksum & 0xffff
  for (let i = 0; i < before.length; i++) {
    const shift = i % 2 === 0 ? 8 : 0
    sum += (~((before[i] as number) << shift) & (0xff << shift)) + ((after[i] as number) << shift)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
