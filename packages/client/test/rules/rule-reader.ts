/** Interprets rules without the package under test: which packets they match, and what happens to those. */
import type { FirewallRule, InSet, NumberRange, RuleFamily, RuleMatch, RuleProperties } from '@ringlink/client'
import fc from 'fast-check'
import {
  ADDRESSES,
  addressNumber,
  CODE_POINTS,
  DEVICES,
  HARDWARE_ADDRESSES,
  MARKS,
  MESSAGE_CODES,
  MESSAGE_TYPES,
  PORTS,
  TCP_FLAGS,
  TIMES_TO_LIVE,
  USERS,
} from './random-values.ts'

/** A packet as a rule sees it. */
export interface DescribedPacket {
  readonly version: 4 | 6
  readonly protocol: number
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  /** '' for none */
  readonly input: string
  readonly output: string
  readonly mark: number
  readonly state: string
  readonly user: number | undefined
  readonly group: number
  readonly timeToLive: number
  readonly codePoint: number
  readonly fragment: 'none' | 'first' | 'later'
  readonly tcpFlags: readonly string[]
  readonly messageType: number
  readonly messageCode: number
  /** bytes after the transport header */
  readonly payload: number
  /** address of the sender, where it came by Ethernet */
  readonly sender: string | undefined
}

/** Properties whose values are in the rule itself. */
type PlainProperties = { readonly [Key in keyof RuleProperties]: Exclude<RuleProperties[Key], InSet> }

/** The properties of rules that have no sets. */
function plain(properties: RuleMatch): PlainProperties {
  for (const value of Object.values(properties)) {
    if (typeof value === 'object' && 'in' in value) throw new Error('a set, whose elements are not known here')
  }
  return properties as PlainProperties
}

/** Bytes of a packet from its network header on. */
export function lengthOf({ version, protocol, fragment, payload }: DescribedPacket): number {
  const network = version === 4 ? 20 : fragment === 'none' ? 40 : 48
  return network + (protocol === 6 ? 20 : 8) + payload
}

/** Numbers of protocols, by the names that rules and nft use. */
export const protocolNames: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
}

/** A random packet with the devices that hook `hook` provides. */
function packetAt(hook: string, version: 4 | 6): fc.Arbitrary<DescribedPacket> {
  const address = fc.constantFrom<string>(...ADDRESSES[version])
  const port = fc.constantFrom(...PORTS)
  const device = fc.constantFrom<string>(...DEVICES)
  return fc.record({
    version: fc.constant(version),
    protocol: fc.constantFrom(6, 17, version === 4 ? 1 : 58),
    source: address,
    destination: address,
    sourcePort: port,
    destinationPort: port,
    input: ['ingress', 'prerouting', 'input', 'forward'].includes(hook) ? device : fc.constant(''),
    output: ['egress', 'forward', 'output', 'postrouting'].includes(hook) ? device : fc.constant(''),
    mark: fc.constantFrom(...MARKS),
    state: fc.constantFrom('new', 'established', 'related', 'invalid', 'untracked'),
    user: fc.option(fc.constantFrom(...USERS), { nil: undefined }),
    group: fc.constantFrom(...USERS),
    timeToLive: fc.constantFrom(...TIMES_TO_LIVE),
    codePoint: fc.constantFrom(...CODE_POINTS),
    fragment: fc.constantFrom('none', 'none', 'none', 'first', 'later'),
    tcpFlags: fc.subarray([...TCP_FLAGS]),
    messageType: fc.constantFrom(...MESSAGE_TYPES),
    messageCode: fc.constantFrom(...MESSAGE_CODES),
    payload: fc.constantFrom(0, 1, 4, 12, 1472),
    sender: fc.option(fc.constantFrom(...HARDWARE_ADDRESSES), { nil: undefined }),
  })
}

/**
 * A random packet at the hook of `rule`. Most have the properties that the rule matches, except ports, which are near
 * those of rules.
 */
export function packetFor(rule: FirewallRule): fc.Arbitrary<DescribedPacket> {
  return fc
    .constantFrom(4 as const, 6 as const)
    .chain((version) => fc.tuple(packetAt(rule.hook ?? '', version), fc.nat(3), fc.nat(3)))
    .map(([packet, member, chance]) => (chance === 0 ? packet : aimed(packet, plain(rule.match ?? {}), member)))
}

