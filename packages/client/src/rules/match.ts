import {
  CompareOperation,
  ConntrackKey,
  ConntrackStateBit,
  type Expression,
  Family,
  MatchFlag,
  MetaKey,
  PayloadBase,
  RangeOperation,
  Register,
} from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import { type Prefix, tryParsePrefix } from '@ringlink/packet'
import type {
  ConnectionState,
  NumberRange,
  RuleFamily,
  RuleMatch,
  RulePorts,
  RuleProperties,
  RuleProtocol,
} from './options.ts'
import {
  ipv4Key,
  ipv6Key,
  joinRanges,
  type KeyRange,
  keyBytes,
  keyOf,
  listOf,
  portKey,
  type RuleSet,
  rangeSet,
  type SetKey,
} from './set.ts'

/** Numbers of the protocols that have names (IPPROTO_*). */
export const protocolNumbers: Readonly<Record<Exclude<RuleProtocol, number>, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
}

const stateBits: Readonly<Record<ConnectionState, number>> = {
  invalid: ConntrackStateBit.Invalid,
  established: ConntrackStateBit.Established,
  related: ConntrackStateBit.Related,
  new: ConntrackStateBit.New,
  untracked: ConntrackStateBit.Untracked,
}

/** The parts of a rule's match: expressions, and the sets in which they look up ports and addresses. */
export interface CompiledMatch {
  readonly expressions: readonly Expression[]
  readonly sets: readonly RuleSet[]
}

/**
 * The expressions for a checked match, in nft's form: a packet that does not match ends the rule. `nextSetId` returns
 * ids for sets, unique within the batch.
 */
export function compileMatch(match: RuleMatch, family: RuleFamily, nextSetId: () => number): CompiledMatch {
  const compiler = new MatchCompiler(family, nextSetId)
  const { not = {} } = match
  compiler.interfaces(match, false)
  compiler.interfaces(not, true)
  compiler.addresses(match, not)
  compiler.transport(match, not)
  compiler.rest(match, false)
  compiler.rest(not, true)
  return compiler
}

const REGISTER = Register.Wide1

/** Loads the key that `ctState` matches, without comparing it. */
export const loadConnection: Expression = {
  name: 'ct',
  data: { key: ConntrackKey.State, destinationRegister: REGISTER },
}

const INTERFACE_LENGTH = 16
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd

class MatchCompiler implements CompiledMatch {
  readonly expressions: Expression[] = []
  readonly sets: RuleSet[] = []
  #family: RuleFamily
  #nextSetId: () => number

  constructor(family: RuleFamily, nextSetId: () => number) {
    this.#family = family
    this.#nextSetId = nextSetId
  }

  interfaces({ inputInterface, outputInterface }: RuleProperties, inverted: boolean): void {
    if (inputInterface !== undefined) this.#interface(MetaKey.InputDeviceName, inputInterface, inverted)
    if (outputInterface !== undefined) this.#interface(MetaKey.OutputDeviceName, outputInterface, inverted)
  }

  addresses(match: RuleProperties, not: RuleProperties): void {
    const given = [
      { texts: match.sourceAddress, isSource: true, inverted: false },
      { texts: match.destinationAddress, isSource: false, inverted: false },
      { texts: not.sourceAddress, isSource: true, inverted: true },
      { texts: not.destinationAddress, isSource: false, inverted: true },
    ]
    let version: number | undefined
    for (const { texts, isSource, inverted } of given) {
      const networks = listOf(texts ?? []).flatMap((text) => tryParsePrefix(text) ?? [])
      const [first, ...more] = networks
      if (first === undefined) continue
      if (version === undefined) this.#version(first.version)
      version = first.version
      if (more.length === 0) this.#address(first, isSource, inverted)
      else this.#addressSet(networks, first.version, isSource, inverted)
    }
  }

  transport(match: RuleProperties, not: RuleProperties): void {
    for (const [protocol, inverted] of [
      [match.protocol, false],
      [not.protocol, true],
    ] as const) {
      if (protocol === undefined) continue
      this.#meta(MetaKey.TransportProtocol)
      this.#compare(Uint8Array.of(protocolNumber(protocol)), inverted)
    }
    for (const [properties, inverted] of [
      [match, false],
      [not, true],
    ] as const) {
      if (properties.sourcePort !== undefined) this.#ports(0, properties.sourcePort, inverted)
      if (properties.destinationPort !== undefined) this.#ports(2, properties.destinationPort, inverted)
    }
  }

  rest({ mark, ctState, userId }: RuleProperties, inverted: boolean): void {
    if (mark !== undefined) {
      this.#meta(MetaKey.Mark)
      if (typeof mark === 'object') this.#mask(hostOrder32(mark.mask))
      this.#compare(hostOrder32(typeof mark === 'object' ? mark.value : mark), inverted)
    }
    if (ctState !== undefined) {
      const states = typeof ctState === 'string' ? [ctState] : ctState
      this.#add(loadConnection)
      this.#mask(hostOrder32(states.reduce((bits, state) => bits | stateBits[state], 0)))
      this.#compare(hostOrder32(0), !inverted)
    }
    if (userId !== undefined) {
      this.#meta(MetaKey.UserId)
      this.#compare(hostOrder32(userId), inverted)
    }
  }

