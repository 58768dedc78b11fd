/** An expression of a rule in the simulated kernel, and the registers that expressions share. */
import { Errno, Family, Register } from '@ringlink/codec'
import { dataAttributes, expressionAttributes, MAXIMUM_NFTABLES_VALUE } from '@ringlink/codec/internal'
import type { ConntrackTable } from '../../conntrack/table.ts'
import type { PacketLogs } from '../../log/logs.ts'
import type { SimPacket } from '../../netfilter/packet.ts'
import { type MessagePolicy, nested, policyOf } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { NfTablesFeatures } from '../features.ts'
import { DATA } from '../numbers.ts'
import type { NfTablesChain, NfTablesTable, RuleExpression } from '../ruleset.ts'
import type { NfTablesSet } from '../sets.ts'
import { REGISTER_BYTES } from './evaluate.ts'

/** What expressions need from their kernel. */
export interface ExpressionHost {
  readonly logs: PacketLogs
  /** undefined in a kernel without connection tracking, which has no expression `ct` */
  readonly connections: ConntrackTable | undefined
  /** the name of the device with that index; empty for 0, which means no device */
  deviceName(index: number): string
  /** nanoseconds since the kernel was made */
  now(): number
  /** the queue of a range for a packet's addresses */
  balance(packet: SimPacket, from: number, total: number): number
  /** a number at random, of 32 bits */
  random(): number
}

/** The context in which an expression of a rule is created. */
export interface ExpressionContext {
  readonly host: ExpressionHost
  readonly features: NfTablesFeatures
  readonly table: NfTablesTable
  /** the kind of expression with that name, if the kernel has it */
  kindOf(name: string): ExpressionKind | undefined
  /** which words of the registers an expression before has written, a bit each */
  written: number
  /** the chains that this batch has given an id to, by that id */
  findChain(id: number): NfTablesChain | undefined
  findSet(id: number): NfTablesSet | undefined
}

/** A kind of expression. */
export interface ExpressionKind {
  readonly name: string
  readonly policy: MessagePolicy
  /** the check before any expression of the rule is created; a negative errno, or 0 */
  readonly select?: (attributes: AttributeTable, context: ExpressionContext) => number
  /** makes it, or a negative errno */
  readonly make: (attributes: AttributeTable, context: ExpressionContext) => RuleExpression | number
}

const WIDE_WORDS = 4
const FIRST_DATA_WORD = 4

/** The word that a register begins at; or a negative errno. */
function parseRegister(register: number): number {
  if (register <= Register.Wide4) return register * WIDE_WORDS
  if (register >= Register.Word0 && register <= Register.Word15) return register - Register.Word0 + FIRST_DATA_WORD
  return -Errno.ERANGE
}

function checkData(word: number, length: number): number {
  if (word < 0) return word
  if (word < FIRST_DATA_WORD || length === 0) return -Errno.EINVAL
  return word * 4 + length > REGISTER_BYTES ? -Errno.ERANGE : word
}

function wordBits(word: number, length: number): number {
  return (2 ** Math.ceil(length / 4) - 1) << word
}

/** The word of a register that `length` bytes are read from; or a negative errno: ENODATA where nothing was written. */
export function loadRegister(context: ExpressionContext, register: number, length: number): number {
  const word = checkData(parseRegister(register), length)
  if (word < 0) return word
  const bits = wordBits(word, length)
  return (context.written & bits) === bits || !context.features.initialisedRegisters ? word : -Errno.ENODATA
}

/** The word of a register that `length` bytes are written to; or a negative errno. */
export function storeRegister(context: ExpressionContext, register: number, length: number): number {
  const word = checkData(parseRegister(register), length)
  if (word >= 0) context.written |= wordBits(word, length)
  return word
}

/** The number that a dump shows for a word of the registers. */
export function registerNumber(word: number): number {
  return word % WIDE_WORDS === 0 ? word / WIDE_WORDS : word - FIRST_DATA_WORD + Register.Word0
}

/** sizeof(struct nft_data) */
const DATA_SIZE = 16
export const dataPolicy: MessagePolicy = policyOf(dataAttributes, {
  value: { kind: 'binary', maximum: MAXIMUM_NFTABLES_VALUE },
  verdict: nested,
})

/** The policy of an element of a rule, and of the expression of a set's elements. */
export const expressionPolicy: MessagePolicy = policyOf(expressionAttributes, {
  // The longest name for which the kernel would load a module.
  name: { kind: 'text', maximum: 42 },
  data: nested,
})

/** The bytes of a value, of `length` or up to 16; or a negative errno. */
export function parseValue(
  attributes: AttributeTable,
  number: number,
  length?: number,
  maximum = DATA_SIZE,
): Uint8Array | number {
  const data = attributes.nested(number, dataPolicy)
  if (data === undefined) return -Errno.ERANGE
  if (!data.has(DATA.value)) return -Errno.EINVAL
  const value = data.bytes(DATA.value)
  if (value.length === 0) return -Errno.EINVAL
  if (value.length > maximum) return -Errno.EOVERFLOW
  return length !== undefined && value.length !== length ? -Errno.EINVAL : value
}

/** The families whose packets have IP headers. */
export function isIpFamily(family: number): boolean {
  return family === Family.Ipv4 || family === Family.Ipv6 || family === Family.Inet
}

/** The checks of meta and ct: a key, and exactly one register. */
export function selectLoadOrSet(destination: number, key: number, source: number) {
  return (attributes: AttributeTable): number =>
    attributes.has(key) && attributes.has(destination) !== attributes.has(source) ? 0 : -Errno.EINVAL
}
