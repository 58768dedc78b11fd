import { type Goal, goals, isMet } from '../goals.ts'
import type { Prices, Results, WorkloadInfo } from '../results.ts'
import type { Spread } from '../statistics.ts'
import { detailOf, ratioOf, spreadOfValue } from '../summary.ts'
import { formatNumber, marksOf, reasonOf, referenceOf, spreadText } from '../text-report.ts'
import type { MachineRecord } from './machines.ts'

/** The lines of a table in Markdown. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const formatRatio = (value: number): string => (value >= 10 ? value.toFixed(1) : value.toFixed(2))

/** Criterion, goal, and for each machine what was measured there and whether that meets the goal. */
export function goalTable(records: readonly MachineRecord[]): string {
  const rows = goals.map((goal) => {
    const sign = goal.sign === '<=' ? '≤' : goal.sign === '>=' ? '≥' : '>'
    return [
      goal.criterion,
      `${sign} ${Number(goal.limit.toFixed(2))}`,
      ...records.map((record) => measuredText(goal, record)),
    ]
  })
  const head = [
    'criterion',
    'goal',
    ...records.map(({ machine }) => `${machine.processor}, ${machine.date.slice(0, 10)}`),
  ]
  return table(head, [...rows, ...priceRows(records)])
}

function measuredText(goal: Goal, { measured }: MachineRecord): string {
  const spread = measured[goal.criterion]
  if (spread === undefined) return '–'
  const format = (number: number) => (number < 0.1 ? number.toFixed(3) : formatRatio(number))
  const text = spread.count === 1 ? format(spread.median) : spreadText(spread, format)
  return isMet(goal, spread) === false ? `${text} **missed**` : text
}

function priceRows(records: readonly MachineRecord[]): string[][] {
  const row = (title: string, price: (prices: Prices) => number | null): string[] => [
    title,
    '',
    ...records.map(({ machine: { prices } }) => (prices === undefined ? '–' : `${price(prices) ?? '–'}`)),
  ]
  return [
    row('an empty system call, ns', ({ systemCall }) => systemCall),
    row('waking a thread on the same processor, ns', ({ wakeUpHere }) => wakeUpHere),
    row('waking a thread on another processor, ns', ({ wakeUpElsewhere }) => wakeUpElsewhere),
  ]
}

/** All workloads of a group, one table each. */
export function groupTables(results: Results, group: string): string {
  return results.workloads
    .filter((workload) => workload.group === group)
    .map(
      (workload) => `**${workload.name}**: ${workload.title}; ${workload.unit}\n\n${workloadTable(results, workload)}`,
    )
    .join('\n\n')
}

function workloadTable(results: Results, workload: WorkloadInfo): string {
  const reference = referenceOf(results, workload)
  const extra = extraColumns(results, workload)
  const rows = workload.contenders.map((contender) => {
    const value = spreadOfValue(results, workload.name, contender)
    const { name } = workload
    if (value === undefined) return [contender, `– ${reasonOf(results, name, contender)}`, '', ...extra.map(() => '')]
    const ratio = reference === undefined ? undefined : ratioOf(results, name, contender, reference)
    return [
      `${contender}${marksOf(results, name, contender)}`,
      spreadText(value, formatNumber),
      spreadText(ratio, formatRatio),
      ...extra.map(({ detail, format }) => shown(detailOf(results, name, contender, detail), format)),
    ]
  })
  const head = ['', 'median [range]', `/ ${reference ?? '–'} [range]`, ...extra.map(({ title }) => title)]
  return table(head, rows)
}

interface Column {
  readonly detail: string
  readonly title: string
  readonly format: (value: number) => string
}

