/** Connections as conntrack(8) prints them. */
import { escapeText } from '@ringlink/codec'
import type { Connection, ConnectionTuple } from 'ringlink'

const NAMES: ReadonlySet<unknown> = new Set(['icmp', 'tcp', 'udp', 'dccp', 'gre', 'icmpv6', 'sctp', 'udplite'])
const NUMBERS: Readonly<Record<string, number>> = {
  ...{ icmp: 1, tcp: 6, udp: 17, dccp: 33, gre: 47, icmpv6: 58, sctp: 132, udplite: 136 },
}
const NAME_WIDTH = 8
const MILLISECONDS = 1000
const NANOSECONDS = 1_000_000_000n

/** One line: `tcp      6 431999 ESTABLISHED src=... dst=... [ASSURED] mark=0 use=1`. */
export function connectionLine(connection: Connection): string {
  const { original, reply, state, timeout, mark, zone, use, counters, timestamp, helper, securityContext } = connection
  const { protocol } = original
  const name = NAMES.has(protocol) ? String(protocol) : 'unknown'
  const has = (word: Connection['status'][number]) => connection.status.includes(word)
  const isFlowing = has('offload') || has('hardware-offload')
  const isIcmp = protocol === 'icmp' || protocol === 'icmpv6'
  const parts = [
    `${name.padEnd(NAME_WIDTH)} ${typeof protocol === 'number' ? protocol : NUMBERS[protocol]}`,
    timeout === undefined || isFlowing ? undefined : String(timeout / MILLISECONDS),
    state === undefined ? undefined : stateText(state),
    ...tupleParts(original, original.zone === undefined ? undefined : `zone-orig=${original.zone}`),
    ...counterParts(counters?.original),
    has('seen-reply') ? undefined : '[UNREPLIED]',
    ...tupleParts(reply, reply.zone === undefined ? undefined : `zone-reply=${reply.zone}`),
    ...counterParts(counters?.reply),
    has('hardware-offload') ? '[HW_OFFLOAD]' : undefined,
    has('offload') && !has('hardware-offload') ? '[OFFLOAD]' : undefined,
    has('assured') && !isFlowing && !isIcmp ? '[ASSURED]' : undefined,
    `mark=${mark}`,
    securityContext === undefined ? undefined : `secctx=${escapeText(securityContext)}`,
    timestamp === undefined ? undefined : `delta-time=${ageOf(timestamp.start, timestamp.stop)}`,
    zone === 0 ? undefined : `zone=${zone}`,
    use === undefined ? undefined : `use=${use}`,
    helper === undefined ? undefined : `helper=${escapeText(helper)}`,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}

function stateText(state: NonNullable<Connection['state']>): string {
  return String(state).toUpperCase().replaceAll('-', '_')
}

function ageOf(start: bigint, stop: bigint = BigInt(Date.now()) * 1_000_000n): bigint {
  return stop > start ? (stop - start) / NANOSECONDS : 0n
}

function tupleParts(tuple: ConnectionTuple, zone: string | undefined): (string | undefined)[] {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode, icmpId } = tuple
  const addresses = [`src=${tuple.sourceAddress}`, `dst=${tuple.destinationAddress}`]
  if (icmpType !== undefined)
    return [...addresses, `type=${icmpType}`, `code=${icmpCode ?? 0}`, `id=${icmpId ?? 0}`, zone]
  if (sourcePort === undefined || destinationPort === undefined) return [...addresses, zone]
  if (protocol === 'gre')
    return [...addresses, `srckey=0x${sourcePort.toString(16)}`, `dstkey=0x${destinationPort.toString(16)}`, zone]
  return [...addresses, `sport=${sourcePort}`, `dport=${destinationPort}`, zone]
}

function counterParts(counters: { packets: bigint; bytes: bigint } | undefined): string[] {
  return counters === undefined ? [] : [`packets=${counters.packets}`, `bytes=${counters.bytes}`]
}

/** A connection as an object of a JSON line: numbers where JSON has them, hex for bytes, no attributes. */
export function connectionJson({ attributes: _, ...connection }: Connection): object {
  return JSON.parse(
    JSON.stringify(connection, (_key, value: unknown) => {
      if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
    }),
  ) as object
}
