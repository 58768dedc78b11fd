import { type Check, check, formatChecks } from '@ringlink/example-shared/checks'
import type { DemoOutcome, ExampleEvent } from '@ringlink/example-shared/demo-inside'
import { formatRows, whole } from '@ringlink/example-shared/text'
import { RULES } from './rules.ts'
import type { CaptureCounts, PacketTally, PrefixCounts } from './tally.ts'
import { DATAGRAMS, QUESTIONS, type SenderReport, SMALL_RANGE, THRESHOLD } from './traffic.ts'

/** The last line of the log program. */
export interface LogSummary extends ExampleEvent {
  readonly transport: string
  readonly packets: number
  readonly lost: number
}

/** The counters of all participants. */
export interface DemoResult {
  readonly seconds: number
  readonly sender: SenderReport
  /** in the order of the rules */
  readonly counters: readonly number[]
  readonly summary: LogSummary
  readonly tally: PacketTally
  readonly capture: CaptureCounts
  readonly tshark: Omit<CaptureCounts, 'dropped'> | undefined
}

export function formatResult(result: DemoResult, wantsJson: boolean): DemoOutcome {
  const checks = checkResult(result)
  const failures = checks.filter(({ passed }) => !passed).map(({ what }) => what)
  const { summary, capture, seconds } = result
  const object = {
    transport: summary.transport,
    logged: loggedBy(result.counters),
    records: summary.packets,
    lost: summary.lost,
    written: capture.packets,
    seconds,
  }
  return { text: wantsJson ? JSON.stringify(object) : formatTable(result, checks), failures }
}

function loggedBy(counters: readonly number[]): number {
  return counters.reduce((total, count) => total + count, 0)
}

function checkResult({ sender, counters, summary, tally, capture, tshark }: DemoResult): Check[] {
  const { packets: records, lost } = summary
  const logged = loggedBy(counters)
  const [datagrams = 0, questions = 0] = counters
  const checks = [
    check(`the sender ended well${sender.problem === undefined ? '' : `: ${sender.problem}`}`, !sender.problem),
    check(
      `what was sent was logged: ${whole(datagrams)} datagrams, ${whole(questions)} DNS questions`,
      datagrams === DATAGRAMS && questions === QUESTIONS,
    ),
    check(
      `logged = received + lost: ${whole(logged)} = ${whole(records)} + ${whole(lost)}`,
      logged > 0 && logged === records + lost,
    ),
    check(`gaps in the sequence = lost: ${whole(tally.gaps)} = ${whole(lost)}`, tally.gaps === lost),
    check(`printed = received: ${whole(tally.records)} = ${whole(records)}`, tally.records === records),
    check(`prefixes: ${formatCounts(tally.prefixes)}`, tally.misplaced === 0 && agree(counters, tally.prefixes, lost)),
    check(
      `the small range cuts to ${SMALL_RANGE} bytes: ${whole(tally.cut)} packets`,
      tally.cut > 0 && tally.uncut === 0,
    ),
    check(
      `our reader finds all in the file: ${whole(capture.packets)} packets, ${whole(capture.dropped)} dropped`,
      capture.packets === records && capture.dropped === lost && sameCounts(capture.prefixes, tally.prefixes),
    ),
  ]
  if (tshark === undefined) return checks
  const isSame = tshark.packets === records && sameCounts(tshark.prefixes, tally.prefixes)
  return [...checks, check(`tshark finds the same: ${whole(tshark.packets)} packets, and the prefixes`, isSame)]
}

/** With losses a prefix may have fewer packets than its rule, by no more than those. */
function agree(counters: readonly number[], prefixes: PrefixCounts, lost: number): boolean {
  return RULES.every(({ prefix }, i) => {
    const missing = (counters[i] ?? 0) - (prefixes.get(prefix) ?? 0)
    return missing >= 0 && missing <= lost
  })
}

function sameCounts(left: PrefixCounts, right: PrefixCounts): boolean {
  return left.size === right.size && [...left].every(([prefix, count]) => right.get(prefix) === count)
}

function formatCounts(counts: PrefixCounts): string {
  return RULES.map(({ prefix }) => `'${prefix}' ${whole(counts.get(prefix) ?? 0)}`).join(', ')
}

function formatTable({ seconds, counters, summary, capture, tshark }: DemoResult, checks: readonly Check[]): string {
  const logged = loggedBy(counters)
  const { packets, lost, transport } = summary
  return [
    `${whole(logged / Math.max(0.001, seconds))} packets a second for ${seconds} s through the kernel's log, by ${transport}`,
    '',
    formatRows(
      [
        ['logged', logged, `by ${RULES.length} rules with a threshold of ${THRESHOLD}, to two groups`],
        ['received', packets, 'seen by examples/log, and printed as JSON'],
        ['lost', lost, ''],
        ['written', capture.packets, tshark === undefined ? 'to a pcapng file (no tshark here)' : 'to a pcapng file'],
      ],
      '  ',
    ),
    '',
    formatChecks(checks),
  ].join('\n')
}