function aimed(packet: DescribedPacket, match: PlainProperties, member: number): DescribedPacket {
  const { protocol, sourceAddress, destinationAddress, mark, ctState, userId } = match
  const pick = <Value>(given: Value | readonly Value[]): Value =>
    Array.isArray(given) ? (given[member % given.length] as Value) : (given as Value)
  const address = (given: string | readonly string[] | undefined, own: string) => {
    const text: string = given === undefined ? own : pick<string>(given)
    const [base = ''] = text.split('/')
    return base.includes(':') === (packet.version === 6) ? base : own
  }
  const device = (given: string | readonly string[] | undefined, own: string) =>
    given === undefined || own === '' ? own : (DEVICES.find((name) => isDevice(name, pick(given))) ?? own)
  const number = (given: OneNumber | readonly OneNumber[] | undefined, own: number) => {
    if (given === undefined) return own
    const one = pick(given)
    return typeof one === 'number' ? one : one.from
  }
  // Other protocols cannot be built as packets.
  const wanted = protocol === undefined ? undefined : protocolOf(pick(protocol))
  return {
    ...packet,
    protocol: wanted === 6 || wanted === 17 ? wanted : packet.protocol,
    source: address(sourceAddress, packet.source),
    destination: address(destinationAddress, packet.destination),
    input: device(match.inputInterface, packet.input),
    output: device(match.outputInterface, packet.output),
    mark: mark !== undefined && typeof mark === 'object' && 'mask' in mark ? mark.value : number(mark, packet.mark),
    state: ctState === undefined ? packet.state : pick<string>(ctState),
    user: userId === undefined ? packet.user : number(userId, 0),
    timeToLive: number(packet.version === 4 ? match.ttl : match.hopLimit, packet.timeToLive),
    messageType: number(match.icmpType as OneNumber | undefined, packet.messageType),
    sender: match.sourceHardwareAddress === undefined ? packet.sender : pick(match.sourceHardwareAddress),
    fragment: match.fragment === true && packet.fragment === 'none' ? 'first' : packet.fragment,
  }
}

type OneNumber = number | NumberRange

function protocolOf(protocol: number | string): number | undefined {
  return typeof protocol === 'number' ? protocol : protocolNames[protocol]
}

export function isInNetwork(address: string, network: string): boolean {
  const [base = '', length] = network.split('/')
  if (address.includes(':') !== base.includes(':')) return false
  const bits = base.includes(':') ? 128 : 32
  const rest = BigInt(bits - Number(length ?? bits))
  return addressNumber(address) >> rest === addressNumber(base) >> rest
}

function isAny<Value>(given: Value | readonly Value[], test: (value: Value) => boolean): boolean {
  return Array.isArray(given) ? given.some(test) : test(given as Value)
}

const isNumber = (own: number) => (given: number | NumberRange) =>
  typeof given === 'number' ? own === given : own >= given.from && own <= given.to

function isDevice(name: string, given: string): boolean {
  return given.endsWith('*') ? name.startsWith(given.slice(0, -1)) : name === given
}

function isMark(mark: number, given: NonNullable<PlainProperties['mark']>): boolean {
  if (typeof given === 'object' && 'mask' in given) return (mark & given.mask) >>> 0 === given.value
  return isAny<number | NumberRange>(given, isNumber(mark))
}

function areFlags(own: readonly string[], given: NonNullable<PlainProperties['tcpFlags']>): boolean {
  if (typeof given === 'object' && 'mask' in given) {
    return given.mask.every((flag) => own.includes(flag) === given.flags.includes(flag))
  }
  return isAny<string>(given, (flag) => own.includes(flag))
}

type Numbers = number | NumberRange | readonly (number | NumberRange)[]

