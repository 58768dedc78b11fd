import { LiveView } from './live-view.ts'
import { type Output, output } from './output.ts'
import { paintFor } from './paint.ts'
import { showsUnicode, sparkline } from './sparkline.ts'
import { whole } from './text.ts'

/** The counters of a program so far, and optional further ones. */
export interface Counted {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
}

/** The changes since the last reading. */
export interface Rates {
  readonly packetsPerSecond: number
  readonly megabitsPerSecond: number
}

/** Number of readings kept for a sparkline. */
const HISTORY = 240

/** Computes rates from readings. */
export class RateMeter {
  /** packets a second, the latest last */
  readonly history: number[] = []
  #before = { time: performance.now(), packets: 0, bytes: 0 }

  sample({ packets, bytes }: Counted, time: number = performance.now()): Rates {
    const before = this.#before
    const seconds = Math.max(0.001, (time - before.time) / 1000)
    this.#before = { time, packets, bytes }
    const packetsPerSecond = Math.round((packets - before.packets) / seconds)
    this.history.push(packetsPerSecond)
    if (this.history.length > HISTORY) this.history.shift()
    return { packetsPerSecond, megabitsPerSecond: Math.round(((bytes - before.bytes) * 8) / seconds / 1e5) / 10 }
  }
}

/** `view`: some lines of a terminal, redrawn in place; `lines`: one a second; `json`: the same as objects; `none`. */
export type RateStyle = 'view' | 'lines' | 'json' | 'none'

export interface RateDisplayOptions<Totals extends Counted> {
  readonly read: () => Totals
  /** names and numbers that follow the rates */
  readonly describe: (totals: Totals) => readonly (readonly [string, number])[]
  readonly style: RateStyle
  /** further lines of the view */
  readonly details?: ((columns: number) => readonly string[]) | undefined
}

/** Milliseconds between two readings. */
const INTERVAL: Readonly<Record<RateStyle, number>> = { view: 500, lines: 1000, json: 1000, none: 0 }

/** Shows the progress at intervals. */
export class RateDisplay<Totals extends Counted> {
  #options: RateDisplayOptions<Totals>
  #output: Output
  #meter = new RateMeter()
  #rates: Rates = { packetsPerSecond: 0, megabitsPerSecond: 0 }
  #view: LiveView
  #timer: NodeJS.Timeout | undefined

  constructor(options: RateDisplayOptions<Totals>, to: Output = output) {
    this.#options = options
    this.#output = to
    this.#view = new LiveView(process.stdout, (columns) => this.#viewLines(columns))
  }

  start(): void {
    const { style } = this.#options
    if (style === 'none') return
    if (style === 'view') this.#view.start()
    this.#timer = setInterval(() => this.#tick(), INTERVAL[style])
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#view.stop()
  }

  #tick(): void {
    const { read, describe, style } = this.#options
    const totals = read()
    this.#rates = this.#meter.sample(totals)
    if (style === 'view') this.#view.draw()
    else if (style === 'json') this.#output.json({ event: 'rate', ...this.#rates, ...totals })
    else this.#output.line(formatRates(this.#rates, describe(totals)))
  }

  #viewLines(columns: number): string[] {
    const { read, describe, details } = this.#options
    const totals = read()
    const paint = paintFor(process.stdout)
    const isLossy = totals.lost > 0
    const line = formatRates(this.#rates, describe(totals))
    const { history } = this.#meter
    const bars = history.length < 2 ? [] : [paint('dim', sparkline(history, columns, showsUnicode()))]
    return [paint(isLossy ? 'yellow' : 'green', line), ...bars, ...(details?.(columns) ?? [])]
  }
}

export function formatRates(rates: Rates, rest: readonly (readonly [string, number])[]): string {
  return [
    `${whole(rates.packetsPerSecond).padStart(9)} packets/s`,
    `${rates.megabitsPerSecond.toFixed(1).padStart(8)} Mbit/s`,
    ...rest.map(([name, value]) => `${name} ${whole(value)}`),
  ].join('  ')
}
