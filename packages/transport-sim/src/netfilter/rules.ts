import { headersOf } from '../internet/transit.ts'
import type { SimPacket } from './packet.ts'
import type { Rule, RuleMatch } from './rule.ts'
import { checkRule } from './rule-schema.ts'

/** The rules of one priority, or a base chain of nf_tables. */
export interface Chain {
  readonly priority: number
  readonly rules: Rule[]
  /** of a base chain of nf_tables: its verdict on a packet of any family */
  readonly judge: ((packet: SimPacket) => number) | undefined
}

/** The rules of a kernel, sorted into the chains that packets pass. */
export class RuleSet {
  #chains: Chain[][] = [[], [], [], [], [], []]
  // Rules are copies; by these they are found.
  #given = new WeakMap<Rule, Rule>()

  /** The chains of a hook, in the order in which packets pass them. */
  chains(hook: number): readonly Chain[] {
    return this.#chains[hook] ?? NO_CHAINS
  }

  /** Adds a rule after the others of its chain. Throws `OptionError`. */
  add(given: Rule): void {
    const rule = checkRule(given)
    this.#given.set(rule, given)
    const chains = this.#chains[rule.hook] as Chain[]
    const priority = rule.priority ?? 0
    let chain = chains.find((it) => it.priority === priority && it.judge === undefined)
    if (chain === undefined) {
      chain = { priority, rules: [], judge: undefined }
      insert(chains, chain)
    }
    chain.rules.push(rule)
  }

  /** Puts a base chain of nf_tables on the way of the packets of a hook. */
  attach(hook: number, chain: Chain): void {
    const chains = this.#chains[hook]
    if (chains !== undefined) insert(chains, chain)
  }

  detach(hook: number, chain: Chain): void {
    const chains = this.#chains[hook]
    const index = chains?.indexOf(chain) ?? -1
    if (index >= 0) chains?.splice(index, 1)
  }

  /** Removes a rule; an unknown one is not an error. The chain stays, as a base chain does. */
  remove(rule: Rule): void {
    for (const { rules } of this.#chains.flat()) {
      const index = rules.findIndex((it) => this.#given.get(it) === rule)
      if (index >= 0) rules.splice(index, 1)
    }
  }
}

/** Of chains of one priority the last that came sees a packet first. */
function insert(chains: Chain[], chain: Chain): void {
  const index = chains.findIndex(({ priority }) => priority >= chain.priority)
  chains.splice(index < 0 ? chains.length : index, 0, chain)
}

const NO_CHAINS: readonly Chain[] = []

/** True when `packet` is one that `match` describes. */
export function matches(match: RuleMatch | undefined, packet: SimPacket): boolean {
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
