/** Whether the rules of a table make sense together: jumps that end, and expressions where they can be. */
import { MAXIMUM_JUMPS } from './expressions/evaluate.ts'
import type { NfTablesChain, NfTablesTable } from './ruleset.ts'

/** EMLINK, for jumps that are too deep or go round and round. */
export const EMLINK = 31

/** Goes through all that packets of its base chains can come to; 0 or a negative errno. */
export function validateTable(table: NfTablesTable): number {
  for (const chain of table.chains) {
    if (chain.hook === undefined) continue
    const refused = validateChain(chain, chain, 0)
    if (refused !== 0) return refused
  }
  return 0
}

function validateChain(base: NfTablesChain, chain: NfTablesChain, depth: number): number {
  if (depth === MAXIMUM_JUMPS) return -EMLINK
  for (const rule of chain.rules) {
    if (rule.removed) continue
    for (const { target, set, validate } of rule.expressions) {
      const refused = target === undefined ? (validate?.(base) ?? 0) : validateChain(base, target, depth + 1)
      if (refused !== 0) return refused
      for (const next of set?.targets ?? []) {
        const jumped = base.table.chains.find((it) => it === next)
        const refusedInMap = jumped === undefined ? 0 : validateChain(base, jumped, depth + 1)
        if (refusedInMap !== 0) return refusedInMap
      }
    }
  }
  return 0
}
