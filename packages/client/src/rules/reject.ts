/** How a packet is rejected. */
import { type Expression, RejectType } from '@ringlink/codec'
import type { RuleFamily, RuleReject } from './options.ts'

type Reason = Exclude<RuleReject, 'tcp-reset'>

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

/** Codes of ICMPv6 "destination unreachable" (ICMPV6_NOROUTE, ICMPV6_PORT_UNREACH, ICMPV6_ADDR_UNREACH, ICMPV6_ADM_PROHIBITED). */
const ipv6: Readonly<Record<Reason, number>> = {
  'no-route': 0,
  'port-unreachable': 4,
  'host-unreachable': 3,
  'admin-prohibited': 1,
}

export function rejectExpression(reject: RuleReject, family: RuleFamily): Expression {
  if (reject === 'tcp-reset') return { name: 'reject', data: { type: RejectType.TcpReset, icmpCode: 0 } }
  const [type, codes] =
    family === 'ip'
      ? [RejectType.IcmpUnreachable, ipv4]
      : family === 'ip6'
        ? [RejectType.IcmpUnreachable, ipv6]
        : [RejectType.IcmpxUnreachable, anyVersion]
  return { name: 'reject', data: { type, icmpCode: codes[reject] } }
}