  /** If a family has packets of both IP versions, matches only the version of the given addresses. */
  #version(version: 4 | 6): void {
    if (this.#family === 'inet') {
      this.#meta(MetaKey.Family)
      this.#compare(Uint8Array.of(version === 4 ? Family.Ipv4 : Family.Ipv6), false)
    } else if (this.#family !== 'ip' && this.#family !== 'ip6') {
      this.#meta(MetaKey.Protocol)
      this.#compare(networkOrder16Bytes(version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6), false)
    }
  }

  #interface(key: number, name: string, inverted: boolean): void {
    const isPrefix = name.endsWith('*')
    const text = new TextEncoder().encode(isPrefix ? name.slice(0, -1) : name)
    const value = new Uint8Array(isPrefix ? text.length : INTERFACE_LENGTH)
    value.set(text)
    this.#meta(key)
    this.#compare(value, inverted)
  }

  #address({ version, bytes, mask, length }: Prefix, isSource: boolean, inverted: boolean): void {
    const start = version === 4 ? (isSource ? 12 : 16) : isSource ? 8 : 24
    // A prefix of whole bytes is loaded at its length; other prefixes need a mask.
    const isWhole = length % 8 === 0 && length > 0
    const size = isWhole ? length / 8 : bytes.length
    this.#payload(PayloadBase.Network, start, size)
    if (!isWhole) this.#mask(mask)
    this.#compare(bytes.subarray(0, size), inverted)
  }

  #addressSet(networks: readonly Prefix[], version: 4 | 6, isSource: boolean, inverted: boolean): void {
    const [start, key] = version === 4 ? [isSource ? 12 : 16, ipv4Key] : [isSource ? 8 : 24, ipv6Key]
    this.#payload(PayloadBase.Network, start, key.length)
    this.#lookUp(key, joinRanges(networks.map(rangeOf)), inverted)
  }

  #lookUp(key: SetKey, ranges: readonly KeyRange[], inverted: boolean): void {
    const set = rangeSet(this.#nextSetId(), key, ranges)
    this.sets.push(set)
    const flags = inverted ? { flags: MatchFlag.Invert } : {}
    this.#add({ name: 'lookup', data: { set: set.name, sourceRegister: REGISTER, setId: set.id, ...flags } })
  }

  #ports(offset: number, ports: RulePorts, inverted: boolean): void {
    const ranges = joinRanges(portRanges(ports))
    this.#payload(PayloadBase.Transport, offset, portKey.length)
    const [first] = ranges
    if (ranges.length > 1 || first === undefined) {
      this.#lookUp(portKey, ranges, inverted)
      return
    }
    const [from, to] = [keyBytes(first.from, portKey.length), keyBytes(first.to, portKey.length)]
    if (first.from === first.to) this.#compare(from, inverted)
    else if (inverted) {
      const data = {
        sourceRegister: REGISTER,
        operation: RangeOperation.Outside,
        from: { value: from },
        to: { value: to },
      }
      this.#add({ name: 'range', data })
    } else {
      this.#compareBy(CompareOperation.GreaterOrEqual, from)
      this.#compareBy(CompareOperation.LessOrEqual, to)
    }
  }

  #meta(key: number): void {
    this.#add({ name: 'meta', data: { key, destinationRegister: REGISTER } })
  }

  #payload(base: number, offset: number, length: number): void {
    this.#add({ name: 'payload', data: { destinationRegister: REGISTER, base, offset, length } })
  }

  #mask(mask: Uint8Array): void {
    const data = {
      sourceRegister: REGISTER,
      destinationRegister: REGISTER,
      length: mask.length,
      mask: { value: mask },
      xor: { value: new Uint8Array(mask.length) },
    }
    this.#add({ name: 'bitwise', data })
  }

  #compare(value: Uint8Array, inverted: boolean): void {
    this.#compareBy(inverted ? CompareOperation.NotEqual : CompareOperation.Equal, value)
  }

  #compareBy(operation: number, value: Uint8Array): void {
    this.#add({ name: 'cmp', data: { sourceRegister: REGISTER, operation, data: { value } } })
  }

  #add(expression: Expression): void {
    this.expressions.push(expression)
  }
}

/** The number of a protocol. A number is returned as it is. */
export function protocolNumber(protocol: RuleProtocol): number {
  return typeof protocol === 'number' ? protocol : protocolNumbers[protocol]
}

/** Four bytes in host byte order, as the kernel keeps its own numbers in registers. */
export function hostOrder32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, hostIsLittleEndian)
  return bytes
}

/** Two bytes in network byte order, as in packets. */
function networkOrder16Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}

function portRanges(ports: RulePorts): KeyRange[] {
  return listOf<number | NumberRange>(ports).map((port) => {
    const { from, to } = typeof port === 'number' ? { from: port, to: port } : port
    return { from: BigInt(from), to: BigInt(to) }
  })
}

/** The range of addresses of a network. */
function rangeOf({ bytes, mask }: Prefix): KeyRange {
  return { from: keyOf(bytes), to: keyOf(bytes.map((byte, i) => byte | (~(mask[i] as number) & 0xff))) }
}
