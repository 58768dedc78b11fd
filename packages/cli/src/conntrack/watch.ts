import { escapeText } from '@ringlink/codec'
import type { NatsTransport } from '@ringlink/transport-nats'
import type { ConnectionView, Conntrack } from 'ringlink'
import type { Stop } from '../command-line/stop.ts'
import { hostLines, hostTotals } from '../nats/hosts.ts'
import { LiveView } from '../terminal/live-view.ts'
import { output } from '../terminal/output.ts'
import { paintFor } from '../terminal/paint.ts'
import { RateMeter } from '../terminal/rates.ts'
import { showsUnicode, sparkline } from '../terminal/sparkline.ts'
import { formatTable } from '../terminal/table.ts'
import { formatRows, whole } from '../terminal/text.ts'
import { FilteredConnection } from './filtered.ts'
import type { ConntrackSettings } from './settings.ts'
import { connectionJson, connectionLine } from './text.ts'

/** Milliseconds between two drawings. */
const INTERVAL = 500
const TALKERS = 8
/** Addresses that are remembered; when there are more, the quieter half is forgotten. */
const MAXIMUM_TALKERS = 8192
const LABELS = { new: '[NEW]', update: '[UPDATE]', destroy: '[DESTROY]' } as const
const LABEL_WIDTH = 9

/** Shows events until it is stopped. */
export async function watch(
  conntrack: Conntrack,
  settings: ConntrackSettings,
  stop: Stop,
  from?: NatsTransport,
): Promise<void> {
  const { filter, events: kinds, json } = settings
  const events = await conntrack.events({
    ...{ new: kinds.has('new'), update: kinds.has('update'), destroy: kinds.has('destroy') },
    filter,
  })
  const tally = new EventTally()
  const isLive = !json && process.stdout.isTTY
  const view = new LiveView(process.stdout, (columns) => tally.lines(columns))
  const timer = isLive ? setInterval(view.draw, INTERVAL) : undefined
  if (json) output.json({ event: 'open', transport: conntrack.session.transport.capabilities.kind })
  else process.stderr.write('watching connections; Ctrl-C ends it\n')
  stop.requested.then(() => events.close())
  if (isLive) view.start()
  try {
    const wanted = new FilteredConnection()
    loop: for await (const batch of events) {
      tally.lost += batch.lost
      for (const connection of batch) {
        if (settings.isWanted?.(wanted.aim(connection)) === false) continue
        tally.count(connection)
        const host = batch.origin?.host
        if (json) output.json({ ...connectionJson(connection.connection()), event: connection.event, host })
        else if (!isLive)
          output.line(
            `${host === undefined ? '' : `${escapeText(host)} `}${LABELS[connection.event].padStart(LABEL_WIDTH)} ${connectionLine(connection.connection())}`,
          )
        if (tally.events >= settings.count) break loop
      }
      await output.drained()
    }
  } finally {
    clearInterval(timer)
    view.stop()
    await events.close()
  }
  const hosts = from === undefined || !settings.stats ? {} : { hosts: hostTotals(from) }
  if (json) output.json({ event: 'summary', ...tally.totals(), ...hosts })
  else if (isLive) output.line(tally.summary())
  else if (tally.lost > 0) process.stderr.write(`${whole(tally.lost)} events were lost\n`)
  if (!json && settings.stats) output.line(hostLines(from, 'events').join('\n'))
}

/** Counts events, and the addresses that open most connections. */
class EventTally {
  lost = 0
  readonly #counts = { new: 0, update: 0, destroy: 0 }
  readonly #meter = new RateMeter()
  #talkers = new Map<string, number>()

  get events(): number {
    return this.#counts.new + this.#counts.update + this.#counts.destroy
  }

  count(view: ConnectionView): void {
    const { event } = view
    this.#counts[event]++
    if (event !== 'new') return
    const address = String(view.sourceAddress)
    const before = this.#talkers.get(address)
    if (before === undefined && this.#talkers.size >= MAXIMUM_TALKERS)
      this.#talkers = new Map(this.#sorted().slice(0, MAXIMUM_TALKERS / 2))
    this.#talkers.set(address, (before ?? 0) + 1)
  }

  totals() {
    return { ...this.#counts, lost: this.lost }
  }

  lines(columns: number): string[] {
    const { packetsPerSecond: rate } = this.#meter.sample({ packets: this.events, bytes: 0, lost: this.lost })
    const paint = paintFor(process.stdout)
    const counts = Object.entries(this.totals()).map(([name, value]) => `${name} ${whole(value)}`)
    const line = [`${whole(rate).padStart(9)} events/s`, ...counts].join('  ')
    const { history } = this.#meter
    const bars = history.length < 2 ? [] : [paint('dim', sparkline(history, columns, showsUnicode()))]
    return [paint(this.lost > 0 ? 'yellow' : 'green', line), ...bars, ...this.#talkerLines()]
  }

  summary(): string {
    const rows = Object.entries(this.totals()).map(([name, value]) => [name, value, ''] as const)
    return [formatRows(rows), ...this.#talkerLines()].join('\n')
  }

  #talkerLines(): string[] {
    const talkers = this.#sorted().slice(0, TALKERS)
    if (talkers.length === 0) return []
    const columns = [{ title: 'top talkers' }, { title: 'connections', align: 'right' }] as const
    return formatTable(
      columns,
      talkers.map(([address, count]) => [address, whole(count)]),
    )
  }

  #sorted(): [string, number][] {
    return [...this.#talkers].sort(([, a], [, b]) => b - a)
  }
}