const columns: readonly Column[] = [
  { detail: 'megabitsPerSecond', title: 'Mbit/s', format: (value) => value.toFixed(0) },
  { detail: 'microsecondsPerPacket', title: 'CPU µs/packet', format: (value) => value.toFixed(2) },
  { detail: 'userMicrosecondsPerPacket', title: 'user', format: (value) => value.toFixed(2) },
  { detail: 'systemMicrosecondsPerPacket', title: 'system', format: (value) => value.toFixed(2) },
  { detail: 'systemCallsPerPacket', title: 'calls/packet', format: (value) => value.toFixed(3) },
  { detail: 'p99', title: 'p99 µs', format: (value) => value.toFixed(1) },
  { detail: 'p999', title: 'p99.9 µs', format: (value) => value.toFixed(1) },
  { detail: 'maximum', title: 'longest ms', format: (value) => value.toFixed(1) },
  { detail: 'packetsPerSecond', title: 'packets/s', format: formatNumber },
  { detail: 'requestsPerSecond', title: 'requests/s', format: formatNumber },
  { detail: 'nanosecondsPerRecord', title: 'CPU ns/record', format: (value) => value.toFixed(0) },
  { detail: 'nanosecondsPerRow', title: 'CPU µs/row', format: (value) => (value / 1000).toFixed(2) },
  { detail: 'rowsPerSecond', title: 'rows/s', format: formatNumber },
  { detail: 'systemCallsPerThousandRows', title: 'calls/1000 rows', format: (value) => value.toFixed(2) },
  { detail: 'peakMegabytes', title: 'peak MB', format: (value) => value.toFixed(value < 10 ? 1 : 0) },
  { detail: 'heapBytesPerRow', title: 'bytes allocated/row', format: (value) => value.toFixed(2) },
  { detail: 'heapBytesPerBatch', title: 'bytes allocated/wake-up', format: (value) => value.toFixed(0) },
  { detail: 'heldBytesPerRow', title: 'bytes held/row', format: (value) => value.toFixed(2) },
]

/** The columns that something of this workload was seen for. */
function extraColumns(results: Results, { name }: WorkloadInfo): Column[] {
  const runs = results.runs.filter(({ workload }) => workload === name)
  return columns.filter(({ detail }) => runs.some(({ details }) => details[detail] !== undefined))
}

function shown(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? '–' : format(spread.median)
}

/** When and how carefully a group was measured, in a run of its own. */
export function runText({ machine, options, workloads, runs, missing }: Results, group: string): string {
  const names = new Set(workloads.filter((workload) => workload.group === group).map(({ name }) => name))
  const own = runs.filter(({ workload }) => names.has(workload))
  const disturbed = own.filter(({ isDisturbed }) => isDisturbed).length
  const { date, processor, cores } = machine
  const absent = missing.filter(({ workload }) => names.has(workload))
  return [
    `Measured on ${date.slice(0, 10)} in a run of its own (\`--only ${group}\`) on ${processor}, ${cores} of it: ${options.repetitions} repetitions, ${disturbed} of ${own.length} runs disturbed by others.`,
    ...absent.map(({ workload, contender, reason }) => `No ${contender} in ${workload}: ${reason}.`),
  ].join('\n')
}

/** Where, when and how carefully it was measured. */
export function machineText({ machine, options, runs, missing }: Results): string {
  const { date, processor, cores, kernel, system, node, compiler } = machine
  const disturbed = runs.filter(({ isDisturbed }) => isDisturbed).length
  const redone = runs.reduce((sum, run) => sum + run.redone, 0)
  return [
    table(
      ['', ''],
      [
        ['date', date.slice(0, 16).replace('T', ' ')],
        ['processor', `${processor}, ${cores} of it`],
        ['kernel', kernel],
        ['system', system],
        ['Node', node],
        ['compiler', `${compiler}, -O2`],
        ['repetitions', `${options.repetitions}${options.quick ? ', a quick look (--quick)' : ''}`],
        ['runs', `${runs.length}, ${disturbed} of them disturbed by others, ${redone} measured again for that`],
      ],
    ),
    ...(missing.length === 0
      ? []
      : [
          `Not measured:\n\n${missing.map(({ workload, contender, reason }) => `- ${contender} in ${workload}: ${reason}`).join('\n')}`,
        ]),
  ].join('\n\n')
}
