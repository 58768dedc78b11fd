import { cutTo, widthOf } from './table.ts'

/** What a view needs from a terminal. */
export type TerminalStream = Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'write' | 'on' | 'off'>

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const ERASE_TO_END = '\x1b[J'
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24

/** Lines at the end of a terminal's output that are redrawn in place, also when the terminal changes its size. */
export class LiveView {
  #terminal: TerminalStream
  #render: (columns: number) => readonly string[]
  /** columns of each line that is on the terminal */
  #drawn: readonly number[] = []
  #isActive = false

  constructor(terminal: TerminalStream, render: (columns: number) => readonly string[]) {
    this.#terminal = terminal
    this.#render = render
  }

  start(): void {
    this.#isActive = true
    this.#terminal.write(HIDE_CURSOR)
    this.#terminal.on('resize', this.draw)
    // Restores the cursor even if a program ends without `stop`.
    process.once('exit', this.stop)
    this.draw()
  }

  draw = (): void => {
    if (!this.#isActive) return
    const { columns = DEFAULT_COLUMNS, rows = DEFAULT_ROWS } = this.#terminal
    // The last column stays free: a terminal breaks the line after a character there.
    const lines = this.#render(columns - 1)
      .slice(0, Math.max(1, rows - 1))
      .map((line) => cutTo(line, columns - 1))
    this.#terminal.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`)
    this.#drawn = lines.map(widthOf)
  }

  /** Removes the lines. Idempotent. */
  stop = (): void => {
    if (!this.#isActive) return
    this.#isActive = false
    process.off('exit', this.stop)
    this.#terminal.off('resize', this.draw)
    this.#terminal.write(`${this.#erase()}${SHOW_CURSOR}`)
    this.#drawn = []
  }

  #erase(): string {
    const { columns = DEFAULT_COLUMNS } = this.#terminal
    // A terminal that became narrower has wrapped longer lines.
    const height = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / Math.max(1, columns))), 0)
    return height === 0 ? '' : `\r\x1b[${height}A${ERASE_TO_END}`
  }
}
