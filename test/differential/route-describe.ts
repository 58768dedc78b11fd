/**
 * Messages of rtnetlink as text, without what may differ between kernels: counters, times, and what packets have
 * caused.
 */
import {
  type MessageView,
  NewFlag,
  type OperationDescription,
  readAttributes,
  readBody,
  replyLayout,
} from '@ringlink/codec'
import { rtAddr } from '@ringlink/families/rt-addr'
import { linkinfoBrportAttributes, rtLink } from '@ringlink/families/rt-link'
import { rtNeigh } from '@ringlink/families/rt-neigh'
import { rtRoute } from '@ringlink/families/rt-route'

const HEADER = 16
/** RTM_NEWNEIGH, RTM_DELNEIGH; NUD_NOARP */
const NEIGHBOURS: ReadonlySet<number> = new Set([28, 29])
const NO_ARP = 0x40
const IPV6 = 10
/** AF_BRIDGE; `sizeof(struct ifinfomsg)`; IFLA_PROTINFO; NLA_TYPE_MASK */
const BRIDGE = 7
const LINK_HEADER = 16
const PROTINFO = 12
const TYPE_MASK = 0x3fff
/** RTPROT_KERNEL, IP6_RT_PRIO_ADDRCONF */
const KERNEL = 2
const PREFIX_PRIORITY = 256

const operations: readonly [name: string, type: number, operation: OperationDescription][] = [
  ['newlink', 16, rtLink.operations.newlink],
  ['dellink', 17, rtLink.operations.dellink],
  ['newaddr', 20, rtAddr.operations.newaddr],
  ['deladdr', 21, rtAddr.operations.deladdr],
  ['newroute', 24, rtRoute.operations.newroute],
  ['delroute', 25, rtRoute.operations.delroute],
  ['newneigh', 28, rtNeigh.operations.newneigh],
  ['delneigh', 29, rtNeigh.operations.delneigh],
]

type Values = Readonly<Record<string, unknown>>

/** The values of a message; `undefined` for one that packets have caused. */
export function describeRoute(
  view: MessageView,
): { readonly text: string; readonly index: number; readonly isRacing?: boolean } | undefined {
  const { type, flags, memory, offset, length } = view
  const found = operations.find(([, number]) => number === type)
  if (found === undefined) return { text: `type ${type}`, index: 0 }
  const [name, , operation] = found
  const { header, attributes } = replyLayout(operation)
  if (header === undefined) throw new Error(`${name} has no header`)
  const values: Values = readBody({ kind: 'body', header, set: attributes }, memory, offset + HEADER, length - HEADER)
  const fields = values.header as Readonly<Record<string, number>>
  const shownValues = fields.family === BRIDGE && 'protinfo' in values ? withPort(values, view) : values
  // Entries for the multicast addresses that the kernel itself sends to.
  if (NEIGHBOURS.has(type) && fields.state === NO_ARP) return undefined
  const index = Number(fields.index ?? fields.ifindex ?? values.oif ?? 0)
  // Whether another link has had such a route before depends on which came up first.
  const isRacing = fields.family === IPV6 && fields.protocol === KERNEL && values.priority === PREFIX_PRIORITY
  const shown = isRacing ? flags & ~NewFlag.Exclusive : flags
  return { text: `${name} flags ${shown} ${JSON.stringify(shownValues, comparable)}`, index, isRacing }
}

/** A link's values with IFLA_PROTINFO, which AF_BRIDGE has as a nest: the table knows only bytes. */
function withPort(values: Values, { memory, offset, length }: MessageView): Values {
  for (let at = offset + HEADER + LINK_HEADER; at < offset + length; ) {
    const size = memory.u16[at >> 1] as number
    const type = memory.u16[(at >> 1) + 1] as number
    if ((type & TYPE_MASK) === PROTINFO) {
      return { ...values, protinfo: { type, ...readAttributes(linkinfoBrportAttributes, memory, at + 4, size - 4) } }
    }
    at += (size + 3) & ~3
  }
  return values
}

const hidden: ReadonlySet<string> = new Set([
  'stats',
  'stats64',
  'icmp6stats',
  'tstamp',
  'cstamp',
  'reachableTime',
  'confirmed',
  'used',
  'updated',
  'refcnt',
  'clntref',
  'lastuse',
  'fdbNLearned',
  'mcastNGroups',
])
const timers: ReadonlySet<string> = new Set([
  'helloTimer',
  'tcnTimer',
  'topologyChangeTimer',
  'gcTimer',
  'messageAgeTimer',
  'forwardDelayTimer',
  'holdTimer',
])

/** Seconds, which run on while a script runs. */
const lifetimes: ReadonlySet<string> = new Set(['ifaPrefered', 'ifaValid'])
const FOREVER = 0xffffffff

/** To the next hundred: a script that takes longer has waited for nothing. */
function lifetimeText(seconds: number): string {
  return seconds === FOREVER ? 'forever' : `up to ${Math.ceil(seconds / 100) * 100} s`
}

function comparable(key: string, value: unknown): unknown {
  // That an attribute is there counts, and its place.
  if (hidden.has(key) || timers.has(key)) return 'not compared'
  if (key === 'expires' && value !== 0) return 'at some time'
  if (lifetimes.has(key)) return lifetimeText(Number(value))
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array && value.length === 6 && isRandom(value)) return 'random'
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return value
}

/** Whether an address of a device is one that the kernel has chosen: those of scripts differ in the last byte. */
function isRandom(address: Uint8Array): boolean {
  return address[0] === 2 || address[0] === 0xfe
    ? address.subarray(1, 5).some((byte) => byte !== 0)
    : ((address[0] ?? 0) & 3) === 2
}
