import { escapeText } from '@ringlink/codec'
import { type Paint, paintFor, type Style } from '../terminal/paint.ts'
import { formatTable } from '../terminal/table.ts'
import { whole } from '../terminal/text.ts'
import type { Check, CheckState } from './check.ts'
import type { LogOwner, QueueOwner } from './owners.ts'

/** What was found. */
export interface Report {
  readonly checks: readonly Check[]
  /** undefined where the kernel's list cannot be read */
  readonly queues: readonly QueueOwner[] | undefined
  readonly logs: readonly LogOwner[] | undefined
  /** nothing that queues need is known to be missing */
  readonly worksForQueues: boolean
}

const signs: Readonly<Record<CheckState, readonly [string, Style]>> = {
  ok: ['ok', 'green'],
  warn: ['warn', 'yellow'],
  fail: ['FAIL', 'red'],
  info: ['info', 'cyan'],
  unknown: ['?', 'dim'],
}

/** The report for people, in lines. */
export function formatReport(report: Report, paint: Paint = paintFor(process.stdout)): string[] {
  const { checks, queues, logs, worksForQueues } = report
  const rows = checks.map(({ state, title, found }) => {
    const [sign, style] = signs[state]
    return [paint(style, sign), title, escapeText(found)]
  })
  const advice = new Map<string, string[]>()
  for (const { state, title, advice: text } of checks) {
    if (text !== undefined && state !== 'ok') advice.set(text, [...(advice.get(text) ?? []), title])
  }
  return [
    ...formatTable([{}, {}, {}], rows),
    ...ownerLines(queues, logs),
    ...(advice.size === 0 ? [] : ['', paint('bold', 'What to do')]),
    ...[...advice].map(([text, titles]) => `  ${titles.join(', ')}: ${text}`),
    '',
    worksForQueues ? paint(['bold', 'green'], 'Queues work here.') : paint(['bold', 'red'], 'Queues cannot work here.'),
  ]
}

function ownerLines(queues: Report['queues'], logs: Report['logs']): string[] {
  const columns = (number: string) => [
    { title: number, align: 'right' as const },
    { title: 'owner' },
    { title: 'port id', align: 'right' as const },
    { title: 'waiting', align: 'right' as const },
    { title: 'dropped', align: 'right' as const },
  ]
  const owner = (process: string | undefined) => escapeText(process ?? 'not known')
  const queueRows = (queues ?? []).map(({ queue, process, portId, waiting, queueDropped, userDropped }) => [
    `${queue}`,
    owner(process),
    `${portId}`,
    whole(waiting),
    whole(queueDropped + userDropped),
  ])
  const logRows = (logs ?? []).map(({ group, process, portId, collected }) => [
    `${group}`,
    owner(process),
    `${portId}`,
    whole(collected),
  ])
  return [
    ...(queueRows.length === 0 ? [] : ['', ...formatTable(columns('queue'), queueRows)]),
    ...(logRows.length === 0 ? [] : ['', ...formatTable(columns('log group').slice(0, 4), logRows)]),
  ]
}
