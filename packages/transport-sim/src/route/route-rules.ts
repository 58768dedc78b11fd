/** What the kernel accepts in requests for routes (`rtm_ipv4_policy`, `rtm_ipv6_policy`). */
import { PolicyType } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { routeAttributes } from '@ringlink/families/rt-route'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'
import { IPV4, IPV6 } from './route.ts'

export const RTA = attributeNumbers(routeAttributes)

const u32: AttributeRule = { type: PolicyType.U32 }
const bytes16: AttributeRule = { type: PolicyType.Binary, shortest: 16 }
const rulesWith = (address: AttributeRule): AttributeRules => ({
  maximum: RTA.flowlabel,
  rules: new Map<number, AttributeRule>([
    [RTA.dst, address],
    [RTA.src, address],
    [RTA.gateway, address],
    [RTA.prefsrc, address],
    [RTA.iif, u32],
    [RTA.oif, u32],
    [RTA.priority, u32],
    [RTA.table, u32],
    [RTA.metrics, { type: PolicyType.Nested }],
    [RTA.nhId, u32],
    [RTA.expires, u32],
    [RTA.pref, { type: PolicyType.U8 }],
    [RTA.mark, u32],
    [RTA.uid, u32],
    [RTA.ipProto, { type: PolicyType.U8 }],
    [RTA.sport, { type: PolicyType.U16 }],
    [RTA.dport, { type: PolicyType.U16 }],
  ]),
})
export const routeRules = { [IPV4]: rulesWith(u32), [IPV6]: rulesWith(bytes16) } as const
