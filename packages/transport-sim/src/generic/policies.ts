/** The answers to CTRL_CMD_GETPOLICY (net/netlink/policy.c): which policy a command has, and what is in each policy. */
import type { AttributeValues, controllerAttributes } from '@ringlink/codec'
import type { AttributeRules } from '../netlink/attribute-rules.ts'
import { reportRule } from '../netlink/rule-report.ts'
import type { GenericCommand } from './command.ts'

type Row = Pick<AttributeValues<typeof controllerAttributes>, 'policy' | 'operationPolicy'>

/**
 * One row for each command with a policy, then one for each attribute of each policy. Nests have policies of their own.
 */
export function policyRows(commands: readonly GenericCommand[]): Row[] {
  const policies: AttributeRules[] = []
  const indexOf = (rules: AttributeRules | undefined) => (rules === undefined ? undefined : note(policies, rules))
  const rows: Row[] = []
  for (const { number, do: single, dump } of commands) {
    const value = { do: indexOf(single?.rules), dump: indexOf(dump?.rules) }
    if (value.do === undefined && value.dump === undefined) continue
    // The kernel reports the number of the part that is not a dump, which is 0 where there is none.
    rows.push({ operationPolicy: [{ command: single === undefined ? 0 : number, value }] })
  }
  for (const [policy, { rules }] of policies.entries()) {
    for (const [attribute, rule] of [...rules].sort(([a], [b]) => a - b)) {
      const nest = rule.nest && { index: policies.indexOf(rule.nest), maximum: rule.nest.maximum }
      rows.push({ policy: [{ policy, attribute, value: reportRule(rule, nest) }] })
    }
  }
  return rows
}

/** The number of a policy, which is given one, with those of its nests, when it is met first. */
function note(policies: AttributeRules[], rules: AttributeRules): number {
  if (!policies.includes(rules)) {
    policies.push(rules)
    for (let index = policies.length - 1; index < policies.length; index++) {
      for (const { nest } of policies[index]?.rules.values() ?? []) {
        if (nest !== undefined && !policies.includes(nest)) policies.push(nest)
      }
    }
  }
  return policies.indexOf(rules)
}
