import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOCS } from '../paths.ts'
import type { Results } from '../results.ts'
import { GROUPS } from '../workload.ts'
import { drawCharts } from './charts.ts'
import { isWhole, readRecords, writeRecord } from './machines.ts'
import { fillMarkers } from './markers.ts'
import { goalTable, groupTables, machineText, runText } from './tables.ts'

const DOCUMENT = join(DOCS, 'performance.md')
const CHARTS = join(DOCS, 'performance')

/**
 * Writes the tables and charts of these results into docs/performance.md; the text around them stays, and what these
 * results have no part of. What was written.
 */
export function writeDocument(results: Results): string[] {
  const record = writeRecord(results)
  const whole = isWhole(results)
  const sections = new Map([
    ...(whole ? [['machine', machineText(results)] as const] : []),
    ['goals', goalTable(readRecords())],
  ])
  for (const group of GROUPS) {
    const tables = groupTables(results, group)
    if (tables !== '') sections.set(group, whole ? tables : `${tables}\n\n${runText(results, group)}`)
  }
  writeFileSync(DOCUMENT, fillMarkers(readFileSync(DOCUMENT, 'utf8'), sections))
  mkdirSync(CHARTS, { recursive: true })
  const charts = drawCharts(results).map(({ name, svg }) => {
    const path = join(CHARTS, `${name}.svg`)
    writeFileSync(path, svg)
    return path
  })
  return [DOCUMENT, record, ...charts]
}
