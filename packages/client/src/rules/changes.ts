/** What rules change of a packet and its connection: marks, priority, code point, and whether it has a connection. */
import { ConntrackKey, type Expression, MetaKey, PayloadBase, PayloadChecksum } from '@ringlink/codec'
import type { Facts } from './fields/fields.ts'
import { loadConntrack, loadMeta, loadPayload, REGISTER } from './fields/load.ts'
import { dscpNames } from './fields/names.ts'
import { isMapLookUp } from './keys.ts'
import { loadFromMap } from './map.ts'
import type { MapLookUp, RuleActions } from './options.ts'
import type { Dscp, MarkBits } from './properties.ts'
import { hostOrder32 } from './set.ts'
import type { RuleSets } from './sets/types.ts'

/** The expressions for the changes of a rule, in the order of its members. */
export function compileChanges(actions: RuleActions, facts: Facts, named: RuleSets): Expression[] {
  const { setMark, setCtMark, setPriority, setDscp, notrack } = actions
  const expressions: Expression[] = []
  const markOf = (given: number | MarkBits | MapLookUp | Expression, own: Expression) =>
    isMapLookUp(given) ? loadFromMap(given, facts, named) : newMark(given, own)
  if (setMark !== undefined) {
    const given = setMark === 'connection' ? loadConntrack(ConntrackKey.Mark) : setMark
    expressions.push(...markOf(given, loadMeta(MetaKey.Mark)), storeMeta(MetaKey.Mark))
  }
  if (setCtMark !== undefined) {
    const given = setCtMark === 'packet' ? loadMeta(MetaKey.Mark) : setCtMark
    const own = loadConntrack(ConntrackKey.Mark)
    const store: Expression = { name: 'ct', data: { key: ConntrackKey.Mark, sourceRegister: REGISTER } }
    expressions.push(...markOf(given, own), store)
  }
  if (setPriority !== undefined) expressions.push(constant(hostOrder32(setPriority)), storeMeta(MetaKey.Priority))
  if (setDscp !== undefined) expressions.push(...changeDscp(setDscp, facts))
  if (notrack === true) expressions.push({ name: 'notrack' })
  return expressions
}

function storeMeta(key: number): Expression {
  return { name: 'meta', data: { key, sourceRegister: REGISTER } }
}

function constant(value: Uint8Array): Expression {
  return { name: 'immediate', data: { destinationRegister: REGISTER, data: { value } } }
}

/** Puts a mark into the register: a constant, some bits beside those of `own`, or what `given` loads. */
function newMark(given: number | MarkBits | Expression, own: Expression): Expression[] {
  if (typeof given === 'number') return [constant(hostOrder32(given))]
  if (!('mask' in given)) return [given]
  return [own, replaceBits(hostOrder32(~given.mask >>> 0), hostOrder32(given.value))]
}

/** Keeps the bits of `mask` in the register, and sets those of `value`. */
function replaceBits(mask: Uint8Array, value: Uint8Array): Expression {
  const registers = { sourceRegister: REGISTER, destinationRegister: REGISTER, length: mask.length }
  return { name: 'bitwise', data: { ...registers, mask: { value: mask }, xor: { value } } }
}

/**
 * The first two bytes of an IPv4 header: version, length, code point, congestion; of an IPv6 header: version, code
 * point, label.
 */
const DSCP_LENGTH = 2
const IPV4_CHECKSUM_OFFSET = 10

function changeDscp(dscp: Dscp, { version }: Facts): Expression[] {
  const value = typeof dscp === 'number' ? dscp : (dscpNames[dscp] as number)
  const isIpv6 = version === 6
  const word = isIpv6 ? value << 6 : value << 2
  const mask = isIpv6 ? 0xf03f : 0xff03
  const checksum = isIpv6
    ? { checksumType: PayloadChecksum.None, checksumOffset: 0 }
    : { checksumType: PayloadChecksum.Internet, checksumOffset: IPV4_CHECKSUM_OFFSET }
  const base = { base: PayloadBase.Network, offset: 0, length: DSCP_LENGTH }
  return [
    loadPayload(PayloadBase.Network, 0, DSCP_LENGTH),
    replaceBits(bytesOf(mask), bytesOf(word)),
    { name: 'payload', data: { sourceRegister: REGISTER, ...base, ...checksum, checksumFlags: 0 } },
  ]
}

function bytesOf(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}
