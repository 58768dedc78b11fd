/** Interprets rules without the package under test: which packets they match, and what happens to those. */
import type { FirewallRule, NumberRange, RuleFamily, RuleProperties } from '@ringlink/client'
import fc from 'fast-check'
import { ADDRESSES, addressNumber, DEVICES, MARKS, PORTS, USERS } from './random-rules.ts'

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
  })
}

/**
 * A random packet at the hook of `rule`. Most have the properties that the rule matches, except ports, which are near
 * those of rules.
 */
export function packetFor(rule: FirewallRule): fc.Arbitrary<DescribedPacket> {
  return fc
    .constantFrom(4 as const, 6 as const)
    .chain((version) => fc.tuple(packetAt(rule.hook, version), fc.nat(3), fc.nat(3)))
    .map(([packet, member, chance]) => (chance === 0 ? packet : aimed(packet, rule.match ?? {}, member)))
}

function aimed(packet: DescribedPacket, match: RuleProperties, member: number): DescribedPacket {
  const { protocol, sourceAddress, destinationAddress, mark, ctState, userId } = match
  const pick = <Value>(given: Value | readonly Value[]): Value =>
    Array.isArray(given) ? given[member % given.length] : (given as Value)
  const address = (given: string | readonly string[] | undefined, own: string) => {
    const [base = ''] = given === undefined ? [own] : pick(given).split('/')
    return base.includes(':') === (packet.version === 6) ? base : own
  }
  const device = (given: string | undefined, own: string) =>
    given === undefined || own === '' ? own : (DEVICES.find((name) => isDevice(name, given)) ?? own)
  // Other protocols cannot be built as packets.
  const number = typeof protocol === 'string' ? protocolNames[protocol] : protocol
  return {
    ...packet,
    protocol: number === 6 || number === 17 ? number : packet.protocol,
    source: address(sourceAddress, packet.source),
    destination: address(destinationAddress, packet.destination),
    input: device(match.inputInterface, packet.input),
    output: device(match.outputInterface, packet.output),
    mark: mark === undefined ? packet.mark : typeof mark === 'number' ? mark : mark.value,
    state: ctState === undefined ? packet.state : pick<string>(ctState),
    user: userId ?? packet.user,
  }
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

const isPort = (port: number) => (given: number | NumberRange) =>
  typeof given === 'number' ? port === given : port >= given.from && port <= given.to

function isDevice(name: string, given: string): boolean {
  return given.endsWith('*') ? name.startsWith(given.slice(0, -1)) : name === given
}

function isMark(mark: number, given: NonNullable<RuleProperties['mark']>): boolean {
  return typeof given === 'number' ? mark === given : (mark & given.mask) >>> 0 === given.value
}

/** Each property of a packet; undefined if the packet does not have it. */
function judge(packet: DescribedPacket, properties: RuleProperties): (boolean | undefined)[] {
  const { protocol, sourcePort, destinationPort, sourceAddress, destinationAddress, ctState, userId, mark } = properties
  const { inputInterface, outputInterface } = properties
  const found: (boolean | undefined)[] = []
  const hasPorts = packet.protocol === 6 || packet.protocol === 17
  const addressed = (given: string | readonly string[], address: string) => {
    const isSame = isAny(given, (text) => text.includes(':') === (packet.version === 6))
    return isSame ? isAny(given, (text) => isInNetwork(address, text)) : undefined
  }
  if (protocol !== undefined)
    found.push(packet.protocol === (typeof protocol === 'number' ? protocol : protocolNames[protocol]))
  if (sourcePort !== undefined) found.push(hasPorts ? isAny(sourcePort, isPort(packet.sourcePort)) : undefined)
  if (destinationPort !== undefined)
    found.push(hasPorts ? isAny(destinationPort, isPort(packet.destinationPort)) : undefined)
  if (sourceAddress !== undefined) found.push(addressed(sourceAddress, packet.source))
  if (destinationAddress !== undefined) found.push(addressed(destinationAddress, packet.destination))
  if (inputInterface !== undefined) found.push(isDevice(packet.input, inputInterface))
  if (outputInterface !== undefined) found.push(isDevice(packet.output, outputInterface))
  if (mark !== undefined) found.push(isMark(packet.mark, mark))
  if (ctState !== undefined) found.push(isAny<string>(ctState, (state) => state === packet.state))
  if (userId !== undefined) found.push(packet.user === undefined ? undefined : packet.user === userId)
  return found
}

/** Whether a rule matches a packet, according to its text. */
export function isMatched(rule: FirewallRule, packet: DescribedPacket): boolean {
  const { not = {}, ...match } = rule.match ?? {}
  return judge(packet, match).every((it) => it === true) && judge(packet, not).every((it) => it === false)
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
        mark = rule.setMark ?? mark
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
