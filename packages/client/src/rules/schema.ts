/** The options of rules, each described once by itself. check.ts has the combinations that each family allows. */
import { MAXIMUM_LOG_PREFIX } from '@ringlink/codec'
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import {
  abortSignal,
  boolean,
  either,
  integer,
  list,
  type Members,
  milliseconds,
  object,
  oneOf,
  required,
  type Schema,
  schemaOf,
  text,
} from '@ringlink/codec/options'
import { openTransport, transportOrOpen } from '../transport-schema.ts'
import { hookSchema } from './chains.ts'
import { device, numberRange } from './fields/kinds.ts'
import { dscpNames } from './fields/names.ts'
import type {
  FirewallRule,
  IcmpCode,
  Icmpv6Code,
  InstallOptions,
  LogRule,
  MapLookUp,
  OffloadBits,
  QueueRule,
  RuleAddTo,
  RuleFamily,
  RuleLimit,
  RuleLog,
  RuleOffload,
  RuleQuota,
} from './options.ts'
import type { Dscp } from './properties.ts'
import { icmpRejectKind, icmpv6RejectKind } from './reject.ts'
import { bits, keyProperties, match } from './schema-match.ts'
import { ruleSets } from './sets/definition.ts'
import { parseRuleAt } from './text/parse.ts'

const WORD = 0xffffffff

const logMembers: Members<RuleLog> = {
  group: required(integer(0, 0xffff)),
  prefix: text(0, MAXIMUM_LOG_PREFIX),
  copyRange: integer(0, WORD),
  threshold: integer(1, 0xffff),
}

const limit: Schema<RuleLimit> = object<RuleLimit>({
  rate: required(integer(1, Number.MAX_SAFE_INTEGER)),
  per: required(oneOf('second', 'minute', 'hour', 'day', 'week')),
  burst: integer(1, WORD),
  over: boolean,
  by: oneOf('sourceAddress', 'destinationAddress'),
  set: text(1, MAXIMUM_NFTABLES_NAME),
})

const quota: Schema<RuleQuota> = object<RuleQuota>({
  bytes: required(integer(1, Number.MAX_SAFE_INTEGER)),
  over: boolean,
})

const dscpName = oneOf(...(Object.keys(dscpNames) as Exclude<Dscp, number>[]))
const name = text(1, MAXIMUM_NFTABLES_NAME)

const mapLookUp: Schema<MapLookUp> = object<MapLookUp>({ map: required(name), by: required(keyProperties) })
const newMark = either(either(integer(0, WORD), bits), mapLookUp)

export const family: Schema<RuleFamily> = oneOf('ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp')

const ruleMembers: Members<FirewallRule> = {
  hook: hookSchema,
  chain: name,
  device,
  allowMissingDevice: boolean,
  priority: either(
    oneOf('raw', 'mangle', 'destinationNat', 'filter', 'security', 'sourceNat', 'bridgeOut'),
    integer(-0x80000000, 0x7fffffff),
  ),
  match,
  limit,
  quota,
  counter: name,
  log: object<RuleLog>(logMembers),
  addTo: object<RuleAddTo>({
    set: required(name),
    by: required(keyProperties),
    timeout: milliseconds(1),
    refresh: boolean,
  }),
  setMark: either(newMark, oneOf('connection')),
  setCtMark: either(newMark, oneOf('packet')),
  setPriority: integer(0, WORD),
  setDscp: either(dscpName, integer(0, 63)),
  notrack: boolean,
  queue: either(integer(0, 0xffff), numberRange(0, 0xffff)),
  bypass: boolean,
  fanout: boolean,
  reject: either(
    oneOf('port-unreachable', 'host-unreachable', 'no-route', 'admin-prohibited', 'tcp-reset'),
    either(
      object<{ readonly icmp: IcmpCode }>({ icmp: required(icmpRejectKind.element) }),
      object<{ readonly icmpv6: Icmpv6Code }>({ icmpv6: required(icmpv6RejectKind.element) }),
    ),
  ),
  jump: name,
  goto: name,
  verdict: either(oneOf('accept', 'drop', 'return'), mapLookUp),
}

/** A rule, or its text in nft's words. */
function ruleOrText<Rule>(schema: Schema<Rule>): Schema<Rule> {
  return {
    ...schema,
    expected: `${schema.expected}, or text in nft's words`,
    types: [...schema.types, 'string'],
    read: (value, place) => schema.read(typeof value === 'string' ? parseRuleAt(value, place) : value, place),
  }
}

/** The rules of `installRules`. */
export const firewallRules: Schema<readonly FirewallRule[]> = list(ruleOrText(object<FirewallRule>(ruleMembers)), 1)

const {
  queue: _queue,
  bypass: _bypass,
  fanout: _fanout,
  reject,
  jump,
  goto,
  verdict,
  log,
  ...feedMembers
} = ruleMembers
const { group: _group, ...logOptions } = logMembers

const bit: Schema<number> = schemaOf(
  'a number with one bit set, up to 0x80000000',
  ['number'],
  (value: number, place) => {
    const isBit = Number.isInteger(value) && value > 0 && value <= 0x8000_0000 && Number.isInteger(Math.log2(value))
    if (!isBit) throw place.outOfRange('a number with one bit set, up to 0x80000000', value)
    return value
  },
)

const offload: Schema<RuleOffload> = object<RuleOffload>({
  packets: required(integer(1, 0xffffffff)),
  bits: object<OffloadBits>({ accept: required(bit), drop: required(bit), ask: required(bit) }),
})

const queueRule: Schema<QueueRule> = ruleOrText(
  object<QueueRule>({ ...feedMembers, log, family, onExit: oneOf('bypass', 'block'), offload }),
)
/** `rule` of `openQueue`. */
export const queueRules: Schema<QueueRule | readonly QueueRule[]> = either(queueRule, list(queueRule, 1))

const logRule: Schema<LogRule> = ruleOrText(
  object<LogRule>({ ...feedMembers, ...logOptions, reject, jump, goto, verdict, family }),
)
/** `rule` of `openLog`. */
export const logRules: Schema<LogRule | readonly LogRule[]> = either(logRule, list(logRule, 1))

/** The options of `installRules`. */
export const installOptions: Schema<InstallOptions> = object<InstallOptions>({
  transport: required(transportOrOpen),
  family,
  sets: ruleSets,
  table: text(1, MAXIMUM_NFTABLES_NAME),
  persistent: boolean,
  requestTimeout: milliseconds(1),
  signal: abortSignal,
})

/** The options of `checkRules`. */
export const checkOptions: Schema<Pick<InstallOptions, 'family' | 'sets'>> = object<
  Pick<InstallOptions, 'family' | 'sets'>
>({ family, sets: ruleSets })

/** `ruleTransport` of `openQueue` and `openLog`. */
export const ruleTransport = openTransport
