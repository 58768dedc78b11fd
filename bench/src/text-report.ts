import type { Results, WorkloadInfo } from './results.ts'
import type { Spread } from './statistics.ts'
import { detailOf, ratioOf, spreadOfValue } from './summary.ts'

/** The results as plain lines: each contender's median, its range, and its ratio to the first one that has a value. */
export function textReport(results: Results): string {
  return results.workloads.map((workload) => workloadText(results, workload)).join('\n')
}

function workloadText(results: Results, workload: WorkloadInfo): string {
  const reference = referenceOf(results, workload)
  const lines = workload.contenders.map((contender) => {
    const value = spreadOfValue(results, workload.name, contender)
    const label = `  ${contender.padEnd(36)}`
    if (value === undefined) return `${label}- ${reasonOf(results, workload.name, contender)}`
    const ratio = reference === undefined ? undefined : ratioOf(results, workload.name, contender, reference)
    const cpu = detailOf(results, workload.name, contender, 'microsecondsPerPacket')
    const extra = cpu === undefined ? '' : `  ${cpu.median.toFixed(2)} µs CPU`
    return `${label}${spreadText(value, formatNumber)}  x ${spreadText(ratio, (number) => number.toFixed(3))}${extra}${marksOf(results, workload.name, contender)}`
  })
  return `${workload.name}: ${workload.title} (${workload.unit}; x ${reference ?? '-'})\n${lines.join('\n')}\n`
}

/** The reference for the others: the socket among transports, else the best C, no queue at all, the first contender. */
export function referenceOf(results: Results, { name, contenders }: WorkloadInfo): string | undefined {
  const references = ['socket', 'c-best', 'no-queue'].flatMap((start) =>
    contenders.filter((other) => other.startsWith(start)),
  )
  const order = [...references, ...contenders]
  return order.find((contender) => spreadOfValue(results, name, contender) !== undefined)
}

export function reasonOf(results: Results, workload: string, contender: string): string {
  const missing = results.missing.find((entry) => entry.workload === workload && entry.contender === contender)
  return missing?.reason ?? 'not measured'
}

/** Remarks about a contender's runs: disturbances, losses. */
export function marksOf(results: Results, workload: string, contender: string): string {
  const runs = results.runs.filter((run) => run.workload === workload && run.contender === contender)
  const disturbed = runs.filter(({ isDisturbed }) => isDisturbed).length
  const problems = [...new Set(runs.flatMap(({ problem }) => problem ?? []))]
  const marks = [...(disturbed === 0 ? [] : [`${disturbed} of ${runs.length} disturbed`]), ...problems]
  return marks.length === 0 ? '' : `  (${marks.join('; ')})`
}

export function spreadText(spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return '-'
  return `${format(spread.median)} [${format(spread.minimum)}-${format(spread.maximum)}]`
}

/** Three digits that say something: 612 k, 1.62, 17.1 M. */
export function formatNumber(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`
  if (value >= 1e4) return `${Math.round(value / 1e3)} k`
  if (value >= 100) return String(Math.round(value))
  return value.toPrecision(3)
}
