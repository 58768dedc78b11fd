/**
 * Rules that queue only the first packets of a connection, and let the kernel handle the rest. What a program decides
 * about a connection is in bits of its mark. A verdict gives the packet the bit, and a later chain of ours saves it
 * into the connection: kernels without the glue between packet queues and connection tracking take no marks of
 * connections in verdicts.
 *
 *  at the rule's priority: dropped connection: drop | accepted: accept | to be asked again: queue | later packets:
 *  accept | queue
 *  at the next one:         packet with the bit "drop": save, drop | packet with the bit "accept": save
 */
import type { OptionPlace } from '@ringlink/codec/options'
import { priorityNumber } from './chains.ts'
import type { FirewallRule, OffloadBits, QueueRule, RuleFamily } from './options.ts'
import type { RuleMatch } from './properties.ts'

/** The bits of marks that are used unless the rule says others. */
const DEFAULT_BITS: OffloadBits = { accept: 0x4000_0000, drop: 0x8000_0000, ask: 0x2000_0000 }

/** Rules with those that offloading needs, and which of them is which. */
export interface OffloadPlan {
  readonly rules: readonly FirewallRule[]
  /** for each rule, the index of the one that it was made for */
  readonly owners: readonly number[]
  /** for each rule that was given, those that queue its packets */
  readonly shown: readonly (readonly number[])[]
  /** those that handle packets without user space */
  readonly handled: {
    readonly accepted: readonly number[]
    readonly dropped: readonly number[]
    readonly later: readonly number[]
  }
  readonly bits: OffloadBits | undefined
}

/** Adds the rules of offloading. `queued` makes a rule one that queues. Throws `OptionError`, code `ARGUMENT`. */
export function planOffload(
  given: readonly QueueRule[],
  queued: (rule: QueueRule) => FirewallRule,
  { family, placeOf }: { readonly family: RuleFamily; readonly placeOf: (index: number) => OptionPlace },
): OffloadPlan {
  const rules: FirewallRule[] = []
  const owners: number[] = []
  const shown: number[][] = []
  const handled = { accepted: [] as number[], dropped: [] as number[], later: [] as number[] }
  const saves = new Map<string, { readonly rule: QueueRule; readonly index: number }>()
  let bits: OffloadBits | undefined
  for (const [index, rule] of given.entries()) {
    const add = (made: FirewallRule): number => {
      owners.push(index)
      return rules.push(made) - 1
    }
    const { offload } = rule
    if (offload === undefined) {
      shown.push([add(queued(rule))])
      continue
    }
    const at = placeOf(index)
    checkOffload(rule, family, at)
    const own = offload.bits ?? DEFAULT_BITS
    if (bits !== undefined && (own.accept !== bits.accept || own.drop !== bits.drop || own.ask !== bits.ask)) {
      throw at.member('offload').member('bits').conflict('must be the same in all rules of a queue')
    }
    bits = own
    const decided = (bit: number, verdict: 'accept' | 'drop') =>
      add({ ...place(rule), match: withMark(rule, bit), verdict })
    handled.dropped.push(decided(own.drop, 'drop'))
    handled.accepted.push(decided(own.accept, 'accept'))
    const asked = add({ ...queued(rule), match: withMark(rule, own.ask) })
    const later = { ...rule.match, ctPackets: { from: offload.packets + 1, to: Number.MAX_SAFE_INTEGER } }
    handled.later.push(add({ ...place(rule), match: later, verdict: 'accept' }))
    shown.push([asked, add(queued(rule))])
    const priority = priorityNumber(at, rule.priority ?? 'filter', family)
    saves.set(`${rule.hook} ${priority}`, { rule: { ...rule, priority: priority + 1 }, index })
  }
  if (bits !== undefined) {
    for (const { rule, index } of saves.values()) {
      for (const saved of saveRules(rule, bits)) {
        owners.push(index)
        rules.push(saved)
      }
    }
  }
  return { rules, owners, shown, handled, bits }
}

function place({ hook, device, priority }: QueueRule): Pick<FirewallRule, 'hook' | 'device' | 'priority'> {
  return { hook, device, priority }
}

function withMark({ match = {} }: QueueRule, bit: number): RuleMatch {
  return { ...match, ctMark: { value: bit, mask: bit } }
}

/** What saves the decision that a verdict has put into the packet's mark, and takes it out of there. */
function saveRules({ hook, priority }: QueueRule, { accept, drop, ask }: OffloadBits): FirewallRule[] {
  const clear = { value: 0, mask: (accept | drop) >>> 0 }
  const all = (accept | drop | ask) >>> 0
  const save = (bit: number) => ({
    hook,
    priority,
    match: { mark: { value: bit, mask: bit } },
    setMark: clear,
    setCtMark: { value: bit, mask: all },
  })
  return [{ ...save(drop), verdict: 'drop' }, save(accept)]
}

function checkOffload({ match = {}, chain, offload }: QueueRule, family: RuleFamily, at: OptionPlace): void {
  const own = at.member('offload')
  if (chain !== undefined) throw own.conflict('needs a hook: a rule in a chain has no place where decisions are saved')
  if (family !== 'ip' && family !== 'ip6' && family !== 'inet') {
    throw own.conflict(
      `is not possible in family ${family}: it is for ip, ip6 and inet, whose packets have connections`,
    )
  }
  for (const name of ['ctMark', 'ctPackets'] as const) {
    if (match[name] !== undefined)
      throw at.member('match').member(name).conflict('cannot go with offload, which matches by it')
  }
  const { accept, drop, ask } = offload?.bits ?? DEFAULT_BITS
  if (new Set([accept, drop, ask]).size < 3) throw own.member('bits').conflict('must be three different bits')
}
