/**
 * Expressions that ask the rest of the kernel about a packet: exthdr, socket, fib. The simulated kernel has no routing
 * table: each source address is reached through the device that its packet came in by. A packet's socket is its owner,
 * and none is transparent.
 */
import { Errno, expressionTables, Family, Hook, RuleVerdict } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { IPV6_HEADER_LENGTH, IpProtocol } from '@ringlink/packet'
import type { SimPacket } from '../../netfilter/packet.ts'
import { policyOf, small, u8, u32 } from '../../netlink/attribute-policy.ts'
import type { NfTablesChain } from '../ruleset.ts'
import { isExtensionOfKernel } from './evaluate.ts'
import { type ExpressionKind, isIpFamily, registerNumber, storeRegister } from './expression.ts'

const { Break, Continue } = RuleVerdict

const EXTHDR = attributeNumbers(expressionTables.exthdr)
/** NFT_EXTHDR_F_PRESENT */
const PRESENT = 1
/** NFT_EXTHDR_OP_IPV6 */
const IPV6 = 0

/** Expression `exthdr`: whether an IPv6 packet has an extension header. */
export const exthdr: ExpressionKind = {
  name: 'exthdr',
  policy: policyOf(expressionTables.exthdr, {
    destinationRegister: u32,
    type: u8,
    offset: small,
    length: small,
    flags: u32,
    operation: small,
    sourceRegister: u32,
  }),
  make: (attributes, context) => {
    const { destinationRegister: destination, type, offset, length, flags, operation } = EXTHDR
    for (const number of [destination, type, offset, length]) if (!attributes.has(number)) return -Errno.EINVAL
    const isIpv6 = !attributes.has(operation) || attributes.be32(operation) === IPV6
    const isPresence = attributes.has(flags) && attributes.be32(flags) === PRESENT
    if (!isIpv6 || !isPresence) return -Errno.EOPNOTSUPP
    const header = attributes.u8(type)
    const bytes = attributes.be32(length)
    const word = storeRegister(context, attributes.be32(destination), bytes)
    if (word < 0) return word
    return {
      name: 'exthdr',
      evaluate: (evaluation) => {
        const packet = evaluation.packet as SimPacket
        if (packet.family !== Family.Ipv6) return Break
        evaluation.words[word] = 0
        evaluation.bytes[word * 4] = hasExtension(packet.bytes, header) ? 1 : 0
        return Continue
      },
      dump: (reply) => {
        reply.be32(destination, registerNumber(word))
        reply.u8(type, header)
        reply.be32(offset, attributes.be32(offset))
        reply.be32(length, bytes)
        reply.be32(flags, PRESENT)
        reply.be32(operation, IPV6)
      },
    }
  },
}

function hasExtension(bytes: Uint8Array, header: number): boolean {
  let protocol = bytes[6] as number
  let at = IPV6_HEADER_LENGTH
  while (isExtensionOfKernel(protocol) && at + 2 <= bytes.length) {
    if (protocol === header) return true
    const size = (bytes[at + 1] as number) * (protocol === IpProtocol.Authentication ? 4 : 8) + 8
    if (protocol === IpProtocol.Fragment && (((bytes[at + 2] as number) << 5) | ((bytes[at + 3] as number) >> 3)) !== 0)
      return false
    protocol = bytes[at] as number
    at += size
  }
  return false
}

const SOCKET = attributeNumbers(expressionTables.socket)
const SOCKET_TRANSPARENT = 0

/** Expression `socket`: whether a packet has a local socket, and a transparent one. */
export const socket: ExpressionKind = {
  name: 'socket',
  policy: policyOf(expressionTables.socket, { key: small, destinationRegister: u32, level: small }),
  make: (attributes, context) => {
    if (!attributes.has(SOCKET.key) || !attributes.has(SOCKET.destinationRegister)) return -Errno.EINVAL
    if (!isIpFamily(context.table.family)) return -Errno.EOPNOTSUPP
    if (attributes.be32(SOCKET.key) !== SOCKET_TRANSPARENT) return -Errno.EOPNOTSUPP
    const word = storeRegister(context, attributes.be32(SOCKET.destinationRegister), 1)
    if (word < 0) return word
    return {
      name: 'socket',
      validate: atHooks([Hook.Prerouting, Hook.Input, Hook.Output]),
      evaluate: (evaluation) => {
        if ((evaluation.packet as SimPacket).owner === undefined) return Break
        evaluation.words[word] = 0
        return Continue
      },
      dump: (reply) => {
        reply.be32(SOCKET.key, SOCKET_TRANSPARENT)
        reply.be32(SOCKET.destinationRegister, registerNumber(word))
      },
    }
  },
}

const FIB = attributeNumbers(expressionTables.fib)
/** NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT; NFT_FIB_RESULT_OIF */
const REVERSE_PATH = 0x29
const RESULT_DEVICE = 1

/** Expression `fib`: whether a source address is reached through the device that its packet came in by. */
export const fib: ExpressionKind = {
  name: 'fib',
  policy: policyOf(expressionTables.fib, { destinationRegister: u32, result: u32, flags: u32 }),
  make: (attributes, context) => {
    for (const number of Object.values(FIB)) if (!attributes.has(number)) return -Errno.EINVAL
    const [result, flags] = [attributes.be32(FIB.result), attributes.be32(FIB.flags)]
    if (flags !== REVERSE_PATH || result !== RESULT_DEVICE || !isIpFamily(context.table.family))
      return -Errno.EOPNOTSUPP
    const word = storeRegister(context, attributes.be32(FIB.destinationRegister), 4)
    if (word < 0) return word
    return {
      name: 'fib',
      validate: atHooks([Hook.Prerouting, Hook.Input, Hook.Forward]),
      evaluate: (evaluation) => {
        evaluation.words[word] = 0
        evaluation.bytes[word * 4] = (evaluation.packet as SimPacket).inputDevice !== 0 ? 1 : 0
        return Continue
      },
      dump: (reply) => {
        reply.be32(FIB.destinationRegister, registerNumber(word))
        reply.be32(FIB.result, result)
        reply.be32(FIB.flags, flags)
      },
    }
  },
}

/** Refuses base chains at other hooks. */
function atHooks(hooks: readonly number[]) {
  return ({ hook }: NfTablesChain): number =>
    hook !== undefined && !hooks.includes(hook.number) ? -Errno.EOPNOTSUPP : 0
}
