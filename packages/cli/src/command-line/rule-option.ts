import { quoteText } from '@ringlink/codec'
import { type NumberRange, OptionError, parseRule, type QueueRule, type RuleHook, type RuleProtocol } from 'ringlink'
import { didYouMean } from './nearest.ts'
import { readNumber, UsageError } from './values.ts'

const HOOKS: readonly RuleHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']
const PROTOCOLS: readonly RuleProtocol[] = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp']
const WITH_PORTS: readonly (RuleProtocol | undefined)[] = ['tcp', 'udp', 'sctp']

/** A rule as the command line has it: which packets the queue or the log gets, and what happens to them before. */
export type GivenRule = Omit<QueueRule, 'onExit' | 'log'>

const NOT_GIVEN = ['log', 'queue', 'bypass', 'fanout', 'reject', 'jump', 'goto', 'verdict'] as const
/** The short form: a hook, a protocol, ports without more ado. */
const SHORT = /^\s*[a-z]+(\s+(tcp|udp|icmp|icmpv6|sctp))?(\s+((sport|dport)\s+)?\d+(:\d+)?)*\s*$/

/** Reads the rules of --rule, in nft's words or in the short form. Throws {@link UsageError}. */
export function readRules(texts: readonly string[]): GivenRule[] {
  return texts.map((text) => (SHORT.test(text) ? readRule(text) : readNftRule(text)))
}

function readNftRule(text: string): GivenRule {
  const where = `--rule ${quoteText(text)}`
  try {
    const rule = parseRule(text)
    const extra = NOT_GIVEN.find((name) => rule[name] !== undefined)
    if (extra !== undefined)
      throw new UsageError(`${where}: must not say what is decided (${extra}): the queue or log does`)
    return rule
  } catch (error) {
    if (error instanceof OptionError) throw new UsageError(`${where}: ${error.message.replace(/^read a rule: /, '')}`)
    throw error
  }
}

interface GivenMatch {
  protocol?: RuleProtocol
  sourcePort?: NumberRange
  destinationPort?: NumberRange
}

function readRule(text: string): GivenRule {
  const where = `--rule ${quoteText(text)}`
  const [first = '', ...words] = text.trim().split(/\s+/)
  const hook = HOOKS.find((name) => name === first)
  if (hook === undefined) {
    throw new UsageError(`${where}: must begin with a hook (${HOOKS.join(', ')})${didYouMean(first, HOOKS)}`)
  }
  const match: GivenMatch = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const name = word
    const protocol = PROTOCOLS.find((it) => it === name)
    if (protocol !== undefined) {
      if (match.protocol !== undefined) throw new UsageError(`${where}: has two protocols`)
      match.protocol = protocol
      continue
    }
    const property = name === 'sport' ? 'sourcePort' : 'destinationPort'
    if (match[property] !== undefined) throw new UsageError(`${where}: has two ports of one kind`)
    match[property] = readPorts(where, name === 'sport' || name === 'dport' ? words.shift() : name)
  }
  const hasPorts = match.sourcePort !== undefined || match.destinationPort !== undefined
  if (hasPorts && !WITH_PORTS.includes(match.protocol)) throw new UsageError(`${where}: ports need tcp, udp or sctp`)
  return { hook, match }
}

function readPorts(where: string, text = ''): NumberRange {
  const [from = '', to = from] = text.split(':')
  if (!/^\d+(:\d+)?$/.test(text)) {
    const known = [...PROTOCOLS.map(String), 'sport', 'dport']
    throw new UsageError(
      `${where}: expected a port (53) or a range (1000:2000), got ${quoteText(text)}${didYouMean(text, known)}`,
    )
  }
  const first = readNumber(`${where}: port`, from, 0, 0xffff) ?? 0
  const last = readNumber(`${where}: port`, to, first, 0xffff) ?? 0
  return { from: first, to: last }
}
