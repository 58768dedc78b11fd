import { parseArgs } from 'node:util'
import { COMPARABLE } from './compare.ts'
import type { Settings } from './experiment.ts'
import { GROUPS, type Group } from './workload.ts'

export const HELP = `Measures ringlink beside its peers on the real kernel, in a network namespace of its own, and writes
bench/results/latest.json; after a whole run, which takes three quarters of an hour of a machine that does nothing else, also
docs/performance.md.

  --quick           a look at everything that matters, within three minutes on a machine that does nothing else
  --only GROUPS     of ${GROUPS.join(', ')}; separated by commas
  --match TEXT      of these only what has it in its name: drain, closed-1024, ids
  --repetitions N   of every measurement (default 5, quick 2)
  --compare REF     the working tree beside another commit, tag or branch of this repository, which is built in
                    ~/.cache/ringlink/compare; of ${COMPARABLE.join(', ')} only, and nothing is written
  --busy            neither wait for a quiet machine nor measure again what was disturbed: for trying things out
  --json            the results on standard output, and nothing is written
  --help

Exit code 0: measured; 1: something was lost that must not be; 2: it could not be measured.`

export interface Options {
  readonly quick: boolean
  readonly groups: readonly Group[]
  readonly match: string
  /** the other state to measure */
  readonly compare: string | undefined
  readonly json: boolean
  readonly help: boolean
  readonly inside: boolean
  readonly settings: Settings
}

/** Throws an Error whose message is for the user. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      match: { type: 'string', default: '' },
      compare: { type: 'string' },
      repetitions: { type: 'string' },
      busy: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      inside: { type: 'boolean', default: false },
    },
  })
  const { quick, match, compare, json, help, inside } = values
  const repetitions = Number(values.repetitions ?? (quick ? 2 : 5))
  if (!Number.isInteger(repetitions) || repetitions < 1) {
    throw new Error(`--repetitions must be an integer of at least 1, got '${values.repetitions}'`)
  }
  const settings: Settings = quick
    ? { repetitions, window: 0.5, scale: 0.5, patience: 0.4, redos: 0, warm: 60_000, limit: 165 }
    : { repetitions, window: 1.2, scale: 1, patience: 20, redos: 3, warm: 120_000, limit: Number.POSITIVE_INFINITY }
  return {
    quick,
    groups: groupsOf(values.only, compare === undefined ? GROUPS : COMPARABLE),
    match,
    compare,
    json,
    help,
    inside,
    settings: values.busy ? { ...settings, patience: 0, redos: 0 } : settings,
  }
}

function groupsOf(only: string | undefined, groups: readonly Group[]): Group[] {
  if (only === undefined) return [...groups]
  const chosen = only.split(',').map((name) => name.trim())
  const unknown = chosen.filter((name) => !(groups as readonly string[]).includes(name))
  if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(', ')}; expected ${groups.join(', ')}`)
  return groups.filter((group) => chosen.includes(group))
}
