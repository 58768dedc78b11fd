import { styleText } from 'node:util'
import { printJson } from '../command-line/program.ts'
import { whole } from './text.ts'

/** What an example has counted so far, and perhaps more. */
export interface Counted {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
}

export type RateStyle = 'terminal' | 'lines' | 'json'

/** How the rates go on where they are shown: names and numbers. */
export type DescribeTotals<Totals> = (totals: Totals) => readonly (readonly [string, number])[]

/** Shows once a second (on a terminal twice, always in the same line) how it goes. */
export class RateDisplay<Totals extends Counted> {
  #read: () => Totals
  #describe: DescribeTotals<Totals>
  #output: NodeJS.WriteStream
  #style: RateStyle
  #timer: NodeJS.Timeout | undefined
  #before = { time: performance.now(), packets: 0, bytes: 0 }

  constructor(read: () => Totals, describe: DescribeTotals<Totals>, output: NodeJS.WriteStream, style: RateStyle) {
    this.#read = read
    this.#describe = describe
    this.#output = output
    this.#style = style
  }

  start(): void {
    this.#timer = setInterval(() => this.#show(), this.#style === 'terminal' ? 500 : 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
    if (this.#style === 'terminal' && this.#timer !== undefined) this.#output.write(ERASE_LINE)
  }

  #show(): void {
    const totals = this.#read()
    const time = performance.now()
    const rates = ratesBetween(this.#before, { time, packets: totals.packets, bytes: totals.bytes })
    this.#before = { time, packets: totals.packets, bytes: totals.bytes }
    if (this.#style === 'json') {
      printJson({ event: 'rate', ...rates, ...totals })
      return
    }
    const text = formatRates(rates, this.#describe(totals))
    if (this.#style === 'lines') {
      this.#output.write(`${text}\n`)
    } else {
      const line = text.slice(0, (this.#output.columns ?? 80) - 1)
      this.#output.write(`${ERASE_LINE}${colour(line, totals.lost > 0)}`)
    }
  }
}

const ERASE_LINE = '\r\x1b[K'

interface Reading {
  /** milliseconds */
  readonly time: number
  readonly packets: number
  readonly bytes: number
}

/** What happened in the time since the last reading. */
interface Rates {
  readonly packetsPerSecond: number
  readonly megabitsPerSecond: number
}

function ratesBetween(before: Reading, now: Reading): Rates {
  const seconds = Math.max(0.001, (now.time - before.time) / 1000)
  return {
    packetsPerSecond: Math.round((now.packets - before.packets) / seconds),
    megabitsPerSecond: Math.round(((now.bytes - before.bytes) * 8) / seconds / 1e5) / 10,
  }
}

function formatRates(rates: Rates, rest: readonly (readonly [string, number])[]): string {
  return [
    `${whole(rates.packetsPerSecond).padStart(9)} packets/s`,
    `${rates.megabitsPerSecond.toFixed(1).padStart(8)} Mbit/s`,
    ...rest.map(([name, value]) => `${name} ${whole(value)}`),
  ].join('  ')
}

function colour(line: string, isBad: boolean): string {
  return process.env.NO_COLOR ? line : styleText(isBad ? 'yellow' : 'green', line)
}
