import { EncodeError, HookPriority, MAXIMUM_LOG_PREFIX } from '@ringlink/codec'
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import { tryParsePrefix } from '@ringlink/packet'
import { familyNumbers, isDeviceName, type RuleChain } from './chains.ts'
import { badRule } from './errors.ts'
import { protocolNumber, protocolNumbers } from './match.ts'
import type { FirewallRule, InstallOptions, NumberRange, RuleFamily, RulePorts, RuleProperties } from './options.ts'
import { portElements } from './set.ts'

/** Refuses options that make no sense. Throws code `VALUE_RANGE`. */
export function checkInstallOptions({ family, table }: Pick<InstallOptions, 'family' | 'table'>): void {
  if (family !== undefined && !Object.hasOwn(familyNumbers, family)) {
    const names = Object.keys(familyNumbers).join(', ')
    throw new EncodeError('VALUE_RANGE', `family ${family}: there is ${names}`)
  }
  const length = table === undefined ? 1 : new TextEncoder().encode(table).length
  if (length < 1 || length > MAXIMUM_NFTABLES_NAME || table?.includes('\0') === true) {
    throw new EncodeError('VALUE_RANGE', `table: a name of 1 to ${MAXIMUM_NFTABLES_NAME} bytes wanted`)
  }
}

/** Refuses a rule that the kernel would refuse, or that could never do what it says. Throws code `VALUE_RANGE`. */
export function checkRule(index: number, rule: FirewallRule, family: RuleFamily, chain: RuleChain): void {
  const check = new RuleCheck(index, rule, family)
  const { match = {} } = rule
  check.interfaces(match)
  check.interfaces(match.not ?? {})
  check.addresses(match)
  check.transport(match)
  check.rest(match, chain)
  check.rest(match.not ?? {}, chain)
  check.actions()
}

const portProtocols: readonly number[] = [
  protocolNumbers.tcp,
  protocolNumbers.udp,
  protocolNumbers.udplite,
  protocolNumbers.sctp,
  protocolNumbers.dccp,
]
const WORD = 0xffffffff
/** Ports and ranges of a list: those of one message, with room to spare. */
const MOST_PORTS = 1000

class RuleCheck {
  #index: number
  #rule: FirewallRule
  #family: RuleFamily

  constructor(index: number, rule: FirewallRule, family: RuleFamily) {
    this.#index = index
    this.#rule = rule
    this.#family = family
  }

  interfaces({ inputInterface, outputInterface }: RuleProperties): void {
    const { hook } = this.#rule
    if (inputInterface !== undefined) {
      if (hook === 'output' || hook === 'egress')
        this.#refuse(`hook ${hook} has no inputInterface: the packet came in by none`)
      this.#device('inputInterface', inputInterface)
    }
    if (outputInterface !== undefined) {
      if (hook === 'prerouting' || hook === 'input' || hook === 'ingress') {
        this.#refuse(`hook ${hook} has no outputInterface: the packet has not been routed out`)
      }
      this.#device('outputInterface', outputInterface)
    }
  }

