/** How a packet is rejected. */
import { type Expression, RejectType } from '@ringlink/codec'
import { integer } from '@ringlink/codec/options'
import { codeKind, DataType, type ValueKind } from './fields/kinds.ts'
import { icmpCodes, icmpv6Codes } from './fields/names.ts'
import type { IcmpCode, Icmpv6Code, RuleFamily, RuleReject } from './options.ts'

type Reason = Exclude<RuleReject, 'tcp-reset' | object>

/** NFT_REJECT_ICMPX_*, which the kernel turns into the code of the packet's IP version. */
const anyVersion: Readonly<Record<Reason, number>> = {
  'no-route': 0,
  'port-unreachable': 1,
  'host-unreachable': 2,
  'admin-prohibited': 3,
}

/** Codes of "destination unreachable" (ICMP_NET_UNREACH, ICMP_PORT_UNREACH, ICMP_HOST_UNREACH, ICMP_PKT_FILTERED). */
const ipv4: Readonly<Record<Reason, number>> = {
  'no-route': 0,
  'port-unreachable': 3,
  'host-unreachable': 1,
  'admin-prohibited': 13,
}

/**
 * Codes of ICMPv6 "destination unreachable" (ICMPV6_NOROUTE, ICMPV6_PORT_UNREACH, ICMPV6_ADDR_UNREACH,
 * ICMPV6_ADM_PROHIBITED).
 */
const ipv6: Readonly<Record<Reason, number>> = {
  'no-route': 0,
  'port-unreachable': 4,
  'host-unreachable': 3,
  'admin-prohibited': 1,
}

/** The codes of {@link RuleReject}'s `icmp`. */
export const icmpRejectKind: ValueKind<IcmpCode> = codeKind<Exclude<IcmpCode, number>>(
  1,
  DataType.IcmpCode,
  icmpCodes as Readonly<Record<Exclude<IcmpCode, number>, number>>,
  integer(0, 0xff),
)

/** The codes of {@link RuleReject}'s `icmpv6`. */
export const icmpv6RejectKind: ValueKind<Icmpv6Code> = codeKind<Exclude<Icmpv6Code, number>>(
  1,
  DataType.Icmpv6Code,
  icmpv6Codes as Readonly<Record<Exclude<Icmpv6Code, number>, number>>,
  integer(0, 0xff),
)

/** The IP version of the packets that can be rejected so; `undefined` for both. */
export function rejectVersion(reject: RuleReject | undefined): 4 | 6 | undefined {
  if (typeof reject !== 'object') return undefined
  return 'icmp' in reject ? 4 : 6
}

export function rejectExpression(reject: RuleReject, family: RuleFamily): Expression {
  if (reject === 'tcp-reset') return { name: 'reject', data: { type: RejectType.TcpReset, icmpCode: 0 } }
  if (typeof reject === 'object') {
    const code =
      'icmp' in reject ? icmpRejectKind.rangeOf(reject.icmp).from : icmpv6RejectKind.rangeOf(reject.icmpv6).from
    return { name: 'reject', data: { type: RejectType.IcmpUnreachable, icmpCode: Number(code) } }
  }
  const [type, codes] =
    family === 'ip'
      ? [RejectType.IcmpUnreachable, ipv4]
      : family === 'ip6'
        ? [RejectType.IcmpUnreachable, ipv6]
        : [RejectType.IcmpxUnreachable, anyVersion]
  return { name: 'reject', data: { type, icmpCode: codes[reject] } }
}
