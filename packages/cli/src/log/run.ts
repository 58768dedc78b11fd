import type { Log } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { Stop } from '../command-line/stop.ts'
import type { LogArguments } from '../commands/log.ts'
import { hostLines, hostTotals } from '../nats/hosts.ts'
import { openFrom } from '../nats/load.ts'
import { wallClock } from '../packets/clock.ts'
import { output } from '../terminal/output.ts'
import { RateDisplay, type RateStyle } from '../terminal/rates.ts'
import { formatRows, whole } from '../terminal/text.ts'
import { openGivenLog, publishLog } from './open.ts'
import { LogProgram, type LogTotals } from './program.ts'
import { readCaptureFile } from './read-capture.ts'
import { type LogSettings, readSettings } from './settings.ts'

/** Shows, counts and saves packets of a log or a capture, until it is stopped. */
export async function runLog(given: LogArguments): Promise<ExitCode> {
  const settings = readSettings(given)
  const stop = new Stop(settings.seconds)
  if (settings.nats?.direction === 'to') {
    await publishLog(settings, settings.nats, stop)
    return 0
  }
  const program = new LogProgram(settings)
  const display = new RateDisplay({
    read: () => program.read(),
    describe: describeTotals,
    style: styleFor(settings),
    details: () => [...hostLines(program.from, 'packets'), ...program.statistics.lines(10)],
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
  const { groups, nats } = settings
  if (nats !== undefined) program.from = await openFrom(nats, stop.signal)
  await using log = await openGivenLog(settings, program.from)
  const { kind } = log.transport.capabilities
  if (settings.json) output.json({ event: 'open', groups, transport: kind })
  else process.stderr.write(`listening to ${describeGroups(settings)}; Ctrl-C ends it\n`)
  onOpen()
  const loop = readLog(log, program)
  const ends = [stop.requested.then(() => true), program.failure.catch(() => false), loop.then(() => false)]
  const isAsked = await Promise.race(ends)
  // Records that the kernel has collected come first; then the loop ends by itself.
  if (isAsked) await log.finish()
  else await log.close()
  await loop
  await program.from?.closed
  return kind
}

function describeGroups({ groups, nats }: LogSettings): string {
  const listed = `group ${groups.join(', ')}`
  if (nats === undefined) return listed
  return groups.length === 0 ? `the stream ${nats.stream}` : `${listed} of the stream ${nats.stream}`
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
      if (!program.takeRecord(record, received === undefined ? now : received * 1000n, lost, records.origin?.host))
        return
    }
    await program.settle()
  }
}

function summarize(settings: LogSettings, program: LogProgram, source: string, seconds: number): void {
  const totals = program.read()
  const { statistics } = program
  if (settings.json) {
    const hosts = program.from === undefined ? {} : { hosts: hostTotals(program.from) }
    const talkers = settings.stats ? { ...hosts, talkers: statistics.topTalkers(10) } : {}
    const from = settings.read === undefined ? { transport: source } : { file: source }
    output.json({ event: 'summary', ...from, seconds, ...totals, ...talkers })
    return
  }
  if (settings.stats) {
    output.line(formatSummary(totals, seconds, source))
    for (const lines of [hostLines(program.from, 'packets'), statistics.lines(10)]) {
      if (lines.length > 0) output.line(['', ...lines].join('\n'))
    }
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
