import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goals } from '../goals.ts'
import { DOCS } from '../paths.ts'
import type { Machine, Results } from '../results.ts'
import type { Spread } from '../statistics.ts'
import { GROUPS } from '../workload.ts'

/** The measured values of the goals on one kind of machine: kept when another kind of machine is measured. */
export interface MachineRecord {
  readonly machine: Machine
  /** by the goal's criterion; absent where it was not measured */
  readonly measured: Readonly<Record<string, Spread>>
}

const RECORDS = join(DOCS, 'performance', 'machines')

/** The file of a kind of machine: its processor and the number of its cores. */
export function recordName({ processor, cores }: Machine): string {
  const args = `${processor} ${cores}`.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return `${args.join('-')}.json`
}

/** Whether all groups were measured, in one run. */
export function isWhole({ options }: Results): boolean {
  return options.groups.length === GROUPS.length
}

/** What these results say about the goals. */
export function recordOf(results: Results): MachineRecord {
  const measured = goals.flatMap(({ criterion, measured: measure }): [string, Spread][] => {
    const spread = measure(results)
    return spread === undefined ? [] : [[criterion, spread]]
  })
  return { machine: results.machine, measured: Object.fromEntries(measured) }
}

/** All records, the newest first. */
export function readRecords(folder: string = RECORDS): MachineRecord[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as MachineRecord)
    .sort((a, b) => b.machine.date.localeCompare(a.machine.date))
}

/**
 * Adds these results to the records, in place of those of the same kind of machine, or of some of its goals if only a
 * part was measured. The path of the file.
 */
export function writeRecord(results: Results, folder: string = RECORDS): string {
  mkdirSync(folder, { recursive: true })
  const name = recordName(results.machine)
  const path = join(folder, name)
  const old = isWhole(results) ? undefined : readRecords(folder).find(({ machine }) => recordName(machine) === name)
  const { machine, measured } = recordOf(results)
  const record = { machine: old?.machine ?? machine, measured: { ...old?.measured, ...measured } }
  writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`)
  return path
}
