import { type Log, openLog, openSocket } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { Stop } from '../command-line/stop.ts'
import type { LogArguments } from '../commands/log.ts'
import { wallClock } from '../packets/clock.ts'
import { openSimulatedLog } from '../simulated/kernel.ts'
import { output } from '../terminal/output.ts'
import { RateDisplay, type RateStyle } from '../terminal/rates.ts'
import { formatRows, whole } from '../terminal/text.ts'
import { transportOpener } from '../transports.ts'
import { LogProgram, type LogTotals } from './program.ts'
import { readCaptureFile } from './read-capture.ts'
import { type LogSettings, readSettings } from './settings.ts'

/** Shows, counts and saves packets of a log or a capture, until it is stopped. */
export async function runLog(given: LogArguments): Promise<ExitCode> {
  const settings = readSettings(given)
  const stop = new Stop(settings.seconds)
  const program = new LogProgram(settings)
  const display = new RateDisplay({
    read: () => program.read(),
    describe: describeTotals,
    style: styleFor(settings),
    details: () => program.statistics.lines(10),
  })
  const start = performance.now()
  let source = settings.read ?? ''
  let failure: { readonly error: unknown } | undefined
  try {
    const work =
      settings.read === undefined
        ? follow(settings, program, stop, () => display.start())
        : readCaptureFile(settings, program, stop)
    source = await Promise.race([work, program.failure])
  } catch (error) {
    failure = { error }
  }
  display.stop()
  // A failure to close is about the same file, so only the first error is reported.
  await program.close().catch((error: unknown) => {
    failure ??= { error }
  })
  if (failure !== undefined) throw failure.error
  summarize(settings, program, source, Math.round(performance.now() - start) / 1000)
  return 0
}

function styleFor({ stats, json, lines }: LogSettings): RateStyle {
  if (!stats) return 'none'
  if (json) return 'json'
  if (lines) return 'none'
  return process.stdout.isTTY ? 'view' : 'lines'
}

/** Follows the log until it is stopped, or enough packets were seen. Resolves with the transport's kind. */
async function follow(settings: LogSettings, program: LogProgram, stop: Stop, onOpen: () => void): Promise<string> {
  const { groups, threshold, timeout, copyRange } = settings
  const transport = transportOpener(settings.transport, (needs) => openSimulatedLog(needs, groups))
  // The rules are installed once the group is bound, and removed with the log, or with the process if it is killed.
  const rule =
    settings.rules.length === 0 ? undefined : settings.rules.map((it) => ({ ...it, prefix: settings.prefix }))
  await using log = await openLog({
    group: groups,
    threshold,
    timeout,
    copyRange,
    transport,
    rule,
    ruleTransport: openSocket,
  })
  const { kind } = log.transport.capabilities
  if (settings.json) output.json({ event: 'open', groups, transport: kind })
  else process.stderr.write(`listening to group ${groups.join(', ')}; Ctrl-C ends it\n`)
  onOpen()
  const loop = readLog(log, program)
  const ends = [stop.requested.then(() => true), program.failure.catch(() => false), loop.then(() => false)]
  const isAsked = await Promise.race(ends)
  // Records that the kernel has collected come first; then the loop ends by itself.
  if (isAsked) await log.finish()
  else await log.close()
  await loop
  return kind
}

/** Reads the log until it is closed or there were enough packets. */
async function readLog(log: Log, program: LogProgram): Promise<void> {
  for await (const records of log) {
    const now = wallClock()
    let lostBefore = 0
    for (const record of records) {
      const lost = records.lost - lostBefore
      lostBefore = records.lost
      const received = record.timestamp()
      if (!program.takeRecord(record, received === undefined ? now : received * 1000n, lost)) return
    }
    await program.settle()
  }
}

function summarize(settings: LogSettings, program: LogProgram, source: string, seconds: number): void {
  const totals = program.read()
  const { statistics } = program
  if (settings.json) {
    const talkers = settings.stats ? { talkers: statistics.topTalkers(10) } : {}
    const from = settings.read === undefined ? { transport: source } : { file: source }
    output.json({ event: 'summary', ...from, seconds, ...totals, ...talkers })
    return
  }
  if (settings.stats) {
    output.line(formatSummary(totals, seconds, source))
    const talkers = statistics.lines(10)
    if (talkers.length > 0) output.line(['', ...talkers].join('\n'))
    return
  }
  const received = totals.received === undefined ? '' : ` of ${whole(totals.received)}`
  process.stderr.write(`${whole(totals.packets)}${received} packets, ${whole(totals.lost)} lost\n`)
}

function describeTotals({ packets, lost }: LogTotals): readonly (readonly [string, number])[] {
  return Object.entries({ lost, packets })
}

function formatSummary({ packets, bytes, lost, received }: LogTotals, seconds: number, source: string): string {
  const rate = seconds > 0 ? packets / seconds : 0
  const of = received === undefined ? '' : `of ${whole(received)}, `
  return formatRows([
    ['packets', packets, `${of}${whole(rate)} a second for ${seconds.toFixed(1)} s, by ${source}`],
    ['bytes', bytes, ''],
    ['lost', lost, lost > 0 ? 'more than could be read: try --threshold, --copy-range' : ''],
  ])
}
