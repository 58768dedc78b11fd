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
import { tryParsePrefix } from '@ringlink/packet'
import { openTransport, transportOrOpen } from '../transport-schema.ts'
import type {
  FirewallRule,
  InstallOptions,
  LogRule,
  NumberRange,
  QueueRule,
  RuleFamily,
  RuleHook,
  RuleLimit,
  RuleLog,
  RuleMatch,
  RuleProperties,
} from './options.ts'

const WORD = 0xffffffff
const PORT = 0xffff
/** Maximum elements of an array: they fit into one message. */
export const MOST_ELEMENTS = 1000
const LONGEST_DEVICE_NAME = 15

export function numberRange(maximum: number): Schema<NumberRange> {
  const end = required(integer(0, maximum))
  return object<NumberRange>({ from: end, to: end }, ({ from, to }, place) => {
    if (to < from) throw place.member('to').outOfRange(`at least ${from}, where the range begins`, to)
  })
}

/** Whether a device can have this name: 1 to 15 bytes, without white space, `/` and `:` (kernel: `dev_valid_name`). */
function isDeviceName(name: string): boolean {
  if (name === '.' || name === '..') return false
  return new TextEncoder().encode(name).length <= LONGEST_DEVICE_NAME && /^[^\s/:\0]+$/.test(name)
}

const DEVICE = 'the name of a network device, 1 to 15 bytes'
const device: Schema<string> = schemaOf(DEVICE, ['string'], (name: string, place) => {
  if (isDeviceName(name)) return name
  throw place.outOfRange(DEVICE, name)
})

const DEVICES = `${DEVICE}, or a prefix followed by '*'`
const devices: Schema<string> = schemaOf(DEVICES, ['string'], (name: string, place) => {
  if (name !== '*' && isDeviceName(name)) return name
  throw place.outOfRange(DEVICES, name)
})

const ADDRESS = 'an IPv4 or IPv6 address, or a network such as 10.0.0.0/8'
const address: Schema<string> = schemaOf(ADDRESS, ['string'], (value: string, place) => {
  if (tryParsePrefix(value) !== undefined) return value
  throw place.outOfRange(ADDRESS, value)
})
const addresses = either(address, list(address, 1, MOST_ELEMENTS))

const port = either(integer(0, PORT), numberRange(PORT))
const ports = either(port, list(port, 1, MOST_ELEMENTS))

export interface Bits {
  readonly value: number
  readonly mask: number
}

export const bits: Schema<Bits> = object<Bits>(
  { value: required(integer(0, WORD)), mask: required(integer(1, WORD)) },
  ({ value, mask }, place) => {
    if ((value & ~mask) !== 0)
      throw place.member('value').outOfRange(`without bits that mask (${mask}) does not have`, value)
  },
)

const state = oneOf('new', 'established', 'related', 'invalid', 'untracked')

const properties: Members<RuleProperties> = {
  protocol: either(oneOf('tcp', 'udp', 'udplite', 'icmp', 'icmpv6', 'sctp', 'dccp'), integer(0, 255)),
  sourcePort: ports,
  destinationPort: ports,
  sourceAddress: addresses,
  destinationAddress: addresses,
  inputInterface: devices,
  outputInterface: devices,
  mark: either(integer(0, WORD), bits),
  ctState: either(state, list(state, 1)),
  userId: integer(0, WORD),
}

const match: Schema<RuleMatch> = object<RuleMatch>({ ...properties, not: object<RuleProperties>(properties) })

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
})

const hook: Schema<RuleHook> = oneOf('prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress')
export const family: Schema<RuleFamily> = oneOf('ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp')

const ruleMembers: Members<FirewallRule> = {
  hook: required(hook),
  device,
  allowMissingDevice: boolean,
  priority: either(
    oneOf('raw', 'mangle', 'destinationNat', 'filter', 'security', 'sourceNat', 'bridgeOut'),
    integer(-0x80000000, 0x7fffffff),
  ),
  match,
  limit,
  log: object<RuleLog>(logMembers),
  setMark: integer(0, WORD),
  queue: either(integer(0, 0xffff), numberRange(0xffff)),
  bypass: boolean,
  fanout: boolean,
  verdict: oneOf('accept', 'drop'),
}

/** The rules of `installRules`. */
export const firewallRules: Schema<readonly FirewallRule[]> = list(object<FirewallRule>(ruleMembers), 1)

const { queue: _queue, bypass: _bypass, fanout: _fanout, verdict, log, ...feedMembers } = ruleMembers
const { group: _group, ...logOptions } = logMembers

const queueRule: Schema<QueueRule> = object<QueueRule>({
  ...feedMembers,
  log,
  family,
  onExit: oneOf('bypass', 'block'),
})
/** `rule` of `openQueue`. */
export const queueRules: Schema<QueueRule | readonly QueueRule[]> = either(queueRule, list(queueRule, 1))

const logRule: Schema<LogRule> = object<LogRule>({ ...feedMembers, ...logOptions, verdict, family })
/** `rule` of `openLog`. */
export const logRules: Schema<LogRule | readonly LogRule[]> = either(logRule, list(logRule, 1))

/** The options of `installRules`. */
export const installOptions: Schema<InstallOptions> = object<InstallOptions>({
  transport: required(transportOrOpen),
  family,
  table: text(1, MAXIMUM_NFTABLES_NAME),
  persistent: boolean,
  requestTimeout: milliseconds(1),
  signal: abortSignal,
})

/** `ruleTransport` of `openQueue` and `openLog`. */
export const ruleTransport = openTransport
