/** Checks which options of a rule can be combined, with each other and with the family and hook. */
import { HookPriority } from '@ringlink/codec'
import type { OptionPlace } from '@ringlink/codec/options'
import { tryParsePrefix } from '@ringlink/packet'
import type { RuleChain } from './chains.ts'
import { protocolNumber, protocolNumbers } from './match.ts'
import type { FirewallRule, RuleFamily, RuleMatch, RuleProperties } from './options.ts'
import { listOf } from './set.ts'

/** Refuses a rule that the kernel would refuse or that could never match. Throws `OptionError`, code `ARGUMENT`. */
export function checkRule(place: OptionPlace, rule: FirewallRule, family: RuleFamily, chain: RuleChain): void {
  const check = new RuleCheck(place, rule, family)
  check.match(rule.match ?? {}, chain)
  check.actions()
}

const portProtocols: readonly number[] = [
  protocolNumbers.tcp,
  protocolNumbers.udp,
  protocolNumbers.udplite,
  protocolNumbers.sctp,
  protocolNumbers.dccp,
]

class RuleCheck {
  #place: OptionPlace
  #rule: FirewallRule
  #family: RuleFamily

  constructor(place: OptionPlace, rule: FirewallRule, family: RuleFamily) {
    this.#place = place
    this.#rule = rule
    this.#family = family
  }

  match(match: RuleMatch, chain: RuleChain): void {
    const { not = {} } = match
    const place = this.#place.member('match')
    const sides = [
      { properties: match, at: place },
      { properties: not, at: place.member('not') },
    ] as const
    for (const { properties, at } of sides) {
      this.#interfaces(properties, at)
      this.#ports(properties, match, at)
      this.#connection(properties, at, chain)
    }
    this.#addresses(sides)
  }

  #interfaces({ inputInterface, outputInterface }: RuleProperties, at: OptionPlace): void {
    const { hook } = this.#rule
    if (inputInterface !== undefined && (hook === 'output' || hook === 'egress')) {
      throw at
        .member('inputInterface')
        .conflict(`cannot be matched at hook ${hook}: the packet did not arrive on a device`)
    }
    if (outputInterface !== undefined && (hook === 'prerouting' || hook === 'input' || hook === 'ingress')) {
      throw at
        .member('outputInterface')
        .conflict(`cannot be matched at hook ${hook}: the packet has not been routed to a device yet`)
    }
  }

  #addresses(sides: readonly { readonly properties: RuleProperties; readonly at: OptionPlace }[]): void {
    let first: { readonly text: string; readonly version: number } | undefined
    for (const { properties, at } of sides) {
      for (const name of ['sourceAddress', 'destinationAddress'] as const) {
        for (const text of listOf(properties[name] ?? [])) {
          const version = tryParsePrefix(text)?.version ?? 0
          const isForeign = (this.#family === 'ip' && version === 6) || (this.#family === 'ip6' && version === 4)
          if (this.#family === 'arp' || isForeign) {
            throw at.member(name).conflict(`${text} never occurs in a packet of family ${this.#family}`)
          }
          if (first !== undefined && first.version !== version) {
            throw at
              .member(name)
              .conflict(`${text} cannot go with ${first.text}: no packet has both; use a rule for each`)
          }
          first ??= { text, version }
        }
      }
    }
  }

  #ports(properties: RuleProperties, { protocol }: RuleMatch, at: OptionPlace): void {
    if (properties.protocol !== undefined && this.#family === 'arp') {
      throw at.member('protocol').conflict('cannot be matched in family arp, whose packets have none')
    }
    for (const name of ['sourcePort', 'destinationPort'] as const) {
      if (properties[name] === undefined) continue
      if (protocol !== undefined && portProtocols.includes(protocolNumber(protocol))) continue
      const given = protocol === undefined ? 'match.protocol is missing' : `${protocol} does not`
      throw at.member(name).conflict(`needs a protocol that has ports (tcp, udp, udplite, sctp, dccp), and ${given}`)
    }
  }

  #connection({ ctState }: RuleProperties, at: OptionPlace, { priority }: RuleChain): void {
    if (ctState === undefined) return
    const place = at.member('ctState')
    if (this.#family === 'arp' || this.#family === 'netdev') {
      throw place.conflict(`cannot be matched in family ${this.#family}, whose packets have no connection`)
    }
    if (isBeforeTracking(this.#family, priority)) throw place.conflict(`cannot be matched at ${untracked(priority)}`)
  }

  actions(): void {
    const { queue, bypass, fanout, verdict } = this.#rule
    if (queue === undefined) {
      for (const [name, value] of Object.entries({ bypass, fanout })) {
        if (value === true) throw this.#place.member(name).conflict('belongs to a queue, and queue is missing')
      }
      return
    }
    if (verdict !== undefined) throw this.#place.member('verdict').conflict('cannot go with queue: the queue decides')
    if (fanout === true && (typeof queue === 'number' || queue.from === queue.to)) {
      throw this.#place.member('fanout').conflict('needs a range of queues; one cannot be spread over')
    }
    const place = this.#place.member('queue')
    if (this.#family === 'netdev' || this.#family === 'arp') {
      throw place.conflict(`is not possible in family ${this.#family}: the kernel does not queue its packets`)
    }
    if (this.#rule.hook === 'ingress') {
      throw place.conflict('is not possible at hook ingress: the kernel does not queue packets there')
    }
  }
}

/** Whether packets have no connection yet in a chain of this priority. */
export function isBeforeTracking(family: RuleFamily, priority: number): boolean {
  return family !== 'bridge' && priority <= HookPriority.Conntrack
}

/** Describes such a priority, for errors. */
export function untracked(priority: number): string {
  return `priority ${priority}, which is before connection tracking (${HookPriority.Conntrack}): packets have no connection there`
}
