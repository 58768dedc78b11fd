import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { goals } from '../src/goals.ts'
import { readRecords, recordName, writeRecord } from '../src/report/machines.ts'
import { goalTable } from '../src/report/tables.ts'
import type { Machine, Results, Run } from '../src/results.ts'
import { GROUPS, type Group } from '../src/workload.ts'

const folder = mkdtempSync(join(tmpdir(), 'ringlink-records-'))
afterAll(() => rmSync(folder, { recursive: true }))

const machine: Machine = {
  date: '2026-11-26T00:00:00.000Z',
  processor: 'AMD EPYC',
  cores: 2,
  kernel: '6.18',
  system: 'Debian',
  node: 'v20',
  compiler: 'cc',
  prices: { systemCall: 300, wakeUpHere: 4000, wakeUpElsewhere: null },
}
const run = (contender: string, repetition: number, value: number): Run => ({
  workload: 'drain',
  contender,
  repetition,
  value,
  details: {},
  otherCores: 0,
  isDisturbed: false,
  redone: 0,
})
const resultsOf = (where: Machine, values: readonly number[], groups: readonly Group[] = GROUPS): Results => ({
  schema: 1,
  machine: where,
  options: { quick: false, repetitions: values.length, groups },
  workloads: [],
  runs: values.flatMap((value, repetition) => [run('ringlink', repetition, value), run('c-best', repetition, 100)]),
  missing: [],
})

test('each kind of machine has a record of its own, which a later run on it replaces', () => {
  const other: Machine = { ...machine, processor: 'Intel(R) Xeon(R)', date: '2026-11-25T00:00:00.000Z' }
  expect([recordName(machine), recordName(other)]).toEqual(['amd-epyc-2.json', 'intel-r-xeon-r-2.json'])
  writeRecord(resultsOf(machine, [50, 60, 70]), folder)
  writeRecord(resultsOf(other, [80]), folder)
  writeRecord(resultsOf(machine, [99, 98, 97]), folder)
  const records = readRecords(folder)
  expect(records.map(({ machine: { processor } }) => processor)).toEqual(['AMD EPYC', 'Intel(R) Xeon(R)'])
  expect(records[0]?.measured).toEqual({
    'socket / best C, drain': { median: 0.98, minimum: 0.97, maximum: 0.99, count: 3 },
  })
  const table = goalTable(records)
  expect(table).toContain('| socket / best C, drain | ≥ 0.97 | 0.98 [0.97-0.99] | 0.80 **missed** |')
  expect(table).toContain('| an empty system call, ns |  | 300 | 300 |')
  expect(table).toContain('| waking a thread on another processor, ns |  | – | – |')
})

test('a run of some groups replaces what it measured, and nothing else', () => {
  const part = mkdtempSync(join(folder, 'part-'))
  const { runs } = resultsOf(machine, [50])
  const latency = runs.map((each) => ({ ...each, workload: 'latency' }))
  writeRecord({ ...resultsOf(machine, [50]), runs: [...runs, ...latency] }, part)
  writeRecord(resultsOf({ ...machine, date: '2026-11-27T00:00:00.000Z' }, [98], ['queue']), part)
  const [record, ...others] = readRecords(part)
  expect(others).toEqual([])
  expect(record?.machine).toEqual(machine)
  expect(record?.measured).toMatchObject({
    'socket / best C, drain': { median: 0.98 },
    'latency p50 / C, event loop, same CPU': { median: 0.5 },
  })
})

test('the records of the repository name criteria that are measured', () => {
  const known = new Set(goals.map(({ criterion }) => criterion))
  for (const { measured } of readRecords()) expect(Object.keys(measured).filter((name) => !known.has(name))).toEqual([])
})
