/** Rules in nft's words: docs/rules.md has the grammar. */
import { OptionPlace } from '@ringlink/codec/options'
import { hookSchema } from '../chains.ts'
import type { FirewallRule, RuleFamily, RuleHook, RulePriority } from '../options.ts'
import { MatchParser, matchWords } from './match-parser.ts'
import { StatementParser, statementWords } from './statement-parser.ts'
import { TokenReader } from './tokens.ts'
import { priorityWords } from './words.ts'

/** A rule that a text stands for, and the family that it begins with, if it does. */
export interface ParsedRule extends FirewallRule {
  readonly family?: RuleFamily | undefined
}

const FAMILIES: readonly RuleFamily[] = ['ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp']
const HOOKS: readonly RuleHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']

/**
 * The rule that nft's words stand for: `output udp dport { 53, 853 } ip daddr != 10.0.0.0/8 drop`. How its members go
 * together is checked where it is installed. Throws `RuleSyntaxError`, code `ARGUMENT`, with the column and what was
 * expected there.
 */
export function parseRule(text: string): ParsedRule {
  return parseRuleAt(text, new OptionPlace('read a rule'))
}

/** As {@link parseRule}, for a text among the options of `place`. */
export function parseRuleAt(text: string, place: OptionPlace): ParsedRule {
  const reader = new TokenReader(text, place)
  const position = parsePosition(reader)
  const matches = new MatchParser(reader, position.family)
  const statements = new StatementParser(reader, matches)
  while (reader.next !== undefined) {
    const { column } = reader
    if (statements.take()) continue
    const isMatch = matches.take()
    if (isMatch && !statements.isEmpty)
      throw reader.conflict(column, 'what a rule matches comes before all that it does')
    if (!isMatch)
      throw reader.unexpected('a match or a statement', [...matchWords, ...statementWords], nextWords(reader))
  }
  const match = matches.result
  return { ...position, ...(match === undefined ? {} : { match }), ...statements.result }
}

/** The next two words, as properties have them. */
function nextWords(reader: TokenReader): string {
  return [reader.next, reader.peek(1)].flatMap((token) => (token?.kind === 'word' ? [token.text] : [])).join(' ')
}

function parsePosition(reader: TokenReader): Pick<ParsedRule, 'family' | 'hook' | 'chain' | 'device' | 'priority'> {
  const family = FAMILIES.find(
    (it) => reader.isAt(it) && reader.peek(1)?.kind === 'word' && isPlace(reader.peek(1)?.text),
  )
  if (family !== undefined) reader.take()
  const inFamily = family === undefined ? {} : { family }
  if (reader.skip('chain')) return { ...inFamily, chain: reader.word('the name of a chain').text }
  const hook = HOOKS.find((it) => reader.skip(it))
  if (hook === undefined)
    throw reader.unexpected(`a hook, ${hookSchema.expected}, or 'chain NAME'`, [...HOOKS, 'chain'])
  const device = reader.skip('device') ? { device: reader.word('the name of a device').text } : {}
  const priority = reader.skip('priority') ? { priority: parsePriority(reader) } : {}
  return { ...inFamily, hook, ...device, ...priority }
}

function isPlace(text: string | undefined): boolean {
  return text === 'chain' || HOOKS.some((it) => it === text)
}

function parsePriority(reader: TokenReader): RulePriority {
  const known = Object.keys(priorityWords)
  const token = reader.word(`a priority: ${known.join(', ')} or a number`)
  const name = Object.entries(priorityWords).find(([word, own]) => word === token.text || own === token.text)?.[1]
  if (name !== undefined) return name
  if (/^-?\d{1,10}$/.test(token.text)) return Number(token.text)
  throw reader.wrong(token, `a priority: ${known.join(', ')} or a number`, known)
}
