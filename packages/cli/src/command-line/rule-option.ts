import type { FirewallRule, NumberRange, RuleHook, RuleProtocol } from 'ringlink'
import { readNumber, UsageError } from './options.ts'

/** What --rule is, for --help. */
export const RULE_HELP = `Rules: a hook (prerouting, input, forward, output, postrouting), then what packets must have:
  tcp  udp  icmp  icmpv6  sctp     the protocol
  53   dport 1000:2000   sport 53  the port that they are for, or that they come from; a number or a range
  Example: --rule 'output udp 53' --rule 'input tcp sport 443'`

const HOOKS: readonly RuleHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']
const PROTOCOLS: readonly RuleProtocol[] = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp']

/** A rule as the command line has it. */
export type GivenRule = Pick<FirewallRule, 'hook' | 'match'>

/** Reads the rules of --rule. Throws {@link UsageError}. */
export function readRules(texts: readonly string[]): GivenRule[] {
  return texts.map((text) => readRule(text))
}

function readRule(text: string): GivenRule {
  const [first = '', ...words] = text.trim().split(/\s+/)
  const hook = HOOKS.find((name) => name === first)
  if (hook === undefined) throw new UsageError(`--rule ${text}: it begins with a hook: ${HOOKS.join(', ')}`)
  const match: { protocol?: RuleProtocol; sourcePort?: NumberRange; destinationPort?: NumberRange } = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const name = word
    const protocol = PROTOCOLS.find((it) => it === name)
    if (protocol !== undefined) match.protocol = protocol
    else if (name === 'sport') match.sourcePort = readPorts(text, words.shift())
    else match.destinationPort = readPorts(text, name === 'dport' ? words.shift() : name)
  }
  const hasPorts = match.protocol === 'tcp' || match.protocol === 'udp' || match.protocol === 'sctp'
  if (!hasPorts && (match.sourcePort ?? match.destinationPort) !== undefined) {
    throw new UsageError(`--rule ${text}: ports need tcp, udp or sctp`)
  }
  return { hook, match }
}

function readPorts(rule: string, text = ''): NumberRange {
  const [from = '', to = from, ...more] = text.split(':')
  const isRange = /^\d+(:\d+)?$/.test(text) && more.length === 0
  if (!isRange)
    throw new UsageError(`--rule ${rule}: '${text}' where a port (53) or a range of them (1000:2000) is wanted`)
  const first = readNumber('--rule', from, 0, 0xffff) ?? 0
  const last = readNumber('--rule', to, first, 0xffff) ?? 0
  return { from: first, to: last }
}
