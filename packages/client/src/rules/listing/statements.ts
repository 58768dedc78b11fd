/** What rules do, in nft's words: the expressions that compare nothing and use no register. */
import {
  type Expression,
  type ExpressionData,
  escapeText,
  LimitType,
  MatchFlag,
  quoteText,
  RejectType,
  RuleQueueFlag,
  readLogTarget,
  readQueueTarget,
} from '@ringlink/codec'
import { icmpCodes, icmpv6Codes, type Names } from '../fields/names.ts'

/** The text of a statement; `undefined` for expressions that are none. */
export function statementText({ name, data }: Expression): string | undefined {
  switch (name) {
    case 'limit':
      return limitText(data as ExpressionData<'limit'>)
    case 'quota':
      return quotaText(data as ExpressionData<'quota'>)
    case 'objref':
      return `counter name "${(data as ExpressionData<'objref'>).name ?? '?'}"`
    case 'log':
      return logText(data as ExpressionData<'log'>)
    case 'queue':
      return queueText(data as ExpressionData<'queue'>)
    case 'target':
      return targetText(data as ExpressionData<'target'>)
    case 'notrack':
      return 'notrack'
    default:
      return undefined
  }
}

const periods = [
  ['week', 604_800n],
  ['day', 86_400n],
  ['hour', 3600n],
  ['minute', 60n],
  ['second', 1n],
] as const

/** Packets of a burst unless something else is said. */
const USUAL_BURST = 5

export function limitText({ rate = 0n, unit = 1n, burst = 0, type, flags = 0 }: ExpressionData<'limit'>): string {
  const over = (flags & MatchFlag.Invert) === 0 ? '' : 'over '
  const period = periods.find(([, seconds]) => seconds === unit)?.[0] ?? `${unit} seconds`
  const isBytes = type === LimitType.Bytes
  const isUsual = burst === (isBytes ? 0 : USUAL_BURST)
  const more = isUsual ? '' : ` burst ${burst} ${isBytes ? 'bytes' : 'packets'}`
  const amount = isBytes ? `${rate} bytes` : String(rate)
  return `limit rate ${over}${amount}/${period}${more}`
}

function quotaText({ bytes = 0n, consumed = 0n, flags = 0 }: ExpressionData<'quota'>): string {
  const over = (flags & MatchFlag.Invert) === 0 ? '' : 'over '
  return `quota ${over}${bytesText(bytes)}${consumed === 0n ? '' : ` used ${bytesText(consumed)}`}`
}

function bytesText(bytes: bigint): string {
  const units = ['bytes', 'kbytes', 'mbytes'] as const
  let [count, unit] = [bytes, 0]
  while (count > 0n && count % 1024n === 0n && unit < units.length - 1) {
    count /= 1024n
    unit++
  }
  return `${count} ${units[unit]}`
}

interface LogData {
  readonly group?: number | undefined
  readonly prefix?: string | undefined
  readonly copyRange?: number | undefined
  readonly threshold?: number | undefined
}

function logText({ group, prefix, copyRange, threshold }: LogData): string {
  return [
    'log',
    prefix === undefined || prefix === '' ? undefined : `prefix "${escapeText(prefix)}"`,
    group === undefined ? undefined : `group ${group}`,
    copyRange === undefined ? undefined : `snaplen ${copyRange}`,
    threshold === undefined || threshold === 0 ? undefined : `queue-threshold ${threshold}`,
  ]
    .filter((it) => it !== undefined)
    .join(' ')
}

function queueText({ number = 0, total = 1, flags = 0 }: ExpressionData<'queue'>): string {
  const words = [
    (flags & RuleQueueFlag.Bypass) === 0 ? undefined : 'bypass',
    (flags & RuleQueueFlag.CpuFanout) === 0 ? undefined : 'fanout',
  ].filter((word) => word !== undefined)
  const last = total > 1 ? `-${number + total - 1}` : ''
  return `queue${words.length === 0 ? '' : ` flags ${words.join(',')}`} to ${number}${last}`
}

/** The xtables targets that replace the expressions queue and log on kernels that lack them. */
function targetText({ name = '', information }: ExpressionData<'target'>): string {
  try {
    if (name === 'NFQUEUE' && information !== undefined) return queueText(readQueueTarget(information))
    if (name === 'NFLOG' && information !== undefined) return logText(readLogTarget(information))
  } catch {
    // Another revision of the target: only its name is known.
  }
  return `xt target ${quoteText(name)}`
}

/** Codes that a reject has for packets of both IP versions (NFT_REJECT_ICMPX_*), by nft's names. */
const anyVersionCodes: Names = { 'no-route': 0, 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 }
const rejectCodes: Readonly<Record<string, Names>> = { icmp: icmpCodes, icmpv6: icmpv6Codes, icmpx: anyVersionCodes }

/**
 * A reject in a table of `family`; `version` is that of the packets, where it is known: codes of ICMPv6 have other
 * names.
 */
export function rejectText(
  { type, icmpCode = 0 }: ExpressionData<'reject'>,
  family: string,
  version: 4 | 6 | undefined,
): string {
  if (type === RejectType.TcpReset) return 'reject with tcp reset'
  const kind = type === RejectType.IcmpxUnreachable ? 'icmpx' : version === 6 ? 'icmpv6' : 'icmp'
  const name = Object.entries(rejectCodes[kind] ?? {}).find(([, number]) => number === icmpCode)?.[0]
  const isUsual = kind === 'icmpx' || family === 'ip' || family === 'ip6'
  return name === 'port-unreachable' && isUsual ? 'reject' : `reject with ${kind} ${name ?? icmpCode}`
}
