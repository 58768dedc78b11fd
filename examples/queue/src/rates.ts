import { styleText } from 'node:util'
import { type Tally, type Totals, whole } from './summary.ts'

/** What happened in the time since the last reading. */
export interface Rates {
  readonly packetsPerSecond: number
  readonly megabitsPerSecond: number
}

export type RateStyle = 'terminal' | 'lines' | 'json'

/** Shows once a second (on a terminal twice, always in the same line) how the queues do. */
export class RateDisplay {
  #tally: Tally
  #output: NodeJS.WriteStream
  #style: RateStyle
  #timer: NodeJS.Timeout | undefined
  #before = { time: performance.now(), packets: 0, bytes: 0 }

  constructor(tally: Tally, output: NodeJS.WriteStream, style: RateStyle) {
    this.#tally = tally
    this.#output = output
    this.#style = style
  }

  start(): void {
    this.#timer = setInterval(() => this.#show(), this.#style === 'terminal' ? 500 : 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
    if (this.#style === 'terminal') this.#output.write(ERASE_LINE)
  }

  #show(): void {
    const totals = this.#tally.read()
    const time = performance.now()
    const rates = ratesBetween(this.#before, { time, packets: totals.packets, bytes: totals.bytes })
    this.#before = { time, packets: totals.packets, bytes: totals.bytes }
    if (this.#style === 'terminal') {
      const line = formatRates(rates, totals).slice(0, (this.#output.columns ?? 80) - 1)
      this.#output.write(`${ERASE_LINE}${this.#colour(line, totals)}`)
    } else {
      const line =
        this.#style === 'json' ? JSON.stringify({ event: 'rate', ...rates, ...totals }) : formatRates(rates, totals)
      this.#output.write(`${line}\n`)
    }
  }

  #colour(line: string, { lost }: Totals): string {
    if (process.env.NO_COLOR) return line
    return styleText(lost > 0 ? 'yellow' : 'green', line)
  }
}

const ERASE_LINE = '\r\x1b[K'

interface Reading {
  /** milliseconds */
  readonly time: number
  readonly packets: number
  readonly bytes: number
}

function ratesBetween(before: Reading, now: Reading): Rates {
  const seconds = Math.max(0.001, (now.time - before.time) / 1000)
  return {
    packetsPerSecond: Math.round((now.packets - before.packets) / seconds),
    megabitsPerSecond: Math.round(((now.bytes - before.bytes) * 8) / seconds / 1e5) / 10,
  }
}

function formatRates(rates: Rates, totals: Totals): string {
  const { accepted, dropped, lost, waiting } = totals
  return [
    `${whole(rates.packetsPerSecond).padStart(9)} packets/s`,
    `${rates.megabitsPerSecond.toFixed(1).padStart(8)} Mbit/s`,
    `accepted ${whole(accepted)}`,
    `dropped ${whole(dropped)}`,
    `lost ${whole(lost)}`,
    `waiting ${whole(waiting)}`,
  ].join('  ')
}
