import { Hook } from '@ringlink/codec'
import {
  boolean,
  either,
  integer,
  object,
  oneOf,
  readArgument,
  required,
  type Schema,
  text,
} from '@ringlink/codec/options'
import type { Rule, RuleLog, RuleMatch } from './rule.ts'

const u16 = integer(0, 0xffff)
const u32 = integer(0, 0xffffffff)
/** `NF_LOG_PREFIXLEN` without the byte that ends the text */
const LONGEST_PREFIX = 127

const match = object<RuleMatch>({
  family: integer(0, 0xff),
  protocol: integer(0, 0xff),
  sourcePort: u16,
  destinationPort: u16,
  mark: u32,
  inputDevice: u32,
  outputDevice: u32,
})

const log = object<RuleLog>({
  group: required(u16),
  prefix: text(0, LONGEST_PREFIX),
  copyLength: u32,
  threshold: u32,
})

const queueRange = object<{ readonly from: number; readonly to: number }>(
  { from: required(u16), to: required(u16) },
  ({ from, to }, place) => {
    integer(from, 0xffff).read(to, place.member('to'))
  },
)

const rules: Schema<Rule> = object<Rule>({
  hook: required(integer(0, Hook.Ingress)),
  priority: integer(-0x80000000, 0x7fffffff),
  match,
  mark: u32,
  log,
  queue: either(u16, queueRange),
  bypass: boolean,
  verdict: oneOf('accept', 'drop'),
})

/** A copy of a rule that was checked. Throws `OptionError`. */
export function checkRule(rule: Rule): Rule {
  return readArgument('add rule', 'rule', rules, rule)
}
