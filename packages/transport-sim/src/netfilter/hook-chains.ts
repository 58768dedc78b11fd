import { Verdict } from '@ringlink/codec'
import { headersOf } from '../internet/transit.ts'
import type { SimPacket } from './packet.ts'
import type { Rule, RuleLog, RuleMatch } from './rule.ts'
import { checkRule } from './rule-schema.ts'
import { queueVerdict } from './verdict.ts'

/** A base chain: what the packets of a hook meet at one priority. */
export interface Chain {
  readonly priority: number
  /** the verdict on a packet of any family; ACCEPT continues with the next chain */
  judge(packet: SimPacket): number
}

/** What the rules of a kernel need from it. */
export interface RuleHost {
  log(packet: SimPacket, log: RuleLog): void
  /** the queue of a range for a packet's addresses */
  balance(packet: SimPacket, range: { readonly from: number; readonly to: number }): number
}

/** The rules of one priority that `SimKernel.addRule` has added. */
class RuleChain implements Chain {
  readonly priority: number
  readonly rules: Rule[] = []
  #host: RuleHost

  constructor(priority: number, host: RuleHost) {
    this.priority = priority
    this.#host = host
  }

  /** The verdict of the first rule that has one, or ACCEPT. */
  judge(packet: SimPacket): number {
    const { rules } = this
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as Rule
      if (!matches(rule.match, packet)) continue
      if (rule.mark !== undefined) packet.mark = rule.mark
      if (rule.log !== undefined) this.#host.log(packet, rule.log)
      if (rule.queue !== undefined) {
        const number = typeof rule.queue === 'number' ? rule.queue : this.#host.balance(packet, rule.queue)
        return queueVerdict(number, rule.bypass === true)
      }
      if (rule.verdict !== undefined) return rule.verdict === 'accept' ? Verdict.Accept : Verdict.Drop
    }
    return Verdict.Accept
  }
}

/**
 * The base chains of a kernel's hooks: those of nf_tables, of connection tracking, and of the rules that were added
 * directly.
 */
export class HookChains {
  #host: RuleHost
  #chains: Chain[][] = [[], [], [], [], [], []]
  // Rules are copies; by these they are found.
  #given = new WeakMap<Rule, Rule>()

  constructor(host: RuleHost) {
    this.#host = host
  }

  /** The chains of a hook, in the order in which packets pass them. */
  at(hook: number): readonly Chain[] {
    return this.#chains[hook] ?? NO_CHAINS
  }

  /** Adds a rule after the others of its chain. Throws `OptionError`. */
  addRule(given: Rule): void {
    const rule = checkRule(given)
    this.#given.set(rule, given)
    const chains = this.#chains[rule.hook] as Chain[]
    const priority = rule.priority ?? 0
    let chain = chains.filter(isRuleChain).find((it) => it.priority === priority)
    if (chain === undefined) {
      chain = new RuleChain(priority, this.#host)
      insert(chains, chain)
    }
    chain.rules.push(rule)
  }

  /** Removes a rule; an unknown one is not an error. The chain stays, as a base chain does. */
  removeRule(rule: Rule): void {
    for (const { rules } of this.#chains.flat().filter(isRuleChain)) {
      const index = rules.findIndex((it) => this.#given.get(it) === rule)
      if (index >= 0) rules.splice(index, 1)
    }
  }

  /** Adds a base chain of the kernel to a hook. */
  attach(hook: number, chain: Chain): void {
    const chains = this.#chains[hook]
    if (chains !== undefined) insert(chains, chain)
  }

  detach(hook: number, chain: Chain): void {
    const chains = this.#chains[hook]
    const index = chains?.indexOf(chain) ?? -1
    if (index >= 0) chains?.splice(index, 1)
  }
}

function isRuleChain(chain: Chain): chain is RuleChain {
  return chain instanceof RuleChain
}

/** The last chain that was added is the first of its priority. */
function insert(chains: Chain[], chain: Chain): void {
  const index = chains.findIndex(({ priority }) => priority >= chain.priority)
  chains.splice(index < 0 ? chains.length : index, 0, chain)
}

const NO_CHAINS: readonly Chain[] = []

/** True when `packet` is one that `match` describes. */
function matches(match: RuleMatch | undefined, packet: SimPacket): boolean {
  if (match === undefined) return true
  return (
    agrees(match.family, packet.family) &&
    agrees(match.mark, packet.mark) &&
    agrees(match.inputDevice, packet.inputDevice) &&
    agrees(match.outputDevice, packet.outputDevice) &&
    agreesWithHeaders(match, packet.bytes)
  )
}

function agreesWithHeaders({ protocol, sourcePort, destinationPort }: RuleMatch, bytes: Uint8Array): boolean {
  if (protocol === undefined && sourcePort === undefined && destinationPort === undefined) return true
  const headers = headersOf(bytes)
  return (
    (protocol === undefined || protocol === headers.protocol) &&
    (sourcePort === undefined || sourcePort === headers.sourcePort) &&
    (destinationPort === undefined || destinationPort === headers.destinationPort)
  )
}

function agrees(expected: number | undefined, value: number): boolean {
  return expected === undefined || expected === value
}
