import type { FrameSource, Publisher, PublisherStats } from '@ringlink/transport-nats'
import type { Stop } from '../command-line/stop.ts'
import { output } from '../terminal/output.ts'
import { RateDisplay } from '../terminal/rates.ts'
import { formatRows, whole } from '../terminal/text.ts'
import { publishTo } from './load.ts'
import type { NatsSettings } from './settings.ts'

/** What a command publishes, and how it ends. */
export interface Publishing {
  readonly source: FrameSource
  readonly settings: NatsSettings
  readonly json: boolean
  readonly stats: boolean
  /** `packets` or `events` */
  readonly what: string
  /** ends after so many of them */
  readonly count: number
  /** Ends the source without losing what the kernel has collected. */
  finish(): Promise<void>
}

/** Milliseconds that the end waits for the server. */
const PATIENCE = 10_000
/** Milliseconds between two looks at --count. */
const LOOK = 50

/** Publishes until the program is stopped, or the source ends. */
export async function runPublisher(publishing: Publishing, stop: Stop): Promise<void> {
  const { source, settings, json, stats, what } = publishing
  const publisher = await publishTo(source, settings, stop.signal)
  const { servers: _, stream } = settings
  publisher.events.on('trouble', ({ code, message }) => {
    if (json) output.json({ event: 'trouble', code, message })
    else process.stderr.write(`ringlink: ${message}; ${what} are kept, up to the size of --buffer\n`)
  })
  publisher.events.on('recovered', () => {
    if (json) output.json({ event: 'recovered' })
    else process.stderr.write(`ringlink: the stream ${stream} takes ${what} again\n`)
  })
  if (json) output.json({ event: 'open', stream })
  else process.stderr.write(`publishing ${what} to the stream ${stream}; Ctrl-C ends it\n`)
  const display = new RateDisplay({
    read: () => totalsOf(publisher),
    describe: ({ lost, stored, dropped, pending }) => Object.entries({ stored, pending, dropped, lost }),
    style: stats ? (json ? 'json' : process.stdout.isTTY ? 'view' : 'lines') : 'none',
  })
  display.start()
  const counter = setInterval(() => {
    if (publisher.stats.messages >= publishing.count) stop.request()
  }, LOOK)
  const start = performance.now()
  try {
    await Promise.race([stop.requested, publisher.ended])
    await publishing.finish()
    await publisher.finish({ timeout: PATIENCE })
  } finally {
    clearInterval(counter)
    display.stop()
    await publisher.close()
  }
  summarize(publisher.stats, publishing, Math.round(performance.now() - start) / 1000)
}

function totalsOf({ stats, pendingFrames }: Publisher) {
  const { messages, storedMessages, droppedMessages, storedBytes, lost } = stats
  return {
    packets: messages,
    bytes: storedBytes,
    lost,
    stored: storedMessages,
    dropped: droppedMessages,
    pending: pendingFrames,
  }
}

function summarize(stats: PublisherStats, { json, what, settings }: Publishing, seconds: number): void {
  const { messages, storedMessages: stored, droppedMessages: dropped, unconfirmedMessages: unconfirmed } = stats
  if (json) {
    output.json({
      event: 'summary',
      stream: settings.stream,
      seconds,
      [what]: messages,
      stored,
      dropped,
      unconfirmed,
      ...stats,
    })
    return
  }
  const frames = (count: number) => `in ${whole(count)} datagrams`
  output.line(
    formatRows([
      [what, messages, frames(stats.frames)],
      [
        'stored',
        stored,
        `${frames(stats.storedFrames)}, ${whole(stats.batches)} NATS messages, ${whole(stats.storedBytes)} bytes`,
      ],
      ['dropped', dropped, dropped > 0 ? 'the server was away or slow for longer than --buffer lasts' : ''],
      ['unconfirmed', unconfirmed, unconfirmed > 0 ? 'sent, but the server did not answer' : ''],
      ['lost', stats.lost, stats.lost > 0 ? 'datagrams that the kernel dropped: try --threshold, --copy-range' : ''],
    ]),
  )
}