/** What each property says of a packet: undefined where the packet has no such thing. */
function judge(packet: DescribedPacket, properties: PlainProperties): (boolean | undefined)[] {
  const { protocol, sourceAddress, destinationAddress, ctState, mark } = properties
  const { inputInterface, outputInterface, version, fragment, tcpFlags } = properties
  const found: (boolean | undefined)[] = []
  const hasHeader = packet.fragment !== 'later'
  const hasPorts = hasHeader && (packet.protocol === 6 || packet.protocol === 17)
  const isMessage = hasHeader && (packet.protocol === 1 || packet.protocol === 58)
  const addressed = (given: string | readonly string[], address: string) => {
    const isSame = isAny(given, (text) => text.includes(':') === (packet.version === 6))
    return isSame ? isAny(given, (text) => isInNetwork(address, text)) : undefined
  }
  const number = (given: unknown, own: number | undefined) => {
    if (given !== undefined) found.push(own === undefined ? undefined : isAny(given as Numbers, isNumber(own)))
  }
  if (version !== undefined) found.push(packet.version === version)
  if (protocol !== undefined) found.push(isAny<number | string>(protocol, (it) => packet.protocol === protocolOf(it)))
  number(properties.sourcePort, hasPorts ? packet.sourcePort : undefined)
  number(properties.destinationPort, hasPorts ? packet.destinationPort : undefined)
  number(properties.icmpType, isMessage ? packet.messageType : undefined)
  number(properties.icmpCode, isMessage ? packet.messageCode : undefined)
  number(properties.packetLength, lengthOf(packet))
  number(properties.ttl, packet.version === 4 ? packet.timeToLive : undefined)
  number(properties.hopLimit, packet.version === 6 ? packet.timeToLive : undefined)
  number(properties.dscp, packet.codePoint)
  number(properties.userId, packet.user)
  number(properties.groupId, packet.user === undefined ? undefined : packet.group)
  if (fragment !== undefined) found.push((packet.fragment !== 'none') === fragment)
  if (tcpFlags !== undefined) found.push(hasHeader ? areFlags(packet.tcpFlags, tcpFlags) : undefined)
  if (sourceAddress !== undefined) found.push(addressed(sourceAddress, packet.source))
  if (destinationAddress !== undefined) found.push(addressed(destinationAddress, packet.destination))
  if (inputInterface !== undefined) found.push(isAny(inputInterface, (it) => isDevice(packet.input, it)))
  if (outputInterface !== undefined) found.push(isAny(outputInterface, (it) => isDevice(packet.output, it)))
  if (mark !== undefined) found.push(isMark(packet.mark, mark))
  if (ctState !== undefined) found.push(isAny<string>(ctState, (state) => state === packet.state))
  const sender = properties.sourceHardwareAddress
  if (sender !== undefined)
    found.push(packet.sender === undefined ? undefined : isAny(sender, (it) => it === packet.sender))
  return found
}

/** Whether a rule matches a packet, according to its text. */
export function isMatched(rule: FirewallRule, packet: DescribedPacket): boolean {
  const { not = {}, ...match } = rule.match ?? {}
  return judge(packet, plain(match)).every((it) => it === true) && judge(packet, plain(not)).every((it) => it === false)
}

const PRIORITIES: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0 }

export function priorityOf({ priority = 'filter' }: FirewallRule): number {
  return typeof priority === 'number' ? priority : (PRIORITIES[priority] as number)
}

/** The packets that rules count and let pass while the clock stands still and no queue is bound. */
export class RuleReader {
  readonly counts: number[]
  delivered = 0
  #rules: readonly FirewallRule[]
  #family: RuleFamily
  #left: number[]

  constructor(rules: readonly FirewallRule[], family: RuleFamily) {
    this.#rules = rules
    this.#family = family
    this.counts = rules.map(() => 0)
    this.#left = rules.map(({ limit }) => limit?.burst ?? 5)
  }

  pass(hook: string, packet: DescribedPacket): void {
    if (this.#decide(hook, packet)) this.delivered++
  }

  #decide(hook: string, packet: DescribedPacket): boolean {
    const isSeen = this.#family === 'inet' || (this.#family === 'ip') === (packet.version === 4)
    if (!isSeen) return true
    const here = [...this.#rules.entries()].filter(([, rule]) => rule.hook === hook)
    const priorities = [...new Set(here.map(([, rule]) => priorityOf(rule)))].sort((a, b) => a - b)
    let { mark } = packet
    for (const priority of priorities) {
      for (const [index, rule] of here) {
        if (priorityOf(rule) !== priority || !isMatched(rule, { ...packet, mark })) continue
        if (!this.#isWithinLimit(index, rule)) continue
        this.counts[index] = (this.counts[index] ?? 0) + 1
        mark = typeof rule.setMark === 'number' ? rule.setMark : mark
        if (rule.verdict === 'drop' || (rule.queue !== undefined && rule.bypass !== true)) return false
        if (rule.verdict === 'accept' || rule.queue !== undefined) break
      }
    }
    return true
  }

  #isWithinLimit(index: number, { limit }: FirewallRule): boolean {
    if (limit === undefined) return true
    const left = this.#left[index] ?? 0
    this.#left[index] = Math.max(0, left - 1)
    return left > 0 !== (limit.over === true)
  }
}