  addresses({ not = {}, ...match }: NonNullable<FirewallRule['match']>): void {
    const given = [match.sourceAddress, match.destinationAddress, not.sourceAddress, not.destinationAddress]
    let first: { text: string; version: number } | undefined
    for (const text of given) {
      if (text === undefined) continue
      const network = tryParsePrefix(text)
      if (network === undefined) this.#refuse(`'${text}' is no IPv4 or IPv6 address or network (10.0.0.0/8)`)
      const version = network?.version ?? 0
      if (
        this.#family === 'arp' ||
        (this.#family === 'ip' && version === 6) ||
        (this.#family === 'ip6' && version === 4)
      ) {
        this.#refuse(`${text} is never in a packet of family ${this.#family}`)
      }
      if (first !== undefined && first.version !== version) this.#refuse(`no packet has both ${first.text} and ${text}`)
      first ??= { text, version }
    }
  }

  transport({ not = {}, ...match }: NonNullable<FirewallRule['match']>): void {
    for (const { protocol } of [match, not]) {
      if (protocol === undefined) continue
      this.#noArp('protocol')
      if (typeof protocol === 'string' && !Object.hasOwn(protocolNumbers, protocol)) {
        this.#refuse(`protocol ${protocol}: there is ${Object.keys(protocolNumbers).join(', ')}, and numbers`)
      }
      this.#whole('protocol', protocolNumber(protocol), 0, 255)
    }
    for (const properties of [match, not]) {
      this.#ports('sourcePort', properties.sourcePort, match.protocol)
      this.#ports('destinationPort', properties.destinationPort, match.protocol)
    }
  }

  rest({ mark, ctState, userId }: RuleProperties, { priority }: RuleChain): void {
    if (typeof mark === 'object') {
      this.#whole('mark value', mark.value, 0, WORD)
      this.#whole('mark mask', mark.mask, 1, WORD)
      if ((mark.value & ~mark.mask) !== 0) this.#refuse('mark: the value has bits that the mask has not')
    } else {
      this.#whole('mark', mark, 0, WORD)
    }
    this.#whole('userId', userId, 0, WORD)
    if (ctState === undefined) return
    if (this.#family === 'arp' || this.#family === 'netdev') {
      this.#refuse(`ctState: packets of family ${this.#family} have no connection`)
    }
    if (this.#family !== 'bridge' && priority <= HookPriority.Conntrack) {
      const where = `priority ${priority} is before connection tracking (${HookPriority.Conntrack})`
      this.#refuse(`ctState: ${where}, where packets have no connection`)
    }
    const states = typeof ctState === 'string' ? [ctState] : ctState
    if (states.length === 0) this.#refuse('ctState: at least one is wanted')
    const known = ['new', 'established', 'related', 'invalid', 'untracked']
    for (const state of states)
      if (!known.includes(state)) this.#refuse(`ctState ${state}: there is ${known.join(', ')}`)
  }

  actions(): void {
    const { queue, bypass, fanout, verdict, log, limit, setMark } = this.#rule
    this.#whole('setMark', setMark, 0, WORD)
    if (verdict !== undefined && verdict !== 'accept' && verdict !== 'drop') {
      this.#refuse(`verdict: 'accept' or 'drop' wanted, not ${verdict}`)
    }
    if (queue !== undefined) this.#queue(queue)
    else if (bypass === true || fanout === true) this.#refuse('bypass and fanout belong to a queue, and there is none')
    if (queue !== undefined && verdict !== undefined)
      this.#refuse('queue and verdict: the queue decides, give one of them')
    if (fanout === true && (typeof queue === 'number' || queue?.from === queue?.to)) {
      this.#refuse('fanout: one queue cannot be spread over, give a range of queues')
    }
    if (log !== undefined) {
      this.#whole('log group', log.group, 0, 0xffff)
      this.#whole('log copyRange', log.copyRange, 0, WORD)
      this.#whole('log threshold', log.threshold, 1, 0xffff)
      const length = new TextEncoder().encode(log.prefix ?? '').length
      if (length > MAXIMUM_LOG_PREFIX)
        this.#refuse(`log prefix: up to ${MAXIMUM_LOG_PREFIX} bytes wanted, not ${length}`)
      if (log.prefix?.includes('\0') === true) this.#refuse('log prefix: no zero byte can be in it')
    }
    if (limit !== undefined) {
      this.#whole('limit rate', limit.rate, 1, Number.MAX_SAFE_INTEGER)
      this.#whole('limit burst', limit.burst, 1, WORD)
      if (!['second', 'minute', 'hour', 'day', 'week'].includes(limit.per)) {
        this.#refuse(`limit per ${limit.per}: second, minute, hour, day or week wanted`)
      }
    }
  }

  #queue(queue: number | NumberRange): void {
    if (this.#family === 'netdev' || this.#family === 'arp') {
      this.#refuse(`queue: the kernel does not queue packets of family ${this.#family}`)
    }
    if (this.#rule.hook === 'ingress') this.#refuse('queue: the kernel does not queue packets at hook ingress')
    if (typeof queue === 'number') this.#whole('queue', queue, 0, 0xffff)
    else this.#range('queue', queue, 0xffff)
  }

  #ports(name: string, ports: RulePorts | undefined, protocol: RuleProperties['protocol']): void {
    if (ports === undefined) return
    if (protocol === undefined || !portProtocols.includes(protocolNumber(protocol))) {
      const given = protocol === undefined ? 'none is given' : `${protocol} has none`
      this.#refuse(`${name}: ports need a protocol that has them (tcp, udp, udplite, sctp, dccp), and ${given}`)
    }
    const list = Array.isArray(ports) ? (ports as readonly (number | NumberRange)[]) : [ports as number | NumberRange]
    for (const port of list) {
      if (typeof port === 'number') this.#whole(name, port, 0, 0xffff)
      else this.#range(name, port, 0xffff)
    }
    const { length } = portElements(ports)
    if (length === 0) this.#refuse(`${name}: at least one is wanted`)
    if (length > MOST_PORTS)
      this.#refuse(`${name}: up to ${MOST_PORTS} are wanted, not ${length}; use ranges, or more rules`)
  }

  #range(name: string, { from, to }: NumberRange, maximum: number): void {
    this.#whole(`${name} from`, from, 0, maximum)
    this.#whole(`${name} to`, to, 0, maximum)
    if (to < from) this.#refuse(`${name}: ${to} is before ${from}`)
  }

  #device(name: string, device: string): void {
    const isGood = device !== '*' && isDeviceName(device)
    if (!isGood) this.#refuse(`${name}: '${device}' is no name of a device`)
  }

  #noArp(name: string): void {
    if (this.#family === 'arp') this.#refuse(`${name}: packets of family arp have none`)
  }

  #whole(name: string, value: number | undefined, minimum: number, maximum: number): void {
    if (value === undefined || (Number.isInteger(value) && value >= minimum && value <= maximum)) return
    this.#refuse(`${name}: a whole number from ${minimum} to ${maximum} wanted, not ${value}`)
  }

  #refuse(problem: string): never {
    throw badRule(this.#index, problem)
  }
}
