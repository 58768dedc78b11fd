/** What the kernel reports about its rules: in extended acks, and in the policies of generic families. */
import { type AttributeValues, type extendedAckAttributes, PolicyType } from '@ringlink/codec'
import type { AttributeRule } from './attribute-rules.ts'

/** The values of NL_POLICY_TYPE_ATTR_*, in the kernel's order. */
export type RuleReport = NonNullable<AttributeValues<typeof extendedAckAttributes>['policy']>

const bounds: Readonly<Partial<Record<PolicyType, readonly [minimum: bigint, maximum: bigint]>>> = {
  [PolicyType.U8]: [0n, 0xffn],
  [PolicyType.U16]: [0n, 0xffffn],
  [PolicyType.U32]: [0n, 0xffff_ffffn],
  [PolicyType.U64]: [0n, 0xffff_ffff_ffff_ffffn],
  [PolicyType.Uint]: [0n, 0xffff_ffff_ffff_ffffn],
  [PolicyType.S8]: [-0x80n, 0x7fn],
  [PolicyType.S16]: [-0x8000n, 0x7fffn],
  [PolicyType.S32]: [-0x8000_0000n, 0x7fff_ffffn],
  [PolicyType.S64]: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  [PolicyType.Sint]: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
}

/** What is reported of a rule. `nest` numbers the rules within a nest, where they are dumped with it. */
export function reportRule(rule: AttributeRule, nest?: { index: number; maximum: number }): RuleReport {
  const { type } = rule
  const range = bounds[type]
  if (range !== undefined) {
    const minimum = rule.minimum ?? range[0]
    const maximum = rule.maximum ?? range[1]
    return range[0] < 0n
      ? { minimumSigned: minimum, maximumSigned: maximum, type }
      : { minimumUnsigned: minimum, maximumUnsigned: maximum, type }
  }
  if (nest !== undefined) return { policyIndex: nest.index, policyMaximumType: nest.maximum, type }
  return { minimumLength: rule.shortest, maximumLength: rule.longest, type }
}
