import { Hook } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'
import { headersOf } from '../internet/transit.ts'
import type { SimPacket } from './packet.ts'

/** Which packets a rule is for; what is left out does not matter. */
export interface RuleMatch {
  /** `Family` */
  readonly family?: number | undefined
  /** protocol of the transport header: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6 */
  readonly protocol?: number | undefined
  readonly sourcePort?: number | undefined
  readonly destinationPort?: number | undefined
  readonly mark?: number | undefined
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
}

/** How a packet is logged on its way. */
export interface RuleLog {
  readonly group: number
  /** text that the log entry carries; default empty, as the firewall's own rules have it */
  readonly prefix?: string | undefined
  /** bytes to copy at most, within the group's own range */
  readonly copyLength?: number | undefined
  /** entries that are to be sent together, if that is fewer than the group's own number */
  readonly threshold?: number | undefined
}

/** A rule: what it does is done in the order of these members. Without `queue` and `verdict` the next rule is tried. */
export interface Rule {
  /** `Hook` */
  readonly hook: number
  /** rules of lower priority see a packet first; those of one priority make up a chain, in which ACCEPT ends the search. Default 0 */
  readonly priority?: number | undefined
  readonly match?: RuleMatch | undefined
  /** gives the packet this mark */
  readonly mark?: number | undefined
  readonly log?: RuleLog | undefined
  /** hands it to that queue, or to one of a range, always the same for the same addresses */
  readonly queue?: number | { readonly from: number; readonly to: number } | undefined
  /** let it pass when nobody listens to the queue */
  readonly bypass?: boolean | undefined
  readonly verdict?: 'accept' | 'drop' | undefined
}

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

  /** The chains of a hook, in the order in which packets pass them. */
  chains(hook: number): readonly Chain[] {
    return this.#chains[hook] ?? NO_CHAINS
  }

  /** Adds a rule after the others of its chain. Throws code `ARGUMENT` for numbers out of bounds. */
  add(rule: Rule): void {
    checkRule(rule)
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
      const index = rules.indexOf(rule)
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

function checkRule({ hook, queue, log }: Rule): void {
  const whole = (value: number | undefined, name: string, maximum: number) => {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= maximum)) {
      throw new TransportError('ARGUMENT', 'add rule', `${name}: a whole number up to ${maximum} wanted, not ${value}`)
    }
  }
  whole(hook, 'hook', Hook.Ingress)
  whole(log?.group, 'log group', 0xffff)
  if (typeof queue !== 'object') {
    whole(queue, 'queue', 0xffff)
    return
  }
  whole(queue.from, 'first queue', 0xffff)
  whole(queue.to, 'last queue', 0xffff)
  if (queue.to < queue.from) throw new TransportError('ARGUMENT', 'add rule', 'the last queue is before the first')
}
